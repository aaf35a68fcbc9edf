//! From one way of asking the phone to the next: nobody is left without one.

use reqwest::Method;
use serde_json::{Value, json};
use shared::routes;

use crate::app::TestApp;

fn refusal(code: &str) -> Value {
    json!({"message": "no", "success": false, "errors": {"message": "no"}, "error_code": code})
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_text_cannot_reach_the_phone_it_is_called() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    for code in ["60007", "60082", "60083"] {
        app.advance(3600);
        let (session, _) = ada.log_in().await;
        app.fault(json!({"path": "/protected/json/sms", "status": 403, "body": refusal(code)})).await;
        let sent = session.post(routes::SESSION_RESEND, json!({"via": "sms"})).await.ok();
        assert_eq!(sent["via"], "call", "{code}");
        assert_eq!(ada.look_at_phone().await["messages"][0]["via"], "call");
        session.verify(&ada.code().await).await.ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_falls_from_the_push_to_the_text_to_the_call() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    ada.set_app(false).await;
    app.fault(json!({"path": "/protected/json/sms", "status": 403, "body": refusal("60082")})).await;
    let answer = app.stranger().post(routes::SESSION, ada.credentials()).await.ok();
    assert_eq!(
        (&answer["authyResponse"]["success"], &answer["authyResponse"]["via"]),
        (&json!(false), &json!("call"))
    );
    let session = app.bearer(answer["token"].as_str().unwrap());
    session.verify(&ada.code().await).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn where_neither_reaches_it_the_app_is_left_and_no_wait_begins() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let (session, _) = ada.log_in().await;
    app.fault(json!({"path": "/protected/json/", "status": 403, "body": refusal("60082")})).await;
    let refused = session.post(routes::SESSION_RESEND, json!({})).await.refused(502, "channel_refused");
    assert!(refused["message"].as_str().unwrap().contains("code from the app"));
    session.post(routes::SESSION_RESEND, json!({"via": "call"})).await.refused(502, "channel_refused");
    app.sandbox(Method::DELETE, "/faults", json!({})).await;
    session.verify(&ada.soft_token().await).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_way_that_worked_is_remembered_for_the_next_login() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let last = async || ada.log_in().await.0.get(routes::AUTHY_STATUS).await.ok()["lastChannel"].clone();
    assert_eq!(last().await, Value::Null);
    for (via, word) in [("sms", "sms"), ("call", "call")] {
        app.advance(3600);
        let (session, _) = ada.log_in().await;
        session.post(routes::SESSION_RESEND, json!({"via": via})).await.ok();
        session.verify(&ada.wrong_code().await).await.refused(401, "wrong_code");
        session.verify(&ada.code().await).await.ok();
        assert_eq!(last().await, word);
    }
    app.advance(3600);
    let (session, _) = ada.log_in().await;
    session.post(routes::SESSION_RESEND, json!({"via": "sms"})).await.ok();
    // Typed though a text was sent: the app's own code is known for what it is.
    session.verify(&ada.soft_token().await).await.ok();
    assert_eq!(last().await, "soft_token");
    app.advance(3600);
    ada.sign_in().await;
    assert_eq!(last().await, "push");
}
