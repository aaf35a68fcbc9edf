//! Several accounts with one phone: anybody can sign up with a phone they do not own.

use reqwest::StatusCode;
use serde_json::json;
use shared::routes::{self, cookie_api as api};

use super::{account_with_phone, payment, sign_up_with_phone, unapproved_requests};
use crate::app::{PASSWORD, SHORT_PROVIDER_TIMEOUT, TestApp, slow};

/// Statement 64 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn unverified_accounts_with_one_phone_share_two_requests_an_hour() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    ada.sign_in().await;
    for number in 0..8 {
        let eve = account_with_phone(&app, &ada.phone, &format!("eve{number}@example.com")).await;
        for _ in 0..5 {
            app.client().post(routes::SESSION, eve.credentials()).await;
        }
    }
    assert_eq!(unapproved_requests(&ada).await, 2);
    app.advance(3601);
    let eve = account_with_phone(&app, &ada.phone, "eve@example.com").await;
    for _ in 0..5 {
        app.client().post(routes::SESSION, eve.credentials()).await;
    }
    assert_eq!(unapproved_requests(&ada).await, 4);
}

/// Statement 64 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn verified_accounts_with_one_phone_share_eight_requests_an_hour() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let bob = account_with_phone(&app, &ada.phone, "bob@example.com").await;
    let cid = account_with_phone(&app, &ada.phone, "cid@example.com").await;
    let people = [ada, bob, cid];
    for person in &people {
        person.sign_in().await;
    }
    for person in &people {
        for _ in 0..5 {
            app.client().post(routes::SESSION, person.credentials()).await.ok();
        }
    }
    assert_eq!(unapproved_requests(&people[0]).await, 8);
}

/// Statement 64 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn action_approvals_count_towards_the_request_limit_of_the_phone() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let bob = account_with_phone(&app, &ada.phone, "bob@example.com").await;
    for person in [&ada, &bob] {
        let session = person.sign_in().await;
        for _ in 0..5 {
            session.post(routes::APPROVALS, payment()).await;
        }
    }
    assert_eq!(unapproved_requests(&ada).await, 8);
}

/// Statement 61 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn a_phone_is_verified_for_at_most_five_accounts() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    ada.sign_in().await;
    for number in 2..=5 {
        let person = account_with_phone(&app, &ada.phone, &format!("account{number}@example.com")).await;
        assert_eq!(person.sign_in().await.get(routes::USER).await.ok()["verified"], true);
    }
    // A sixth account can sign in by approval and by code, but its phone stays unverified.
    let by_push = account_with_phone(&app, &ada.phone, "by-push@example.com").await.sign_in().await;
    let (person, by_code) = sign_up_with_phone(&app, &ada.phone, "by-code@example.com").await;
    by_code.post(routes::SESSION_RESEND, json!({})).await.ok();
    by_code.verify(&person.code().await).await.ok();
    for session in [by_push, by_code] {
        assert_eq!(session.get(routes::USER).await.ok()["verified"], false);
        session.post(routes::APPROVALS, payment()).await.refused(403, "phone_in_use");
        session.post(routes::AUTHENTICATOR, json!({})).await.refused(403, "phone_in_use");
        session.get(api::PROTECTED).await.refused(403, "phone_in_use");
    }
    // The accounts that have verified the phone keep it.
    assert_eq!(ada.sign_in().await.get(routes::USER).await.ok()["verified"], true);
}

/// Statement 61 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_sent_for_one_account_is_refused_for_another_with_the_same_phone() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    ada.sign_in().await;
    // A code of an account with an unverified phone.
    let (eve, eves_session) = sign_up_with_phone(&app, &ada.phone, "eve@example.com").await;
    eves_session.post(routes::SESSION_RESEND, json!({})).await.ok();
    let (adas_login, _) = ada.log_in().await;
    adas_login.verify(&eve.code().await).await.refused(401, "wrong_code");
    assert!(!adas_login.is_signed_in().await);
    // A code of an account with a verified phone.
    let bob = account_with_phone(&app, &ada.phone, "bob@example.com").await;
    bob.sign_in().await;
    let (bobs_login, _) = bob.log_in().await;
    bobs_login.post(routes::SESSION_RESEND, json!({})).await.ok();
    let code = bob.code().await;
    adas_login.verify(&code).await.refused(401, "wrong_code");
    assert!(!adas_login.is_signed_in().await);
    // It is accepted in the session it was sent for.
    bobs_login.verify(&code).await.ok();
}

/// Statement 23 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_signs_in_only_the_session_it_was_sent_for() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    ada.sign_in().await;
    let (owner, _) = ada.log_in().await;
    let (attacker, _) = ada.log_in().await;
    owner.post(routes::SESSION_RESEND, json!({})).await.ok();
    let code = ada.code().await;
    attacker.verify(&code).await.refused(401, "wrong_code");
    assert!(!attacker.is_signed_in().await);
    // It is refused even if that session has a code of its own.
    attacker.post(routes::SESSION_RESEND, json!({})).await.ok();
    attacker.verify(&code).await.refused(401, "wrong_code");
    owner.verify(&code).await.ok();
}

/// Statement 69 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_to_an_unverified_phone_says_so_first() {
    const FIRST_WORDS: &str = "Verify this phone for a new Countersign account?";
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let newest = async || {
        let request = ada.phone_state().await["approvalRequests"][0].clone();
        request["message"].as_str().expect("a message").to_owned()
    };
    ada.sign_in().await;
    let first = newest().await;
    assert!(first.starts_with(FIRST_WORDS), "{first}");
    ada.log_in().await;
    let verified = newest().await;
    assert!(!verified.starts_with(FIRST_WORDS), "{verified}");
    // The cookie API sends the same words.
    let browser = app.browser();
    let form = json!({
        "username": "eve", "email": "eve@example.com", "password": PASSWORD,
        "country_code": "44", "phone_number": ada.phone,
    });
    browser.post(api::REGISTER, form).await.ok();
    browser.post(api::ONETOUCH, json!({})).await.ok();
    let by_cookie = newest().await;
    assert!(by_cookie.starts_with(FIRST_WORDS), "{by_cookie}");
    // So does a request from the session of the sign-up.
    let (_, session) = sign_up_with_phone(&app, &ada.phone, "mallory@example.com").await;
    let response = session.post(routes::SESSION_PUSH, json!({})).await;
    assert_eq!(response.status, StatusCode::OK, "{}", response.text);
    let from_sign_up = newest().await;
    assert!(from_sign_up.starts_with(FIRST_WORDS), "{from_sign_up}");
}

/// Statement 64 of docs/SECURITY.md: a request the provider answered too late may be on the phone.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_timed_out_counts_as_sent() {
    let app = TestApp::spawn_with(&[SHORT_PROVIDER_TIMEOUT]).await;
    let (_, session) = sign_up_with_phone(&app, "7700900777", "ada@example.com").await;
    app.inject_fault(slow("/onetouch")).await;
    for _ in 0..2 {
        session.post(api::ONETOUCH, json!({})).await.refused(502, "provider_failed");
    }
    session.post(api::ONETOUCH, json!({})).await.refused(429, "too_many");
}
