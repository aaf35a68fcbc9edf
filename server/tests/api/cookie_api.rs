//! The cookie API: sign-in by username, every channel by hand.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shared::routes::{self, cookie_api as api};

use crate::app::{Answer, PASSWORD, Person, Session, TestApp};

fn register_form(person: &Person<'_>, username: &str) -> Value {
    json!({
        "username": username, "email": person.email, "password": PASSWORD,
        "country_code": "44", "phone_number": person.phone,
    })
}

async fn form(session: &Session<'_>, path: &str, fields: &[(&str, &str)]) -> Answer {
    session.send(session.request(Method::POST, path).form(fields)).await
}

async fn whereabouts(session: &Session<'_>) -> String {
    session.post(api::LOGGED_IN, json!({})).await.ok()["url"].as_str().expect("a page").to_owned()
}

/// An account made through this door, and a browser that is signed in.
async fn registered<'a>(app: &'a TestApp, person: &Person<'_>, username: &str) -> Session<'a> {
    let browser = app.browser();
    browser.post(api::REGISTER, register_form(person, username)).await.ok();
    browser.post(api::SMS, json!({})).await.ok();
    browser.post(api::VERIFY, json!({"token": person.code().await})).await.ok();
    browser
}

/// What clients of this kind do after asking the phone: every so often, twelve times at most, until
/// the status they find where they look for it is another one.
async fn poll(browser: &Session<'_>, status_at: &str) -> String {
    for _ in 0..12 {
        let answer = form(browser, api::ONETOUCH_STATUS, &[]).await.ok();
        let status = answer.pointer(status_at).and_then(Value::as_str).expect("a status").to_owned();
        if status != "pending" {
            return status;
        }
    }
    "pending".to_owned()
}

/// A client as the samples have it: forms, the cookie, one of the two shapes of the status.
async fn an_old_client_gets_in(status_at: &str) {
    let app = TestApp::spawn().await;
    let ada = app.new_person();
    let browser = app.browser();
    let fields = [
        ("username", "ada"),
        ("email", ada.email.as_str()),
        ("password", PASSWORD),
        ("country_code", "44"),
        ("phone_number", &ada.phone),
    ];
    form(&browser, api::REGISTER, &fields).await.ok();
    browser.get(api::LOGOUT).await.ok();
    form(&browser, api::LOGIN, &[("username", "ada"), ("password", PASSWORD)]).await.ok();
    assert_eq!(whereabouts(&browser).await, "/2fa");
    let asked = form(&browser, api::ONETOUCH, &[]).await.ok();
    assert_eq!(asked["success"], true);
    assert_eq!(poll(&browser, status_at).await, "pending");
    let uuid = asked["approval_request"]["uuid"].as_str().expect("a request");
    assert_eq!(app.press(uuid, "approve").await, StatusCode::NO_CONTENT);
    assert_eq!(poll(&browser, status_at).await, "approved");
    assert_eq!(whereabouts(&browser).await, "/protected");
    assert!(browser.get(api::PROTECTED).await.ok()["message"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_client_that_reads_the_status_at_the_top_gets_in() {
    an_old_client_gets_in("/approval_request/status").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_client_that_reads_the_status_in_the_body_gets_in() {
    an_old_client_gets_in("/body/approval_request/status").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_by_text_by_voice_and_from_the_app_signs_in_under_a_new_id() {
    let app = TestApp::spawn().await;
    let ada = app.new_person();
    registered(&app, &ada, "ada").await;
    for channel in [Some(api::SMS), Some(api::VOICE), None] {
        app.advance(3600);
        let browser = app.browser();
        let login = browser.post(api::LOGIN, json!({"username": "ADA", "password": PASSWORD})).await.ok();
        let before = ada.look_at_phone().await["messages"].as_array().unwrap().len();
        let token = match channel {
            Some(path) => {
                let sent = browser.post(path, json!({})).await.ok();
                assert_eq!((&sent["success"], sent["cellphone"].is_string()), (&json!(true), true));
                assert_eq!(ada.look_at_phone().await["messages"].as_array().unwrap().len(), before + 1);
                ada.code().await
            }
            None => ada.soft_token().await,
        };
        let answer = browser.post(api::VERIFY, json!({"token": token})).await.ok();
        assert_eq!((&answer["token"], &answer["success"]), (&json!("is valid"), &json!("true")));
        assert_eq!(answer["sessionToken"], Value::Null, "what a cookie holds is not for scripts");
        browser.get(api::PROTECTED).await.ok();
        let old = app.bearer(login["token"].as_str().expect("every call that makes a session returns it"));
        old.get(api::PROTECTED).await.refused(401, "not_signed_in");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_at_the_login_and_nothing_opens_before_the_phone_has_answered() {
    let app = TestApp::spawn().await;
    let ada = app.new_person();
    let browser = app.browser();
    browser.get(api::PROTECTED).await.refused(401, "not_signed_in");
    assert_eq!(whereabouts(&browser).await, "/login");
    browser.post(api::REGISTER, register_form(&ada, "ada")).await.ok();
    assert_eq!(whereabouts(&browser).await, "/2fa");
    browser.get(api::PROTECTED).await.refused(403, "second_factor_required");
    browser.get(routes::USER).await.refused(403, "second_factor_required");
    browser.post(api::LOGIN, json!({"username": "ada", "password": PASSWORD})).await.ok();
    let phone = ada.look_at_phone().await;
    assert_eq!((&phone["messages"], &phone["approvalRequests"]), (&json!([]), &json!([])));
    browser.get(api::PROTECTED).await.refused(403, "second_factor_required");
    for path in [api::SMS, api::VOICE, api::VERIFY, api::ONETOUCH, api::ONETOUCH_STATUS] {
        app.stranger().post(path, json!({"token": "1234567"})).await.refused(401, "no_session");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_made_through_one_door_signs_in_through_the_others() {
    let app = TestApp::spawn().await;
    // Made here, signed in by the header API.
    let ada = app.new_person();
    registered(&app, &ada, "ada").await;
    let session = ada.sign_in().await;
    assert_eq!(session.get(routes::USER).await.ok()["username"], "ada");
    session.get(api::PROTECTED).await.ok();
    // Made there, signed in here, by e-mail: there is no username.
    let grace = app.person().await;
    let browser = app.browser();
    browser.post(api::LOGIN, json!({"username": grace.email, "password": PASSWORD})).await.ok();
    browser.post(api::SMS, json!({})).await.ok();
    browser.post(api::VERIFY, json!({"token": grace.code().await})).await.ok();
    assert_eq!(browser.get(routes::USER).await.ok()["verified"], true);
    // Made by account verification: signed in, its phone not proven.
    let joan = app.new_person();
    let browser = app.browser();
    let made = browser.post(routes::USERS, joan.form()).await;
    assert_eq!(made.status, StatusCode::CREATED);
    assert_eq!(whereabouts(&browser).await, "/verification");
    browser.get(api::PROTECTED).await.refused(403, "phone_unverified");
    browser.post(api::VERIFY, json!({"token": joan.code().await})).await.ok();
    assert_eq!(whereabouts(&browser).await, "/protected");
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_carry_their_text_where_these_clients_look_for_it() {
    let app = TestApp::spawn().await;
    let ada = app.new_person();
    registered(&app, &ada, "ada").await;
    let taken = app.new_person();
    let refused =
        app.stranger().post(api::REGISTER, register_form(&taken, "Ada")).await.refused(409, "taken");
    assert_eq!(refused["err"], refused["message"]);
    let empty = app.stranger().post(api::REGISTER, json!({"username": "grace"})).await;
    let refused = empty.refused(422, "invalid_fields");
    assert_eq!(refused["error"], refused["message"]);
    let mut fields: Vec<&String> = refused["fields"].as_object().unwrap().keys().collect();
    fields.sort();
    assert_eq!(fields, ["country_code", "email", "password", "phone_number"]);
    let refused = app.stranger().post(api::REGISTER, json!({})).await.refused(422, "invalid_fields");
    assert!(refused["fields"]["username"].is_string());
    let wrong = |username: &'static str, password: &'static str| {
        let app = &app;
        async move {
            let body = json!({"username": username, "password": password});
            app.stranger().post(api::LOGIN, body).await.refused(401, "wrong_credentials")
        }
    };
    assert_eq!(wrong("ada", "not her password").await, wrong("nobody", PASSWORD).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_phone_shows_who_asks_and_only_the_attempt_that_asked_gets_in() {
    let app = TestApp::spawn().await;
    let ada = app.new_person();
    registered(&app, &ada, "ada").await;
    let credentials = json!({"username": "ada", "password": PASSWORD});
    let (owner, thief) = (app.browser(), app.browser());
    for browser in [&owner, &thief] {
        browser.post(api::LOGIN, credentials.clone()).await.ok();
        browser.post(api::ONETOUCH_STATUS, json!({})).await.refused(404, "no_push");
    }
    let asked = owner.post(api::ONETOUCH, json!({"details": {"Reason": "something else"}})).await.ok();
    let request = ada.look_at_phone().await["approvalRequests"][0].clone();
    let labels: Vec<&String> = request["details"].as_object().unwrap().keys().collect();
    assert_eq!(labels, ["Authy ID", "Location", "Reason", "Username"]);
    assert_eq!(
        (&request["details"]["Username"], &request["details"]["Location"]),
        (&json!("ada"), &json!("127.0.0.1"))
    );
    assert_eq!(request["lifetimeMs"], 120_000);
    owner.post(api::ONETOUCH, json!({})).await.refused(409, "push_open");
    app.press(asked["approval_request"]["uuid"].as_str().unwrap(), "approve").await;
    thief.post(api::ONETOUCH_STATUS, json!({})).await.refused(404, "no_push");
    thief.get(api::PROTECTED).await.refused(403, "second_factor_required");
    // The cookie opens nothing before the client has looked and got its new id.
    owner.get(api::PROTECTED).await.refused(403, "second_factor_required");
    assert_eq!(poll(&owner, "/approval_request/status").await, "approved");
    owner.get(api::PROTECTED).await.ok();
    assert_eq!(poll(&owner, "/approval_request/status").await, "approved");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_or_expired_push_opens_nothing_and_no_push_is_said() {
    let app = TestApp::spawn().await;
    let ada = app.new_person();
    registered(&app, &ada, "ada").await;
    let browser = app.browser();
    browser.post(api::LOGIN, json!({"username": "ada", "password": PASSWORD})).await.ok();
    let asked = browser.post(api::ONETOUCH, json!({})).await.ok();
    app.press(asked["approval_request"]["uuid"].as_str().unwrap(), "deny").await;
    assert_eq!(poll(&browser, "/approval_request/status").await, "denied");
    browser.post(api::ONETOUCH, json!({})).await.ok();
    app.advance(121);
    assert_eq!(poll(&browser, "/approval_request/status").await, "expired");
    browser.get(api::PROTECTED).await.refused(403, "second_factor_required");
    ada.set_app(false).await;
    let refused = browser.post(api::ONETOUCH, json!({})).await.refused(409, "push_unavailable");
    assert_eq!(refused["err"], refused["message"]);
    app.fault(json!({"path": "/onetouch", "status": 500})).await;
    browser.post(api::ONETOUCH, json!({})).await.refused(502, "provider_failed");
    app.fault(json!({"path": "/protected/json/sms", "status": 500})).await;
    browser.post(api::SMS, json!({})).await.refused(502, "provider_failed");
    // The failed send began no wait.
    app.sandbox(Method::DELETE, "/faults", json!({})).await;
    browser.post(api::SMS, json!({})).await.ok();
    let refused = browser.post(api::SMS, json!({})).await;
    assert_eq!(refused.headers["retry-after"], "30");
    refused.refused(429, "too_many");
}

#[tokio::test(flavor = "multi_thread")]
async fn logging_out_ends_the_session_but_not_at_another_sites_wish() {
    let app = TestApp::spawn().await;
    let ada = app.new_person();
    let browser = registered(&app, &ada, "ada").await;
    let forged = browser.request(Method::GET, api::LOGOUT).header("Sec-Fetch-Site", "cross-site");
    browser.send(forged).await.refused(403, "foreign_origin");
    let hidden = browser.request(Method::GET, "/api/log%6Fut").header("Sec-Fetch-Site", "cross-site");
    browser.send(hidden).await.refused(403, "foreign_origin");
    browser.get(api::PROTECTED).await.ok();
    browser.get(api::LOGOUT).await.ok();
    browser.get(api::PROTECTED).await.refused(401, "not_signed_in");
    browser.get(api::LOGOUT).await.ok();
    assert_eq!(browser.post(api::TEST, json!({})).await.ok(), json!({"connected": true}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_by_header_goes_on_in_both_positions_of_the_rotation() {
    for rotation in ["off", "on"] {
        let app = TestApp::with(&[("TOKEN_ROTATION", rotation)]).await;
        let ada = app.new_person();
        registered(&app, &ada, "ada").await;
        let log_in = async || {
            let login = json!({"username": "ada", "password": PASSWORD});
            let token = app.stranger().post(api::LOGIN, login).await.ok()["token"].clone();
            app.bearer(token.as_str().unwrap())
        };
        let goes_on = async |session: Session<'_>, answer: Value| {
            let token = answer["sessionToken"].as_str().map_or(session.token.clone().unwrap(), str::to_owned);
            assert_eq!(rotation == "on", answer["sessionToken"].is_string());
            app.bearer(&token).get(api::PROTECTED).await.ok();
        };
        let session = log_in().await;
        session.post(api::SMS, json!({})).await.ok();
        let answer = session.post(api::VERIFY, json!({"token": ada.code().await})).await.ok();
        goes_on(session, answer).await;
        let session = log_in().await;
        let asked = session.post(api::ONETOUCH, json!({})).await.ok();
        app.press(asked["approval_request"]["uuid"].as_str().unwrap(), "approve").await;
        let answer = session.post(api::ONETOUCH_STATUS, json!({})).await.ok();
        goes_on(session, answer).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_digits_of_legal_length_reach_the_provider() {
    let app = TestApp::spawn().await;
    let ada = app.new_person();
    let browser = app.browser();
    browser.post(api::REGISTER, register_form(&ada, "ada")).await.ok();
    browser.post(api::VERIFICATION_START, json!({"phoneNumber": "+447700900999"})).await.ok();
    let calls = app.provider_calls().await.len();
    for bad in ["../sms", "1/2#", "%2e%2e", "１２３４５６", "", "123", &"1".repeat(200)] {
        let refused = browser.post(api::VERIFY, json!({"token": bad})).await.refused(422, "invalid_fields");
        assert!(refused["fields"]["token"].is_string());
        let body = json!({"phoneNumber": "+447700900999", "token": bad});
        browser.post(api::VERIFICATION_VERIFY, body).await.refused(422, "invalid_fields");
    }
    assert_eq!(app.provider_calls().await.len(), calls);
}
