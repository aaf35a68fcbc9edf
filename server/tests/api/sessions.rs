//! How long sessions live, and how they end.

use reqwest::{Method, StatusCode};
use serde_json::json;
use shared::routes;

use crate::app::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn a_pending_session_ends_after_ten_minutes() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let (session, _) = ada.log_in().await;
    app.advance(599);
    assert_eq!(session.status().await, "expired");
    app.advance(1);
    session.get(routes::AUTHY_STATUS).await.refused(404, "no_session");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_after_an_idle_hour_and_polling_is_no_use_of_it() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let session = ada.sign_in().await;
    for _ in 0..3 {
        app.advance(3000);
        assert!(session.is_signed_in().await, "used within the hour");
    }
    app.advance(3000);
    assert_eq!(session.status().await, "approved");
    app.advance(600);
    session.get(routes::USER).await.refused(403, "not_signed_in");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_after_a_day_however_busy() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let session = ada.sign_in().await;
    for _ in 0..47 {
        app.advance(1800);
        assert!(session.is_signed_in().await);
    }
    app.advance(1800);
    session.get(routes::USER).await.refused(403, "not_signed_in");
}

#[tokio::test(flavor = "multi_thread")]
async fn logging_out_ends_the_session_at_the_server() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let session = ada.sign_in().await;
    let answer = session.delete(routes::SESSION).await;
    assert!(answer.headers.contains_key("clear-site-data"));
    answer.ok();
    session.get(routes::USER).await.refused(403, "not_signed_in");
    session.get(routes::AUTHY_STATUS).await.refused(404, "no_session");
    session.post(routes::SESSION_PUSH, json!({})).await.refused(404, "no_session");
    session.post(routes::SESSION_RESEND, json!({})).await.refused(404, "no_session");
    session.verify("1234567").await.refused(404, "no_session");
    session.post(routes::SESSION_CONTINUE, json!({})).await.refused(404, "no_session");
    session.delete(routes::SESSION).await.refused(403, "not_signed_in");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_that_arrives_after_logging_out_brings_nobody_back() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let (session, uuid) = ada.log_in().await;
    session.delete(routes::SESSION).await.ok();
    app.press(&uuid, "approve").await;
    session.get(routes::AUTHY_STATUS).await.refused(404, "no_session");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_logs_in_again_loses_its_old_session() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let browser = app.browser();
    let first = browser.post(routes::SESSION, ada.credentials()).await.ok();
    browser.post(routes::SESSION, ada.credentials()).await.ok();
    app.bearer(first["token"].as_str().unwrap()).get(routes::AUTHY_STATUS).await.refused(404, "no_session");
    let answer = browser.delete(routes::SESSION).await;
    assert!(answer.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    browser.get(routes::USER).await.refused(403, "not_signed_in");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_header_alone_decides_also_when_it_is_wrong() {
    let app = TestApp::spawn().await;
    let ada = app.new_person();
    let browser = app.browser();
    browser.post(routes::USER, ada.form()).await.ok();
    assert!(browser.is_signed_in().await);
    let request = browser.request(Method::GET, routes::USER).header(routes::TOKEN_HEADER, "wrong");
    browser.send(request).await.refused(403, "not_signed_in");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_in_the_address_is_no_token() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let session = ada.sign_in().await;
    let token = session.token.as_deref().unwrap();
    for name in ["X-API-TOKEN", "token", "x-api-token"] {
        app.stranger().get(&format!("{}?{name}={token}", routes::USER)).await.refused(403, "not_signed_in");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_rotation_the_header_token_changes_as_well() {
    let app = TestApp::with(&[("TOKEN_ROTATION", "on")]).await;
    let ada = app.person().await;
    let (session, uuid) = ada.log_in().await;
    app.press(&uuid, "approve").await;
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
async fn what_is_stored_of_a_token_opens_nothing() {
    use diesel::{QueryableByName, RunQueryDsl, sql_types::Text};
    #[derive(QueryableByName)]
    struct Stored {
        #[diesel(sql_type = Text)]
        token_hash: String,
    }
    let app = TestApp::spawn().await;
    let ada = app.person().await;
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

/// A browser whose session was ended elsewhere still sends its cookie.
#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_opens_nothing_after_its_session_was_ended() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let browser = app.browser();
    let login = browser.post(routes::SESSION, ada.credentials()).await.ok();
    browser.post(routes::SESSION_RESEND, json!({})).await.ok();
    let answer = browser.verify(&ada.code().await).await.ok();
    assert_ne!(answer["token"], login["token"]);
    assert!(browser.is_signed_in().await);
    app.bearer(answer["token"].as_str().unwrap()).delete(routes::SESSION).await.ok();
    browser.get(routes::USER).await.refused(403, "not_signed_in");
    assert_eq!(browser.get(routes::AUTHY_STATUS).await.status, StatusCode::NOT_FOUND);
    // It signs in again as if it had none.
    browser.post(routes::SESSION, ada.credentials()).await.ok();
    assert_eq!(browser.status().await, "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approved_token_is_traded_once() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let (session, uuid) = ada.log_in().await;
    app.press(&uuid, "approve").await;
    let trades = (0..6).map(|_| session.post(routes::SESSION_CONTINUE, json!({})));
    let answers = futures_util::future::join_all(trades).await;
    let traded: Vec<_> = answers.into_iter().filter(|answer| answer.status == StatusCode::OK).collect();
    assert_eq!(traded.len(), 1);
    assert!(app.bearer(traded[0].body["token"].as_str().unwrap()).is_signed_in().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_was_never_approved_has_nothing_to_go_on_from() {
    let app = TestApp::spawn().await;
    let made = app.stranger().post(routes::USER, app.new_person().form()).await.ok();
    let session = app.bearer(made["token"].as_str().unwrap());
    session.post(routes::SESSION_CONTINUE, json!({})).await.refused(409, "not_approved");
    assert!(session.is_signed_in().await);
}
