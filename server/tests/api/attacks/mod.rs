//! The attacks behind statements 61 to 80 of docs/SECURITY.md, each as a test of the rule that ends it.

mod addresses;
mod at_rest;
mod authenticators;
mod devices;
mod guesses;
mod hang_ups;
mod lock_out;
mod numbers;
mod password_work;
mod sessions;
mod settings;
mod shared_phone;
mod shared_phone_sends;
mod texts;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shared::routes;

use crate::app::{Answer, Person, Session, TestApp};

/// With this setting the server believes `X-Forwarded-For` of a test.
const BEHIND_A_PROXY: (&str, &str) = ("TRUSTED_PROXIES", "127.0.0.1");

/// An account on a phone that may have other accounts already.
async fn account_on<'a>(app: &'a TestApp, phone: &str, email: &str) -> Person<'a> {
    sign_up_on(app, phone, email).await.0
}

/// The same, with the session of the sign-up; its phone is not verified.
async fn sign_up_on<'a>(app: &'a TestApp, phone: &str, email: &str) -> (Person<'a>, Session<'a>) {
    let person = Person { app, email: email.to_owned(), phone: phone.to_owned() };
    let answer = app.stranger().post(routes::USER, person.form()).await.ok();
    let session = app.bearer(answer["token"].as_str().expect("a token"));
    (person, session)
}

/// Approval requests on a phone that nobody approved.
async fn unapproved(person: &Person<'_>) -> usize {
    let phone = person.look_at_phone().await;
    let requests = phone["approvalRequests"].as_array().expect("a list");
    requests.iter().filter(|request| request["status"] != "approved").count()
}

/// Codes that were sent to a phone.
async fn codes_on(person: &Person<'_>) -> usize {
    let phone = person.look_at_phone().await;
    let messages = phone["messages"].as_array().expect("a list");
    messages.iter().filter(|message| message["code"].is_string()).count()
}

/// Seven digits that are no code.
async fn wrong_code(person: &Person<'_>) -> String {
    let code: u32 = person.soft_token().await.parse().expect("digits");
    format!("{:07}", (code + 1) % 10_000_000)
}

/// A browser that has signed in completely and logged out again: a known device.
async fn known_device<'a>(app: &'a TestApp, person: &Person<'_>) -> Session<'a> {
    let browser = app.browser();
    let login = browser.post(routes::SESSION, person.credentials()).await.ok();
    let uuid = login["authyResponse"]["approval_request"]["uuid"].as_str().expect("a push");
    assert_eq!(app.press(uuid, "approve").await, StatusCode::NO_CONTENT);
    browser.post(routes::SESSION_CONTINUE, json!({})).await.ok();
    browser.delete(routes::SESSION).await.ok();
    browser
}

/// Somebody who has the password logs in until no push and no code is sent any more.
async fn use_up_pushes_and_sends(person: &Person<'_>) {
    for _ in 0..12 {
        person.app.stranger().post(routes::SESSION, person.credentials()).await;
    }
}

/// The way a login was answered: `push`, `sms`, `nothing`, or the status of a refusal.
fn way_of(answer: &Answer) -> String {
    let response = &answer.body["authyResponse"];
    match (answer.status, &response["success"], response["via"].as_str()) {
        (StatusCode::OK, Value::Bool(true), _) => "push".to_owned(),
        (StatusCode::OK, _, Some(via)) => via.to_owned(),
        (StatusCode::OK, _, None) => "nothing".to_owned(),
        (status, ..) => status.as_u16().to_string(),
    }
}

/// A client at a network address, as the proxy reports it.
struct At<'a> {
    session: Session<'a>,
    address: String,
}

fn at<'a>(app: &'a TestApp, address: impl Into<String>) -> At<'a> {
    At { session: app.stranger(), address: address.into() }
}

impl At<'_> {
    async fn post(&self, path: &str, body: Value) -> Answer {
        let request = self.session.request(Method::POST, path).header("X-Forwarded-For", &self.address);
        self.session.send(request.json(&body)).await
    }

    async fn log_in(&self, email: &str, password: &str) -> Answer {
        self.post(routes::SESSION, json!({"email": email, "password": password})).await
    }
}

/// How many answers have this status.
fn count(answers: &[Answer], status: StatusCode) -> usize {
    answers.iter().filter(|answer| answer.status == status).count()
}

/// Something to approve.
fn payment() -> Value {
    json!({"message": "Send £5.00 to Charles?", "details": {"To": "Charles", "Amount": "£5.00"}})
}
