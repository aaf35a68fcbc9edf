//! The `/users` API: sign-up with verification of the phone.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shared::routes;

use crate::{
    app::{ApiClient, PASSWORD, Person, TestApp},
    providers::{TestProvider, for_each_provider},
};

for_each_provider!(
    sign_up_sends_a_code_that_verifies_the_phone,
    a_failed_confirmation_message_leaves_the_phone_verified,
    this_api_shares_code_and_send_limits_with_the_session_api,
    verifying_the_phone_rotates_a_cookie_session,
);

/// Creates an account. Returns its session, its id and the response body.
async fn create_account<'a>(app: &'a TestApp, person: &Person<'_>) -> (ApiClient<'a>, String, Value) {
    let response = app.client().post(routes::USERS, person.form()).await;
    assert_eq!(response.status, StatusCode::CREATED, "{}", response.text);
    let id = response.body["id"].as_str().expect("an id").to_owned();
    (app.bearer(response.body["token"].as_str().expect("a token")), id, response.body)
}

fn verify(id: &str) -> String {
    routes::USERS_VERIFY.replace("{id}", id)
}

fn resend(id: &str) -> String {
    routes::USERS_RESEND.replace("{id}", id)
}

fn profile(id: &str) -> String {
    routes::USERS_ID.replace("{id}", id)
}

async fn sign_up_sends_a_code_that_verifies_the_phone(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let ada = app.unregistered_person();
    let (session, id, response) = create_account(&app, &ada).await;
    assert_eq!((&response["verified"], &response["codeSent"]), (&json!(false), &json!(true)));
    let code = ada.code().await;
    assert!(code.len() >= 6, "{code}");
    assert_eq!(
        session.get(&profile(&id)).await.ok(),
        json!({"id": id, "fullName": "Ada Lovelace", "verified": false})
    );
    session.post(&verify(&id), json!({"code": ada.wrong_code().await})).await.refused(401, "wrong_code");
    let verified = session.post(&verify(&id), json!({"code": code})).await.ok();
    assert_eq!(verified, json!({"verified": true, "confirmationSent": true}));
    assert_eq!(session.get(routes::USER).await.ok()["verified"], true);
    // The confirmation message arrives, and its delivery report is stored.
    let messages = app.messages_to(&ada.e164()).await;
    assert!(
        messages[0]["code"].is_null()
            && messages[0]["body"].as_str().unwrap().contains("this phone number is verified")
    );
    app.wait_until("the message is delivered", async || {
        session.get(&profile(&id)).await.ok()["confirmation"]["status"] == "delivered"
    })
    .await;
    assert_eq!(session.get(routes::USER).await.ok()["confirmation"]["status"], "delivered");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undelivered_confirmation_is_shown_with_its_error_code() {
    let app = TestApp::spawn().await;
    let ada = app.unregistered_person();
    let (session, id, _) = create_account(&app, &ada).await;
    let code = ada.code().await;
    let path = format!("/phones/{}", ada.e164());
    app.call_sandbox(Method::PUT, &path, json!({"authyApp": true, "reachable": false})).await.ok();
    session.post(&verify(&id), json!({"code": code})).await.ok();
    app.wait_until("the message is undelivered", async || {
        let confirmation = session.get(&profile(&id)).await.ok()["confirmation"].clone();
        confirmation["status"] == "undelivered" && confirmation["errorCode"] == 30003
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_send_keeps_the_account_and_allows_an_immediate_resend() {
    let app = TestApp::spawn().await;
    let ada = app.unregistered_person();
    app.inject_fault(json!({"path": "/protected/json/sms", "status": 500})).await;
    let (session, id, response) = create_account(&app, &ada).await;
    assert_eq!(response["codeSent"], false);
    session.post(&resend(&id), json!({})).await.refused(502, "provider_failed");
    app.call_sandbox(Method::DELETE, "/faults", json!({})).await;
    let sent = session.post(&resend(&id), json!({})).await.ok();
    assert_eq!(sent["via"], "sms");
    let refused = session.post(&resend(&id), json!({"via": "call"})).await;
    assert!(refused.headers.contains_key("retry-after"));
    refused.refused(429, "too_many");
    session.post(&verify(&id), json!({"code": ada.code().await})).await.ok();
}

async fn a_failed_confirmation_message_leaves_the_phone_verified(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let ada = app.unregistered_person();
    let (session, id, _) = create_account(&app, &ada).await;
    app.inject_fault(json!({"path": "/2010-04-01", "status": 500})).await;
    let verified = session.post(&verify(&id), json!({"code": ada.code().await})).await.ok();
    assert_eq!(verified, json!({"verified": true, "confirmationSent": false}));
    let profile = session.get(&profile(&id)).await.ok();
    assert_eq!((&profile["verified"], &profile["confirmation"]["status"]), (&json!(true), &json!("failed")));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_confirmation_is_sent_without_a_twilio_account() {
    let mut app = TestApp::spawn().await;
    let sandbox = app.sandbox_url();
    // The second server uses the sandbox of the first one, without the Twilio settings.
    let other = TestApp::spawn_with(&[("AUTHY_API_URL", &sandbox), ("SANDBOX", "off")]).await;
    let ada = other.unregistered_person();
    let response = other.client().post(routes::USERS, ada.form()).await;
    let session = other.bearer(response.body["token"].as_str().unwrap());
    let path = verify(response.body["id"].as_str().unwrap());
    let verified = session.post(&path, json!({"code": ada.code().await})).await.ok();
    assert_eq!(verified["confirmationSent"], false);
    app.crash().await;
}

/// Knowing an id must not allow anyone to read the profile, send messages or guess codes.
#[tokio::test(flavor = "multi_thread")]
async fn other_users_and_pending_sessions_get_404_for_an_account() {
    let app = TestApp::spawn().await;
    let ada = app.unregistered_person();
    let (session, id, _) = create_account(&app, &ada).await;
    let code = ada.code().await;
    let grace = app.register().await;
    let others = [
        app.client(),
        app.browser(),
        app.bearer("no such token"),
        grace.sign_in().await,
        // Her password without the second factor.
        ada.log_in().await.0,
    ];
    let messages = app.messages_to(&ada.e164()).await.len();
    let calls = app.provider_calls().await.len();
    for other in &others {
        other.get(&profile(&id)).await.refused(404, "not_found");
        other.post(&resend(&id), json!({})).await.refused(404, "not_found");
        other.post(&verify(&id), json!({"code": code})).await.refused(404, "not_found");
    }
    assert_eq!(app.messages_to(&ada.e164()).await.len(), messages);
    assert_eq!(app.provider_calls().await.len(), calls);
    for unknown in ["0".repeat(32), "x".into(), "%00".into(), "..".into()] {
        session.get(&profile(&unknown)).await.refused(404, "not_found");
    }
    session.post(&verify(&id), json!({"code": code})).await.ok();
    // Another fully signed-in session of the owner has access.
    ada.sign_in().await.get(&profile(&id)).await.ok();
}

async fn this_api_shares_code_and_send_limits_with_the_session_api(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let ada = app.unregistered_person();
    let (session, id, _) = create_account(&app, &ada).await;
    let (code, wrong) = (ada.code().await, ada.wrong_code().await);
    for _ in 0..3 {
        session.post(&verify(&id), json!({"code": wrong})).await.refused(401, "wrong_code");
    }
    // `/session/verify` counts the same wrong codes.
    for _ in 0..2 {
        session.verify(&wrong).await.refused(401, "wrong_code");
    }
    let refused = session.post(&verify(&id), json!({"code": code})).await;
    assert_eq!(refused.headers["retry-after"], "900");
    refused.refused(429, "too_many");
    for _ in 0..4 {
        app.advance(31);
        session.post(&resend(&id), json!({})).await.ok();
    }
    app.advance(31);
    session.post(routes::SESSION_RESEND, json!({})).await.refused(429, "too_many");
}

#[tokio::test(flavor = "multi_thread")]
async fn unverified_accounts_with_one_phone_share_its_send_limit() {
    let app = TestApp::spawn_with(&[("LIMIT_STRANGER_PHONE_SENDS_PER_DAY", "5")]).await;
    let victim = app.unregistered_person();
    let mut last = None;
    for number in 0..7 {
        let mut form = victim.form();
        form["email"] = json!(format!("stranger{number}@example.com"));
        let response = app.client().post(routes::USERS, form).await;
        assert_eq!(response.body["codeSent"], number < 5, "{number}");
        last = Some(response.body);
    }
    assert_eq!(app.messages_to(&victim.e164()).await.len(), 5);
    let last = last.unwrap();
    let session = app.bearer(last["token"].as_str().unwrap());
    session.post(&resend(last["id"].as_str().unwrap()), json!({})).await.refused(429, "too_many");
    // Phone verification without an account uses the same limit.
    let body = json!({"phoneNumber": victim.e164()});
    app.client().post("/api/verification/start", body).await.refused(429, "too_many");
    // An account with a verified phone still gets codes.
    let ada = app.register().await;
    ada.sign_in().await;
    for _ in 0..5 {
        app.client().post("/api/verification/start", json!({"phoneNumber": ada.e164()})).await;
    }
    let (session, _) = ada.log_in().await;
    session.post(routes::SESSION_RESEND, json!({})).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_host_header_does_not_redirect_delivery_reports() {
    let app = TestApp::spawn().await;
    let ada = app.unregistered_person();
    let (session, id, _) = create_account(&app, &ada).await;
    let request = session.request(Method::POST, &verify(&id)).header("Host", "evil.test");
    session.send(request.json(&json!({"code": ada.code().await}))).await.ok();
    app.wait_until("the report arrives at this server", async || {
        session.get(&profile(&id)).await.ok()["confirmation"]["status"] == "delivered"
    })
    .await;
}

async fn verifying_the_phone_rotates_a_cookie_session(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let ada = app.unregistered_person();
    let browser = app.browser();
    let response = browser.post(routes::USERS, ada.form()).await.body;
    let id = response["id"].as_str().unwrap();
    let verified = browser.post(&verify(id), json!({"code": ada.code().await})).await.ok();
    assert!(verified["token"].is_string());
    browser.get(&profile(id)).await.ok();
    app.bearer(response["token"].as_str().unwrap()).get(&profile(id)).await.refused(404, "not_found");
    // Login works as for any other account: the password, then the phone.
    let login =
        app.client().post(routes::SESSION, json!({"email": ada.email, "password": PASSWORD})).await.ok();
    // No device is registered at Verify: a code goes out.
    assert_eq!(login["authyResponse"]["success"], provider == TestProvider::Authy);
}
