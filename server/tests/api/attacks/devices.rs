//! A known device has budgets of its own, so that nobody can lock its owner out.

use reqwest::StatusCode;
use serde_json::{Value, json};
use shared::routes;

use super::{count, known_device, use_up_pushes_and_sends, way_of, wrong_code};
use crate::app::{Person, Session, TestApp};

/// A thief with the password locks the account with five wrong codes.
async fn lock(person: &Person<'_>) {
    let (thief, _) = person.log_in().await;
    for _ in 0..5 {
        thief.verify(&wrong_code(person).await).await.refused(401, "wrong_code");
    }
    thief.verify(&person.soft_token().await).await.refused(429, "too_many");
}

async fn log_in_on(device: &Session<'_>, person: &Person<'_>) -> Value {
    device.post(routes::SESSION, person.credentials()).await.ok()
}

/// Statement 67 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn a_known_device_gets_three_pushes_and_three_codes_when_a_thief_has_used_up_the_rest() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let device = known_device(&app, &ada).await;
    use_up_pushes_and_sends(&ada).await;
    let mut ways = Vec::new();
    for _ in 0..7 {
        ways.push(way_of(&device.post(routes::SESSION, ada.credentials()).await));
    }
    assert_eq!(ways, ["push", "push", "push", "sms", "sms", "sms", "nothing"]);
    // Another device has none of it.
    assert_eq!(way_of(&app.stranger().post(routes::SESSION, ada.credentials()).await), "nothing");
}

/// Statement 67 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn a_known_device_signs_in_by_code_while_the_account_is_locked() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let device = known_device(&app, &ada).await;
    lock(&ada).await;
    log_in_on(&device, &ada).await;
    device.post(routes::SESSION_RESEND, json!({})).await.ok();
    device.verify(&ada.code().await).await.ok();
    assert!(device.is_signed_in().await);
}

/// Statement 67 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn a_known_device_has_five_wrong_codes_of_its_own_and_no_more() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let device = known_device(&app, &ada).await;
    lock(&ada).await;
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
async fn a_known_device_logs_in_when_wrong_passwords_have_closed_its_address() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let device = known_device(&app, &ada).await;
    let wrong = json!({"email": ada.email, "password": "not the password"});
    for _ in 0..10 {
        app.stranger().post(routes::SESSION, wrong.clone()).await.refused(403, "wrong_credentials");
    }
    app.stranger().post(routes::SESSION, ada.credentials()).await.refused(429, "too_many");
    log_in_on(&device, &ada).await;
}

/// Statement 67 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn a_known_device_has_ten_wrong_passwords_of_its_own_and_no_more() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let device = known_device(&app, &ada).await;
    let wrong = json!({"email": ada.email, "password": "not the password"});
    for _ in 0..10 {
        app.stranger().post(routes::SESSION, wrong.clone()).await.refused(403, "wrong_credentials");
    }
    let mut answers = Vec::new();
    for _ in 0..12 {
        answers.push(device.post(routes::SESSION, wrong.clone()).await);
    }
    assert_eq!(count(&answers, StatusCode::FORBIDDEN), 10);
    device.post(routes::SESSION, ada.credentials()).await.refused(429, "too_many");
}

/// Statement 67 of docs/SECURITY.md: the device cookie of one account is nothing for another.
#[tokio::test(flavor = "multi_thread")]
async fn a_known_device_of_one_account_is_unknown_to_another() {
    let app = TestApp::spawn().await;
    let (ada, eve) = (app.person().await, app.person().await);
    ada.sign_in().await;
    let device = known_device(&app, &eve).await;
    lock(&ada).await;
    log_in_on(&device, &ada).await;
    device.verify(&ada.soft_token().await).await.refused(429, "too_many");
    assert!(!device.is_signed_in().await);
}
