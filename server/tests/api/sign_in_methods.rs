//! Fallback between sign-in methods, and the method that last succeeded.

use reqwest::Method;
use serde_json::{Value, json};
use shared::routes;

use crate::app::TestApp;

fn refusal(code: &str) -> Value {
    json!({"message": "no", "success": false, "errors": {"message": "no"}, "error_code": code})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_sent_by_call_when_sms_cannot_reach_the_phone() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    for code in ["60007", "60082", "60083"] {
        app.advance(3600);
        let (session, _) = ada.log_in().await;
        app.inject_fault(json!({"path": "/protected/json/sms", "status": 403, "body": refusal(code)})).await;
        let sent = session.post(routes::SESSION_RESEND, json!({"via": "sms"})).await.ok();
        assert_eq!(sent["via"], "call", "{code}");
        assert_eq!(ada.phone_state().await["messages"][0]["via"], "call");
        session.verify(&ada.code().await).await.ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn login_falls_back_from_approval_request_to_sms_to_call() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    ada.set_app_installed(false).await;
    app.inject_fault(json!({"path": "/protected/json/sms", "status": 403, "body": refusal("60082")})).await;
    let response = app.client().post(routes::SESSION, ada.credentials()).await.ok();
    assert_eq!(
        (&response["authyResponse"]["success"], &response["authyResponse"]["via"]),
        (&json!(false), &json!("call"))
    );
    let session = app.bearer(response["token"].as_str().unwrap());
    session.verify(&ada.code().await).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn when_sms_and_call_both_fail_the_app_code_still_signs_in() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let (session, _) = ada.log_in().await;
    app.inject_fault(json!({"path": "/protected/json/", "status": 403, "body": refusal("60082")})).await;
    let refused = session.post(routes::SESSION_RESEND, json!({})).await.refused(502, "channel_refused");
    assert!(refused["message"].as_str().unwrap().contains("code from the app"));
    session.post(routes::SESSION_RESEND, json!({"via": "call"})).await.refused(502, "channel_refused");
    app.call_sandbox(Method::DELETE, "/faults", json!({})).await;
    session.verify(&ada.soft_token().await).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_successful_sign_in_method_is_shown_at_the_next_login() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
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
    // The app's code is recognized although a code was sent by SMS.
    session.verify(&ada.soft_token().await).await.ok();
    assert_eq!(last().await, "soft_token");
    app.advance(3600);
    ada.sign_in().await;
    assert_eq!(last().await, "push");
}
