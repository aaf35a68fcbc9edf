//! Account verification: the phone is proven when the account is made.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shared::routes;

use crate::app::{PASSWORD, Person, Session, TestApp};

/// Makes an account; answers its session and id.
async fn made<'a>(app: &'a TestApp, person: &Person<'_>) -> (Session<'a>, String, Value) {
    let answer = app.stranger().post(routes::USERS, person.form()).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    let id = answer.body["id"].as_str().expect("an id").to_owned();
    (app.bearer(answer.body["token"].as_str().expect("a token")), id, answer.body)
}

fn verify(id: &str) -> String {
    routes::USERS_VERIFY.replace("{id}", id)
}

fn resend(id: &str) -> String {
    routes::USERS_RESEND.replace("{id}", id)
}

fn profile(id: &str) -> String {
    routes::USERS_ID.replace("{id}", id)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_made_a_code_is_sent_and_verifies_the_phone() {
    let app = TestApp::spawn().await;
    let ada = app.new_person();
    let (session, id, answer) = made(&app, &ada).await;
    assert_eq!((&answer["verified"], &answer["codeSent"]), (&json!(false), &json!(true)));
    let code = ada.code().await;
    assert!(code.len() >= 6, "{code}");
    assert_eq!(
        session.get(&profile(&id)).await.ok(),
        json!({"id": id, "fullName": "Ada Lovelace", "verified": false})
    );
    session.post(&verify(&id), json!({"code": ada.wrong_code().await})).await.refused(401, "wrong_code");
    let verified = session.post(&verify(&id), json!({"code": code})).await.ok();
    assert_eq!(verified, json!({"verified": true, "confirmationSent": true}));
    assert_eq!(session.get(routes::USER).await.ok()["verified"], true);
    // The confirmation is on the phone, and the provider's reports are kept.
    let texts = app.messages_at(&ada.e164()).await;
    assert!(
        texts[0]["code"].is_null()
            && texts[0]["body"].as_str().unwrap().contains("this phone number is verified")
    );
    app.eventually("the text is delivered", async || {
        session.get(&profile(&id)).await.ok()["confirmation"]["status"] == "delivered"
    })
    .await;
    assert_eq!(session.get(routes::USER).await.ok()["confirmation"]["status"], "delivered");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_out_of_reach_is_reported_as_such() {
    let app = TestApp::spawn().await;
    let ada = app.new_person();
    let (session, id, _) = made(&app, &ada).await;
    let code = ada.code().await;
    let path = format!("/phones/{}", ada.e164());
    app.sandbox(Method::PUT, &path, json!({"authyApp": true, "reachable": false})).await.ok();
    session.post(&verify(&id), json!({"code": code})).await.ok();
    app.eventually("the text is given up", async || {
        let confirmation = session.get(&profile(&id)).await.ok()["confirmation"].clone();
        confirmation["status"] == "undelivered" && confirmation["errorCode"] == 30003
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_send_loses_no_account_and_starts_no_wait() {
    let app = TestApp::spawn().await;
    let ada = app.new_person();
    app.fault(json!({"path": "/protected/json/sms", "status": 500})).await;
    let (session, id, answer) = made(&app, &ada).await;
    assert_eq!(answer["codeSent"], false);
    session.post(&resend(&id), json!({})).await.refused(502, "provider_failed");
    app.sandbox(Method::DELETE, "/faults", json!({})).await;
    let sent = session.post(&resend(&id), json!({})).await.ok();
    assert_eq!(sent["via"], "sms");
    let refused = session.post(&resend(&id), json!({"via": "call"})).await;
    assert!(refused.headers.contains_key("retry-after"));
    refused.refused(429, "too_many");
    session.post(&verify(&id), json!({"code": ada.code().await})).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_confirmation_changes_nothing_but_its_word() {
    let app = TestApp::spawn().await;
    let ada = app.new_person();
    let (session, id, _) = made(&app, &ada).await;
    app.fault(json!({"path": "/2010-04-01", "status": 500})).await;
    let verified = session.post(&verify(&id), json!({"code": ada.code().await})).await.ok();
    assert_eq!(verified, json!({"verified": true, "confirmationSent": false}));
    let profile = session.get(&profile(&id)).await.ok();
    assert_eq!((&profile["verified"], &profile["confirmation"]["status"]), (&json!(true), &json!("failed")));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_account_for_texts_there_is_no_confirmation() {
    let mut app = TestApp::spawn().await;
    let sandbox = app.sandbox_url();
    // The sandbox of the first server lives on; the second has no account for texts there.
    let other = TestApp::with(&[("AUTHY_API_URL", &sandbox), ("SANDBOX", "off")]).await;
    let ada = other.new_person();
    let answer = other.stranger().post(routes::USERS, ada.form()).await;
    let session = other.bearer(answer.body["token"].as_str().unwrap());
    let path = verify(answer.body["id"].as_str().unwrap());
    let verified = session.post(&path, json!({"code": ada.code().await})).await.ok();
    assert_eq!(verified["confirmationSent"], false);
    app.crash().await;
}

/// Whoever has an id must not read the profile, send texts or guess codes.
#[tokio::test(flavor = "multi_thread")]
async fn to_anybody_but_its_owner_an_account_does_not_exist() {
    let app = TestApp::spawn().await;
    let ada = app.new_person();
    let (session, id, _) = made(&app, &ada).await;
    let code = ada.code().await;
    let grace = app.person().await;
    let strangers = [
        app.stranger(),
        app.browser(),
        app.bearer("no such token"),
        grace.sign_in().await,
        // Her own password alone is not her.
        ada.log_in().await.0,
    ];
    let messages = app.messages_at(&ada.e164()).await.len();
    let calls = app.provider_calls().await.len();
    for stranger in &strangers {
        stranger.get(&profile(&id)).await.refused(404, "not_found");
        stranger.post(&resend(&id), json!({})).await.refused(404, "not_found");
        stranger.post(&verify(&id), json!({"code": code})).await.refused(404, "not_found");
    }
    assert_eq!(app.messages_at(&ada.e164()).await.len(), messages);
    assert_eq!(app.provider_calls().await.len(), calls);
    for unknown in ["0".repeat(32), "x".into(), "%00".into(), "..".into()] {
        session.get(&profile(&unknown)).await.refused(404, "not_found");
    }
    session.post(&verify(&id), json!({"code": code})).await.ok();
    // Her own session from elsewhere, with both halves, is hers.
    ada.sign_in().await.get(&profile(&id)).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_and_sends_are_limited_here_as_everywhere() {
    let app = TestApp::spawn().await;
    let ada = app.new_person();
    let (session, id, _) = made(&app, &ada).await;
    let (code, wrong) = (ada.code().await, ada.wrong_code().await);
    for _ in 0..3 {
        session.post(&verify(&id), json!({"code": wrong})).await.refused(401, "wrong_code");
    }
    // The other door counts the same guesses.
    for _ in 0..2 {
        session.verify(&wrong).await.refused(401, "wrong_code");
    }
    let refused = session.post(&verify(&id), json!({"code": code})).await;
    assert_eq!(refused.headers["retry-after"], "900");
    refused.refused(429, "too_many");
    for _ in 0..4 {
        app.advance(31);
        session.post(&resend(&id), json!({})).await.ok();
    }
    app.advance(31);
    session.post(routes::SESSION_RESEND, json!({})).await.refused(429, "too_many");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_accounts_with_one_number_bring_it_no_more_codes_than_strangers_may_send() {
    let app = TestApp::with(&[("LIMIT_STRANGER_PHONE_SENDS_PER_DAY", "5")]).await;
    let victim = app.new_person();
    let mut last = None;
    for at in 0..7 {
        let mut form = victim.form();
        form["email"] = json!(format!("stranger{at}@example.com"));
        let answer = app.stranger().post(routes::USERS, form).await;
        assert_eq!(answer.body["codeSent"], at < 5, "{at}");
        last = Some(answer.body);
    }
    assert_eq!(app.messages_at(&victim.e164()).await.len(), 5);
    let last = last.unwrap();
    let session = app.bearer(last["token"].as_str().unwrap());
    session.post(&resend(last["id"].as_str().unwrap()), json!({})).await.refused(429, "too_many");
    // Nor does verifying it without an account.
    let body = json!({"phoneNumber": victim.e164()});
    app.stranger().post("/api/verification/start", body).await.refused(429, "too_many");
    // An owner whose phone is verified is not kept from codes.
    let ada = app.person().await;
    ada.sign_in().await;
    for _ in 0..5 {
        app.stranger().post("/api/verification/start", json!({"phoneNumber": ada.e164()})).await;
    }
    let (session, _) = ada.log_in().await;
    session.post(routes::SESSION_RESEND, json!({})).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_host_does_not_send_reports_elsewhere() {
    let app = TestApp::spawn().await;
    let ada = app.new_person();
    let (session, id, _) = made(&app, &ada).await;
    let request = session.request(Method::POST, &verify(&id)).header("Host", "evil.test");
    session.send(request.json(&json!({"code": ada.code().await}))).await.ok();
    app.eventually("the report has come here", async || {
        session.get(&profile(&id)).await.ok()["confirmation"]["status"] == "delivered"
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn by_cookie_the_id_changes_with_the_proof_and_the_browser_goes_on() {
    let app = TestApp::spawn().await;
    let ada = app.new_person();
    let browser = app.browser();
    let answer = browser.post(routes::USERS, ada.form()).await.body;
    let id = answer["id"].as_str().unwrap();
    let verified = browser.post(&verify(id), json!({"code": ada.code().await})).await.ok();
    assert!(verified["token"].is_string());
    browser.get(&profile(id)).await.ok();
    app.bearer(answer["token"].as_str().unwrap()).get(&profile(id)).await.refused(404, "not_found");
    // The same account as any other: password, then the phone.
    let login =
        app.stranger().post(routes::SESSION, json!({"email": ada.email, "password": PASSWORD})).await.ok();
    assert_eq!(login["authyResponse"]["success"], true);
}
