//! An authenticator app belongs to one account, also when accounts share a phone.

use reqwest::StatusCode;
use serde_json::{Value, json};
use shared::routes;

use super::account_with_phone;
use crate::{
    app::{ApiClient, Response, TestApp},
    totp::totp,
};

async fn enrol(session: &ApiClient<'_>) -> Value {
    let response = session.post(routes::AUTHENTICATOR, json!({})).await;
    assert_eq!(response.status, StatusCode::CREATED);
    response.body
}

async fn confirm(session: &ApiClient<'_>, enrolled: &Value, code: &str) -> Response {
    let id = enrolled["id"].as_str().expect("an id");
    session.post(&format!("{}/{id}/confirm", routes::AUTHENTICATOR), json!({"code": code})).await
}

/// Enrols and confirms an authenticator. Returns its secret, with the clock at the next time step.
async fn enrol_and_confirm(session: &ApiClient<'_>) -> String {
    let enrolled = enrol(session).await;
    let secret = enrolled["secret"].as_str().expect("a secret").to_owned();
    confirm(session, &enrolled, &code(session.app, &secret)).await.ok();
    session.app.advance(30);
    secret
}

/// The current code of an app with this secret.
fn code(app: &TestApp, secret: &str) -> String {
    totp(secret, app.clock.now())
}

/// Statement 61 of docs/SECURITY.md: the victim has approved one request by mistake, which verified
/// the phone for the attacker's account. That gives access to no other account.
#[tokio::test(flavor = "multi_thread")]
async fn an_authenticator_does_not_sign_in_to_another_account_with_the_same_phone() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    ada.sign_in().await;
    let eve = account_with_phone(&app, &ada.phone, "eve@example.com").await;
    let eves_session = eve.sign_in().await;
    let secret = enrol_and_confirm(&eves_session).await;
    let (adas_login, _) = ada.log_in().await;
    adas_login.verify(&code(&app, &secret)).await.refused(401, "wrong_code");
    assert!(!adas_login.is_signed_in().await);
    eve.log_in().await.0.verify(&code(&app, &secret)).await.ok();
}

/// Statement 62 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn an_authenticator_is_active_only_after_its_code_was_confirmed() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let session = ada.sign_in().await;
    let enrolled = enrol(&session).await;
    let secret = enrolled["secret"].as_str().unwrap();
    let (login, _) = ada.log_in().await;
    login.verify(&code(&app, secret)).await.refused(401, "wrong_code");
    confirm(&session, &enrolled, "000000").await.refused(401, "wrong_code");
    app.advance(30);
    confirm(&session, &enrolled, &code(&app, secret)).await.ok();
    app.advance(30);
    login.verify(&code(&app, secret)).await.ok();
}

/// Statement 62 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn the_old_authenticator_works_until_the_new_one_is_confirmed() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let session = ada.sign_in().await;
    let old = enrol_and_confirm(&session).await;
    app.advance(61);
    let replacement = enrol(&session).await;
    let new = replacement["secret"].as_str().unwrap();
    let (login, _) = ada.log_in().await;
    login.verify(&code(&app, new)).await.refused(401, "wrong_code");
    login.verify(&code(&app, &old)).await.ok();
    confirm(&session, &replacement, &code(&app, new)).await.ok();
    app.advance(30);
    let (login, _) = ada.log_in().await;
    login.verify(&code(&app, &old)).await.refused(401, "wrong_code");
    login.verify(&code(&app, new)).await.ok();
}

/// Statement 63 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn concurrent_uses_of_one_authenticator_code_sign_in_once() {
    let app = TestApp::spawn_with(&[("LIMIT_WRONG_CODES", "100")]).await;
    let ada = app.register().await;
    let secret = enrol_and_confirm(&ada.sign_in().await).await;
    let mut sessions = Vec::new();
    for _ in 0..4 {
        sessions.push(ada.log_in().await.0);
    }
    let used_code = code(&app, &secret);
    let submits = (0..20).map(|number| sessions[number % 4].verify(&used_code));
    let responses = futures_util::future::join_all(submits).await;
    assert_eq!(super::count(&responses, StatusCode::OK), 1);
    assert_eq!(super::count(&responses, StatusCode::UNAUTHORIZED), 19);
    let mut signed_in = 0;
    for session in &sessions {
        signed_in += usize::from(session.is_signed_in().await);
    }
    assert_eq!(signed_in, 1);
}

/// Statement 61 of docs/SECURITY.md: all accounts with one phone share one user at the provider, so
/// six-digit codes are checked there only for accounts with an authenticator enrolled there.
#[tokio::test(flavor = "multi_thread")]
async fn six_digit_codes_do_not_reach_the_provider_without_an_enrolment_there() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    ada.sign_in().await;
    let (session, _) = ada.log_in().await;
    session.verify("123456").await.refused(401, "wrong_code");
    let calls = app.provider_calls().await;
    assert!(!calls.iter().any(|call| call.contains("/verify/")), "{calls:?}");
}

/// Statement 68 of docs/SECURITY.md: an account with another factor does not depend on the provider.
#[tokio::test(flavor = "multi_thread")]
async fn an_authenticator_signs_in_while_the_provider_is_down() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let secret = enrol_and_confirm(&ada.sign_in().await).await;
    app.inject_fault(json!({"status": 500})).await;
    let login = app.client().post(routes::SESSION, ada.credentials()).await;
    assert_eq!(super::login_outcome(&login), "nothing", "{}", login.text);
    let session = app.bearer(login.body["token"].as_str().expect("a token"));
    session.verify(&code(&app, &secret)).await.ok();
    assert!(session.is_signed_in().await);
}

/// Statement 62 of docs/SECURITY.md: the codes typed for the confirmation are limited.
#[tokio::test(flavor = "multi_thread")]
async fn an_authenticator_is_confirmed_within_ten_tries_an_hour() {
    let app = TestApp::spawn().await;
    let session = app.register().await.sign_in().await;
    let enrolled = enrol(&session).await;
    let secret = enrolled["secret"].as_str().unwrap();
    let wrong = |code: String| format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000);
    for _ in 0..10 {
        confirm(&session, &enrolled, &wrong(code(&app, secret))).await.refused(401, "wrong_code");
    }
    confirm(&session, &enrolled, &code(&app, secret)).await.refused(429, "too_many");
}
