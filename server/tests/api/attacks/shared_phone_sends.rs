//! Codes sent to one phone by several accounts.

use serde_json::json;
use shared::routes::{self, cookie_api as api};

use super::{BEHIND_A_PROXY, account_with_phone, client_at, codes_sent_to, sign_up_with_phone};
use crate::app::TestApp;

/// Statement 65 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn verified_accounts_with_one_phone_share_eight_calls_an_hour() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let mut sessions = Vec::new();
    for number in 0..5 {
        let person = account_with_phone(&app, &ada.phone, &format!("account{number}@example.com")).await;
        person.sign_in().await;
        sessions.push(person.log_in().await.0);
    }
    for _ in 0..5 {
        for session in &sessions {
            session.post(routes::SESSION_RESEND, json!({"via": "call"})).await;
        }
        app.advance(31);
    }
    assert_eq!(codes_sent_to(&ada).await, 8);
}

/// Statement 65 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn verified_accounts_with_one_phone_share_twenty_codes_a_day() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let bob = account_with_phone(&app, &ada.phone, "bob@example.com").await;
    for person in [&ada, &bob] {
        person.sign_in().await;
    }
    for _ in 0..4 {
        for person in [&ada, &bob] {
            let (session, _) = person.log_in().await;
            for _ in 0..5 {
                session.post(routes::SESSION_RESEND, json!({})).await;
                app.advance(31);
            }
        }
        app.advance(3601);
    }
    assert_eq!(codes_sent_to(&ada).await, 20);
}

/// Statement 65 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn unverified_accounts_with_one_phone_share_ten_codes_a_day() {
    let app = TestApp::spawn().await;
    let ada = app.unregistered_person();
    for number in 0..5 {
        let (_, session) = sign_up_with_phone(&app, &ada.phone, &format!("eve{number}@example.com")).await;
        for _ in 0..5 {
            session.post(routes::SESSION_RESEND, json!({})).await;
            app.advance(31);
        }
        app.advance(3601);
    }
    assert_eq!(codes_sent_to(&ada).await, 10);
}

/// Statement 67 of docs/SECURITY.md: one address cannot use up the codes for new accounts elsewhere.
#[tokio::test(flavor = "multi_thread")]
async fn codes_to_an_unverified_phone_are_limited_to_five_an_hour_per_address() {
    let app = TestApp::spawn_with(&[BEHIND_A_PROXY]).await;
    let ada = app.unregistered_person();
    let attacker = "203.0.113.7";
    for number in 0..8 {
        let mut form = ada.form();
        form["email"] = json!(format!("eve{number}@example.com"));
        client_at(&app, attacker).post(routes::USERS, form).await;
    }
    assert_eq!(codes_sent_to(&ada).await, 5);
    let created = client_at(&app, "198.51.100.1").post(routes::USERS, ada.form()).await;
    assert_eq!((created.status.as_u16(), &created.body["codeSent"]), (201, &json!(true)), "{}", created.text);
}

/// Statement 67 of docs/SECURITY.md: public verifications have their own limit per number.
#[tokio::test(flavor = "multi_thread")]
async fn public_verifications_do_not_use_up_the_codes_for_sign_up() {
    let app = TestApp::spawn_with(&[BEHIND_A_PROXY]).await;
    let ada = app.unregistered_person();
    for number in 0..5 {
        let attacker = client_at(&app, format!("203.0.113.{number}"));
        attacker.post(api::VERIFICATION_START, json!({"phoneNumber": ada.e164()})).await.ok();
    }
    let created = client_at(&app, "198.51.100.1").post(routes::USERS, ada.form()).await;
    assert_eq!((created.status.as_u16(), &created.body["codeSent"]), (201, &json!(true)), "{}", created.text);
}

/// Statement 65 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn public_verifications_and_unverified_accounts_share_ten_codes_a_day() {
    let app = TestApp::spawn().await;
    let ada = app.unregistered_person();
    for number in 0..5 {
        for _ in 0..2 {
            app.client().post(api::VERIFICATION_START, json!({"phoneNumber": ada.e164()})).await;
        }
        let (_, session) = sign_up_with_phone(&app, &ada.phone, &format!("eve{number}@example.com")).await;
        session.post(routes::SESSION_RESEND, json!({})).await;
        app.advance(3601);
    }
    assert_eq!(codes_sent_to(&ada).await, 10);
}
