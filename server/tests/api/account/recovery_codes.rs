//! Recovery codes. Statement 55.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use shared::routes;

use super::{let_step_up_expire, mail, owner, token_in};
use crate::{
    app::{ApiClient, TestApp},
    attacks::at_rest::bytes_of,
};

async fn make(session: &ApiClient<'_>) -> Vec<String> {
    let made = session.post(routes::RECOVERY_CODES, json!({})).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made.body["codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned()).collect()
}

async fn recover(session: &ApiClient<'_>, code: &str) -> crate::app::Response {
    session.post(routes::SESSION_RECOVER, json!({"code": code})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_codes_are_shown_once_and_a_new_set_replaces_the_old() {
    let app = TestApp::spawn().await;
    let (ada, session) = owner(&app).await;
    let left = session.get(routes::RECOVERY_CODES).await.ok();
    assert_eq!(left, json!({"left": 0}));
    assert_eq!(session.get(routes::USER).await.ok()["recoveryCodesLeft"], Value::Null);
    let old = make(&session).await;
    let different: std::collections::BTreeSet<&String> = old.iter().collect();
    assert_eq!(different.len(), 10);
    assert!(old.iter().all(|code| code.len() == 17 && code.split('-').count() == 3), "{old:?}");
    assert_eq!(session.get(routes::RECOVERY_CODES).await.ok()["left"], 10);
    assert_eq!(session.get(routes::USER).await.ok()["recoveryCodesLeft"], 10);
    let new = make(&session).await;
    let (pending, _) = ada.log_in().await;
    recover(&pending, &old[0]).await.refused(401, "wrong_code");
    recover(&pending, &new[0]).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_signs_in_without_the_phone_and_counts_as_a_step_up_and_is_told() {
    let app = TestApp::spawn().await;
    let (ada, session) = owner(&app).await;
    let codes = make(&session).await;
    let (pending, _) = ada.log_in().await;
    let ways = pending.get(routes::AUTHY_STATUS).await.ok()["ways"].clone();
    assert!(ways.as_array().unwrap().contains(&json!("recovery")), "{ways}");
    recover(&pending, &codes[3].to_uppercase().replace('-', " ")).await.ok();
    assert_eq!(pending.get(routes::USER).await.ok()["fresh"], true);
    let told = mail(&app, &ada.email, "A recovery code was used").await;
    assert!(told["text"].as_str().unwrap().contains("9 recovery codes left."), "{told}");
    assert!(codes.iter().all(|code| !told.to_string().contains(code)), "no code is in it");
    // The last two are announced.
    for code in codes[4..10].iter().chain(&codes[..1]) {
        let begun = app.client().post(routes::SESSION, ada.credentials()).await.ok();
        recover(&app.bearer(begun["token"].as_str().unwrap()), code).await.ok();
        app.advance(60);
    }
    app.wait_until("it is told that two are left", async || {
        let told = mail(&app, &ada.email, "A recovery code was used").await;
        told["text"].as_str().unwrap().contains("2 recovery codes left. Create new codes.")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_works_once_also_when_it_is_used_many_times_at_once() {
    let app = TestApp::spawn_with(&[("LIMIT_RECOVERY_CODES_PER_HOUR", "20")]).await;
    let (ada, session) = owner(&app).await;
    let code = make(&session).await.remove(0);
    let mut sessions = Vec::new();
    for _ in 0..8 {
        let login = app.client().post(routes::SESSION, ada.credentials()).await.ok();
        sessions.push(app.bearer(login["token"].as_str().unwrap()));
    }
    let uses = sessions.iter().chain(&sessions).map(|session| recover(session, &code));
    let answers = join_all(uses).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    let mut signed_in = 0;
    for session in &sessions {
        signed_in += usize::from(session.is_signed_in().await);
    }
    assert_eq!(signed_in, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_codes_have_a_budget_of_their_own_that_other_wrong_codes_do_not_use_up() {
    let app = TestApp::spawn().await;
    let (ada, session) = owner(&app).await;
    let codes = make(&session).await;
    let (pending, _) = ada.log_in().await;
    for _ in 0..5 {
        pending.verify("000000").await;
    }
    pending.verify("000000").await.refused(429, "too_many");
    for wrong in ["", "123456", "00000-00000-00000", "not a code at all", &codes[1][..16]] {
        recover(&pending, wrong).await.refused(401, "wrong_code");
    }
    for _ in 0..5 {
        recover(&pending, "00000-00000-00001").await.refused(401, "wrong_code");
    }
    let refused = recover(&pending, "00000-00000-00001").await;
    assert!(refused.headers.contains_key("retry-after"));
    refused.refused(429, "too_many");
    // Whoever knows the password can use it up, and not against the owner.
    recover(&pending, &codes[0]).await.ok();
    app.advance(3600);
    recover(&ada.log_in().await.0, "00000-00000-00001").await.refused(401, "wrong_code");
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_need_a_verified_phone_and_a_fresh_factor_and_open_no_other_account() {
    let app = TestApp::spawn().await;
    let new = app.unregistered_person();
    let created = app.client().post(routes::USER, new.form()).await.ok();
    let unverified = app.bearer(created["token"].as_str().unwrap());
    unverified.post(routes::RECOVERY_CODES, json!({})).await.refused(403, "phone_unverified");
    let (_, session) = owner(&app).await;
    let (grace, other) = owner(&app).await;
    let codes = make(&session).await;
    make(&other).await;
    recover(&grace.log_in().await.0, &codes[0]).await.refused(401, "wrong_code");
    let_step_up_expire(&app);
    session.post(routes::RECOVERY_CODES, json!({})).await.refused(403, "step_up_required");
    let nobody = app.client();
    recover(&nobody, &codes[0]).await.refused(404, "no_session");
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_codes_nor_links_nor_tokens_are_in_the_database() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("countersign.db");
    let url = format!("sqlite://{}", file.display());
    let app = TestApp::spawn_with(&[("DATABASE_URL", &url)]).await;
    let (ada, session) = owner(&app).await;
    let mut secrets: Vec<String> = make(&session).await;
    secrets.extend(secrets.clone().iter().map(|code| code.replace('-', "")));
    // An e-mail that waits to be sent holds a link.
    app.call_sandbox(Method::PUT, "/mail", json!({"mode": "defer"})).await.ok();
    app.client().post(routes::PASSWORD_FORGOT, json!({"email": ada.email})).await;
    app.wait_until("it waits", async || {
        let stored = bytes_of(&file);
        stored.windows(14).any(|bytes| bytes == b"reset_password")
    })
    .await;
    app.call_sandbox(Method::PUT, "/mail", json!({"mode": "accept"})).await.ok();
    app.advance(120);
    let told = mail(&app, &ada.email, "Reset your Countersign password").await;
    secrets.push(token_in(&told, routes::page::RESET));
    let page = super::Page::open(&app);
    let remembered = page.sign_in_with(&ada, json!({"rememberDevice": true})).await;
    let cookie = super::cookie_set(&remembered, "countersign_remembered").expect("a cookie");
    secrets.push(cookie.split_once('.').unwrap().1.to_owned());
    let stored = bytes_of(&file);
    for secret in secrets {
        assert!(!stored.windows(secret.len()).any(|bytes| bytes == secret.as_bytes()), "{secret}");
    }
}
