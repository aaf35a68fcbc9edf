//! Codes by text, by call, from the app.

use reqwest::StatusCode;
use serde_json::json;
use shared::routes;

use crate::app::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn a_code_from_the_phone_signs_in_whichever_way_it_came() {
    let app = TestApp::spawn().await;
    for via in ["sms", "call"] {
        let ada = app.person().await;
        let (session, _) = ada.log_in().await;
        let sent = session.post(routes::SESSION_RESEND, json!({"via": via})).await.ok();
        assert_eq!((sent["via"].as_str(), sent["resendAfterSeconds"].as_u64()), (Some(via), Some(30)));
        assert_eq!(ada.look_at_phone().await["messages"][0]["via"], via);
        session.verify(&ada.code().await).await.ok();
        assert_eq!(session.get(routes::USER).await.ok()["verified"], true);
    }
    let ada = app.person().await;
    let (session, _) = ada.log_in().await;
    let soft = ada.look_at_phone().await["softToken"].as_str().unwrap().to_owned();
    session.verify(&format!("{} {}", &soft[..3], &soft[3..])).await.ok();
    assert!(session.is_signed_in().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn by_header_the_token_stays_and_by_cookie_it_changes() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let (session, _) = ada.log_in().await;
    session.post(routes::SESSION_RESEND, json!({})).await.ok();
    let answer = session.verify(&ada.code().await).await.ok();
    assert_eq!(answer["token"].as_str(), session.token.as_deref());

    let grace = app.person().await;
    let browser = app.browser();
    let login = browser.post(routes::SESSION, grace.credentials()).await.ok();
    browser.post(routes::SESSION_RESEND, json!({})).await.ok();
    let answer = browser.verify(&grace.code().await).await.ok();
    assert_ne!(answer["token"], login["token"]);
    assert!(browser.is_signed_in().await);
    app.bearer(login["token"].as_str().unwrap()).get(routes::AUTHY_STATUS).await.refused(404, "no_session");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_code_is_401_and_says_how_many_tries_are_left() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let (session, _) = ada.log_in().await;
    session.post(routes::SESSION_RESEND, json!({})).await.ok();
    let refused = session.verify(&ada.wrong_code().await).await.refused(401, "wrong_code");
    assert_eq!(refused["message"], "Wrong code. 4 tries left.");
    session.verify(&ada.code().await).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_works_once_even_under_a_race() {
    let app = TestApp::with(&[("LIMIT_WRONG_CODES", "100")]).await;
    let ada = app.person().await;
    let (session, _) = ada.log_in().await;
    session.post(routes::SESSION_RESEND, json!({})).await.ok();
    let code = ada.code().await;
    let answers = futures_util::future::join_all((0..20).map(|_| session.verify(&code))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == StatusCode::OK).count(), 1);
    let (other, _) = ada.log_in().await;
    other.verify(&code).await.refused(401, "wrong_code");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_dies_after_ten_minutes_and_a_resend_does_not_extend_it() {
    let app = TestApp::with(&[("SESSION_PENDING_SECONDS", "3600")]).await;
    let ada = app.person().await;
    let (session, _) = ada.log_in().await;
    session.post(routes::SESSION_RESEND, json!({})).await.ok();
    let code = ada.code().await;
    app.advance(540);
    session.post(routes::SESSION_RESEND, json!({})).await.ok();
    assert_eq!(ada.code().await, code, "the same code while it lives");
    app.advance(61);
    session.verify(&code).await.refused(401, "wrong_code");
}

#[tokio::test(flavor = "multi_thread")]
async fn five_wrong_codes_in_a_row_lock_whatever_session_they_came_from() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let (first, _) = ada.log_in().await;
    first.post(routes::SESSION_RESEND, json!({})).await.ok();
    for _ in 0..4 {
        first.verify(&ada.wrong_code().await).await.refused(401, "wrong_code");
    }
    // A new login does not count anew.
    let (second, uuid) = ada.log_in().await;
    second.verify(&ada.wrong_code().await).await.refused(401, "wrong_code");
    let locked = second.verify(&ada.code().await).await;
    assert_eq!(locked.headers["retry-after"], "900");
    locked.refused(429, "too_many");
    first.verify(&ada.code().await).await.refused(429, "too_many");
    // An approved push clears it.
    app.press(&uuid, "approve").await;
    assert!(second.is_signed_in().await);
    first.verify(&ada.wrong_code().await).await.refused(401, "wrong_code");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lock_ends_after_a_quarter_of_an_hour() {
    let app = TestApp::with(&[("SESSION_PENDING_SECONDS", "3600")]).await;
    let ada = app.person().await;
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

#[tokio::test(flavor = "multi_thread")]
async fn wrong_codes_at_the_same_moment_are_all_counted() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let (session, _) = ada.log_in().await;
    session.post(routes::SESSION_RESEND, json!({})).await.ok();
    let wrong = ada.wrong_code().await;
    let answers = futures_util::future::join_all((0..60).map(|_| session.verify(&wrong))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == StatusCode::UNAUTHORIZED).count(), 5);
    let checks = app.provider_calls().await.iter().filter(|call| call.contains("/verify/")).count();
    assert_eq!(checks, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_ascii_digits_of_legal_length_reach_the_provider() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let (session, _) = ada.log_in().await;
    let long = "1".repeat(200);
    for typed in
        ["", "123", "12345678901", "../sms", "1/2#", "%2e%2e", "１２３４５６", "12a4567", "1234?force", &long]
    {
        let refused = session.verify(typed).await.refused(422, "invalid_fields");
        assert!(refused["fields"]["code"].is_string());
    }
    assert!(!app.provider_calls().await.iter().any(|call| call.contains("/verify/")));
}

#[tokio::test(flavor = "multi_thread")]
async fn sends_are_thirty_seconds_apart_and_five_an_hour() {
    let app = TestApp::with(&[("SESSION_PENDING_SECONDS", "7200"), ("SESSION_IDLE_SECONDS", "7200")]).await;
    let ada = app.person().await;
    let (session, _) = ada.log_in().await;
    let sent = async || ada.look_at_phone().await["messages"].as_array().unwrap().len();
    session.post(routes::SESSION_RESEND, json!({})).await.ok();
    let soon = session.post(routes::SESSION_RESEND, json!({"via": "call"})).await;
    assert_eq!(soon.headers["retry-after"], "30");
    soon.refused(429, "too_many");
    assert_eq!(sent().await, 1);
    for _ in 0..4 {
        app.advance(30);
        session.post(routes::SESSION_RESEND, json!({})).await.ok();
    }
    app.advance(30);
    let enough = session.post(routes::SESSION_RESEND, json!({})).await;
    assert_eq!(enough.headers["retry-after"], (3600 - 150).to_string().as_str());
    enough.refused(429, "too_many");
    // Another session has no more to spend.
    let (other, _) = ada.log_in().await;
    other.post(routes::SESSION_RESEND, json!({})).await.refused(429, "too_many");
    assert_eq!(sent().await, 5);
    app.advance(3600);
    session.post(routes::SESSION_RESEND, json!({})).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_send_starts_no_wait_and_is_not_counted() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let (session, _) = ada.log_in().await;
    app.fault(json!({"path": "/protected/json/sms", "status": 503})).await;
    for _ in 0..7 {
        session.post(routes::SESSION_RESEND, json!({})).await.refused(502, "provider_failed");
    }
    session.post(routes::SESSION_RESEND, json!({"via": "call"})).await.ok();
    session.verify(&ada.code().await).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_users_code_is_wrong() {
    let app = TestApp::spawn().await;
    let (ada, grace) = (app.person().await, app.person().await);
    let (session, _) = ada.log_in().await;
    let (other, _) = grace.log_in().await;
    session.post(routes::SESSION_RESEND, json!({})).await.ok();
    other.post(routes::SESSION_RESEND, json!({})).await.ok();
    session.verify(&grace.code().await).await.refused(401, "wrong_code");
}

/// Trap: without `force=true` the provider calls any code valid for somebody who never confirmed one.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_code_is_wrong_also_for_somebody_who_never_confirmed_one() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let (session, _) = ada.log_in().await;
    session.verify("1111111").await.refused(401, "wrong_code");
    assert!(!session.is_signed_in().await);
}

/// Trap: a client that trusts HTTP 200 without reading `success` lets a failure in.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_a_whole_yes_of_the_provider_is_a_yes() {
    let app = TestApp::with(&[("LIMIT_WRONG_CODES", "100")]).await;
    let ada = app.person().await;
    let (session, _) = ada.log_in().await;
    let lies = [
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
    for lie in lies {
        app.fault(lie.clone()).await;
        let answer = session.verify("1234567").await;
        assert!(matches!(answer.status.as_u16(), 401 | 502), "{lie}: {}", answer.text);
        assert!(!session.is_signed_in().await, "{lie}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_cannot_say_costs_no_try() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let (session, _) = ada.log_in().await;
    session.post(routes::SESSION_RESEND, json!({})).await.ok();
    app.fault(json!({"path": "/protected/json/verify", "status": 500, "times": 8})).await;
    for _ in 0..8 {
        session.verify("1234567").await.refused(502, "provider_failed");
    }
    session.verify(&ada.code().await).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_providers_own_limit_is_told_as_a_limit() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let (session, _) = ada.log_in().await;
    app.sandbox(reqwest::Method::PUT, "/limits", json!({"sendsPerHour": 0})).await.ok();
    let answer = session.post(routes::SESSION_RESEND, json!({})).await;
    assert!(answer.headers.contains_key("retry-after"));
    answer.refused(429, "provider_limit");
}
