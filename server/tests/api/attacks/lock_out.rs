//! Limits that others use up must not lock out the owner.

use serde_json::json;
use shared::routes;

use super::{account_with_phone, exhaust_sends, login_outcome, sign_up_with_phone, wrong_code};
use crate::app::TestApp;

/// Statement 68 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn a_correct_password_gives_a_pending_session_when_no_send_is_left() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    ada.sign_in().await;
    exhaust_sends(&ada).await;
    let login = app.client().post(routes::SESSION, ada.credentials()).await;
    assert_eq!(login_outcome(&login), "nothing", "{}", login.text);
    let response = &login.body["authyResponse"];
    assert!(response["message"].as_str().is_some_and(|message| !message.is_empty()), "{response}");
    assert!(response.get("via").is_none() && response.get("approval_request").is_none(), "{response}");
    let session = app.bearer(login.body["token"].as_str().expect("a token"));
    assert_eq!(session.status().await, "unverified");
    assert!(!session.is_signed_in().await);
    session.verify(&ada.soft_token().await).await.ok();
    assert!(session.is_signed_in().await);
}

/// Statement 67 of docs/SECURITY.md: attackers without the password.
#[tokio::test(flavor = "multi_thread")]
async fn limits_used_up_by_unverified_accounts_do_not_affect_the_verified_owner() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    ada.sign_in().await;
    for number in 0..6 {
        let (eve, session) = sign_up_with_phone(&app, &ada.phone, &format!("eve{number}@example.com")).await;
        exhaust_sends(&eve).await;
        for _ in 0..5 {
            session.verify(&wrong_code(&ada).await).await;
        }
    }
    let (session, uuid) = ada.log_in().await;
    session.post(routes::SESSION_RESEND, json!({"via": "call"})).await.ok();
    session.verify(&ada.code().await).await.ok();
    assert!(session.is_signed_in().await);
    app.answer_request(&uuid, "approve").await;
    ada.log_in().await.0.verify(&ada.soft_token().await).await.ok();
}

/// Statement 67 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn limits_used_up_by_verified_accounts_do_not_affect_a_new_account() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let bob = account_with_phone(&app, &ada.phone, "bob@example.com").await;
    for person in [&ada, &bob] {
        person.sign_in().await;
    }
    for person in [&ada, &bob] {
        exhaust_sends(person).await;
    }
    let (newcomer, session) = sign_up_with_phone(&app, &ada.phone, "newcomer@example.com").await;
    session.post(routes::SESSION_RESEND, json!({})).await.ok();
    session.verify(&newcomer.code().await).await.ok();
    let second = account_with_phone(&app, &ada.phone, "second@example.com").await;
    second.sign_in().await;
}

/// Statement 67 of docs/SECURITY.md: the attacker shares the owner's address, as in an office.
#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_and_logins_of_others_do_not_end_a_signed_in_session() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let owner = ada.sign_in().await;
    let wrong = json!({"email": ada.email, "password": "not the password"});
    for _ in 0..20 {
        app.client().post(routes::SESSION, wrong.clone()).await;
    }
    exhaust_sends(&ada).await;
    assert!(owner.is_signed_in().await);
    assert_eq!(owner.get(routes::USER).await.ok()["verified"], true);
}
