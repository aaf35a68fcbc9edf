//! How codes may be sent: the setting names the ways, and each leads to the same code.

use reqwest::Method;
use serde_json::{Value, json};
use shared::routes::{self, cookie_api};

use crate::{app::TestApp, providers::TestProvider};

async fn app_with(channels: &str) -> TestApp {
    TestApp::spawn_at(TestProvider::Verify, &[("CODE_CHANNELS", channels), ("LIMITS", "off")]).await
}

async fn mails_to(app: &TestApp, address: &str) -> Vec<Value> {
    let mailbox = app.call_sandbox(Method::GET, &format!("/mailboxes/{address}"), Value::Null).await.ok();
    mailbox["messages"].as_array().expect("a list").clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_by_whatsapp_is_that_of_the_text_and_one_by_email_is_its_own() {
    let app = app_with("sms,call,whatsapp,email").await;
    let ada = app.unregistered_person();
    let created = app.client().post(routes::USER, ada.form()).await.ok();
    let session = app.bearer(created["token"].as_str().unwrap());
    session.post(routes::SESSION_RESEND, json!({"via": "sms"})).await.ok();
    let texted = ada.code().await;
    app.advance(1);
    let sent = session.post(routes::SESSION_RESEND, json!({"via": "whatsapp"})).await.ok();
    assert_eq!(sent["via"], "whatsapp");
    assert_eq!(ada.phone_state().await["messages"][0]["via"], "whatsapp");
    assert_eq!(ada.code().await, texted, "one verification, whichever way");
    session.verify(&ada.code().await).await.ok();
    assert_eq!(session.get(routes::USER).await.ok()["verified"], true);
    let login = app.client().post(routes::SESSION, ada.credentials()).await.ok();
    let next = app.bearer(login["token"].as_str().unwrap());
    assert_eq!(next.get(routes::AUTHY_STATUS).await.ok()["lastChannel"], "whatsapp");
    app.advance(1);
    let sent = next.post(routes::SESSION_RESEND, json!({"via": "email"})).await.ok();
    assert_eq!(sent["via"], "email");
    assert!(sent["message"].as_str().unwrap().contains("p•••@example.com"), "{sent}");
    let mailed = mails_to(&app, &ada.email).await[0]["code"].as_str().expect("a code").to_owned();
    assert_ne!(mailed, ada.code().await);
    next.verify(&mailed).await.ok();
    assert!(next.is_signed_in().await);
}

/// A mailbox shows nothing about the phone, and the first code is there to verify it.
#[tokio::test(flavor = "multi_thread")]
async fn the_first_code_of_a_phone_never_goes_to_the_mailbox() {
    let app = app_with("email,sms").await;
    let ada = app.unregistered_person();
    let created = app.client().post(routes::USERS, ada.form()).await.body;
    assert_eq!(created["codeSent"], true);
    assert_eq!(mails_to(&app, &ada.email).await, Vec::<Value>::new());
    let session = app.bearer(created["token"].as_str().unwrap());
    session.post(routes::SESSION_RESEND, json!({"via": "email"})).await.refused(422, "invalid_fields");
    assert_eq!(session.get(routes::USER).await.ok()["codeChannels"], json!(["sms"]));
    session.verify(&ada.code().await).await.ok();
    assert_eq!(session.get(routes::USER).await.ok()["codeChannels"], json!(["email", "sms"]));
    let login = app.client().post(routes::SESSION, ada.credentials()).await.ok();
    assert_eq!(login["authyResponse"]["via"], "email");
    // A number without an account has no mailbox.
    let number = json!({"phoneNumber": "+447700900555", "via": "email"});
    app.client().post(cookie_api::VERIFICATION_START, number).await.refused(422, "invalid_fields");
    let number =
        app.client().post(cookie_api::VERIFICATION_START, json!({"phoneNumber": "+447700900555"})).await;
    assert_eq!(number.ok()["via"], "sms");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_that_is_not_allowed_is_422_and_nothing_is_sent() {
    for (app, refused) in [
        (TestApp::spawn().await, &["whatsapp", "email", "pigeon"][..]),
        (app_with("call,whatsapp").await, &["sms", "email"][..]),
    ] {
        let ada = app.unregistered_person();
        let created = app.client().post(routes::USER, ada.form()).await.ok();
        let session = app.bearer(created["token"].as_str().unwrap());
        let before = app.provider_calls().await.len();
        for via in refused {
            let answer = session.post(routes::SESSION_RESEND, json!({"via": via})).await;
            assert!(answer.refused(422, "invalid_fields")["fields"]["via"].is_string(), "{via}");
        }
        assert_eq!(app.provider_calls().await.len(), before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_wish_a_code_goes_the_first_way_that_is_allowed() {
    let app = app_with("whatsapp,call").await;
    let ada = app.unregistered_person();
    app.client().post(routes::USER, ada.form()).await.ok();
    let login = app.client().post(routes::SESSION, ada.credentials()).await.ok();
    assert_eq!(login["authyResponse"]["via"], "whatsapp");
    assert_eq!(ada.phone_state().await["messages"][0]["via"], "whatsapp");
}

/// A text that cannot arrive is called instead only where calls are allowed.
#[tokio::test(flavor = "multi_thread")]
async fn a_landline_is_called_only_where_calls_are_allowed() {
    let landline = json!({"message": "landline", "code": 60205, "more_info": "", "status": 403});
    for (channels, via) in [("sms,call", Some("call")), ("sms,whatsapp", None)] {
        let app = app_with(channels).await;
        let ada = app.unregistered_person();
        let created = app.client().post(routes::USER, ada.form()).await.ok();
        let session = app.bearer(created["token"].as_str().unwrap());
        app.inject_fault(json!({"path": "/v2", "status": 403, "body": landline, "times": 1})).await;
        let sent = session.post(routes::SESSION_RESEND, json!({"via": "sms"})).await;
        match via {
            Some(via) => assert_eq!(sent.ok()["via"], via),
            None => drop(sent.refused(502, "channel_refused")),
        }
    }
}
