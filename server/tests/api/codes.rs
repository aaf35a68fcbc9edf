//! One-time codes by SMS, by call and from the app.

use reqwest::StatusCode;
use sandbox::{Sandbox, Settings};
use serde_json::json;
use shared::routes;

use crate::{
    app::TestApp,
    providers::{TestProvider, for_each_provider},
};

for_each_provider!(
    verification_keeps_a_header_token_and_rotates_a_cookie_session,
    a_wrong_code_is_401_and_says_how_many_tries_are_left,
    concurrent_uses_of_one_code_sign_in_once,
    a_code_expires_after_ten_minutes_and_a_resend_does_not_extend_it,
    five_wrong_codes_in_a_row_lock_the_account_across_sessions,
    concurrent_wrong_codes_are_all_counted,
    only_codes_of_4_to_10_ascii_digits_reach_the_provider,
    a_failed_send_is_not_counted,
    a_code_of_another_user_is_refused,
    a_wrong_code_is_refused_for_a_user_who_never_verified_one,
    a_provider_failure_does_not_count_as_a_wrong_code,
);

#[tokio::test(flavor = "multi_thread")]
async fn codes_by_sms_by_call_and_from_the_app_sign_in() {
    let app = TestApp::spawn().await;
    for via in ["sms", "call"] {
        let ada = app.register().await;
        let (session, _) = ada.log_in().await;
        let sent = session.post(routes::SESSION_RESEND, json!({"via": via})).await.ok();
        assert_eq!((sent["via"].as_str(), sent["resendAfterSeconds"].as_u64()), (Some(via), Some(30)));
        assert_eq!(ada.phone_state().await["messages"][0]["via"], via);
        session.verify(&ada.code().await).await.ok();
        assert_eq!(session.get(routes::USER).await.ok()["verified"], true);
    }
    let ada = app.register().await;
    let (session, _) = ada.log_in().await;
    let soft = ada.phone_state().await["softToken"].as_str().unwrap().to_owned();
    session.verify(&format!("{} {}", &soft[..3], &soft[3..])).await.ok();
    assert!(session.is_signed_in().await);
}

async fn verification_keeps_a_header_token_and_rotates_a_cookie_session(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let ada = app.register().await;
    let (session, _) = ada.log_in().await;
    session.post(routes::SESSION_RESEND, json!({})).await.ok();
    let response = session.verify(&ada.code().await).await.ok();
    assert_eq!(response["token"].as_str(), session.token.as_deref());

    let grace = app.register().await;
    let browser = app.browser();
    let login = browser.post(routes::SESSION, grace.credentials()).await.ok();
    browser.post(routes::SESSION_RESEND, json!({})).await.ok();
    let response = browser.verify(&grace.code().await).await.ok();
    assert_ne!(response["token"], login["token"]);
    assert!(browser.is_signed_in().await);
    app.bearer(login["token"].as_str().unwrap()).get(routes::AUTHY_STATUS).await.refused(404, "no_session");
}

async fn a_wrong_code_is_401_and_says_how_many_tries_are_left(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let ada = app.register().await;
    let (session, _) = ada.log_in().await;
    session.post(routes::SESSION_RESEND, json!({})).await.ok();
    let refused = session.verify(&ada.wrong_code().await).await.refused(401, "wrong_code");
    assert_eq!(refused["message"], "Wrong code. 4 tries left.");
    session.verify(&ada.code().await).await.ok();
}

async fn concurrent_uses_of_one_code_sign_in_once(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[("LIMIT_WRONG_CODES", "100")]).await;
    let ada = app.register().await;
    let (session, _) = ada.log_in().await;
    session.post(routes::SESSION_RESEND, json!({})).await.ok();
    let code = ada.code().await;
    let responses = futures_util::future::join_all((0..20).map(|_| session.verify(&code))).await;
    let (accepted, rejected): (Vec<_>, Vec<_>) =
        responses.into_iter().partition(|response| response.status == StatusCode::OK);
    assert_eq!((accepted.len(), rejected.len()), (1, 19));
    for response in rejected {
        response.refused(401, "wrong_code");
    }
    let (other, _) = ada.log_in().await;
    other.verify(&code).await.refused(401, "wrong_code");
}

async fn a_code_expires_after_ten_minutes_and_a_resend_does_not_extend_it(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[("SESSION_PENDING_SECONDS", "3600")]).await;
    let ada = app.register().await;
    let (session, _) = ada.log_in().await;
    session.post(routes::SESSION_RESEND, json!({})).await.ok();
    let code = ada.code().await;
    app.advance(540);
    session.post(routes::SESSION_RESEND, json!({})).await.ok();
    assert_eq!(ada.code().await, code, "the code stays the same until it expires");
    app.advance(61);
    session.verify(&code).await.refused(401, "wrong_code");
}

async fn five_wrong_codes_in_a_row_lock_the_account_across_sessions(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let ada = app.register().await;
    let (first, _) = ada.log_in().await;
    first.post(routes::SESSION_RESEND, json!({})).await.ok();
    for _ in 0..4 {
        first.verify(&ada.wrong_code().await).await.refused(401, "wrong_code");
    }
    // A new login does not reset the count.
    let (second, uuid) = ada.log_in().await;
    second.verify(&ada.wrong_code().await).await.refused(401, "wrong_code");
    let locked = second.verify(&ada.code().await).await;
    assert_eq!(locked.headers["retry-after"], "900");
    locked.refused(429, "too_many");
    first.verify(&ada.code().await).await.refused(429, "too_many");
    // An approved request removes the lock.
    app.answer_request(&uuid, "approve").await;
    assert!(second.is_signed_in().await);
    first.verify(&ada.wrong_code().await).await.refused(401, "wrong_code");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lock_ends_after_fifteen_minutes() {
    let app = TestApp::spawn_with(&[("SESSION_PENDING_SECONDS", "3600")]).await;
    let ada = app.register().await;
    let (session, _) = ada.log_in().await;
    session.post(routes::SESSION_RESEND, json!({})).await.ok();
    for _ in 0..5 {
        session.verify(&ada.wrong_code().await).await.refused(401, "wrong_code");
    }
    session.verify(&ada.code().await).await.refused(429, "too_many");
    app.advance(901);
    session.post(routes::SESSION_RESEND, json!({})).await.ok();
    session.verify(&ada.code().await).await.ok();
}

async fn concurrent_wrong_codes_are_all_counted(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let ada = app.register().await;
    let (session, _) = ada.log_in().await;
    session.post(routes::SESSION_RESEND, json!({})).await.ok();
    let wrong = ada.wrong_code().await;
    let checks = async || app.provider_calls().await.iter().filter(|call| provider.is_check(call)).count();
    let before = checks().await;
    let responses = futures_util::future::join_all((0..60).map(|_| session.verify(&wrong))).await;
    assert_eq!(responses.iter().filter(|response| response.status == StatusCode::UNAUTHORIZED).count(), 5);
    assert_eq!(checks().await - before, 5);
}

async fn only_codes_of_4_to_10_ascii_digits_reach_the_provider(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let ada = app.register().await;
    let (session, _) = ada.log_in().await;
    let long = "1".repeat(200);
    let before = app.provider_calls().await.len();
    for typed in
        ["", "123", "12345678901", "../sms", "1/2#", "%2e%2e", "１２３４５６", "12a4567", "1234?force", &long]
    {
        let refused = session.verify(typed).await.refused(422, "invalid_fields");
        assert!(refused["fields"]["code"].is_string());
    }
    assert_eq!(app.provider_calls().await.len(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn sends_are_limited_to_one_in_thirty_seconds_and_five_an_hour() {
    let app =
        TestApp::spawn_with(&[("SESSION_PENDING_SECONDS", "7200"), ("SESSION_IDLE_SECONDS", "7200")]).await;
    let ada = app.register().await;
    let (session, _) = ada.log_in().await;
    let sent = async || ada.phone_state().await["messages"].as_array().unwrap().len();
    session.post(routes::SESSION_RESEND, json!({})).await.ok();
    let early = session.post(routes::SESSION_RESEND, json!({"via": "call"})).await;
    assert_eq!(early.headers["retry-after"], "30");
    early.refused(429, "too_many");
    assert_eq!(sent().await, 1);
    for _ in 0..4 {
        app.advance(30);
        session.post(routes::SESSION_RESEND, json!({})).await.ok();
    }
    app.advance(30);
    let over_limit = session.post(routes::SESSION_RESEND, json!({})).await;
    assert_eq!(over_limit.headers["retry-after"], (3600 - 150).to_string().as_str());
    over_limit.refused(429, "too_many");
    // Another session shares the limit.
    let (other, _) = ada.log_in().await;
    other.post(routes::SESSION_RESEND, json!({})).await.refused(429, "too_many");
    assert_eq!(sent().await, 5);
    app.advance(3600);
    session.post(routes::SESSION_RESEND, json!({})).await.ok();
}

async fn a_failed_send_is_not_counted(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let ada = app.register().await;
    let (session, _) = ada.log_in().await;
    app.inject_fault(json!({"path": provider.codes_path(), "status": 503, "times": 7})).await;
    for _ in 0..7 {
        session.post(routes::SESSION_RESEND, json!({})).await.refused(502, "provider_failed");
    }
    session.post(routes::SESSION_RESEND, json!({"via": "call"})).await.ok();
    session.verify(&ada.code().await).await.ok();
}

async fn a_code_of_another_user_is_refused(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let (ada, grace) = (app.register().await, app.register().await);
    let (session, _) = ada.log_in().await;
    let (other, _) = grace.log_in().await;
    session.post(routes::SESSION_RESEND, json!({})).await.ok();
    other.post(routes::SESSION_RESEND, json!({})).await.ok();
    session.verify(&grace.code().await).await.refused(401, "wrong_code");
}

/// Without `force=true` the provider accepts any code of a user who never verified one.
async fn a_wrong_code_is_refused_for_a_user_who_never_verified_one(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let ada = app.register().await;
    let (session, _) = ada.log_in().await;
    session.verify("1111111").await.refused(401, "wrong_code");
    assert!(!session.is_signed_in().await);
}

/// HTTP 200 alone is not enough: `success` and `token` must be positive as well.
#[tokio::test(flavor = "multi_thread")]
async fn only_a_complete_positive_response_of_the_provider_accepts_a_code() {
    let app = TestApp::spawn_with(&[("LIMIT_WRONG_CODES", "100")]).await;
    let ada = app.register().await;
    let (session, _) = ada.log_in().await;
    let bad_responses = [
        json!({"status": 200, "body": {"success": false, "token": "is valid", "message": "Token is valid."}}),
        json!({"status": 200, "body": {"success": true, "token": "is not valid"}}),
        json!({"status": 200, "body": {"success": true}}),
        json!({"status": 200, "body": {"token": "is valid"}}),
        json!({"status": 200, "body": ""}),
        json!({"status": 200, "body": "<html>is valid</html>"}),
        json!({"status": 200, "body": {}}),
        json!({"status": 201, "body": {"success": true, "token": "is valid"}}),
        json!({"status": 302, "body": {"success": true, "token": "is valid"}}),
        json!({"status": 500, "body": {"success": true, "token": "is valid"}}),
        json!({"dropConnection": true}),
    ];
    for bad_response in bad_responses {
        app.inject_fault(bad_response.clone()).await;
        let response = session.verify("1234567").await;
        assert!(matches!(response.status.as_u16(), 401 | 502), "{bad_response}: {}", response.text);
        assert!(!session.is_signed_in().await, "{bad_response}");
    }
}

async fn a_provider_failure_does_not_count_as_a_wrong_code(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let ada = app.register().await;
    let (session, _) = ada.log_in().await;
    session.post(routes::SESSION_RESEND, json!({})).await.ok();
    app.inject_fault(json!({"path": provider.codes_path(), "status": 500, "times": 8})).await;
    for _ in 0..8 {
        session.verify("1234567").await.refused(502, "provider_failed");
    }
    session.verify(&ada.code().await).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_limit_of_the_provider_is_429() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let (session, _) = ada.log_in().await;
    app.call_sandbox(reqwest::Method::PUT, "/limits", json!({"sendsPerHour": 0})).await.ok();
    let response = session.post(routes::SESSION_RESEND, json!({})).await;
    assert!(response.headers.contains_key("retry-after"));
    response.refused(429, "provider_limit");
}

/// The provider's applications choose how many digits their codes have; six are also an
/// authenticator's.
#[tokio::test(flavor = "multi_thread")]
async fn a_sent_code_of_six_digits_signs_in_and_an_app_code_of_six_digits_does_not() {
    let settings = Settings { code_digits: 6, ..Settings::default() };
    let sandbox = Sandbox::start(settings).await.expect("the sandbox starts");
    let url = sandbox.url();
    let app = TestApp::spawn_with(&[
        ("SANDBOX", "off"),
        ("AUTHY_API_KEY", sandbox::API_KEY),
        ("AUTHY_API_URL", &url),
    ])
    .await;
    let ada = app.register().await;
    let (session, _) = ada.log_in().await;
    session.post(routes::SESSION_RESEND, json!({})).await.ok();
    assert_eq!(ada.code().await.len(), 6);
    session.verify(&ada.wrong_code().await).await.refused(401, "wrong_code");
    session.verify(&ada.code().await).await.ok();

    // Whoever has enrolled an authenticator at the provider for the same phone has codes of six digits.
    let (session, _) = ada.log_in().await;
    session.post(routes::SESSION_RESEND, json!({})).await.ok();
    let calls = app.provider_calls().await;
    let user = calls.iter().rev().find(|call| call.contains("/approval_requests")).expect("a request");
    let user = user.split('/').nth(4).expect("an id");
    let exported = reqwest::Client::new()
        .get(format!("{url}/protected/json/users/{user}/secret/export"))
        .query(&[("api_key", sandbox::API_KEY)])
        .send()
        .await
        .expect("the sandbox responds");
    let exported: serde_json::Value = exported.json().await.expect("JSON");
    let code = exported["otp"].as_str().unwrap_or_else(|| panic!("no code in {exported}"));
    session.verify(code).await.refused(401, "wrong_code");
    session.verify(&ada.code().await).await.ok();
}
