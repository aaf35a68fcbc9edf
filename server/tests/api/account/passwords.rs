//! Changing a password, and a forgotten one. Statements 10, 16, 18 and 19.

use std::collections::BTreeSet;

use reqwest::{Method, header};
use serde_json::{Value, json};
use shared::routes::{self, page};

use super::{
    NEW_PASSWORD, Page, all_sent, let_step_up_expire, mail, mails_to, old_password, owner, sign_in_with,
    subjects_to, token_in, try_password,
};
use crate::app::{ApiClient, Response, TestApp};

const RESET: &str = "Reset your Countersign password";

async fn change(session: &ApiClient<'_>, current: &str, new: &str) -> Response {
    session.post(routes::PASSWORD, json!({"currentPassword": current, "password": new})).await
}

async fn forgot(client: &ApiClient<'_>, email: &str) -> Response {
    client.post(routes::PASSWORD_FORGOT, json!({"email": email})).await
}

async fn reset(app: &TestApp, token: &str, password: &str) -> Response {
    app.client().post(routes::PASSWORD_RESET, json!({"token": token, "password": password})).await
}

/// Statement 16.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_needs_the_old_password_and_a_fresh_factor() {
    let app = TestApp::spawn().await;
    let (ada, session) = owner(&app).await;
    change(&session, "not the password", NEW_PASSWORD).await.refused(401, "wrong_password");
    for (new, told) in [
        ("short", "Use at least 8 characters."),
        (old_password(), "Use a password that's different from the current one."),
    ] {
        let refused = change(&session, old_password(), new).await.refused(422, "invalid_fields");
        assert!(refused["fields"]["password"].is_string(), "{told}: {refused}");
    }
    change(&session, old_password(), &ada.email).await.refused(422, "invalid_fields");
    let_step_up_expire(&app);
    change(&session, old_password(), NEW_PASSWORD).await.refused(403, "step_up_required");
    assert_eq!(try_password(&ada, old_password()).await.status, 200, "nothing has changed");
}

/// Statement 10.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_ends_all_other_sessions_and_the_old_password() {
    let app = TestApp::spawn().await;
    let (ada, session) = owner(&app).await;
    let other = ada.sign_in().await;
    let (pending, _) = ada.log_in().await;
    change(&session, old_password(), NEW_PASSWORD).await.ok();
    assert!(session.is_signed_in().await);
    other.get(routes::USER).await.refused(403, "not_signed_in");
    pending.get(routes::AUTHY_STATUS).await.refused(404, "no_session");
    try_password(&ada, old_password()).await.refused(403, "wrong_credentials");
    assert!(sign_in_with(&ada, NEW_PASSWORD).await.is_signed_in().await);
    assert!(session.get(routes::USER).await.ok()["passwordChangedAt"].is_string());
    mail(&app, &ada.email, "Your password was changed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_current_passwords_are_counted_like_those_at_the_sign_in() {
    let app = TestApp::spawn().await;
    let (ada, session) = owner(&app).await;
    for _ in 0..10 {
        change(&session, "not the password", NEW_PASSWORD).await.refused(401, "wrong_password");
    }
    change(&session, old_password(), NEW_PASSWORD).await.refused(429, "too_many");
    try_password(&ada, old_password()).await.refused(429, "too_many");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_stays_a_known_device_after_its_change() {
    let app = TestApp::spawn().await;
    let (ada, session) = owner(&app).await;
    session.delete(routes::SESSION).await.ok();
    let browser = Page::open(&app);
    browser.sign_in(&ada).await;
    change(&browser.client, old_password(), NEW_PASSWORD).await.ok();
    // Strangers use up the account's wrong passwords; the known device has its own.
    for _ in 0..10 {
        try_password(&ada, "not the password").await.refused(403, "wrong_credentials");
    }
    try_password(&ada, NEW_PASSWORD).await.refused(429, "too_many");
    let login = json!({"email": ada.email, "password": NEW_PASSWORD});
    assert_eq!(browser.post(routes::SESSION, login).await.status, 200);
}

/// Statement 18.
#[tokio::test(flavor = "multi_thread")]
async fn asking_for_a_link_is_answered_alike_for_every_email() {
    let app = TestApp::spawn().await;
    let (ada, _) = owner(&app).await;
    let unverified = app.register().await;
    all_sent(&app).await;
    let before = mails_to(&app, &unverified.email).await.len();
    let mut answers = BTreeSet::new();
    for email in [&ada.email, &unverified.email, "nobody@example.com", &ada.email.to_uppercase()] {
        let answer = forgot(&app.client(), email).await;
        answers.insert((answer.status.as_u16(), answer.text));
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(answers.first().unwrap().0, 202);
    app.wait_until("both links are there", async || mails_to(&app, &ada.email).await.len() == 2).await;
    all_sent(&app).await;
    assert_eq!(mails_to(&app, "nobody@example.com").await, [] as [Value; 0]);
    assert_eq!(mails_to(&app, &unverified.email).await.len(), before, "its owner was never seen there");
    forgot(&app.client(), "not an email").await.refused(422, "invalid_fields");
}

/// Statement 19.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_sets_a_new_password_once_ends_all_sessions_and_skips_no_factor() {
    let app = TestApp::spawn().await;
    let (ada, session) = owner(&app).await;
    forgot(&app.client(), &ada.email).await;
    let token = token_in(&mail(&app, &ada.email, RESET).await, page::RESET);
    for weak in ["short", "password", &ada.email] {
        reset(&app, &token, weak).await.refused(422, "invalid_fields");
    }
    reset(&app, &token, NEW_PASSWORD).await.ok();
    session.get(routes::USER).await.refused(403, "not_signed_in");
    reset(&app, &token, "another password entirely").await.refused(401, "link_expired");
    try_password(&ada, old_password()).await.refused(403, "wrong_credentials");
    let begun = try_password(&ada, NEW_PASSWORD).await.ok();
    let pending = app.bearer(begun["token"].as_str().unwrap());
    pending.get(routes::USER).await.refused(403, "second_factor_required");
    assert!(subjects_to(&app, &ada.email).await.contains(&"Your password was changed".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_void_after_half_an_hour_and_after_any_other_change_of_the_password() {
    let app = TestApp::spawn().await;
    let (ada, session) = owner(&app).await;
    forgot(&app.client(), &ada.email).await;
    let first = token_in(&mail(&app, &ada.email, RESET).await, page::RESET);
    change(&session, old_password(), NEW_PASSWORD).await.ok();
    reset(&app, &first, "another password entirely").await.refused(401, "link_expired");
    forgot(&app.client(), &ada.email).await;
    app.wait_until("the second link is there", async || {
        let mails = mails_to(&app, &ada.email).await;
        mails.iter().filter(|mail| mail["subject"] == RESET).count() == 2
    })
    .await;
    let second = token_in(&mail(&app, &ada.email, RESET).await, page::RESET);
    app.advance(30 * 60);
    reset(&app, &second, "another password entirely").await.refused(401, "link_expired");
    for token in ["", "no-such-token", &"x".repeat(2000)] {
        reset(&app, token, "another password entirely").await.refused(401, "link_expired");
    }
    assert_eq!(try_password(&ada, NEW_PASSWORD).await.status, 200);
}

/// Statement 19.
#[tokio::test(flavor = "multi_thread")]
async fn links_begin_with_the_address_of_the_server_whatever_host_a_request_names() {
    let app = TestApp::spawn().await;
    let (ada, _) = owner(&app).await;
    let client = app.client();
    let request = client.request(Method::POST, routes::PASSWORD_FORGOT).header(header::HOST, "evil.example");
    let request = request.header("X-Forwarded-Host", "evil.example").json(&json!({"email": ada.email}));
    client.send(request).await;
    let sent = mail(&app, &ada.email, RESET).await;
    assert!(sent["text"].as_str().unwrap().contains(&app.url("/reset#")), "{sent}");
    assert!(!sent.to_string().contains("evil"), "{sent}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_can_fill_a_mailbox_with_links_and_those_that_were_sent_still_work() {
    let app = TestApp::spawn().await;
    let (ada, _) = owner(&app).await;
    for _ in 0..10 {
        assert_eq!(forgot(&app.client(), &ada.email).await.status, 202);
    }
    app.wait_until("links are there", async || mails_to(&app, &ada.email).await.len() == 3).await;
    all_sent(&app).await;
    let mails = mails_to(&app, &ada.email).await;
    assert_eq!(mails.len(), 3);
    reset(&app, &token_in(&mails[2], page::RESET), NEW_PASSWORD).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_mail_everything_but_the_forgotten_password_works() {
    let app = TestApp::spawn_with(&[("APP_SECRET", "a secret that two servers of this test share")]).await;
    let ada = app.register().await;
    let quiet = app.beside().await;
    forgot(&quiet.client(), &ada.email).await.refused(409, "email_off");
    let begun = quiet.client().post(routes::SESSION, ada.credentials()).await.ok();
    super::approve(&app, begun["authyResponse"]["approval_request"]["uuid"].as_str().unwrap()).await;
    let session = quiet.bearer(begun["token"].as_str().unwrap());
    quiet.wait_until("the approval is known", async || session.is_signed_in().await).await;
    assert_eq!(session.get(routes::USER).await.ok()["mail"], false);
    session.post(routes::EMAIL, json!({"email": "new@example.com"})).await.refused(409, "email_off");
    change(&session, old_password(), NEW_PASSWORD).await.ok();
    assert_eq!(session.post(routes::RECOVERY_CODES, json!({})).await.status, 201);
}

/// Statement 10, at another provider of codes: nothing here depends on it.
#[tokio::test(flavor = "multi_thread")]
async fn many_links_at_once_set_one_password() {
    let app = TestApp::spawn().await;
    let (ada, _) = owner(&app).await;
    forgot(&app.client(), &ada.email).await;
    let token = token_in(&mail(&app, &ada.email, RESET).await, page::RESET);
    let passwords: Vec<String> = (0..6).map(|at| format!("{NEW_PASSWORD} {at}")).collect();
    let answers =
        futures_util::future::join_all(passwords.iter().map(|password| reset(&app, &token, password))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
}
