//! Sends that cost money, and how many there are.

use reqwest::StatusCode;
use serde_json::json;
use shared::routes::{self, cookie_api as api};

use super::{At, BEHIND_A_PROXY, at, codes_on, count, sign_up_on};
use crate::app::{Answer, TestApp};

/// Country code, national number, what it is.
const COSTLY: [(&str, &str, &str); 9] = [
    ("44", "9098790000", "premium rate"),
    ("1", "9002345678", "premium rate"),
    ("49", "9001234567", "premium rate"),
    ("33", "891123456", "premium rate"),
    ("44", "8431234567", "shared cost"),
    ("34", "901123456", "shared cost"),
    ("881", "612345678", "satellite"),
    ("870", "301234567", "satellite"),
    ("979", "123456789", "premium rate"),
];
const NONE: [&str; 0] = [];

async fn sign_up(app: &TestApp, country_code: &str, phone: &str) -> Answer {
    let mut form = app.new_person().form();
    form["countryCode"] = json!(country_code);
    form["phone"] = json!(phone);
    app.stranger().post(routes::USER, form).await
}

/// The field of the number is named; that of the country where there is no choice of it.
fn names_the_number(answer: &Answer) -> bool {
    let fields = &answer.body["fields"];
    answer.status == 422
        && ["phone", "countryCode", "phoneNumber"].iter().any(|name| fields[name].is_string())
}

/// Statement 75 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn no_account_is_made_with_a_premium_shared_cost_or_satellite_number() {
    let app = TestApp::spawn().await;
    let mut made = Vec::new();
    for (country_code, phone, kind) in COSTLY {
        let answer = sign_up(&app, country_code, phone).await;
        if answer.status == StatusCode::OK {
            made.push(format!("+{country_code}{phone} {kind}"));
        } else {
            assert!(names_the_number(&answer), "+{country_code}{phone}: {}", answer.text);
        }
    }
    assert_eq!(made, NONE);
    assert_eq!(app.provider_calls().await, NONE);
}

/// Statement 75 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn no_code_is_sent_to_a_premium_shared_cost_or_satellite_number() {
    let app = TestApp::spawn().await;
    let mut sent = Vec::new();
    for (country_code, phone, kind) in COSTLY {
        let e164 = format!("+{country_code}{phone}");
        let body = json!({"phoneNumber": e164, "via": "call"});
        let answer = app.stranger().post(api::VERIFICATION_START, body).await;
        if answer.status == StatusCode::OK {
            sent.push(format!("{e164} {kind}"));
        } else {
            assert!(names_the_number(&answer), "{e164}: {}", answer.text);
        }
        assert_eq!(
            app.messages_at(&e164).await.len(),
            sent.iter().filter(|to| to.starts_with(&e164)).count()
        );
    }
    assert_eq!(sent, NONE);
}

/// Statement 75 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn codes_go_only_to_the_countries_that_are_allowed() {
    let app = TestApp::with(&[("ALLOWED_COUNTRIES", "GB,US")]).await;
    for (country_code, phone) in [("33", "612345678"), ("1", "2042345678"), ("7", "9123456789")] {
        let answer = sign_up(&app, country_code, phone).await;
        assert!(names_the_number(&answer), "+{country_code}{phone}: {}", answer.text);
        let body = json!({"phoneNumber": format!("+{country_code}{phone}")});
        app.stranger().post(api::VERIFICATION_START, body).await.refused(422, "invalid_fields");
    }
    for (country_code, phone) in [("44", "7400123456"), ("1", "2015550123")] {
        sign_up(&app, country_code, phone).await.ok();
        let body = json!({"phoneNumber": format!("+{country_code}{phone}")});
        app.stranger().post(api::VERIFICATION_START, body).await.ok();
    }
}

/// Statement 75 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn the_server_sends_no_more_than_its_ceiling_and_a_fifth_of_it_for_strangers() {
    let app = TestApp::with(&[("LIMIT_SERVER_SENDS_PER_HOUR", "10")]).await;
    let mut people = Vec::new();
    for _ in 0..3 {
        let person = app.person().await;
        person.sign_in().await;
        people.push(person);
    }
    // Strangers: a fifth, by the public verification and by new accounts together.
    let mut strangers = Vec::new();
    for phone in ["+12125550101", "+13105550101"] {
        strangers.push(app.stranger().post(api::VERIFICATION_START, json!({"phoneNumber": phone})).await);
    }
    let (_, new_account) = sign_up_on(&app, "7700911111", "new@example.com").await;
    strangers.push(new_account.post(routes::SESSION_RESEND, json!({})).await);
    assert_eq!(count(&strangers, StatusCode::OK), 2);
    assert_eq!(count(&strangers, StatusCode::TOO_MANY_REQUESTS), 1);
    // Whoever has verified a phone has the rest.
    let mut sessions = Vec::new();
    for person in &people {
        sessions.push(person.log_in().await.0);
    }
    let mut answers = Vec::new();
    for _ in 0..4 {
        for session in &sessions {
            answers.push(session.post(routes::SESSION_RESEND, json!({})).await);
        }
        app.advance(31);
    }
    assert_eq!(count(&answers, StatusCode::OK), 8);
    assert_eq!(count(&answers, StatusCode::TOO_MANY_REQUESTS), 4);
    let mut sent = 0;
    for person in &people {
        sent += codes_on(person).await;
    }
    assert_eq!(sent, 8);
}

/// Statement 75 of docs/SECURITY.md and 65.
#[tokio::test(flavor = "multi_thread")]
async fn strangers_at_one_address_send_to_many_phones_only_so_often() {
    let app = TestApp::with(&[BEHIND_A_PROXY, ("LIMIT_STRANGER_ADDRESS_SENDS_PER_HOUR", "6")]).await;
    let mut answers = Vec::new();
    for number in 0..4 {
        let phone = format!("77009{number}0000");
        let (_, session) = sign_up_on(&app, &phone, &format!("eve{number}@example.com")).await;
        let client = At { session, address: "203.0.113.7".to_owned() };
        for _ in 0..2 {
            answers.push(client.post(routes::SESSION_RESEND, json!({})).await);
            app.advance(31);
        }
    }
    assert_eq!(count(&answers, StatusCode::OK), 6);
    assert_eq!(count(&answers, StatusCode::TOO_MANY_REQUESTS), 2);
    // The public verification is in it, and another address has its own.
    let body = json!({"phoneNumber": "+12125550101"});
    at(&app, "203.0.113.7").post(api::VERIFICATION_START, body.clone()).await.refused(429, "too_many");
    at(&app, "198.51.100.1").post(api::VERIFICATION_START, body).await.ok();
}

/// Statement 75 of docs/SECURITY.md and 65: the same with the password, by a budget that is larger.
#[tokio::test(flavor = "multi_thread")]
async fn one_address_sends_codes_for_verified_accounts_only_so_often() {
    let app = TestApp::with(&[BEHIND_A_PROXY, ("LIMIT_ADDRESS_SENDS_PER_HOUR", "6")]).await;
    let mut answers = Vec::new();
    for _ in 0..4 {
        let person = app.person().await;
        person.sign_in().await;
        let client = At { session: person.log_in().await.0, address: "203.0.113.7".to_owned() };
        for _ in 0..2 {
            answers.push(client.post(routes::SESSION_RESEND, json!({})).await);
            app.advance(31);
        }
    }
    assert_eq!(count(&answers, StatusCode::OK), 6);
    assert_eq!(count(&answers, StatusCode::TOO_MANY_REQUESTS), 2);
}
