//! Clients that send forms, authenticate with the header token and poll without a delay.

use reqwest::Method;
use serde_json::Value;
use shared::routes;

use crate::app::{ApiClient, PASSWORD, Person, Response, TestApp};

async fn post_form(session: &ApiClient<'_>, path: &str, fields: &[(&str, &str)]) -> Response {
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
    post_form(&app.client(), routes::USER, &fields).await.ok();
}

async fn log_in<'a>(app: &'a TestApp, person: &Person<'_>) -> (ApiClient<'a>, Value) {
    let fields = [("email", person.email.as_str()), ("password", PASSWORD)];
    let response = post_form(&app.client(), routes::SESSION, &fields).await.ok();
    (app.bearer(response["token"].as_str().expect("a token")), response["authyResponse"].clone())
}

/// Polls without a delay until the status is no longer `pending`.
async fn poll_until_answered(session: &ApiClient<'_>) -> String {
    for _ in 0..10_000 {
        let status = session.status().await;
        if status != "pending" {
            return status;
        }
    }
    panic!("the approval request stayed pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_client_signs_in_by_approval_and_keeps_its_token() {
    let app = TestApp::spawn().await;
    let ada = app.unregistered_person();
    sign_up(&app, &ada).await;
    let (session, authy) = log_in(&app, &ada).await;
    assert_eq!(authy["success"], true);
    let uuid = authy["approval_request"]["uuid"].as_str().unwrap();
    let (status, _) = tokio::join!(poll_until_answered(&session), app.answer_request(uuid, "approve"));
    assert_eq!(status, "approved");
    let user = session.get(routes::USER).await.ok();
    assert_eq!(user["fullName"], "Ada Lovelace");
    session.delete(routes::SESSION).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_client_signs_in_by_code_after_a_denial_or_without_the_app() {
    let app = TestApp::spawn().await;
    let ada = app.unregistered_person();
    sign_up(&app, &ada).await;
    let (session, authy) = log_in(&app, &ada).await;
    let uuid = authy["approval_request"]["uuid"].as_str().unwrap();
    let (status, _) = tokio::join!(poll_until_answered(&session), app.answer_request(uuid, "deny"));
    assert_eq!(status, "denied");
    session.send(session.request(Method::POST, routes::SESSION_RESEND)).await.ok();
    post_form(&session, routes::SESSION_VERIFY, &[("code", &ada.code().await)]).await.ok();
    assert!(session.is_signed_in().await);

    ada.set_app_installed(false).await;
    let (session, authy) = log_in(&app, &ada).await;
    assert_eq!(authy["success"], false);
    post_form(&session, routes::SESSION_VERIFY, &[("code", &ada.code().await)]).await.ok();
    assert!(session.is_signed_in().await);
}

/// The token is 43 random characters, not a UUID made from the time.
#[tokio::test(flavor = "multi_thread")]
async fn a_sign_up_session_has_an_unverified_phone_and_a_random_token() {
    let app = TestApp::spawn().await;
    let ada = app.unregistered_person();
    let response = app.client().post(routes::USER, ada.form()).await.ok();
    let token = response["token"].as_str().unwrap();
    assert_eq!(token.len(), 43);
    let session = app.bearer(token);
    assert_eq!(session.get(routes::USER).await.ok()["verified"], false);
    assert_eq!(session.status().await, "unverified", "no request was approved");
    // A later login with the password alone gives no access.
    let (login, _) = log_in(&app, &ada).await;
    login.get(routes::USER).await.refused(403, "second_factor_required");
}
