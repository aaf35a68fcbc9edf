//! Codes sent to one phone by many accounts.

use serde_json::json;
use shared::routes::{self, cookie_api as api};

use super::{BEHIND_A_PROXY, account_on, at, codes_on, sign_up_on};
use crate::app::TestApp;

/// Statement 65 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn one_phone_is_called_eight_times_an_hour_whoever_owns_the_accounts() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let mut sessions = Vec::new();
    for number in 0..5 {
        let person = account_on(&app, &ada.phone, &format!("account{number}@example.com")).await;
        person.sign_in().await;
        sessions.push(person.log_in().await.0);
    }
    for _ in 0..5 {
        for session in &sessions {
            session.post(routes::SESSION_RESEND, json!({"via": "call"})).await;
        }
        app.advance(31);
    }
    assert_eq!(codes_on(&ada).await, 8);
}

/// Statement 65 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn one_phone_gets_twenty_codes_a_day_whoever_owns_the_accounts() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let bob = account_on(&app, &ada.phone, "bob@example.com").await;
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
    assert_eq!(codes_on(&ada).await, 20);
}

/// Statement 65 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn strangers_send_ten_codes_a_day_to_one_phone_however_many_accounts_they_make() {
    let app = TestApp::spawn().await;
    let ada = app.new_person();
    for number in 0..5 {
        let (_, session) = sign_up_on(&app, &ada.phone, &format!("eve{number}@example.com")).await;
        for _ in 0..5 {
            session.post(routes::SESSION_RESEND, json!({})).await;
            app.advance(31);
        }
        app.advance(3601);
    }
    assert_eq!(codes_on(&ada).await, 10);
}

/// Statement 67 of docs/SECURITY.md: on one address a stranger must not use up what newcomers elsewhere need.
#[tokio::test(flavor = "multi_thread")]
async fn one_address_sends_five_codes_an_hour_to_a_phone_and_a_newcomer_elsewhere_still_gets_one() {
    let app = TestApp::with(&[BEHIND_A_PROXY]).await;
    let ada = app.new_person();
    let attacker = "203.0.113.7";
    for number in 0..8 {
        let mut form = ada.form();
        form["email"] = json!(format!("eve{number}@example.com"));
        at(&app, attacker).post(routes::USERS, form).await;
    }
    assert_eq!(codes_on(&ada).await, 5);
    let made = at(&app, "198.51.100.1").post(routes::USERS, ada.form()).await;
    assert_eq!((made.status.as_u16(), &made.body["codeSent"]), (201, &json!(true)), "{}", made.text);
}

/// Statement 67 of docs/SECURITY.md: the public verification has a budget of its own for a number.
#[tokio::test(flavor = "multi_thread")]
async fn public_verifications_of_a_number_do_not_keep_its_owner_from_signing_up() {
    let app = TestApp::with(&[BEHIND_A_PROXY]).await;
    let ada = app.new_person();
    for number in 0..5 {
        let attacker = at(&app, format!("203.0.113.{number}"));
        attacker.post(api::VERIFICATION_START, json!({"phoneNumber": ada.e164()})).await.ok();
    }
    let made = at(&app, "198.51.100.1").post(routes::USERS, ada.form()).await;
    assert_eq!((made.status.as_u16(), &made.body["codeSent"]), (201, &json!(true)), "{}", made.text);
}

/// Statement 65 of docs/SECURITY.md: the day's budget of strangers is that of the public verification as well.
#[tokio::test(flavor = "multi_thread")]
async fn public_verifications_and_unverified_accounts_send_ten_codes_a_day_together() {
    let app = TestApp::spawn().await;
    let ada = app.new_person();
    for number in 0..5 {
        for _ in 0..2 {
            app.stranger().post(api::VERIFICATION_START, json!({"phoneNumber": ada.e164()})).await;
        }
        let (_, session) = sign_up_on(&app, &ada.phone, &format!("eve{number}@example.com")).await;
        session.post(routes::SESSION_RESEND, json!({})).await;
        app.advance(3601);
    }
    assert_eq!(codes_on(&ada).await, 10);
}
