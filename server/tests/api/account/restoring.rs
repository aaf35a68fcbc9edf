//! "This wasn't me": what a link from a notice brings back.

use serde_json::json;
use shared::routes::{self, page};

use super::{NEW_PASSWORD, mail, old_password, owner, sign_in_with, subjects_to, token_in, try_password};
use crate::app::{ApiClient, TestApp};

/// Whoever has a fresh session changes the e-mail.
async fn change_email(session: &ApiClient<'_>, to: &str) {
    session.post(routes::EMAIL, json!({"email": to})).await;
    let token = token_in(&mail(session.app, to, "Verify your new email").await, page::CONFIRM_EMAIL);
    session.post(routes::EMAIL_CONFIRM, json!({"token": token})).await.ok();
}

async fn change_phone(session: &ApiClient<'_>, app: &TestApp) -> String {
    let new = app.unregistered_person();
    // Codes are sent half a minute apart.
    app.advance(30);
    session.post(routes::PHONE, json!({"countryCode": "44", "phone": new.phone})).await.ok();
    session.post(routes::PHONE_VERIFY, json!({"code": new.code().await})).await.ok();
    new.phone
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_gets_email_and_phone_back_whichever_was_changed_first_and_the_thief_is_out() {
    for phone_first in [true, false] {
        let app = TestApp::spawn().await;
        let (ada, thief) = owner(&app).await;
        let notice = if phone_first {
            change_phone(&thief, &app).await;
            change_email(&thief, "thief@example.org").await;
            mail(&app, &ada.email, "Your phone number was changed").await
        } else {
            change_email(&thief, "thief@example.org").await;
            change_phone(&thief, &app).await;
            mail(&app, &ada.email, "Your email was changed").await
        };
        // Twice: what was the thief's does not come back.
        change_phone(&thief, &app).await;
        change_email(&thief, "thief@example.net").await;
        let token = token_in(&notice, page::SECURE);
        let done = app.client().post(routes::SECURE, json!({"token": token})).await.ok();
        assert_eq!(done, json!({"email": true}));
        thief.get(routes::USER).await.refused(403, "not_signed_in");
        try_password(&ada, old_password()).await.refused(403, "wrong_credentials");

        let reset = token_in(&mail(&app, &ada.email, "Reset your Countersign password").await, page::RESET);
        let body = json!({"token": reset, "password": NEW_PASSWORD});
        app.client().post(routes::PASSWORD_RESET, body).await.ok();
        let session = sign_in_with(&ada, NEW_PASSWORD).await;
        let user = session.get(routes::USER).await.ok();
        assert_eq!((&user["email"], &user["phone"]), (&json!(ada.email), &json!(ada.phone)), "{phone_first}");
        // The thief's own links are void.
        for address in ["thief@example.org", "thief@example.net"] {
            for sent in super::mails_to(&app, address).await {
                if sent["text"].as_str().unwrap().contains("/secure#") {
                    let token = token_in(&sent, page::SECURE);
                    let refused = app.client().post(routes::SECURE, json!({"token": token})).await;
                    refused.refused(401, "link_expired");
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thief_who_secures_the_account_does_not_end_the_owners_way_back() {
    let app = TestApp::spawn().await;
    let (ada, thief) = owner(&app).await;
    change_phone(&thief, &app).await;
    change_email(&thief, "thief@example.org").await;
    let token = token_in(&mail(&app, &ada.email, "Your phone number was changed").await, page::SECURE);
    thief.post(routes::SECURE, json!({})).await.ok();
    let reset =
        token_in(&mail(&app, "thief@example.org", "Reset your Countersign password").await, page::RESET);
    app.client().post(routes::SECURE, json!({"token": token})).await.ok();
    let body = json!({"token": reset, "password": NEW_PASSWORD});
    app.client().post(routes::PASSWORD_RESET, body).await.refused(401, "link_expired");
    let reset = token_in(&mail(&app, &ada.email, "Reset your Countersign password").await, page::RESET);
    let body = json!({"token": reset, "password": NEW_PASSWORD});
    app.client().post(routes::PASSWORD_RESET, body).await.ok();
    let user = sign_in_with(&ada, NEW_PASSWORD).await.get(routes::USER).await.ok();
    assert_eq!((&user["email"], &user["phone"]), (&json!(ada.email), &json!(ada.phone)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_can_be_undone_for_seven_days_and_once() {
    let app = TestApp::spawn().await;
    for (seconds, works) in [(7 * 24 * 3600 - 1, true), (7 * 24 * 3600, false)] {
        let (ada, session) = owner(&app).await;
        change_email(&session, &format!("new-{}", ada.email)).await;
        let token = token_in(&mail(&app, &ada.email, "Your email was changed").await, page::SECURE);
        app.advance(seconds);
        let used = app.client().post(routes::SECURE, json!({"token": token})).await;
        if works {
            used.ok();
            app.client().post(routes::SECURE, json!({"token": token})).await.refused(401, "link_expired");
        } else {
            used.refused(401, "link_expired");
            assert_eq!(try_password(&ada, old_password()).await.status, 403, "the e-mail is another one");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn securing_an_account_ends_sessions_browsers_and_links_and_asks_for_a_new_password() {
    let app = TestApp::spawn().await;
    let (ada, session) = owner(&app).await;
    app.client().post(routes::PASSWORD_FORGOT, json!({"email": ada.email})).await;
    let old = token_in(&mail(&app, &ada.email, "Reset your Countersign password").await, page::RESET);
    let (pending, uuid) = ada.log_in().await;
    assert_eq!(session.post(routes::SECURE, json!({})).await.ok(), json!({"email": true}));
    session.get(routes::USER).await.refused(403, "not_signed_in");
    app.answer_request(&uuid, "approve").await;
    pending.get(routes::USER).await.refused(403, "not_signed_in");
    let body = json!({"token": old, "password": NEW_PASSWORD});
    app.client().post(routes::PASSWORD_RESET, body).await.refused(401, "link_expired");
    app.wait_until("the new link is there", async || {
        let subjects = subjects_to(&app, &ada.email).await;
        subjects.iter().filter(|subject| subject.starts_with("Reset")).count() == 2
    })
    .await;
    app.client().post(routes::SECURE, json!({})).await.refused(403, "not_signed_in");
    app.client().post(routes::SECURE, json!({"token": "no-such-token"})).await.refused(401, "link_expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_verified_email_the_password_stays_and_sessions_end() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let session = ada.sign_in().await;
    assert_eq!(session.post(routes::SECURE, json!({})).await.ok(), json!({"email": false}));
    session.get(routes::USER).await.refused(403, "not_signed_in");
    assert_eq!(try_password(&ada, old_password()).await.status, 200);
}
