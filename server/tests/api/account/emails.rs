//! An account's e-mail: verifying and changing it.

use serde_json::json;
use shared::routes::{self, page};

use super::{all_sent, let_step_up_expire, mail, mails_to, owner, token_in, verify_email};
use crate::app::{ApiClient, Response, TestApp};

const VERIFY: &str = "Verify your new email";

async fn change(session: &ApiClient<'_>, email: &str) -> Response {
    session.post(routes::EMAIL, json!({"email": email})).await
}

async fn confirm(session: &ApiClient<'_>, token: &str) -> Response {
    session.post(routes::EMAIL_CONFIRM, json!({"token": token})).await
}

async fn link_to(app: &TestApp, email: &str) -> String {
    token_in(&mail(app, email, VERIFY).await, page::CONFIRM_EMAIL)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_up_sends_a_link_that_says_nothing_of_a_strangers_choice_and_verifies_the_email() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let session = ada.sign_in().await;
    assert_eq!(session.get(routes::USER).await.ok()["emailVerified"], false);
    let sent = mail(&app, &ada.email, VERIFY).await;
    assert!(!sent.to_string().contains("Lovelace"), "whoever signs up chooses the name: {sent}");
    verify_email(&session, &ada.email).await;
    assert_eq!(session.get(routes::USER).await.ok()["emailVerified"], true);
    let token = token_in(&sent, page::CONFIRM_EMAIL);
    confirm(&session, &token).await.refused(401, "link_expired");
}

/// Statement 53.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_email_is_the_accounts_when_its_link_was_opened_and_the_old_one_is_told() {
    let app = TestApp::spawn().await;
    let (ada, session) = owner(&app).await;
    let_step_up_expire(&app);
    change(&session, "ada@lovelace.example").await.refused(403, "step_up_required");
    let session = ada.sign_in().await;
    for wrong in ["", "no-email", "a b@example.com", "ada\u{200b}@example.com"] {
        change(&session, wrong).await.refused(422, "invalid_fields");
    }
    assert_eq!(change(&session, "ada@lovelace.example").await.status, 202);
    assert_eq!(session.get(routes::USER).await.ok()["email"], ada.email);
    let token = link_to(&app, "ada@lovelace.example").await;
    assert_eq!(confirm(&session, &token).await.ok()["email"], "ada@lovelace.example");
    let user = session.get(routes::USER).await.ok();
    assert_eq!((&user["email"], &user["emailVerified"]), (&json!("ada@lovelace.example"), &json!(true)));
    let told = mail(&app, &ada.email, "Your email was changed").await;
    assert!(!told.to_string().contains("lovelace.example"), "a notice says no more than it must: {told}");
    // Who signs in by e-mail signs in by the new one.
    let old = app.client().post(routes::SESSION, ada.credentials()).await;
    old.refused(403, "wrong_credentials");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_accounts_link_does_nothing_for_another_account() {
    let app = TestApp::spawn().await;
    let (ada, session) = owner(&app).await;
    let (grace, thief) = owner(&app).await;
    change(&session, "new@lovelace.example").await;
    let token = link_to(&app, "new@lovelace.example").await;
    confirm(&thief, &token).await.refused(401, "link_expired");
    app.client().post(routes::EMAIL_CONFIRM, json!({"token": token})).await.refused(403, "not_signed_in");
    confirm(&session, &token).await.ok();
    assert_eq!(thief.get(routes::USER).await.ok()["email"], grace.email);
    assert_ne!(session.get(routes::USER).await.ok()["email"], ada.email);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_email_that_another_account_has_verified_stays_there_and_nobody_is_told_before() {
    let app = TestApp::spawn().await;
    let ((ada, _), (_, session)) = (owner(&app).await, owner(&app).await);
    let (taken, free) = (change(&session, &ada.email).await, change(&session, "free@example.com").await);
    assert_eq!((taken.status, &taken.text), (free.status, &free.text));
    let token = link_to(&app, &ada.email).await;
    confirm(&session, &token).await.refused(409, "taken");
    assert_eq!(app.client().post(routes::SESSION, ada.credentials()).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_has_verified_nothing_yields_its_email_to_whoever_verifies_it() {
    let app = TestApp::spawn().await;
    let squatter = app.unregistered_person();
    let created = app.client().post(routes::USER, squatter.form()).await.ok();
    let squatting = app.bearer(created["token"].as_str().unwrap());
    all_sent(&app).await;
    let (_, session) = owner(&app).await;
    change(&session, &squatter.email).await;
    let token = link_to(&app, &squatter.email).await;
    confirm(&session, &token).await.ok();
    assert_eq!(session.get(routes::USER).await.ok()["email"], squatter.email);
    // The account is there, without the e-mail.
    assert_eq!(squatting.get(routes::USER).await.ok()["email"], "");

    // One that has verified its phone does not yield.
    let verified = app.register().await;
    let other = verified.sign_in().await;
    all_sent(&app).await;
    change(&session, &verified.email).await;
    app.wait_until("the link is there", async || mails_to(&app, &verified.email).await.len() == 2).await;
    confirm(&session, &link_to(&app, &verified.email).await).await.refused(409, "taken");
    assert_eq!(other.get(routes::USER).await.ok()["email"], verified.email);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_works_for_half_an_hour_and_not_after_the_password_was_changed() {
    let app = TestApp::spawn().await;
    let (ada, session) = owner(&app).await;
    change(&session, "late@example.com").await;
    let late = link_to(&app, "late@example.com").await;
    app.advance(30 * 60);
    confirm(&session, &late).await.refused(401, "link_expired");
    let session = ada.sign_in().await;
    change(&session, "thief@example.com").await;
    let thiefs = link_to(&app, "thief@example.com").await;
    let change = json!({"currentPassword": super::old_password(), "password": super::NEW_PASSWORD});
    session.post(routes::PASSWORD, change).await.ok();
    confirm(&session, &thiefs).await.refused(401, "link_expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_can_fill_a_strangers_mailbox_with_links() {
    let app = TestApp::spawn().await;
    let mut sent = 0;
    for _ in 0..3 {
        let (_, session) = owner(&app).await;
        for _ in 0..3 {
            sent += usize::from(change(&session, "victim@example.org").await.status == 202);
        }
    }
    assert_eq!(sent, 5);
    let (_, session) = owner(&app).await;
    let refused = change(&session, "victim@example.org").await;
    assert!(refused.headers.contains_key("retry-after"));
    refused.refused(429, "too_many");
}
