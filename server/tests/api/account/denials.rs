//! After a denial. Statement 44.

use serde_json::{Value, json};
use shared::routes;

use super::{Page, mail, old_password, owner, try_password};
use crate::app::TestApp;

fn path(denied: &Value) -> String {
    routes::DENIED_SIGN_IN.replace("{id}", denied["id"].as_str().expect("an id"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_is_asked_in_signed_in_sessions_and_whoever_asked_is_not() {
    let app = TestApp::spawn().await;
    let (ada, session) = owner(&app).await;
    assert_eq!(session.get(routes::USER).await.ok()["deniedSignIn"], Value::Null);
    let thief = Page::open(&app);
    let uuid = thief.log_in(&ada).await;
    app.answer_request(&uuid, "deny").await;
    app.answer_request(&uuid, "approve").await;
    assert_eq!(thief.client.status().await, "denied");
    thief.get(routes::USER).await.refused(403, "second_factor_required");
    mail(&app, &ada.email, "A sign-in was denied").await;
    let denied = session.get(routes::USER).await.ok()["deniedSignIn"].clone();
    assert_eq!((&denied["address"], &denied["at"]), (&json!("127.0.0.1"), &json!("2026-03-02T14:02:31Z")));
    thief.post(&path(&denied), json!({"mine": true})).await.refused(403, "second_factor_required");
    let (_, stranger) = owner(&app).await;
    stranger.post(&path(&denied), json!({"mine": true})).await.refused(404, "not_found");
    session.post(&path(&denied), json!({"mine": true})).await.ok();
    assert_eq!(session.get(routes::USER).await.ok()["deniedSignIn"], Value::Null);
    session.post(&path(&denied), json!({"mine": true})).await.refused(404, "not_found");
    assert!(session.is_signed_in().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_who_says_no_has_the_account_secured() {
    let app = TestApp::spawn().await;
    let (ada, session) = owner(&app).await;
    let thief = Page::open(&app);
    let uuid = thief.log_in(&ada).await;
    app.answer_request(&uuid, "deny").await;
    let denied = session.get(routes::USER).await.ok()["deniedSignIn"].clone();
    assert_eq!(session.post(&path(&denied), json!({"mine": false})).await.ok(), json!({"email": true}));
    session.get(routes::USER).await.refused(403, "not_signed_in");
    thief.get(routes::AUTHY_STATUS).await.refused(404, "no_session");
    try_password(&ada, old_password()).await.refused(403, "wrong_credentials");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_question_is_asked_for_a_day_and_about_sign_ins_alone() {
    let app = TestApp::spawn().await;
    let (ada, session) = owner(&app).await;
    let asked = session.post(routes::APPROVALS, json!({"message": "Send £5.00 to Charles?"})).await.body;
    app.answer_request(asked["uuid"].as_str().unwrap(), "deny").await;
    assert_eq!(session.get(routes::USER).await.ok()["deniedSignIn"], Value::Null, "an action is no sign-in");
    let (_, uuid) = ada.log_in().await;
    app.answer_request(&uuid, "deny").await;
    assert!(session.get(routes::USER).await.ok()["deniedSignIn"].is_object());
    app.advance(24 * 3600);
    let (later, _) = (ada.log_in().await.0, ());
    later.post(routes::SESSION_RESEND, json!({})).await.ok();
    later.verify(&ada.code().await).await.ok();
    assert_eq!(later.get(routes::USER).await.ok()["deniedSignIn"], Value::Null);
}
