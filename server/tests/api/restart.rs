//! Restarts of the server and of the provider: sessions survive and users can still sign in.

use std::sync::Arc;

use reqwest::Method;
use sandbox::{Sandbox, Settings};
use serde_json::json;
use server::domain::clock::Clock;
use shared::routes;

use crate::{
    app::{Person, TestApp, test_clock},
    providers::{TestProvider, for_each_provider},
};

for_each_provider!(a_server_restart_keeps_sessions_and_open_requests,);

/// A sandbox outside the server that can be restarted on its own.
struct StandaloneSandbox {
    running: Sandbox,
    port: u16,
    /// The server's as well: approval requests expire by it.
    clock: Arc<Clock>,
}

impl StandaloneSandbox {
    async fn start(port: u16) -> Self {
        Self::start_by(port, test_clock()).await
    }

    async fn start_by(port: u16, clock: Arc<Clock>) -> Self {
        let settings = Settings { port, clock: Arc::<Clock>::clone(&clock), ..Settings::default() };
        let running = Sandbox::start(settings).await.expect("the sandbox starts");
        let port = running.port();
        Self { running, port, clock }
    }

    async fn restart(self) -> Self {
        self.running.stop().await;
        Self::start_by(self.port, self.clock).await
    }
}

async fn app_with_sandbox(sandbox: &StandaloneSandbox) -> TestApp {
    app_at(TestProvider::Authy, sandbox).await
}

async fn app_at(provider: TestProvider, sandbox: &StandaloneSandbox) -> TestApp {
    let url = sandbox.running.url();
    let [sign_in, enrolment, number] = sandbox::SERVICE_SIDS;
    let at_authy = [("AUTHY_API_KEY", sandbox::API_KEY), ("AUTHY_API_URL", &url)];
    let at_verify = [
        ("TWILIO_ACCOUNT_SID", sandbox::ACCOUNT_SID),
        ("TWILIO_AUTH_TOKEN", sandbox::AUTH_TOKEN),
        ("VERIFY_SERVICE_SID", sign_in),
        ("VERIFY_ENROLMENT_SERVICE_SID", enrolment),
        ("VERIFY_NUMBER_SERVICE_SID", number),
        ("VERIFY_API_URL", &url),
    ];
    let account = if provider == TestProvider::Authy { &at_authy[..] } else { &at_verify[..] };
    let variables = [&[("SANDBOX", "off")], account].concat();
    let app = TestApp::spawn_on(Arc::clone(&sandbox.clock), provider, &variables).await;
    configure_webhook(&app).await;
    app
}

/// Tells a sandbox the callback URL of the server; a new sandbox does not know it.
async fn configure_webhook(app: &TestApp) {
    let webhooks =
        json!({"url": app.url(routes::AUTHY_CALLBACK), "verifyUrl": app.url(routes::TWILIO_VERIFY)});
    app.call_sandbox(Method::PUT, "/webhook", webhooks).await.ok();
}

/// The same person in a restarted application.
fn person_in<'a>(app: &'a TestApp, email: String, phone: String) -> Person<'a> {
    Person { app, email, phone }
}

async fn a_server_restart_keeps_sessions_and_open_requests(provider: TestProvider) {
    let sandbox = StandaloneSandbox::start(0).await;
    let mut app = app_at(provider, &sandbox).await;
    let (email, phone, signed_in, pending, uuid, awaiting_code) = {
        let ada = app.register().await;
        let signed_in = ada.sign_in().await.token.unwrap();
        let (pending, uuid) = ada.log_in().await;
        let (awaiting_code, _) = ada.log_in().await;
        awaiting_code.post(routes::SESSION_RESEND, json!({})).await.ok();
        (
            ada.email.clone(),
            ada.phone.clone(),
            signed_in,
            pending.token.unwrap(),
            uuid,
            awaiting_code.token.unwrap(),
        )
    };
    app.crash().await;
    // The webhook fails while the server is down; the answer is found by polling later.
    let answered = reqwest::Client::new()
        .post(format!("{}/_sandbox/approval-requests/{uuid}/approve", sandbox.running.url()))
        .send()
        .await
        .unwrap();
    assert!(answered.status().is_success());
    app.start().await;
    configure_webhook(&app).await;
    let ada = person_in(&app, email, phone);
    assert!(app.bearer(&signed_in).is_signed_in().await);
    let pending = app.bearer(&pending);
    app.advance(4);
    app.wait_until("the server has polled the request sent before the restart", async || {
        pending.status().await == "approved"
    })
    .await;
    assert!(pending.is_signed_in().await);
    let awaiting_code = app.bearer(&awaiting_code);
    awaiting_code.verify(&ada.code().await).await.ok();
    assert!(awaiting_code.is_signed_in().await);
    ada.sign_in().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users_can_sign_in_after_a_sandbox_restart() {
    let sandbox = StandaloneSandbox::start(0).await;
    let app = app_with_sandbox(&sandbox).await;
    let (ada, grace) = (app.register().await, app.register().await);
    let signed_in = ada.sign_in().await;
    let (awaiting_approval, _) = ada.log_in().await;
    let (awaiting_code, _) = grace.log_in().await;
    awaiting_code.post(routes::SESSION_RESEND, json!({})).await.ok();
    let old_code = grace.code().await;
    let sandbox = sandbox.restart().await;
    configure_webhook(&app).await;
    assert!(signed_in.is_signed_in().await, "a signed-in session is kept");
    // The sandbox has lost the request. A code is sent after the user is enrolled again.
    assert_eq!(awaiting_approval.status().await, "pending");
    awaiting_approval.post(routes::SESSION_RESEND, json!({})).await.ok();
    awaiting_approval.verify(&ada.code().await).await.ok();
    assert!(awaiting_approval.is_signed_in().await);
    // The sandbox has lost the old code; a new one is accepted.
    awaiting_code.verify(&old_code).await.refused(401, "wrong_code");
    app.advance(31);
    awaiting_code.post(routes::SESSION_RESEND, json!({})).await.ok();
    awaiting_code.verify(&grace.code().await).await.ok();
    // A new login works.
    grace.sign_in().await;
    let enrolments = app.provider_calls().await.iter().filter(|call| call.ends_with("/users/new")).count();
    assert_eq!(enrolments, 2, "one enrolment per user");
    drop(sandbox);
}

#[tokio::test(flavor = "multi_thread")]
async fn users_can_sign_in_after_a_sandbox_reset() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    ada.sign_in().await;
    app.call_sandbox(Method::POST, "/reset", json!({})).await;
    ada.sign_in().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_enrolled_once_at_a_new_provider_account() {
    let first = StandaloneSandbox::start(0).await;
    let mut app = app_with_sandbox(&first).await;
    let (email, phone) = {
        let ada = app.register().await;
        ada.sign_in().await;
        (ada.email.clone(), ada.phone.clone())
    };
    app.crash().await;
    let second = StandaloneSandbox::start(0).await;
    app.variables.insert("AUTHY_API_URL".into(), second.running.url());
    app.start().await;
    configure_webhook(&app).await;
    let ada = person_in(&app, email, phone);
    ada.sign_in().await;
    ada.sign_in().await;
    let calls = app.provider_calls().await;
    assert_eq!(calls[0], "POST /protected/json/users/new", "the old user id is not used at the new provider");
    assert_eq!(calls.iter().filter(|call| call.ends_with("/users/new")).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_on_one_database_poll_a_request_once() {
    let sandbox = StandaloneSandbox::start(0).await;
    let app = app_with_sandbox(&sandbox).await;
    let other = server::startup::Server::start(
        app.config(),
        Arc::clone(&app.clock),
        server::domain::ids::Random::system(),
    )
    .await
    .expect("a second server starts on the same database");
    app.call_sandbox(Method::PUT, "/webhook", json!({"mode": "off"})).await.ok();
    let ada = app.register().await;
    let (session, _) = ada.log_in().await;
    let polls =
        async || app.provider_calls().await.iter().filter(|call| call.starts_with("GET /onetouch")).count();
    for round in 1..=4 {
        app.advance(5);
        app.wait_until("the request is polled", async || polls().await >= round).await;
        assert_eq!(polls().await, round);
    }
    assert_eq!(session.status().await, "pending");
    other.abort().await;
}
