//! Restarts in the middle of everything: nothing is lost, nobody is locked out.

use std::sync::Arc;

use reqwest::Method;
use sandbox::{Sandbox, Settings};
use serde_json::json;
use shared::routes;

use crate::app::{Person, TestApp};

/// A sandbox that runs beside the server and can be restarted alone.
struct OwnSandbox {
    running: Sandbox,
    port: u16,
}

impl OwnSandbox {
    async fn start(port: u16) -> Self {
        let running =
            Sandbox::start(Settings { port, ..Settings::default() }).await.expect("the sandbox starts");
        let port = running.port();
        Self { running, port }
    }

    async fn restart(self) -> Self {
        self.running.stop().await;
        Self::start(self.port).await
    }
}

async fn beside(sandbox: &OwnSandbox) -> TestApp {
    let url = sandbox.running.url();
    let app =
        TestApp::with(&[("SANDBOX", "off"), ("AUTHY_API_KEY", sandbox::API_KEY), ("AUTHY_API_URL", &url)])
            .await;
    tell_webhook(&app).await;
    app
}

/// A sandbox that was started anew has to be told where the server is.
async fn tell_webhook(app: &TestApp) {
    let url = app.url(routes::AUTHY_CALLBACK);
    app.sandbox(Method::PUT, "/webhook", json!({"url": url})).await.ok();
}

/// The person, as known to an application started anew.
fn same<'a>(app: &'a TestApp, email: String, phone: String) -> Person<'a> {
    Person { app, email, phone }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_the_server_keeps_sessions_and_open_pushes() {
    let sandbox = OwnSandbox::start(0).await;
    let mut app = beside(&sandbox).await;
    let (email, phone, signed_in, pending, uuid, coded) = {
        let ada = app.person().await;
        let signed_in = ada.sign_in().await.token.unwrap();
        let (pending, uuid) = ada.log_in().await;
        let (coded, _) = ada.log_in().await;
        coded.post(routes::SESSION_RESEND, json!({})).await.ok();
        (ada.email.clone(), ada.phone.clone(), signed_in, pending.token.unwrap(), uuid, coded.token.unwrap())
    };
    app.crash().await;
    // Nobody hears the webhook; the thumb is not lost all the same.
    let pressed = reqwest::Client::new()
        .post(format!("{}/_sandbox/approval-requests/{uuid}/approve", sandbox.running.url()))
        .send()
        .await
        .unwrap();
    assert!(pressed.status().is_success());
    app.start().await;
    tell_webhook(&app).await;
    let ada = same(&app, email, phone);
    assert!(app.bearer(&signed_in).is_signed_in().await);
    let pending = app.bearer(&pending);
    app.advance(4);
    app.eventually("the server asks about a push it sent before", async || {
        pending.status().await == "approved"
    })
    .await;
    assert!(pending.is_signed_in().await);
    let coded = app.bearer(&coded);
    coded.verify(&ada.code().await).await.ok();
    assert!(coded.is_signed_in().await);
    ada.sign_in().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_the_sandbox_locks_nobody_out() {
    let sandbox = OwnSandbox::start(0).await;
    let app = beside(&sandbox).await;
    let (ada, grace) = (app.person().await, app.person().await);
    let signed_in = ada.sign_in().await;
    let (waiting, _) = ada.log_in().await;
    let (coding, _) = grace.log_in().await;
    coding.post(routes::SESSION_RESEND, json!({})).await.ok();
    let forgotten = grace.code().await;
    let sandbox = sandbox.restart().await;
    tell_webhook(&app).await;
    assert!(signed_in.is_signed_in().await, "who is in stays in");
    // The push is gone with the phone; a code reaches the person, who is enrolled again.
    assert_eq!(waiting.status().await, "pending");
    waiting.post(routes::SESSION_RESEND, json!({})).await.ok();
    waiting.verify(&ada.code().await).await.ok();
    assert!(waiting.is_signed_in().await);
    // A code the phone company has forgotten is wrong, and another one is right.
    coding.verify(&forgotten).await.refused(401, "wrong_code");
    app.advance(31);
    coding.post(routes::SESSION_RESEND, json!({})).await.ok();
    coding.verify(&grace.code().await).await.ok();
    // A login from the beginning works as well.
    grace.sign_in().await;
    let enrolments = app.provider_calls().await.iter().filter(|call| call.ends_with("/users/new")).count();
    assert_eq!(enrolments, 2, "each of them once");
    drop(sandbox);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_that_was_reset_locks_nobody_out() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    ada.sign_in().await;
    app.sandbox(Method::POST, "/reset", json!({})).await;
    ada.sign_in().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_provider_account_enrols_users_again_once() {
    let first = OwnSandbox::start(0).await;
    let mut app = beside(&first).await;
    let (email, phone) = {
        let ada = app.person().await;
        ada.sign_in().await;
        (ada.email.clone(), ada.phone.clone())
    };
    app.crash().await;
    let second = OwnSandbox::start(0).await;
    app.variables.insert("AUTHY_API_URL".into(), second.running.url());
    app.start().await;
    tell_webhook(&app).await;
    let ada = same(&app, email, phone);
    ada.sign_in().await;
    ada.sign_in().await;
    let calls = app.provider_calls().await;
    assert_eq!(calls[0], "POST /protected/json/users/new", "the old id is not tried at the new provider");
    assert_eq!(calls.iter().filter(|call| call.ends_with("/users/new")).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_on_one_database_ask_about_a_push_once() {
    let sandbox = OwnSandbox::start(0).await;
    let app = beside(&sandbox).await;
    let other = server::startup::Server::start(
        app.config(),
        Arc::clone(&app.clock),
        server::domain::ids::Random::system(),
    )
    .await
    .expect("a second server starts on the same database");
    app.sandbox(Method::PUT, "/webhook", json!({"mode": "off"})).await.ok();
    let ada = app.person().await;
    let (session, _) = ada.log_in().await;
    let asked =
        async || app.provider_calls().await.iter().filter(|call| call.starts_with("GET /onetouch")).count();
    for round in 1..=4 {
        app.advance(5);
        app.eventually("asked", async || asked().await >= round).await;
        assert_eq!(asked().await, round);
    }
    assert_eq!(session.status().await, "pending");
    other.abort().await;
}
