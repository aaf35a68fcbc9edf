//! The attacks behind statements 61 to 80 of docs/SECURITY.md, each as a test of its defence.

mod addresses;
pub mod at_rest;
mod authenticators;
mod costly_sends;
mod devices;
mod disconnects;
mod guesses;
mod invisible_characters;
mod lock_out;
mod resource_exhaustion;
mod sessions;
mod settings;
mod shared_phone;
mod shared_phone_sends;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shared::routes;

use crate::app::{ApiClient, Person, Response, TestApp};

/// The server trusts the `X-Forwarded-For` header of the tests.
const BEHIND_A_PROXY: (&str, &str) = ("TRUSTED_PROXIES", "127.0.0.1");

/// An account with this phone; other accounts may have the same phone.
async fn account_with_phone<'a>(app: &'a TestApp, phone: &str, email: &str) -> Person<'a> {
    sign_up_with_phone(app, phone, email).await.0
}

/// The same, with the session of the sign-up. The phone is not verified.
async fn sign_up_with_phone<'a>(app: &'a TestApp, phone: &str, email: &str) -> (Person<'a>, ApiClient<'a>) {
    let person = Person { app, email: email.to_owned(), phone: phone.to_owned() };
    let response = app.client().post(routes::USER, person.form()).await.ok();
    let session = app.bearer(response["token"].as_str().expect("a token"));
    (person, session)
}

/// The number of approval requests on a phone that were not approved.
async fn unapproved_requests(person: &Person<'_>) -> usize {
    let phone = person.phone_state().await;
    let requests = phone["approvalRequests"].as_array().expect("a list");
    requests.iter().filter(|request| request["status"] != "approved").count()
}

/// The number of codes sent to a phone.
async fn codes_sent_to(person: &Person<'_>) -> usize {
    let phone = person.phone_state().await;
    let messages = phone["messages"].as_array().expect("a list");
    messages.iter().filter(|message| message["code"].is_string()).count()
}

/// A code of seven digits that is not valid.
async fn wrong_code(person: &Person<'_>) -> String {
    let code: u32 = person.soft_token().await.parse().expect("digits");
    format!("{:07}", (code + 1) % 10_000_000)
}

/// A known device: a browser that has signed in with both factors and logged out.
async fn known_device<'a>(app: &'a TestApp, person: &Person<'_>) -> ApiClient<'a> {
    let browser = app.browser();
    let login = browser.post(routes::SESSION, person.credentials()).await.ok();
    let uuid = login["authyResponse"]["approval_request"]["uuid"].as_str().expect("an approval request");
    assert_eq!(app.answer_request(uuid, "approve").await, StatusCode::NO_CONTENT);
    browser.post(routes::SESSION_CONTINUE, json!({})).await.ok();
    browser.delete(routes::SESSION).await.ok();
    browser
}

/// Logs in with the password until neither an approval request nor a code is sent.
async fn exhaust_sends(person: &Person<'_>) {
    for _ in 0..12 {
        person.app.client().post(routes::SESSION, person.credentials()).await;
    }
}

/// What a login sent: `push`, `sms`, `call` or `nothing`; the HTTP status if it was refused.
fn login_outcome(response: &Response) -> String {
    let login = &response.body["authyResponse"];
    match (response.status, &login["success"], login["via"].as_str()) {
        (StatusCode::OK, Value::Bool(true), _) => "push".to_owned(),
        (StatusCode::OK, _, Some(via)) => via.to_owned(),
        (StatusCode::OK, _, None) => "nothing".to_owned(),
        (status, ..) => status.as_u16().to_string(),
    }
}

/// A client whose address a trusted proxy reports.
struct ClientAt<'a> {
    client: ApiClient<'a>,
    address: String,
}

fn client_at<'a>(app: &'a TestApp, address: impl Into<String>) -> ClientAt<'a> {
    ClientAt { client: app.client(), address: address.into() }
}

impl ClientAt<'_> {
    async fn post(&self, path: &str, body: Value) -> Response {
        let request = self.client.request(Method::POST, path).header("X-Forwarded-For", &self.address);
        self.client.send(request.json(&body)).await
    }

    async fn log_in(&self, email: &str, password: &str) -> Response {
        self.post(routes::SESSION, json!({"email": email, "password": password})).await
    }
}

/// The number of responses with this status.
fn count(responses: &[Response], status: StatusCode) -> usize {
    responses.iter().filter(|response| response.status == status).count()
}

/// An action to approve.
fn payment() -> Value {
    json!({"message": "Send £5.00 to Charles?", "details": {"To": "Charles", "Amount": "£5.00"}})
}
