//! Codes by Twilio Verify, which knows a code by service and number alone.

use std::collections::BTreeSet;

use diesel::{QueryableByName, RunQueryDsl, sql_query, sql_types::BigInt};
use reqwest::Method;
use serde_json::{Value, json};
use server::store::StoreError;
use shared::routes::{self, cookie_api};

use crate::{
    app::{ApiClient, Person, TestApp},
    totp::totp,
};

async fn app() -> TestApp {
    TestApp::spawn_with(&[("PROVIDER", "verify"), ("LIMITS", "off")]).await
}

/// Logs in with the password. No push reaches a phone without a device, so a code is sent.
async fn log_in<'a>(app: &'a TestApp, person: &Person<'_>) -> ApiClient<'a> {
    let login = app.client().post(routes::SESSION, person.credentials()).await.ok();
    assert_eq!(login["authyResponse"]["success"], false, "{login}");
    assert_eq!(login["authyResponse"]["via"], "sms", "{login}");
    app.bearer(login["token"].as_str().expect("a token"))
}

/// Logs in and enters the code: from then on the phone is verified.
async fn sign_in<'a>(app: &'a TestApp, person: &Person<'_>) -> ApiClient<'a> {
    let session = log_in(app, person).await;
    session.verify(&person.code().await).await.ok();
    session
}

fn another(code: &str) -> String {
    let number: u32 = code.parse().expect("digits");
    format!("{:0width$}", (number + 1) % 10_u32.pow(u32::try_from(code.len()).unwrap()), width = code.len())
}

async fn checks(app: &TestApp) -> usize {
    app.provider_calls().await.iter().filter(|call| call.ends_with("/VerificationCheck")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_of_seven_digits_signs_in_once() {
    let app = app().await;
    let ada = app.register().await;
    for _ in 0..2 {
        let session = log_in(&app, &ada).await;
        let code = ada.code().await;
        assert_eq!(code.len(), 7);
        assert!(!session.is_signed_in().await);
        // Verify answers a wrong code with 200.
        session.verify(&another(&code)).await.refused(401, "wrong_code");
        assert!(!session.is_signed_in().await);
        session.verify(&code).await.ok();
        assert!(session.is_signed_in().await);
        let next = log_in(&app, &ada).await;
        next.verify(&code).await.refused(401, "wrong_code");
        next.delete(routes::SESSION).await.ok();
        app.advance(601);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_can_be_sent_again_by_call_and_ends_after_ten_minutes() {
    let app = app().await;
    let ada = app.register().await;
    let session = log_in(&app, &ada).await;
    let texted = ada.code().await;
    app.advance(30);
    let sent = session.post(routes::SESSION_RESEND, json!({"via": "call"})).await.ok();
    assert_eq!(sent["via"], "call");
    assert_eq!(ada.code().await, texted, "the same code, by another way");
    assert_eq!(ada.phone_state().await["messages"][0]["via"], "call");
    session.verify(&texted).await.ok();
    let late = log_in(&app, &ada).await;
    let code = ada.code().await;
    app.advance(599);
    late.verify(&another(&code)).await.refused(401, "wrong_code");
    app.advance(1);
    // The session has ended with its code.
    late.verify(&code).await.refused(404, "no_session");
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_that_share_a_number_cannot_use_each_others_codes() {
    let app = app().await;
    let (ada, mut bob) = (app.register().await, app.unregistered_person());
    bob.phone.clone_from(&ada.phone);
    app.client().post(routes::USER, bob.form()).await.ok();
    sign_in(&app, &ada).await;
    // An unverified phone is another purpose, and another service: both codes live.
    let (ada_session, ada_code) = (log_in(&app, &ada).await, ada.code().await);
    let (bob_session, bob_code) = (log_in(&app, &bob).await, bob.code().await);
    assert_ne!(ada_code, bob_code);
    bob_session.verify(&ada_code).await.refused(401, "wrong_code");
    ada_session.verify(&bob_code).await.refused(401, "wrong_code");
    ada_session.verify(&ada_code).await.ok();
    bob_session.verify(&bob_code).await.ok();
    // Both are verified: they share service and number. Whoever asks last has the only code there is.
    let (ada_session, ada_code) = (log_in(&app, &ada).await, ada.code().await);
    let (bob_session, bob_code) = (log_in(&app, &bob).await, bob.code().await);
    assert_ne!(ada_code, bob_code);
    let before = checks(&app).await;
    ada_session.verify(&bob_code).await.refused(401, "wrong_code");
    ada_session.verify(&ada_code).await.refused(401, "wrong_code");
    assert_eq!(checks(&app).await, before, "what is not one's own is not even checked");
    bob_session.verify(&ada_code).await.refused(401, "wrong_code");
    bob_session.verify(&bob_code).await.ok();
    assert!(!ada_session.is_signed_in().await);
}

async fn start_number(browser: &ApiClient<'_>, person: &Person<'_>) -> String {
    let wish = json!({"phone_number": person.phone, "country_code": "44", "via": "sms"});
    browser.post(cookie_api::VERIFICATION_START, wish).await.ok();
    person.code().await
}

async fn check_number(browser: &ApiClient<'_>, person: &Person<'_>, code: &str) -> u16 {
    let typed = json!({"phone_number": person.phone, "country_code": "44", "token": code});
    browser.post(cookie_api::VERIFICATION_VERIFY, typed).await.status.as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_verified_by_who_asked_and_its_code_signs_nobody_in() {
    let app = app().await;
    let ada = app.register().await;
    sign_in(&app, &ada).await;
    let session = log_in(&app, &ada).await;
    let (own, stranger) = (app.browser(), app.browser());
    let code = start_number(&own, &ada).await;
    assert_eq!(code.len(), 6);
    session.verify(&code).await.refused(401, "wrong_code");
    assert_eq!(check_number(&own, &ada, &another(&code)).await, 401);
    assert_eq!(check_number(&own, &ada, &code).await, 200);
    // Two browsers that ask for one number: the last one's code is the only one, and its own.
    let first = start_number(&own, &ada).await;
    let second = start_number(&stranger, &ada).await;
    assert_ne!(first, second);
    assert_eq!(check_number(&own, &ada, &second).await, 401);
    assert_eq!(check_number(&own, &ada, &first).await, 401);
    assert_eq!(check_number(&stranger, &ada, &second).await, 200);
}

/// Somebody else's verification, begun at the provider without a claim here, is not taken over.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_was_begun_elsewhere_is_ended_first() {
    let app = app().await;
    let ada = app.register().await;
    sign_in(&app, &ada).await;
    let url = format!("{}/v2/Services/{}/Verifications", app.sandbox_url(), sandbox_service_of_sign_ins());
    let elsewhere = app.client().http.post(url).basic_auth(sandbox::ACCOUNT_SID, Some(sandbox::AUTH_TOKEN));
    let form = [("To", ada.e164()), ("Channel", "sms".to_owned())];
    assert_eq!(elsewhere.form(&form).send().await.unwrap().status(), 201);
    let known = ada.code().await;
    let session = log_in(&app, &ada).await;
    assert_ne!(ada.code().await, known);
    session.verify(&known).await.refused(401, "wrong_code");
    session.verify(&ada.code().await).await.ok();
}

fn sandbox_service_of_sign_ins() -> &'static str {
    sandbox::SERVICE_SIDS[0]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_fails_is_no_wrong_code_and_a_session_outlives_a_restart() {
    let mut app = app().await;
    let (session, code) = {
        let ada = app.register().await;
        let session = log_in(&app, &ada).await;
        (session.token.clone().unwrap(), ada.code().await)
    };
    app.inject_fault(json!({"path": "/v2", "status": 500, "body": {}})).await;
    app.bearer(&session).verify(&code).await.refused(502, "provider_failed");
    app.call_sandbox(Method::DELETE, "/faults", Value::Null).await;
    app.bearer(&session).verify(&code).await.ok();
    app.crash().await;
    app.start().await;
    assert!(app.bearer(&session).is_signed_in().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authenticator_answers_beside_codes_by_text() {
    let app = app().await;
    let ada = app.register().await;
    let session = sign_in(&app, &ada).await;
    let shown = session.post(routes::AUTHENTICATOR, json!({})).await.body;
    let code = || totp(shown["secret"].as_str().expect("a secret"), app.clock.now());
    let path = routes::AUTHENTICATOR_CONFIRM.replace("{id}", shown["id"].as_str().unwrap());
    session.post(&path, json!({"code": code()})).await.ok();
    app.advance(30);
    let next = log_in(&app, &ada).await;
    next.verify(&code()).await.ok();
    assert!(next.is_signed_in().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_of_the_provider_is_no_wrong_code() {
    let app = TestApp::spawn_with(&[("PROVIDER", "verify")]).await;
    let ada = app.register().await;
    let session = log_in(&app, &ada).await;
    let body = json!({"code": 20429, "message": "Too many requests", "more_info": "", "status": 429});
    app.inject_fault(json!({"path": "/v2", "status": 429, "body": body})).await;
    let code = ada.code().await;
    for _ in 0..6 {
        session.verify(&code).await.refused(429, "provider_limit");
    }
    app.call_sandbox(Method::DELETE, "/faults", Value::Null).await;
    session.verify(&code).await.ok();
}

/// Five wrong codes use a verification up at the provider; the next code is a new one.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_uses_up_the_checks_of_a_code_locks_nobody_out_of_the_next() {
    let app = app().await;
    let ada = app.register().await;
    let thief = log_in(&app, &ada).await;
    let code = ada.code().await;
    for _ in 0..5 {
        thief.verify(&another(&code)).await.refused(401, "wrong_code");
    }
    let refused = thief.verify(&code).await;
    assert_eq!(refused.headers["retry-after"], "600");
    assert!(refused.refused(429, "too_many")["message"].as_str().unwrap().contains("new code"));
    // What can't be used any more says so.
    assert!(
        thief.verify(&code).await.refused(401, "wrong_code")["message"].as_str().unwrap().contains("expired")
    );
    let owner = log_in(&app, &ada).await;
    assert_ne!(ada.code().await, code);
    owner.verify(&ada.code().await).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_of_one_account_share_its_code() {
    let app = app().await;
    let ada = app.register().await;
    let (first, second) = (log_in(&app, &ada).await, log_in(&app, &ada).await);
    let code = ada.code().await;
    let codes: Vec<Value> =
        app.messages_to(&ada.e164()).await.iter().map(|message| message["code"].clone()).collect();
    assert_eq!(codes, [json!(code), json!(code)]);
    first.verify(&code).await.ok();
    second.verify(&code).await.refused(401, "wrong_code");
    app.advance(30);
    second.post(routes::SESSION_RESEND, json!({})).await.ok();
    second.verify(&ada.code().await).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_code_of_a_number_lives_as_long_as_the_first() {
    let app = app().await;
    let ada = app.register().await;
    let (own, other) = (app.browser(), app.browser());
    start_number(&own, &ada).await;
    app.advance(60);
    start_number(&other, &ada).await;
    app.advance(500);
    let code = start_number(&own, &ada).await;
    app.advance(300);
    assert_eq!(check_number(&own, &ada, &code).await, 200);
}

async fn claims(app: &TestApp) -> i64 {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let query = "SELECT COUNT(*) AS count FROM verification_claims WHERE verification IS NULL";
    let store = app.store();
    let counted =
        store.read(move |db| sql_query(query).get_result::<Count>(db).map_err(StoreError::from)).await;
    counted.expect("the table exists").count
}

/// The slower one's call reaches the provider when the place is another's already.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_ask_at_once_one_has_the_code_and_nothing_of_the_other_passes() {
    let app = app().await;
    let (ada, mut bob) = (app.register().await, app.unregistered_person());
    bob.phone.clone_from(&ada.phone);
    app.client().post(routes::USER, bob.form()).await.ok();
    for person in [&ada, &bob] {
        sign_in(&app, person).await;
    }
    let slow = json!({"path": "/v2", "latencyMs": 1500, "times": 1});
    app.inject_fault(slow).await;
    let before = app.messages_to(&ada.e164()).await.len();
    let adas = async { app.client().post(routes::SESSION, ada.credentials()).await };
    let bobs = async {
        app.wait_until("the slower one has claimed the number", async || claims(&app).await == 1).await;
        log_in(&app, &bob).await
    };
    let (login, bob_session) = tokio::join!(adas, bobs);
    let sent = app.messages_to(&ada.e164()).await;
    let codes: BTreeSet<&str> =
        sent[..sent.len() - before].iter().filter_map(|message| message["code"].as_str()).collect();
    let ada_session = app.bearer(login.body["token"].as_str().expect("the password was right"));
    for code in &codes {
        ada_session.verify(code).await.refused(401, "wrong_code");
    }
    let code = codes.first().expect("a code was sent");
    assert_eq!(codes.len(), 1, "what the slower one has sent was the other one's code once more");
    bob_session.verify(code).await.ok();
    assert!(!ada_session.is_signed_in().await);
}
