//! The cookie API: sign-in by username, where the client requests each code and approval itself.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shared::routes::{self, cookie_api as api};

use crate::{
    app::{ApiClient, PASSWORD, Person, Response, TestApp},
    providers::{TestProvider, for_each_provider},
};

for_each_provider!(
    codes_by_sms_by_call_and_from_the_app_sign_in_and_rotate_the_session,
    cookie_login_sends_nothing_and_grants_no_access_before_the_second_factor,
    denied_and_expired_requests_grant_no_access_and_failed_sends_are_reported,
    a_request_shows_who_asks_and_signs_in_only_the_session_that_sent_it,
    a_client_that_reads_the_top_level_status_signs_in,
    a_client_that_reads_the_status_inside_body_signs_in,
);

fn register_form(person: &Person<'_>, username: &str) -> Value {
    json!({
        "username": username, "email": person.email, "password": PASSWORD,
        "country_code": "44", "phone_number": person.phone,
    })
}

async fn post_form(session: &ApiClient<'_>, path: &str, fields: &[(&str, &str)]) -> Response {
    session.send(session.request(Method::POST, path).form(fields)).await
}

async fn next_page(session: &ApiClient<'_>) -> String {
    session.post(api::LOGGED_IN, json!({})).await.ok()["url"].as_str().expect("a page").to_owned()
}

/// Creates an account with the cookie API. Returns a browser that is signed in.
async fn register_and_verify<'a>(app: &'a TestApp, person: &Person<'_>, username: &str) -> ApiClient<'a> {
    let browser = app.browser();
    browser.post(api::REGISTER, register_form(person, username)).await.ok();
    browser.post(api::SMS, json!({})).await.ok();
    browser.post(api::VERIFY, json!({"token": person.code().await})).await.ok();
    if app.provider == TestProvider::Verify {
        person.register_device(&browser, "Ada's phone").await;
    }
    browser
}

/// Polls the status as clients of this API do: twelve times at most, until the status at this JSON
/// pointer is no longer `pending`.
async fn poll(browser: &ApiClient<'_>, status_at: &str) -> String {
    for _ in 0..12 {
        let response = post_form(browser, api::ONETOUCH_STATUS, &[]).await.ok();
        let status = response.pointer(status_at).and_then(Value::as_str).expect("a status").to_owned();
        if status != "pending" {
            return status;
        }
    }
    "pending".to_owned()
}

/// Signs in as a client with forms and a cookie that reads the status at this JSON pointer.
async fn sign_in_and_read_status_at(provider: TestProvider, status_at: &str) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let ada = app.unregistered_person();
    let browser = app.browser();
    let fields = [
        ("username", "ada"),
        ("email", ada.email.as_str()),
        ("password", PASSWORD),
        ("country_code", "44"),
        ("phone_number", &ada.phone),
    ];
    post_form(&browser, api::REGISTER, &fields).await.ok();
    if provider == TestProvider::Verify {
        ada.verify_and_register_device(&browser).await;
    }
    browser.get(api::LOGOUT).await.ok();
    post_form(&browser, api::LOGIN, &[("username", "ada"), ("password", PASSWORD)]).await.ok();
    assert_eq!(next_page(&browser).await, "/2fa");
    let sent_request = post_form(&browser, api::ONETOUCH, &[]).await.ok();
    assert_eq!(sent_request["success"], true);
    assert_eq!(poll(&browser, status_at).await, "pending");
    let uuid = sent_request["approval_request"]["uuid"].as_str().expect("a request");
    assert_eq!(app.answer_request(uuid, "approve").await, StatusCode::NO_CONTENT);
    assert_eq!(poll(&browser, status_at).await, "approved");
    assert_eq!(next_page(&browser).await, "/protected");
    assert!(browser.get(api::PROTECTED).await.ok()["message"].is_string());
}

async fn a_client_that_reads_the_top_level_status_signs_in(provider: TestProvider) {
    sign_in_and_read_status_at(provider, "/approval_request/status").await;
}

async fn a_client_that_reads_the_status_inside_body_signs_in(provider: TestProvider) {
    sign_in_and_read_status_at(provider, "/body/approval_request/status").await;
}

async fn codes_by_sms_by_call_and_from_the_app_sign_in_and_rotate_the_session(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let ada = app.unregistered_person();
    register_and_verify(&app, &ada, "ada").await;
    // Verify has no app of its own.
    let channels = [Some(api::SMS), Some(api::VOICE), None];
    let channels = if provider == TestProvider::Verify { &channels[..2] } else { &channels[..] };
    for channel in channels {
        app.advance(3600);
        let browser = app.browser();
        let login = browser.post(api::LOGIN, json!({"username": "ADA", "password": PASSWORD})).await.ok();
        let before = ada.phone_state().await["messages"].as_array().unwrap().len();
        let token = match channel {
            &Some(path) => {
                let sent = browser.post(path, json!({})).await.ok();
                assert_eq!((&sent["success"], sent["cellphone"].is_string()), (&json!(true), true));
                assert_eq!(ada.phone_state().await["messages"].as_array().unwrap().len(), before + 1);
                ada.code().await
            }
            None => ada.soft_token().await,
        };
        let response = browser.post(api::VERIFY, json!({"token": token})).await.ok();
        assert_eq!((&response["token"], &response["success"]), (&json!("is valid"), &json!("true")));
        assert_eq!(response["sessionToken"], Value::Null, "a cookie session's token is not returned");
        browser.get(api::PROTECTED).await.ok();
        let old = app.bearer(login["token"].as_str().expect("the token of the new session"));
        old.get(api::PROTECTED).await.refused(401, "not_signed_in");
    }
}

async fn cookie_login_sends_nothing_and_grants_no_access_before_the_second_factor(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let ada = app.unregistered_person();
    let browser = app.browser();
    browser.get(api::PROTECTED).await.refused(401, "not_signed_in");
    assert_eq!(next_page(&browser).await, "/login");
    browser.post(api::REGISTER, register_form(&ada, "ada")).await.ok();
    assert_eq!(next_page(&browser).await, "/2fa");
    browser.get(api::PROTECTED).await.refused(403, "second_factor_required");
    browser.get(routes::USER).await.refused(403, "second_factor_required");
    browser.post(api::LOGIN, json!({"username": "ada", "password": PASSWORD})).await.ok();
    let phone = ada.phone_state().await;
    assert_eq!((&phone["messages"], &phone["approvalRequests"]), (&json!([]), &json!([])));
    browser.get(api::PROTECTED).await.refused(403, "second_factor_required");
    for path in [api::SMS, api::VOICE, api::VERIFY, api::ONETOUCH, api::ONETOUCH_STATUS] {
        app.client().post(path, json!({"token": "1234567"})).await.refused(401, "no_session");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_created_with_one_api_signs_in_with_the_others() {
    let app = TestApp::spawn().await;
    // Created with the cookie API, signed in with the header API.
    let ada = app.unregistered_person();
    register_and_verify(&app, &ada, "ada").await;
    let session = ada.sign_in().await;
    assert_eq!(session.get(routes::USER).await.ok()["username"], "ada");
    session.get(api::PROTECTED).await.ok();
    // Created with the header API, signed in with the cookie API by e-mail, because there is no username.
    let grace = app.register().await;
    let browser = app.browser();
    browser.post(api::LOGIN, json!({"username": grace.email, "password": PASSWORD})).await.ok();
    browser.post(api::SMS, json!({})).await.ok();
    browser.post(api::VERIFY, json!({"token": grace.code().await})).await.ok();
    assert_eq!(browser.get(routes::USER).await.ok()["verified"], true);
    // Created with the `/users` API: signed in with an unverified phone.
    let joan = app.unregistered_person();
    let browser = app.browser();
    let created = browser.post(routes::USERS, joan.form()).await;
    assert_eq!(created.status, StatusCode::CREATED);
    assert_eq!(next_page(&browser).await, "/verification");
    browser.get(api::PROTECTED).await.refused(403, "phone_unverified");
    browser.post(api::VERIFY, json!({"token": joan.code().await})).await.ok();
    assert_eq!(next_page(&browser).await, "/protected");
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_repeat_their_message_in_the_fields_these_clients_read() {
    let app = TestApp::spawn().await;
    let ada = app.unregistered_person();
    register_and_verify(&app, &ada, "ada").await;
    let taken = app.unregistered_person();
    let refused = app.client().post(api::REGISTER, register_form(&taken, "Ada")).await.refused(409, "taken");
    assert_eq!(refused["err"], refused["message"]);
    let empty = app.client().post(api::REGISTER, json!({"username": "grace"})).await;
    let refused = empty.refused(422, "invalid_fields");
    assert_eq!(refused["error"], refused["message"]);
    let mut fields: Vec<&String> = refused["fields"].as_object().unwrap().keys().collect();
    fields.sort();
    assert_eq!(fields, ["country_code", "email", "password", "phone_number"]);
    let refused = app.client().post(api::REGISTER, json!({})).await.refused(422, "invalid_fields");
    assert!(refused["fields"]["username"].is_string());
    let wrong = |username: &'static str, password: &'static str| {
        let app = &app;
        async move {
            let body = json!({"username": username, "password": password});
            app.client().post(api::LOGIN, body).await.refused(401, "wrong_credentials")
        }
    };
    assert_eq!(wrong("ada", "not her password").await, wrong("nobody", PASSWORD).await);
}

async fn a_request_shows_who_asks_and_signs_in_only_the_session_that_sent_it(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let ada = app.unregistered_person();
    register_and_verify(&app, &ada, "ada").await;
    let credentials = json!({"username": "ada", "password": PASSWORD});
    let (owner, attacker) = (app.browser(), app.browser());
    for browser in [&owner, &attacker] {
        browser.post(api::LOGIN, credentials.clone()).await.ok();
        browser.post(api::ONETOUCH_STATUS, json!({})).await.refused(404, "no_push");
    }
    let sent_request = owner.post(api::ONETOUCH, json!({"details": {"Reason": "something else"}})).await.ok();
    let request = ada.phone_state().await["approvalRequests"][0].clone();
    let labels: Vec<&String> = request["details"].as_object().unwrap().keys().collect();
    assert_eq!(labels, ["Authy ID", "Location", "Reason", "Username"]);
    assert_eq!(
        (&request["details"]["Username"], &request["details"]["Location"]),
        (&json!("ada"), &json!("127.0.0.1"))
    );
    assert_eq!(request["lifetimeMs"], 120_000);
    owner.post(api::ONETOUCH, json!({})).await.refused(409, "push_open");
    app.answer_request(sent_request["approval_request"]["uuid"].as_str().unwrap(), "approve").await;
    attacker.post(api::ONETOUCH_STATUS, json!({})).await.refused(404, "no_push");
    attacker.get(api::PROTECTED).await.refused(403, "second_factor_required");
    // The cookie gives no access until the client has read the status and got a rotated session.
    owner.get(api::PROTECTED).await.refused(403, "second_factor_required");
    assert_eq!(poll(&owner, "/approval_request/status").await, "approved");
    owner.get(api::PROTECTED).await.ok();
    assert_eq!(poll(&owner, "/approval_request/status").await, "approved");
}

async fn denied_and_expired_requests_grant_no_access_and_failed_sends_are_reported(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let ada = app.unregistered_person();
    register_and_verify(&app, &ada, "ada").await;
    let browser = app.browser();
    browser.post(api::LOGIN, json!({"username": "ada", "password": PASSWORD})).await.ok();
    let sent_request = browser.post(api::ONETOUCH, json!({})).await.ok();
    app.answer_request(sent_request["approval_request"]["uuid"].as_str().unwrap(), "deny").await;
    assert_eq!(poll(&browser, "/approval_request/status").await, "denied");
    browser.post(api::ONETOUCH, json!({})).await.ok();
    app.advance(121);
    assert_eq!(poll(&browser, "/approval_request/status").await, "expired");
    browser.get(api::PROTECTED).await.refused(403, "second_factor_required");
    if provider == TestProvider::Authy {
        ada.set_app_installed(false).await;
        let refused = browser.post(api::ONETOUCH, json!({})).await.refused(409, "push_unavailable");
        assert_eq!(refused["err"], refused["message"]);
    }
    app.inject_fault(json!({"path": "/", "status": 500})).await;
    browser.post(api::ONETOUCH, json!({})).await.refused(502, "provider_failed");
    browser.post(api::SMS, json!({})).await.refused(502, "provider_failed");
    // The failed send is not counted.
    app.call_sandbox(Method::DELETE, "/faults", json!({})).await;
    browser.post(api::SMS, json!({})).await.ok();
    let refused = browser.post(api::SMS, json!({})).await;
    assert_eq!(refused.headers["retry-after"], "30");
    refused.refused(429, "too_many");
}

#[tokio::test(flavor = "multi_thread")]
async fn logout_ends_the_session_and_refuses_cross_site_requests() {
    let app = TestApp::spawn().await;
    let ada = app.unregistered_person();
    let browser = register_and_verify(&app, &ada, "ada").await;
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
async fn a_header_client_stays_signed_in_with_and_without_token_rotation() {
    for rotation in ["off", "on"] {
        let app = TestApp::spawn_with(&[("TOKEN_ROTATION", rotation)]).await;
        let ada = app.unregistered_person();
        register_and_verify(&app, &ada, "ada").await;
        let log_in = async || {
            let login = json!({"username": "ada", "password": PASSWORD});
            let token = app.client().post(api::LOGIN, login).await.ok()["token"].clone();
            app.bearer(token.as_str().unwrap())
        };
        let assert_signed_in = async |session: ApiClient<'_>, response: Value| {
            let token =
                response["sessionToken"].as_str().map_or(session.token.clone().unwrap(), str::to_owned);
            assert_eq!(rotation == "on", response["sessionToken"].is_string());
            app.bearer(&token).get(api::PROTECTED).await.ok();
        };
        let session = log_in().await;
        session.post(api::SMS, json!({})).await.ok();
        let response = session.post(api::VERIFY, json!({"token": ada.code().await})).await.ok();
        assert_signed_in(session, response).await;
        let session = log_in().await;
        let sent_request = session.post(api::ONETOUCH, json!({})).await.ok();
        app.answer_request(sent_request["approval_request"]["uuid"].as_str().unwrap(), "approve").await;
        let response = session.post(api::ONETOUCH_STATUS, json!({})).await.ok();
        assert_signed_in(session, response).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cookie_api_sends_only_codes_of_4_to_10_digits_to_the_provider() {
    let app = TestApp::spawn().await;
    let ada = app.unregistered_person();
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
