//! Session lifetimes, and how sessions end.

use reqwest::{Method, StatusCode};
use serde_json::json;
use shared::routes;

use crate::app::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn a_pending_session_ends_after_ten_minutes() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let (session, _) = ada.log_in().await;
    app.advance(599);
    assert_eq!(session.status().await, "expired");
    app.advance(1);
    session.get(routes::AUTHY_STATUS).await.refused(404, "no_session");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_after_an_idle_hour_and_polling_does_not_extend_it() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let session = ada.sign_in().await;
    for _ in 0..3 {
        app.advance(3000);
        assert!(session.is_signed_in().await, "the session was used within the hour");
    }
    app.advance(3000);
    assert_eq!(session.status().await, "approved");
    app.advance(600);
    session.get(routes::USER).await.refused(403, "not_signed_in");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_after_a_day_even_when_active() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let session = ada.sign_in().await;
    for _ in 0..47 {
        app.advance(1800);
        assert!(session.is_signed_in().await);
    }
    app.advance(1800);
    session.get(routes::USER).await.refused(403, "not_signed_in");
}

#[tokio::test(flavor = "multi_thread")]
async fn logout_ends_the_session_on_the_server() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let session = ada.sign_in().await;
    let response = session.delete(routes::SESSION).await;
    assert!(response.headers.contains_key("clear-site-data"));
    response.ok();
    session.get(routes::USER).await.refused(403, "not_signed_in");
    session.get(routes::AUTHY_STATUS).await.refused(404, "no_session");
    session.post(routes::SESSION_PUSH, json!({})).await.refused(404, "no_session");
    session.post(routes::SESSION_RESEND, json!({})).await.refused(404, "no_session");
    session.verify("1234567").await.refused(404, "no_session");
    session.post(routes::SESSION_CONTINUE, json!({})).await.refused(404, "no_session");
    session.delete(routes::SESSION).await.refused(403, "not_signed_in");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_after_logout_does_not_restore_the_session() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let (session, uuid) = ada.log_in().await;
    session.delete(routes::SESSION).await.ok();
    app.answer_request(&uuid, "approve").await;
    session.get(routes::AUTHY_STATUS).await.refused(404, "no_session");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_login_ends_the_browsers_old_session() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let browser = app.browser();
    let first = browser.post(routes::SESSION, ada.credentials()).await.ok();
    browser.post(routes::SESSION, ada.credentials()).await.ok();
    app.bearer(first["token"].as_str().unwrap()).get(routes::AUTHY_STATUS).await.refused(404, "no_session");
    let response = browser.delete(routes::SESSION).await;
    assert!(response.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    browser.get(routes::USER).await.refused(403, "not_signed_in");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cookie_is_ignored_when_the_token_header_is_present() {
    let app = TestApp::spawn().await;
    let ada = app.unregistered_person();
    let browser = app.browser();
    browser.post(routes::USER, ada.form()).await.ok();
    assert!(browser.is_signed_in().await);
    let request = browser.request(Method::GET, routes::USER).header(routes::TOKEN_HEADER, "wrong");
    browser.send(request).await.refused(403, "not_signed_in");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_in_the_url_is_ignored() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let session = ada.sign_in().await;
    let token = session.token.as_deref().unwrap();
    for name in ["X-API-TOKEN", "token", "x-api-token"] {
        app.client().get(&format!("{}?{name}={token}", routes::USER)).await.refused(403, "not_signed_in");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_rotation_on_the_header_token_changes() {
    let app = TestApp::spawn_with(&[("TOKEN_ROTATION", "on")]).await;
    let ada = app.register().await;
    let (session, uuid) = ada.log_in().await;
    app.answer_request(&uuid, "approve").await;
    session.get(routes::USER).await.refused(403, "second_factor_required");
    let renewed = session.post(routes::SESSION_CONTINUE, json!({})).await.ok();
    session.get(routes::USER).await.refused(403, "not_signed_in");
    assert!(app.bearer(renewed["token"].as_str().unwrap()).is_signed_in().await);

    let (session, _) = ada.log_in().await;
    session.post(routes::SESSION_RESEND, json!({})).await.ok();
    let verified = session.verify(&ada.code().await).await.ok();
    session.get(routes::USER).await.refused(403, "not_signed_in");
    assert!(app.bearer(verified["token"].as_str().unwrap()).is_signed_in().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stored_token_hash_is_not_accepted_as_a_token() {
    use diesel::{QueryableByName, RunQueryDsl, sql_types::Text};
    #[derive(QueryableByName)]
    struct Stored {
        #[diesel(sql_type = Text)]
        token_hash: String,
    }
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let session = ada.sign_in().await;
    let stored: Vec<Stored> = app
        .store()
        .read(|db| {
            diesel::sql_query("SELECT token_hash FROM sessions")
                .load(db)
                .map_err(server::store::StoreError::from)
        })
        .await
        .unwrap();
    assert!(!stored.is_empty());
    for row in stored {
        assert_ne!(Some(row.token_hash.as_str()), session.token.as_deref());
        assert!(!app.bearer(&row.token_hash).is_signed_in().await);
    }
}

/// A browser still sends its cookie after its session was ended by another client.
#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_is_not_accepted_after_its_session_ended() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let browser = app.browser();
    let login = browser.post(routes::SESSION, ada.credentials()).await.ok();
    browser.post(routes::SESSION_RESEND, json!({})).await.ok();
    let response = browser.verify(&ada.code().await).await.ok();
    assert_ne!(response["token"], login["token"]);
    assert!(browser.is_signed_in().await);
    app.bearer(response["token"].as_str().unwrap()).delete(routes::SESSION).await.ok();
    browser.get(routes::USER).await.refused(403, "not_signed_in");
    assert_eq!(browser.get(routes::AUTHY_STATUS).await.status, StatusCode::NOT_FOUND);
    // The browser can log in again.
    browser.post(routes::SESSION, ada.credentials()).await.ok();
    assert_eq!(browser.status().await, "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_rotations_of_an_approved_token_succeed_once() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let (session, uuid) = ada.log_in().await;
    app.answer_request(&uuid, "approve").await;
    let rotations = (0..6).map(|_| session.post(routes::SESSION_CONTINUE, json!({})));
    let responses = futures_util::future::join_all(rotations).await;
    let rotated: Vec<_> =
        responses.into_iter().filter(|response| response.status == StatusCode::OK).collect();
    assert_eq!(rotated.len(), 1);
    assert!(app.bearer(rotated[0].body["token"].as_str().unwrap()).is_signed_in().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_without_an_approval_cannot_be_rotated() {
    let app = TestApp::spawn().await;
    let created = app.client().post(routes::USER, app.unregistered_person().form()).await.ok();
    let session = app.bearer(created["token"].as_str().unwrap());
    session.post(routes::SESSION_CONTINUE, json!({})).await.refused(409, "not_approved");
    assert!(session.is_signed_in().await);
}
