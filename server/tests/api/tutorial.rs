//! A client as the tutorials teach it: forms, a header token, polls without pause.

use reqwest::Method;
use serde_json::Value;
use shared::routes;

use crate::app::{Answer, PASSWORD, Person, Session, TestApp};

async fn post_form(session: &Session<'_>, path: &str, fields: &[(&str, &str)]) -> Answer {
    session.send(session.request(Method::POST, path).form(fields)).await
}

async fn sign_up(app: &TestApp, person: &Person<'_>) {
    let fields = [
        ("fullName", "Ada Lovelace"),
        ("email", &person.email),
        ("phone", &person.phone),
        ("countryCode", "44"),
        ("password", PASSWORD),
    ];
    post_form(&app.stranger(), routes::USER, &fields).await.ok();
}

async fn log_in<'a>(app: &'a TestApp, person: &Person<'_>) -> (Session<'a>, Value) {
    let fields = [("email", person.email.as_str()), ("password", PASSWORD)];
    let answer = post_form(&app.stranger(), routes::SESSION, &fields).await.ok();
    (app.bearer(answer["token"].as_str().expect("a token")), answer["authyResponse"].clone())
}

/// Polls without a pause until the status is another one.
async fn poll_away_from_pending(session: &Session<'_>) -> String {
    for _ in 0..10_000 {
        let status = session.status().await;
        if status != "pending" {
            return status;
        }
    }
    panic!("the push stayed pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tutorial_client_signs_in_by_push_and_keeps_its_token() {
    let app = TestApp::spawn().await;
    let ada = app.new_person();
    sign_up(&app, &ada).await;
    let (session, authy) = log_in(&app, &ada).await;
    assert_eq!(authy["success"], true);
    let uuid = authy["approval_request"]["uuid"].as_str().unwrap();
    let (status, _) = tokio::join!(poll_away_from_pending(&session), app.press(uuid, "approve"));
    assert_eq!(status, "approved");
    let user = session.get(routes::USER).await.ok();
    assert_eq!(user["fullName"], "Ada Lovelace");
    session.delete(routes::SESSION).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tutorial_client_goes_to_its_code_page_when_denied_or_without_the_app() {
    let app = TestApp::spawn().await;
    let ada = app.new_person();
    sign_up(&app, &ada).await;
    let (session, authy) = log_in(&app, &ada).await;
    let uuid = authy["approval_request"]["uuid"].as_str().unwrap();
    let (status, _) = tokio::join!(poll_away_from_pending(&session), app.press(uuid, "deny"));
    assert_eq!(status, "denied");
    session.send(session.request(Method::POST, routes::SESSION_RESEND)).await.ok();
    post_form(&session, routes::SESSION_VERIFY, &[("code", &ada.code().await)]).await.ok();
    assert!(session.is_signed_in().await);

    ada.set_app(false).await;
    let (session, authy) = log_in(&app, &ada).await;
    assert_eq!(authy["success"], false);
    post_form(&session, routes::SESSION_VERIFY, &[("code", &ada.code().await)]).await.ok();
    assert!(session.is_signed_in().await);
}

/// Defect 5: a session made by sign-up is signed in, but its phone is not proven, and its token is
/// no UUID of the clock.
#[tokio::test(flavor = "multi_thread")]
async fn a_sign_up_session_has_an_unproven_phone_until_the_phone_has_answered() {
    let app = TestApp::spawn().await;
    let ada = app.new_person();
    let answer = app.stranger().post(routes::USER, ada.form()).await.ok();
    let token = answer["token"].as_str().unwrap();
    assert!(!token.contains('-') || token.len() == 43);
    assert_eq!(token.len(), 43);
    let session = app.bearer(token);
    assert_eq!(session.get(routes::USER).await.ok()["verified"], false);
    assert_eq!(session.status().await, "unverified", "nobody has approved anything");
    // The password alone opens nothing later either.
    let (login, _) = log_in(&app, &ada).await;
    login.get(routes::USER).await.refused(403, "second_factor_required");
}
