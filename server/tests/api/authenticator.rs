//! Authenticator apps: enrolled and checked by this server.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shared::routes;
use url::Url;

use crate::{
    app::{ApiClient, Response, TestApp},
    totp::totp,
};

/// Length of a time step in seconds.
const STEP: u64 = 30;

async fn enrol(session: &ApiClient<'_>) -> Value {
    let response = session.post(routes::AUTHENTICATOR, json!({})).await;
    assert_eq!(response.status, StatusCode::CREATED);
    response.body
}

fn path(route: &str, shown: &Value) -> String {
    route.replace("{id}", shown["id"].as_str().expect("an id"))
}

async fn confirm(session: &ApiClient<'_>, shown: &Value, code: &str) -> Response {
    session.post(&path(routes::AUTHENTICATOR_CONFIRM, shown), json!({"code": code})).await
}

/// The current code of an app that has scanned this QR code.
fn code(app: &TestApp, shown: &Value) -> String {
    totp(shown["secret"].as_str().expect("a secret"), app.clock.now())
}

/// Enrols and confirms an authenticator. The clock then is at the next time step.
async fn enrol_and_confirm(app: &TestApp, session: &ApiClient<'_>) -> Value {
    let shown = enrol(session).await;
    confirm(session, &shown, &code(app, &shown)).await.ok();
    app.advance(STEP);
    shown
}

#[tokio::test(flavor = "multi_thread")]
async fn the_qr_code_contains_the_secret_and_each_code_signs_in_once() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let session = ada.sign_in().await;
    let shown = enrol(&session).await;
    let secret = shown["secret"].as_str().unwrap();
    assert!(secret.len() * 5 >= 160, "{secret}");
    let address = Url::parse(shown["otpauth"].as_str().unwrap()).unwrap();
    let value = |name: &str| address.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value);
    assert_eq!((value("secret").as_deref(), value("issuer").as_deref()), (Some(secret), Some("Countersign")));
    assert!(address.path().ends_with(&ada.email.replace('@', "%40")), "{address}");
    let svg = shown["svg"].as_str().unwrap();
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>") && !svg.contains("http://1"));
    assert_eq!(session.get(routes::USER).await.ok()["authenticator"], false);
    confirm(&session, &shown, "000 000").await.refused(401, "wrong_code");
    confirm(&session, &shown, &code(&app, &shown)).await.ok();
    assert_eq!(session.get(routes::USER).await.ok()["authenticator"], true);
    app.advance(STEP);
    let (login, _) = ada.log_in().await;
    let code = code(&app, &shown);
    login.verify(&format!("{} {}", &code[..3], &code[3..])).await.ok();
    assert!(login.is_signed_in().await);
    // A time step is accepted once across sessions; a second use looks like any wrong code.
    let (other, _) = ada.log_in().await;
    let used = other.verify(&code).await;
    let wrong = ada.log_in().await.0.verify("000000").await;
    assert_eq!((used.status, &used.body["code"]), (wrong.status, &wrong.body["code"]));
    used.refused(401, "wrong_code");
    let status = ada.log_in().await.0.get(routes::AUTHY_STATUS).await.ok();
    assert_eq!(status["lastChannel"], "authenticator");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secret_is_shown_once_and_a_confirmed_replacement_ends_the_old_one() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let session = ada.sign_in().await;
    let old = enrol_and_confirm(&app, &session).await;
    let new = enrol(&session).await;
    session.post(routes::AUTHENTICATOR, json!({})).await.refused(409, "already_enrolled");
    assert_ne!(old["secret"], new["secret"]);
    // The old one works until the new one is confirmed.
    ada.log_in().await.0.verify(&code(&app, &old)).await.ok();
    ada.log_in().await.0.verify(&code(&app, &new)).await.refused(401, "wrong_code");
    confirm(&session, &new, &code(&app, &new)).await.ok();
    app.advance(STEP);
    ada.log_in().await.0.verify(&code(&app, &old)).await.refused(401, "wrong_code");
    ada.log_in().await.0.verify(&code(&app, &new)).await.ok();
    // After a minute another one can be enrolled; it replaces the unconfirmed one.
    app.advance(60);
    let replaced = enrol(&session).await;
    app.advance(60);
    let newest = enrol(&session).await;
    confirm(&session, &replaced, &code(&app, &replaced)).await.refused(404, "not_found");
    confirm(&session, &newest, &code(&app, &newest)).await.ok();
    confirm(&session, &newest, &code(&app, &newest)).await.refused(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_one_time_step_early_or_late_are_accepted() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let session = ada.sign_in().await;
    let shown = enrol_and_confirm(&app, &session).await;
    app.advance(10 * STEP);
    for (offset, status) in [(-60_000, 401), (60_000, 401), (-30_000, 200), (0, 200), (30_000, 200)] {
        let (login, _) = ada.log_in().await;
        let at = server::domain::clock::Timestamp(app.clock.now().0 + offset);
        let response = login.verify(&totp(shown["secret"].as_str().unwrap(), at)).await;
        assert_eq!(response.status.as_u16(), status, "{offset} {}", response.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn authenticator_enrolment_and_sign_in_do_not_call_the_provider() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let session = ada.sign_in().await;
    let (login, _) = ada.log_in().await;
    app.inject_fault(json!({"status": 500})).await;
    let before = app.provider_calls().await.len();
    let shown = enrol_and_confirm(&app, &session).await;
    login.verify(&code(&app, &shown)).await.ok();
    assert!(login.is_signed_in().await);
    // The server still polls the open approval request.
    let calls = app.provider_calls().await.split_off(before);
    let others: Vec<_> = calls.iter().filter(|call| !call.starts_with("GET /onetouch")).collect();
    assert!(others.is_empty(), "{others:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_owner_removes_an_authenticator_and_its_codes_are_then_refused() {
    let app = TestApp::spawn().await;
    let (ada, grace) = (app.register().await, app.register().await);
    let session = ada.sign_in().await;
    let shown = enrol_and_confirm(&app, &session).await;
    let path = path(routes::AUTHENTICATOR_ID, &shown);
    grace.sign_in().await.delete(&path).await.refused(404, "not_found");
    ada.log_in().await.0.delete(&path).await.refused(403, "second_factor_required");
    app.advance(20 * 60 + 1);
    session.delete(&path).await.refused(403, "step_up_required");
    session.verify(&code(&app, &shown)).await.ok();
    session.delete(&path).await.ok();
    session.delete(&path).await.refused(404, "not_found");
    assert_eq!(session.get(routes::USER).await.ok()["authenticator"], false);
    app.advance(STEP);
    let calls = app.provider_calls().await.len();
    let (login, _) = ada.log_in().await;
    login.verify(&code(&app, &shown)).await.refused(401, "wrong_code");
    let calls = app.provider_calls().await.split_off(calls);
    assert!(!calls.iter().any(|call| call.contains("/verify/")), "{calls:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn enrolment_needs_a_factor_verified_within_twenty_minutes() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    app.client().post(routes::AUTHENTICATOR, json!({})).await.refused(403, "not_signed_in");
    let joan = app.unregistered_person();
    let token = app.client().post(routes::USER, joan.form()).await.ok()["token"].as_str().unwrap().to_owned();
    app.bearer(&token).post(routes::AUTHENTICATOR, json!({})).await.refused(403, "phone_unverified");
    let session = ada.sign_in().await;
    app.clock.advance(Duration::from_secs(20 * 60 + 1));
    assert_eq!(session.get(routes::USER).await.ok()["fresh"], false);
    session.post(routes::AUTHENTICATOR, json!({})).await.refused(403, "step_up_required");
    // A code is enough; so is an approval.
    session.post(routes::SESSION_RESEND, json!({})).await.ok();
    session.verify(&ada.code().await).await.ok();
    assert_eq!(session.get(routes::USER).await.ok()["fresh"], true);
    enrol(&session).await;
    app.clock.advance(Duration::from_secs(20 * 60 + 1));
    let request = session.post(routes::SESSION_PUSH, json!({})).await.ok();
    app.answer_request(request["approval_request"]["uuid"].as_str().unwrap(), "approve").await;
    enrol(&session).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn authenticator_names_are_short_and_printable() {
    let app = TestApp::spawn().await;
    let session = app.register().await.sign_in().await;
    for name in ["n".repeat(51), "my\u{202e}app".to_owned()] {
        let refused = session.post(routes::AUTHENTICATOR, json!({"name": name})).await;
        let refused = refused.refused(422, "invalid_fields");
        assert_eq!(refused["message"], refused["fields"]["name"]);
    }
    let form = session.request(Method::POST, routes::AUTHENTICATOR).form(&[("name", "Phone of Ada")]);
    assert_eq!(session.send(form).await.status, StatusCode::CREATED);
}
