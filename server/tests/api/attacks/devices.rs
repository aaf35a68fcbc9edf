//! A known device has its own limits, so that an attacker cannot lock out its owner.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shared::routes;

use super::{BEHIND_A_PROXY, count, exhaust_sends, known_device, login_outcome, wrong_code};
use crate::app::{ApiClient, Person, TestApp};

/// An attacker with the password locks the account with five wrong codes.
async fn lock_account(person: &Person<'_>) {
    let (attacker, _) = person.log_in().await;
    for _ in 0..5 {
        attacker.verify(&wrong_code(person).await).await.refused(401, "wrong_code");
    }
    attacker.verify(&person.soft_token().await).await.refused(429, "too_many");
}

async fn log_in_on(device: &ApiClient<'_>, person: &Person<'_>) -> Value {
    device.post(routes::SESSION, person.credentials()).await.ok()
}

/// Statement 67 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn a_known_device_has_its_own_budget_of_three_requests_and_three_codes() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let device = known_device(&app, &ada).await;
    exhaust_sends(&ada).await;
    let mut outcomes = Vec::new();
    for _ in 0..7 {
        outcomes.push(login_outcome(&device.post(routes::SESSION, ada.credentials()).await));
    }
    assert_eq!(outcomes, ["push", "push", "push", "sms", "sms", "sms", "nothing"]);
    // An unknown device cannot use that budget.
    assert_eq!(login_outcome(&app.client().post(routes::SESSION, ada.credentials()).await), "nothing");
}

/// Statement 67 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn a_known_device_signs_in_by_code_while_the_account_is_locked() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let device = known_device(&app, &ada).await;
    lock_account(&ada).await;
    log_in_on(&device, &ada).await;
    device.post(routes::SESSION_RESEND, json!({})).await.ok();
    device.verify(&ada.code().await).await.ok();
    assert!(device.is_signed_in().await);
}

/// Statement 67 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn a_known_device_has_its_own_limit_of_five_wrong_codes() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let device = known_device(&app, &ada).await;
    lock_account(&ada).await;
    log_in_on(&device, &ada).await;
    for _ in 0..5 {
        device.verify(&wrong_code(&ada).await).await.refused(401, "wrong_code");
    }
    device.verify(&ada.soft_token().await).await.refused(429, "too_many");
    app.advance(3601);
    log_in_on(&device, &ada).await;
    device.verify(&ada.soft_token().await).await.ok();
}

/// Statement 67 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn a_known_device_signs_in_while_its_address_is_rate_limited() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let device = known_device(&app, &ada).await;
    let wrong = json!({"email": ada.email, "password": "not the password"});
    for _ in 0..10 {
        app.client().post(routes::SESSION, wrong.clone()).await.refused(403, "wrong_credentials");
    }
    app.client().post(routes::SESSION, ada.credentials()).await.refused(429, "too_many");
    log_in_on(&device, &ada).await;
}

/// Statement 67 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn a_known_device_has_its_own_limit_of_ten_wrong_passwords() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let device = known_device(&app, &ada).await;
    let wrong = json!({"email": ada.email, "password": "not the password"});
    for _ in 0..10 {
        app.client().post(routes::SESSION, wrong.clone()).await.refused(403, "wrong_credentials");
    }
    let mut responses = Vec::new();
    for _ in 0..12 {
        responses.push(device.post(routes::SESSION, wrong.clone()).await);
    }
    assert_eq!(count(&responses, StatusCode::FORBIDDEN), 10);
    device.post(routes::SESSION, ada.credentials()).await.refused(429, "too_many");
}

/// Statement 67 of docs/SECURITY.md: a device cookie is bound to its account.
#[tokio::test(flavor = "multi_thread")]
async fn a_known_device_of_one_account_is_not_known_to_another_account() {
    let app = TestApp::spawn().await;
    let (ada, eve) = (app.register().await, app.register().await);
    ada.sign_in().await;
    let device = known_device(&app, &eve).await;
    lock_account(&ada).await;
    log_in_on(&device, &ada).await;
    device.verify(&ada.soft_token().await).await.refused(429, "too_many");
    assert!(!device.is_signed_in().await);
}

/// Statement 71 of docs/SECURITY.md: also from many addresses, of which each has tries of its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_known_device_has_ten_wrong_passwords_over_all_addresses() {
    let app = TestApp::spawn_with(&[BEHIND_A_PROXY]).await;
    let ada = app.register().await;
    let browser = known_device(&app, &ada).await;
    let mut refused = Vec::new();
    for number in 0..12 {
        let request = browser.request(Method::POST, routes::SESSION);
        let request = request.header("X-Forwarded-For", format!("198.51.100.{number}"));
        let wrong = json!({"email": ada.email, "password": "not this one"});
        refused.push(browser.send(request.json(&wrong)).await.status.as_u16());
    }
    assert_eq!(refused[..10], [403; 10]);
    assert_eq!(refused[10..], [429; 2]);
}
