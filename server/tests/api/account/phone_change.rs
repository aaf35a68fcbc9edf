//! Changing an account's phone. Statements 53 and 54.

use serde_json::{Value, json};
use shared::routes;

use super::{let_step_up_expire, mail, old_password, owner, subjects_to};
use crate::{
    app::{ApiClient, Person, Response, TestApp},
    providers::{TestProvider, for_each_provider},
};

for_each_provider!(
    a_new_phone_takes_the_place_of_the_old_one_when_it_is_verified,
    of_two_accounts_that_want_one_number_each_needs_its_own_code,
    a_mistyped_phone_of_a_fresh_sign_up_is_corrected_with_the_password,
);

async fn start(session: &ApiClient<'_>, phone: &str) -> Response {
    session.post(routes::PHONE, json!({"countryCode": "44", "phone": phone})).await
}

async fn verify(session: &ApiClient<'_>, code: &str) -> Response {
    session.post(routes::PHONE_VERIFY, json!({"code": code})).await
}

/// Signs in by a code to the phone.
async fn sign_in_by_code<'a>(app: &'a TestApp, ada: &Person<'_>, phone: &Person<'_>) -> ApiClient<'a> {
    let begun = app.client().post(routes::SESSION, ada.credentials()).await.ok();
    let session = app.bearer(begun["token"].as_str().unwrap());
    if begun["authyResponse"]["via"] == Value::Null {
        session.post(routes::SESSION_RESEND, json!({})).await.ok();
    }
    session.verify(&phone.code().await).await.ok();
    session
}

async fn a_new_phone_takes_the_place_of_the_old_one_when_it_is_verified(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let (ada, session) = owner(&app).await;
    let other = ada.sign_in().await;
    let new = app.unregistered_person();
    let_step_up_expire(&app);
    start(&session, &new.phone).await.refused(403, "step_up_required");
    let session = ada.sign_in().await;
    let sent = start(&session, &new.phone).await.ok();
    assert_eq!(sent["via"], "sms");
    verify(&session, &new.wrong_code().await).await.refused(401, "wrong_code");
    assert_eq!(session.get(routes::USER).await.ok()["phone"], ada.phone, "the old one works until then");
    // The code of the old phone is none of the new one.
    app.advance(60);
    let pending = app.client().post(routes::SESSION, ada.credentials()).await.ok();
    let pending = app.bearer(pending["token"].as_str().unwrap());
    pending.post(routes::SESSION_RESEND, json!({})).await.ok();
    verify(&session, &ada.code().await).await.refused(401, "wrong_code");
    verify(&other, &new.code().await).await.refused(404, "not_found");
    verify(&session, &new.code().await).await.ok();

    let user = session.get(routes::USER).await.ok();
    assert_eq!((&user["phone"], &user["verified"]), (&json!(new.phone), &json!(true)));
    other.get(routes::USER).await.refused(403, "not_signed_in");
    verify(&session, &new.code().await).await.refused(404, "not_found");
    let told = mail(&app, &ada.email, "Your phone number was changed").await;
    assert!(!told.to_string().contains(&new.phone) && !told.to_string().contains(&ada.phone), "{told}");
    app.advance(60);
    assert!(sign_in_by_code(&app, &ada, &new).await.is_signed_in().await);
    let factors = session.get(routes::FACTORS).await.ok();
    let phones = factors["factors"].as_array().unwrap().iter().filter(|factor| factor["kind"] == "phone");
    assert_eq!(phones.count(), 1);
}

async fn of_two_accounts_that_want_one_number_each_needs_its_own_code(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let ((ada, first), (_, second)) = (owner(&app).await, owner(&app).await);
    let wanted = app.unregistered_person();
    start(&first, &wanted.phone).await.ok();
    let code = wanted.code().await;
    start(&second, &wanted.phone).await.ok();
    verify(&second, &code).await.refused(401, "wrong_code");
    verify(&second, &wanted.code().await).await.ok();
    let latest = wanted.code().await;
    verify(&first, &latest).await.refused(401, "wrong_code");
    assert_eq!(first.get(routes::USER).await.ok()["phone"], ada.phone);
}

async fn a_mistyped_phone_of_a_fresh_sign_up_is_corrected_with_the_password(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let (ada, right) = (app.unregistered_person(), app.unregistered_person());
    let created = app.client().post(routes::USER, ada.form()).await.ok();
    let session = app.bearer(created["token"].as_str().unwrap());
    assert_eq!(session.get(routes::USER).await.ok()["mayCorrectPhone"], true);
    let with = |password: &str| json!({"countryCode": "44", "phone": right.phone, "password": password});
    session.post(routes::PHONE, with("not the password")).await.refused(401, "wrong_password");
    session.post(routes::PHONE, with("")).await.refused(401, "wrong_password");
    session.post(routes::PHONE, with(old_password())).await.ok();
    verify(&session, &right.code().await).await.ok();
    let user = session.get(routes::USER).await.ok();
    assert_eq!((&user["phone"], &user["verified"]), (&json!(right.phone), &json!(true)));
    assert_eq!(user["mayCorrectPhone"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pending_session_corrects_a_phone_that_was_never_verified_within_a_week() {
    let app = TestApp::spawn().await;
    for (days, is_open) in [(6, true), (8, false)] {
        let (ada, right) = (app.unregistered_person(), app.unregistered_person());
        app.client().post(routes::USER, ada.form()).await.ok();
        app.advance(days * 24 * 3600);
        let (pending, _) = ada.log_in().await;
        let wish = json!({"countryCode": "44", "phone": right.phone, "password": old_password()});
        let started = pending.post(routes::PHONE, wish).await;
        if is_open {
            started.ok();
            verify(&pending, &right.code().await).await.ok();
            assert!(pending.is_signed_in().await);
        } else {
            started.refused(403, "second_factor_required");
        }
    }
}

/// Somebody who knows the password began to correct the phone; the owner verifies the right one before that ends.
#[tokio::test(flavor = "multi_thread")]
async fn a_correction_is_void_once_the_phone_was_verified() {
    let app = TestApp::spawn().await;
    let (ada, thiefs) = (app.unregistered_person(), app.unregistered_person());
    let created = app.client().post(routes::USER, ada.form()).await.ok();
    let session = app.bearer(created["token"].as_str().unwrap());
    let (pending, _) = ada.log_in().await;
    let wish = json!({"countryCode": "44", "phone": thiefs.phone, "password": old_password()});
    pending.post(routes::PHONE, wish).await.ok();
    session.post(routes::SESSION_RESEND, json!({})).await.ok();
    session.verify(&ada.code().await).await.ok();
    verify(&pending, &thiefs.code().await).await.refused(404, "not_found");
    let user = session.get(routes::USER).await.ok();
    assert_eq!((&user["phone"], &user["verified"]), (&json!(ada.phone), &json!(true)));
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_to_a_new_number_are_half_a_minute_apart() {
    let app = TestApp::spawn().await;
    let (_, session) = owner(&app).await;
    let new = app.unregistered_person();
    start(&session, &new.phone).await.ok();
    start(&session, &new.phone).await.refused(429, "too_many");
    app.advance(30);
    start(&session, &new.phone).await.ok();
}

/// Who knows the password of an account with a verified phone cannot move it by that.
#[tokio::test(flavor = "multi_thread")]
async fn the_password_changes_no_phone_that_was_ever_verified() {
    let app = TestApp::spawn().await;
    let (ada, _) = owner(&app).await;
    let thiefs = app.unregistered_person();
    let (pending, _) = ada.log_in().await;
    let wish = json!({"countryCode": "44", "phone": thiefs.phone, "password": old_password()});
    pending.post(routes::PHONE, wish).await.refused(403, "second_factor_required");
    app.client().post(routes::PHONE, json!({})).await.refused(404, "no_session");
    assert_eq!(thiefs.phone_state().await["messages"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_cannot_be_or_is_used_up_is_refused() {
    let app = TestApp::spawn_with(&[("LIMIT_ACCOUNTS_PER_PHONE", "1")]).await;
    let ((ada, _), (_, session)) = (owner(&app).await, owner(&app).await);
    for (country, phone) in [("", "7700900123"), ("44", "12"), ("999", "7700900123"), ("44", "9098790123")] {
        let wish = json!({"countryCode": country, "phone": phone});
        session.post(routes::PHONE, wish).await.refused(422, "invalid_fields");
    }
    // That the number is used up is said after the right code alone.
    start(&session, &ada.phone).await.ok();
    verify(&session, &ada.code().await).await.refused(403, "phone_in_use");
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_to_new_numbers_are_bounded_and_wrong_ones_count_for_the_account() {
    let app = TestApp::spawn().await;
    let (ada, session) = owner(&app).await;
    let new = app.unregistered_person();
    start(&session, &new.phone).await.ok();
    for _ in 0..5 {
        verify(&session, &new.wrong_code().await).await.refused(401, "wrong_code");
    }
    verify(&session, &new.code().await).await.refused(429, "too_many");
    assert!(subjects_to(&app, &ada.email).await.contains(&"Codes are locked".to_owned()));
    let mut sent = 1;
    for _ in 0..8 {
        app.advance(30);
        sent += usize::from(start(&session, &app.unregistered_person().phone).await.status == 200);
    }
    assert_eq!(sent, 5, "an hour's sends of the account");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_old_phone_is_told_where_texts_are_set() {
    let app = TestApp::spawn_with(&[
        ("TWILIO_ACCOUNT_SID", sandbox::ACCOUNT_SID),
        ("TWILIO_AUTH_TOKEN", sandbox::AUTH_TOKEN),
        ("TWILIO_NUMBER", sandbox::NUMBER),
    ])
    .await;
    let (ada, session) = owner(&app).await;
    let new = app.unregistered_person();
    start(&session, &new.phone).await.ok();
    verify(&session, &new.code().await).await.ok();
    let texts = app.messages_to(&ada.e164()).await;
    let told = texts[0]["body"].as_str().unwrap();
    assert!(told.starts_with("Countersign: your account no longer uses this phone number."), "{told}");
    let token = told.split_once("/secure#").expect("a link").1.to_owned();
    app.client().post(routes::SECURE, json!({"token": token})).await.ok();
    let session = super::try_password(&ada, old_password()).await;
    session.refused(403, "wrong_credentials");
}
