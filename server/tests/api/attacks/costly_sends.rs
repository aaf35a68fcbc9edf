//! Limits on sends that cost money.

use reqwest::{Method, StatusCode};
use serde_json::json;
use shared::routes::{self, cookie_api as api};

use super::{BEHIND_A_PROXY, ClientAt, client_at, codes_sent_to, count, sign_up_with_phone};
use crate::app::{Response, SHORT_PROVIDER_TIMEOUT, TestApp, slow};

/// Country code, national number, kind of number.
const COSTLY: [(&str, &str, &str); 11] = [
    ("44", "9098790000", "premium rate"),
    ("1", "9002345678", "premium rate"),
    ("49", "9001234567", "premium rate"),
    ("33", "891123456", "premium rate"),
    ("44", "8431234567", "shared cost"),
    ("34", "901123456", "shared cost"),
    ("44", "7012345678", "personal"),
    ("44", "7640123456", "pager"),
    ("881", "612345678", "satellite"),
    ("870", "301234567", "satellite"),
    ("979", "123456789", "premium rate"),
];
const NONE: [&str; 0] = [];

async fn sign_up(app: &TestApp, country_code: &str, phone: &str) -> Response {
    let mut form = app.unregistered_person().form();
    form["countryCode"] = json!(country_code);
    form["phone"] = json!(phone);
    app.client().post(routes::USER, form).await
}

/// The error names the phone field, or the country code field where the country has no other numbers.
fn names_the_phone_field(response: &Response) -> bool {
    let fields = &response.body["fields"];
    response.status == 422
        && ["phone", "countryCode", "phoneNumber"].iter().any(|name| fields[name].is_string())
}

/// Statement 75 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn sign_up_refuses_premium_shared_cost_and_satellite_numbers() {
    let app = TestApp::spawn().await;
    let mut accepted = Vec::new();
    for (country_code, phone, kind) in COSTLY {
        let response = sign_up(&app, country_code, phone).await;
        if response.status == StatusCode::OK {
            accepted.push(format!("+{country_code}{phone} {kind}"));
        } else {
            assert!(names_the_phone_field(&response), "+{country_code}{phone}: {}", response.text);
        }
    }
    assert_eq!(accepted, NONE);
    assert_eq!(app.provider_calls().await, NONE);
}

/// Statement 75 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn phone_verification_refuses_premium_shared_cost_and_satellite_numbers() {
    let app = TestApp::spawn().await;
    let mut sent = Vec::new();
    for (country_code, phone, kind) in COSTLY {
        let e164 = format!("+{country_code}{phone}");
        let body = json!({"phoneNumber": e164, "via": "call"});
        let response = app.client().post(api::VERIFICATION_START, body).await;
        if response.status == StatusCode::OK {
            sent.push(format!("{e164} {kind}"));
        } else {
            assert!(names_the_phone_field(&response), "{e164}: {}", response.text);
        }
        assert_eq!(
            app.messages_to(&e164).await.len(),
            sent.iter().filter(|to| to.starts_with(&e164)).count()
        );
    }
    assert_eq!(sent, NONE);
}

/// Statement 75 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn codes_are_sent_to_allowed_countries_only() {
    let app = TestApp::spawn_with(&[("ALLOWED_COUNTRIES", "GB,US")]).await;
    for (country_code, phone) in [("33", "612345678"), ("1", "2042345678"), ("7", "9123456789")] {
        let response = sign_up(&app, country_code, phone).await;
        assert!(names_the_phone_field(&response), "+{country_code}{phone}: {}", response.text);
        let body = json!({"phoneNumber": format!("+{country_code}{phone}")});
        app.client().post(api::VERIFICATION_START, body).await.refused(422, "invalid_fields");
    }
    for (country_code, phone) in [("44", "7400123456"), ("1", "2015550123")] {
        sign_up(&app, country_code, phone).await.ok();
        let body = json!({"phoneNumber": format!("+{country_code}{phone}")});
        app.client().post(api::VERIFICATION_START, body).await.ok();
    }
}

/// Statement 75 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn sends_have_a_server_limit_with_a_fifth_for_unverified_phones() {
    let app = TestApp::spawn_with(&[("LIMIT_SERVER_SENDS_PER_HOUR", "10")]).await;
    let mut people = Vec::new();
    for _ in 0..3 {
        let person = app.register().await;
        person.sign_in().await;
        people.push(person);
    }
    // A fifth for unverified phones: public verifications and new accounts together.
    let mut to_unverified = Vec::new();
    for phone in ["+12125550101", "+13105550101"] {
        to_unverified.push(app.client().post(api::VERIFICATION_START, json!({"phoneNumber": phone})).await);
    }
    let (_, new_account) = sign_up_with_phone(&app, "7700911111", "new@example.com").await;
    to_unverified.push(new_account.post(routes::SESSION_RESEND, json!({})).await);
    assert_eq!(count(&to_unverified, StatusCode::OK), 2);
    assert_eq!(count(&to_unverified, StatusCode::TOO_MANY_REQUESTS), 1);
    // Accounts with a verified phone have the rest.
    let mut sessions = Vec::new();
    for person in &people {
        sessions.push(person.log_in().await.0);
    }
    let mut responses = Vec::new();
    for _ in 0..4 {
        for session in &sessions {
            responses.push(session.post(routes::SESSION_RESEND, json!({})).await);
        }
        app.advance(31);
    }
    assert_eq!(count(&responses, StatusCode::OK), 8);
    assert_eq!(count(&responses, StatusCode::TOO_MANY_REQUESTS), 4);
    let mut sent = 0;
    for person in &people {
        sent += codes_sent_to(person).await;
    }
    assert_eq!(sent, 8);
}

/// Statements 65 and 75 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn sends_to_unverified_phones_are_limited_per_address() {
    let app = TestApp::spawn_with(&[BEHIND_A_PROXY, ("LIMIT_STRANGER_ADDRESS_SENDS_PER_HOUR", "6")]).await;
    let mut responses = Vec::new();
    for number in 0..4 {
        let phone = format!("77009{number}0000");
        let (_, session) = sign_up_with_phone(&app, &phone, &format!("eve{number}@example.com")).await;
        let client = ClientAt { client: session, address: "203.0.113.7".to_owned() };
        for _ in 0..2 {
            responses.push(client.post(routes::SESSION_RESEND, json!({})).await);
            app.advance(31);
        }
    }
    assert_eq!(count(&responses, StatusCode::OK), 6);
    assert_eq!(count(&responses, StatusCode::TOO_MANY_REQUESTS), 2);
    // Public verifications count as well; another address has its own limit.
    let body = json!({"phoneNumber": "+12125550101"});
    client_at(&app, "203.0.113.7").post(api::VERIFICATION_START, body.clone()).await.refused(429, "too_many");
    client_at(&app, "198.51.100.1").post(api::VERIFICATION_START, body).await.ok();
}

/// Statements 65 and 75 of docs/SECURITY.md: accounts with a verified phone have a larger limit.
#[tokio::test(flavor = "multi_thread")]
async fn sends_to_verified_phones_are_limited_per_address() {
    let app = TestApp::spawn_with(&[BEHIND_A_PROXY, ("LIMIT_ADDRESS_SENDS_PER_HOUR", "6")]).await;
    let mut responses = Vec::new();
    for _ in 0..4 {
        let person = app.register().await;
        person.sign_in().await;
        let client = ClientAt { client: person.log_in().await.0, address: "203.0.113.7".to_owned() };
        for _ in 0..2 {
            responses.push(client.post(routes::SESSION_RESEND, json!({})).await);
            app.advance(31);
        }
    }
    assert_eq!(count(&responses, StatusCode::OK), 6);
    assert_eq!(count(&responses, StatusCode::TOO_MANY_REQUESTS), 2);
}

/// Statement 75 of docs/SECURITY.md: also for accounts from before a country was taken off the list.
#[tokio::test(flavor = "multi_thread")]
async fn no_codes_are_sent_to_a_country_that_is_no_longer_allowed() {
    let mut app = TestApp::spawn().await;
    let form = app.register().await.credentials();
    app.crash().await;
    app.variables.insert("ALLOWED_COUNTRIES".into(), "US,CA".into());
    app.start().await;
    let login = app.client().post(routes::SESSION, form).await.ok();
    let session = app.bearer(login["token"].as_str().expect("a token"));
    for via in ["sms", "call"] {
        session.post(routes::SESSION_RESEND, json!({"via": via})).await.refused(502, "channel_refused");
    }
    let sends: Vec<String> = app
        .provider_calls()
        .await
        .into_iter()
        .filter(|call| call.contains("/protected/json/sms") || call.contains("/protected/json/call"))
        .collect();
    assert_eq!(sends, NONE);
}

/// Statement 65 of docs/SECURITY.md: a provider that answers too late may have sent the code.
#[tokio::test(flavor = "multi_thread")]
async fn a_send_that_timed_out_counts_as_sent() {
    let app = TestApp::spawn_with(&[SHORT_PROVIDER_TIMEOUT]).await;
    let ada = app.register().await;
    let (session, _) = ada.log_in().await;
    app.inject_fault(slow("/protected/json/sms")).await;
    session.post(routes::SESSION_RESEND, json!({})).await.refused(502, "provider_failed");
    session.post(routes::SESSION_RESEND, json!({})).await.refused(429, "too_many");
    app.call_sandbox(Method::DELETE, "/faults", json!(null)).await;
    app.advance(30);
    session.post(routes::SESSION_RESEND, json!({})).await.ok();
}
