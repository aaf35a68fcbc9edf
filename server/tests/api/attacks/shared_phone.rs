//! One phone, many accounts: anybody can sign up with a number that belongs to somebody else.

use reqwest::StatusCode;
use serde_json::json;
use shared::routes::{self, cookie_api as api};

use super::{account_on, payment, sign_up_on, unapproved};
use crate::app::{PASSWORD, TestApp};

/// Statement 64 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn strangers_send_one_phone_two_pushes_an_hour_however_many_accounts_they_make() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    ada.sign_in().await;
    for number in 0..8 {
        let eve = account_on(&app, &ada.phone, &format!("eve{number}@example.com")).await;
        for _ in 0..5 {
            app.stranger().post(routes::SESSION, eve.credentials()).await;
        }
    }
    assert_eq!(unapproved(&ada).await, 2);
    app.advance(3601);
    let eve = account_on(&app, &ada.phone, "eve@example.com").await;
    for _ in 0..5 {
        app.stranger().post(routes::SESSION, eve.credentials()).await;
    }
    assert_eq!(unapproved(&ada).await, 4);
}

/// Statement 64 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn one_phone_is_asked_eight_times_an_hour_whoever_owns_the_accounts() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let bob = account_on(&app, &ada.phone, "bob@example.com").await;
    let cid = account_on(&app, &ada.phone, "cid@example.com").await;
    let people = [ada, bob, cid];
    for person in &people {
        person.sign_in().await;
    }
    for person in &people {
        for _ in 0..5 {
            app.stranger().post(routes::SESSION, person.credentials()).await.ok();
        }
    }
    assert_eq!(unapproved(&people[0]).await, 8);
}

/// Statement 64 of docs/SECURITY.md: the same for pushes that ask for the approval of an action.
#[tokio::test(flavor = "multi_thread")]
async fn approval_requests_for_actions_count_for_the_phone_as_well() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let bob = account_on(&app, &ada.phone, "bob@example.com").await;
    for person in [&ada, &bob] {
        let session = person.sign_in().await;
        for _ in 0..5 {
            session.post(routes::APPROVALS, payment()).await;
        }
    }
    assert_eq!(unapproved(&ada).await, 8);
}

/// Statement 61 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn five_accounts_verify_one_phone_and_the_sixth_cannot_use_it() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    ada.sign_in().await;
    for number in 2..=5 {
        let person = account_on(&app, &ada.phone, &format!("account{number}@example.com")).await;
        assert_eq!(person.sign_in().await.get(routes::USER).await.ok()["verified"], true);
    }
    // By push, and by code: the session goes on, the phone stays unverified.
    let by_push = account_on(&app, &ada.phone, "by-push@example.com").await.sign_in().await;
    let (person, by_code) = sign_up_on(&app, &ada.phone, "by-code@example.com").await;
    by_code.post(routes::SESSION_RESEND, json!({})).await.ok();
    by_code.verify(&person.code().await).await.ok();
    for session in [by_push, by_code] {
        assert_eq!(session.get(routes::USER).await.ok()["verified"], false);
        session.post(routes::APPROVALS, payment()).await.refused(403, "phone_in_use");
        session.post(routes::AUTHENTICATOR, json!({})).await.refused(403, "phone_in_use");
        session.get(api::PROTECTED).await.refused(403, "phone_in_use");
    }
    // Those that have verified it go on using it.
    assert_eq!(ada.sign_in().await.get(routes::USER).await.ok()["verified"], true);
}

/// Statement 61 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_sent_for_one_account_does_not_open_another_with_the_same_phone() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    ada.sign_in().await;
    // Of an account whose phone is not verified.
    let (eve, strangers) = sign_up_on(&app, &ada.phone, "eve@example.com").await;
    strangers.post(routes::SESSION_RESEND, json!({})).await.ok();
    let (attacked, _) = ada.log_in().await;
    attacked.verify(&eve.code().await).await.refused(401, "wrong_code");
    assert!(!attacked.is_signed_in().await);
    // Of one whose phone is.
    let bob = account_on(&app, &ada.phone, "bob@example.com").await;
    bob.sign_in().await;
    let (other, _) = bob.log_in().await;
    other.post(routes::SESSION_RESEND, json!({})).await.ok();
    let code = bob.code().await;
    attacked.verify(&code).await.refused(401, "wrong_code");
    assert!(!attacked.is_signed_in().await);
    // Where it was sent for, it is right.
    other.verify(&code).await.ok();
}

/// Statement 23 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_signs_in_the_session_it_was_sent_for_and_no_other() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    ada.sign_in().await;
    let (owner, _) = ada.log_in().await;
    let (thief, _) = ada.log_in().await;
    owner.post(routes::SESSION_RESEND, json!({})).await.ok();
    let code = ada.code().await;
    thief.verify(&code).await.refused(401, "wrong_code");
    assert!(!thief.is_signed_in().await);
    // Also where that session had a code of its own.
    thief.post(routes::SESSION_RESEND, json!({})).await.ok();
    thief.verify(&code).await.refused(401, "wrong_code");
    owner.verify(&code).await.ok();
}

/// Statement 69 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn a_push_for_an_account_with_an_unverified_phone_says_so_first() {
    const FIRST_WORDS: &str = "Verify this phone for a new Countersign account?";
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let newest = async || {
        let request = ada.look_at_phone().await["approvalRequests"][0].clone();
        request["message"].as_str().expect("a message").to_owned()
    };
    ada.sign_in().await;
    let first = newest().await;
    assert!(first.starts_with(FIRST_WORDS), "{first}");
    ada.log_in().await;
    let verified = newest().await;
    assert!(!verified.starts_with(FIRST_WORDS), "{verified}");
    // The cookie API asks in the same words.
    let browser = app.browser();
    let form = json!({
        "username": "eve", "email": "eve@example.com", "password": PASSWORD,
        "country_code": "44", "phone_number": ada.phone,
    });
    browser.post(api::REGISTER, form).await.ok();
    browser.post(api::ONETOUCH, json!({})).await.ok();
    let by_cookie = newest().await;
    assert!(by_cookie.starts_with(FIRST_WORDS), "{by_cookie}");
    // So does a push from the session of the sign-up.
    let (_, session) = sign_up_on(&app, &ada.phone, "mallory@example.com").await;
    let answer = session.post(routes::SESSION_PUSH, json!({})).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let from_sign_up = newest().await;
    assert!(from_sign_up.starts_with(FIRST_WORDS), "{from_sign_up}");
}
