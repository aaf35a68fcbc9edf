//! Notices by e-mail. Statement 57.

use serde_json::{Value, json};
use shared::routes::{self, page};

use super::{
    Page, all_sent, let_step_up_expire, mail, old_password, owner, subjects_to, token_in, try_password,
};
use crate::{app::TestApp, totp::totp};

const HALF: &str = "Someone entered your password";

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_is_told_of_every_change_of_a_credential() {
    let app = TestApp::spawn().await;
    let (ada, session) = owner(&app).await;
    let shown = session.post(routes::AUTHENTICATOR, json!({})).await.body;
    let id = shown["id"].as_str().unwrap();
    let code = totp(shown["secret"].as_str().unwrap(), app.clock.now());
    session.post(&routes::AUTHENTICATOR_CONFIRM.replace("{id}", id), json!({"code": code})).await.ok();
    let added = mail(&app, &ada.email, "Sign-in method added").await;
    assert!(added["text"].as_str().unwrap().contains("Authenticator app"), "{added}");
    assert!(!added.to_string().contains(shown["secret"].as_str().unwrap()));
    session.delete(&routes::AUTHENTICATOR_ID.replace("{id}", id)).await.ok();
    mail(&app, &ada.email, "Sign-in method removed").await;
    session.post(routes::RECOVERY_CODES, json!({})).await;
    app.wait_until("codes are told of as a method", async || {
        let told = mail(&app, &ada.email, "Sign-in method added").await;
        told["text"].as_str().unwrap().contains("Recovery code")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_says_when_by_what_and_from_where_in_both_parts_and_no_more() {
    let app = TestApp::spawn().await;
    let (ada, _) = owner(&app).await;
    app.advance(60);
    let browser = Page::open(&app);
    let request = browser.client.request(reqwest::Method::POST, routes::SESSION);
    let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    let request = request.header(routes::CARRIER_HEADER, "cookie").header("User-Agent", firefox);
    let login = browser.client.send(request.json(&ada.credentials())).await.ok();
    super::approve(&app, login["authyResponse"]["approval_request"]["uuid"].as_str().unwrap()).await;
    let number = super::number_on_phone(&ada).await;
    browser.post(routes::SESSION_PUSH_MATCH, json!({"number": number})).await.ok();
    let told = mail(&app, &ada.email, "New sign-in to Countersign").await;
    for part in ["text", "html"] {
        let text = told[part].as_str().unwrap();
        for said in
            ["Ada Lovelace", "2 March 2026, 14:03 UTC", "Firefox on Linux", "127.0.0.1", "This wasn’t me"]
        {
            assert!(text.contains(said), "{said}: {text}");
        }
        assert!(!text.contains(&ada.phone) && !text.contains(&number_word(&number)), "{text}");
    }
}

/// The number as it would stand in a text.
fn number_word(number: &str) -> String {
    format!("Number: {number}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_was_seen_before_is_not_told_of_again() {
    let app = TestApp::spawn().await;
    let (ada, _) = owner(&app).await;
    // The owner's first sign-in is known: the same program from the same address.
    for _ in 0..3 {
        app.advance(60);
        ada.sign_in().await;
    }
    assert!(!subjects_to(&app, &ada.email).await.contains(&"New sign-in to Countersign".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_password_without_a_second_factor_is_told_after_three_minutes_also_when_it_was_given_up() {
    let app = TestApp::spawn().await;
    let (ada, _) = owner(&app).await;
    let begun = try_password(&ada, old_password()).await.ok();
    let thief = app.bearer(begun["token"].as_str().unwrap());
    thief.delete(routes::SESSION).await.ok();
    app.advance(179);
    assert!(!subjects_to(&app, &ada.email).await.contains(&HALF.to_owned()));
    app.advance(1);
    mail(&app, &ada.email, HALF).await;
    let events = ada.sign_in().await.get(routes::EVENTS).await.ok();
    let told = events["events"].as_array().unwrap().iter().any(|event| event["kind"] == "half_sign_in");
    assert!(told, "{events}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_was_completed_or_came_from_a_known_device_is_not_told_of_as_half() {
    let app = TestApp::spawn().await;
    let (ada, _) = owner(&app).await;
    let browser = Page::open(&app);
    browser.log_in(&ada).await;
    app.advance(60);
    browser.sign_in(&ada).await;
    browser.client.delete(routes::SESSION).await.ok();
    // From a known device, and given up.
    app.advance(60);
    browser.log_in(&ada).await;
    app.advance(600);
    assert!(!subjects_to(&app, &ada.email).await.contains(&HALF.to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_who_knows_the_password_cannot_flood_the_mailbox() {
    let app = TestApp::spawn().await;
    let (ada, _) = owner(&app).await;
    for _ in 0..20 {
        try_password(&ada, old_password()).await;
        app.advance(240);
        all_sent(&app).await;
    }
    app.wait_until("the last is settled", async || {
        subjects_to(&app, &ada.email).await.iter().filter(|subject| *subject == HALF).count() >= 6
    })
    .await;
    let told = subjects_to(&app, &ada.email).await;
    assert_eq!(told.iter().filter(|subject| *subject == HALF).count(), 6, "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn locked_codes_and_denied_sign_ins_are_told() {
    let app = TestApp::spawn().await;
    let (ada, _) = owner(&app).await;
    let (pending, uuid) = ada.log_in().await;
    app.answer_request(&uuid, "deny").await;
    mail(&app, &ada.email, "A sign-in was denied").await;
    for _ in 0..5 {
        pending.verify("000000").await.refused(401, "wrong_code");
    }
    let told = mail(&app, &ada.email, "Codes are locked").await;
    assert!(told["text"].as_str().unwrap().contains("2 March 2026, 14:17 UTC"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_email_that_was_never_verified_gets_no_notice() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let session = ada.sign_in().await;
    let change = json!({"currentPassword": old_password(), "password": super::NEW_PASSWORD});
    session.post(routes::PASSWORD, change).await.ok();
    session.post(routes::RECOVERY_CODES, json!({})).await;
    assert_eq!(subjects_to(&app, &ada.email).await, ["Verify your new email"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_follows_every_link_changes_nothing() {
    let app = TestApp::spawn().await;
    let (ada, session) = owner(&app).await;
    session.post(routes::RECOVERY_CODES, json!({})).await;
    let told = mail(&app, &ada.email, "Sign-in method added").await;
    let token = token_in(&told, page::SECURE);
    for path in [page::SECURE.to_owned(), format!("{}?token={token}", page::SECURE), page::SECURE.to_owned()]
    {
        let client = app.client();
        client.get(&path).await;
        client.send(client.request(reqwest::Method::HEAD, &path)).await;
        client.get(&format!("{}?token={token}", routes::SECURE)).await.refused(405, "method_not_allowed");
    }
    assert!(session.is_signed_in().await);
    app.client().post(routes::SECURE, json!({"token": token})).await.ok();
    session.get(routes::USER).await.refused(403, "not_signed_in");
}

/// Statement 53: what was long ago is no proof.
#[tokio::test(flavor = "multi_thread")]
async fn changes_of_factors_need_a_factor_within_twenty_minutes() {
    let app = TestApp::spawn().await;
    let (ada, session) = owner(&app).await;
    let_step_up_expire(&app);
    let refused: [(&str, Value); 5] = [
        (routes::AUTHENTICATOR, json!({})),
        (routes::RECOVERY_CODES, json!({})),
        (routes::EMAIL, json!({"email": "new@example.com"})),
        (routes::PASSWORD, json!({"currentPassword": old_password(), "password": super::NEW_PASSWORD})),
        (routes::PHONE, json!({"countryCode": "44", "phone": "7700900999"})),
    ];
    for (path, body) in &refused {
        session.post(path, body.clone()).await.refused(403, "step_up_required");
    }
    session.get(routes::EXPORT).await.refused(403, "step_up_required");
    let asked = session.post(routes::SESSION_PUSH, json!({})).await.ok();
    super::approve(&app, asked["approval_request"]["uuid"].as_str().unwrap()).await;
    for (path, body) in &refused[..3] {
        let done = session.post(path, body.clone()).await;
        assert!(done.status.is_success(), "{path}: {}", done.text);
    }
    drop(ada);
}
