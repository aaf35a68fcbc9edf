//! What a stranger uses up must not keep the owner out.

use serde_json::json;
use shared::routes;

use super::{account_on, sign_up_on, use_up_pushes_and_sends, way_of, wrong_code};
use crate::app::TestApp;

/// Statement 68 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn a_right_password_gives_a_session_also_when_pushes_and_codes_are_used_up() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    ada.sign_in().await;
    use_up_pushes_and_sends(&ada).await;
    let login = app.stranger().post(routes::SESSION, ada.credentials()).await;
    assert_eq!(way_of(&login), "nothing", "{}", login.text);
    let response = &login.body["authyResponse"];
    assert!(response["message"].as_str().is_some_and(|message| !message.is_empty()), "{response}");
    assert!(response.get("via").is_none() && response.get("approval_request").is_none(), "{response}");
    let session = app.bearer(login.body["token"].as_str().expect("a token"));
    assert_eq!(session.status().await, "unverified");
    assert!(!session.is_signed_in().await);
    session.verify(&ada.soft_token().await).await.ok();
    assert!(session.is_signed_in().await);
}

/// Statement 67 of docs/SECURITY.md: strangers without the password. (The rule held before for pushes and codes.)
#[tokio::test(flavor = "multi_thread")]
async fn what_strangers_use_up_on_a_phone_leaves_its_verified_owner_every_way() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    ada.sign_in().await;
    for number in 0..6 {
        let (eve, session) = sign_up_on(&app, &ada.phone, &format!("eve{number}@example.com")).await;
        use_up_pushes_and_sends(&eve).await;
        for _ in 0..5 {
            session.verify(&wrong_code(&ada).await).await;
        }
    }
    let (session, uuid) = ada.log_in().await;
    session.post(routes::SESSION_RESEND, json!({"via": "call"})).await.ok();
    session.verify(&ada.code().await).await.ok();
    assert!(session.is_signed_in().await);
    app.press(&uuid, "approve").await;
    ada.log_in().await.0.verify(&ada.soft_token().await).await.ok();
}

/// Statement 67 of docs/SECURITY.md: the other direction. (The rule held before.)
#[tokio::test(flavor = "multi_thread")]
async fn what_the_owner_of_a_phone_uses_up_leaves_a_new_account_on_it_every_way() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let bob = account_on(&app, &ada.phone, "bob@example.com").await;
    for person in [&ada, &bob] {
        person.sign_in().await;
    }
    for person in [&ada, &bob] {
        use_up_pushes_and_sends(person).await;
    }
    let (newcomer, session) = sign_up_on(&app, &ada.phone, "newcomer@example.com").await;
    session.post(routes::SESSION_RESEND, json!({})).await.ok();
    session.verify(&newcomer.code().await).await.ok();
    let second = account_on(&app, &ada.phone, "second@example.com").await;
    second.sign_in().await;
}

/// Statement 67 of docs/SECURITY.md: the owner's address is shared with the stranger, as in an office.
#[tokio::test(flavor = "multi_thread")]
async fn an_owner_who_is_signed_in_stays_so_whatever_strangers_do() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let owner = ada.sign_in().await;
    let wrong = json!({"email": ada.email, "password": "not the password"});
    for _ in 0..20 {
        app.stranger().post(routes::SESSION, wrong.clone()).await;
    }
    use_up_pushes_and_sends(&ada).await;
    assert!(owner.is_signed_in().await);
    assert_eq!(owner.get(routes::USER).await.ok()["verified"], true);
}
