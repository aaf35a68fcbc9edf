//! Approval requests by Twilio Verify: devices that the product's app registers.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shared::routes;

use crate::{
    app::{ApiClient, Person, TestApp},
    providers::TestProvider,
    totp::totp,
};

pub async fn app() -> TestApp {
    TestApp::spawn_at(TestProvider::Verify, &[]).await
}

/// A signed-in session with a verified phone and no device.
pub async fn without_device<'a>(app: &'a TestApp, person: &Person<'_>) -> ApiClient<'a> {
    let created = app.client().post(routes::USER, person.form()).await.ok();
    let session = app.bearer(created["token"].as_str().expect("a token"));
    session.post(routes::SESSION_RESEND, json!({})).await.ok();
    session.verify(&person.code().await).await.ok();
    session
}

async fn factors(session: &ApiClient<'_>) -> Vec<Value> {
    session.get(routes::FACTORS).await.ok()["factors"].as_array().expect("a list").clone()
}

async fn devices(session: &ApiClient<'_>) -> Vec<Value> {
    factors(session).await.into_iter().filter(|factor| factor["kind"] == "push").collect()
}

fn factor(id: &Value) -> String {
    routes::FACTOR.replace("{id}", id.as_str().expect("an id"))
}

/// The open requests on a phone, newest first.
pub async fn open_requests(person: &Person<'_>) -> Vec<String> {
    let phone = person.phone_state().await;
    let requests = phone["approvalRequests"].as_array().expect("a list").iter();
    requests
        .filter(|request| request["status"] == "pending")
        .map(|request| request["uuid"].as_str().expect("an id").to_owned())
        .collect()
}

async fn logins(app: &TestApp, person: &Person<'_>) -> Value {
    app.client().post(routes::SESSION, person.credentials()).await.ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registered_device_is_listed_asked_named_and_removed() {
    let app = app().await;
    let ada = app.unregistered_person();
    let session = without_device(&app, &ada).await;
    assert_eq!(factors(&session).await.len(), 1, "the phone");
    assert_eq!(logins(&app, &ada).await["authyResponse"]["via"], "sms", "there is no device yet");
    ada.register_device(&session, "Ada's phone").await;
    let listed = devices(&session).await;
    assert_eq!(listed.len(), 1);
    assert_eq!((&listed[0]["name"], &listed[0]["state"]), (&json!("Ada's phone"), &json!("active")));
    assert!(listed[0]["lastUsedAt"].is_null());
    app.advance(31);
    ada.sign_in().await;
    assert_eq!(devices(&session).await[0]["lastUsedAt"], "2026-03-02T14:03:02Z");
    let path = factor(&listed[0]["id"]);
    let rename = async |session: &ApiClient<'_>, name: &str| {
        session.send(session.request(Method::PATCH, &path).json(&json!({"name": name}))).await
    };
    rename(&session, "Work phone").await.ok();
    rename(&session, &"x".repeat(51)).await.refused(422, "invalid_fields");
    rename(&session, "two\u{202e}faces").await.refused(422, "invalid_fields");
    assert_eq!(devices(&session).await[0]["name"], "Work phone");
    session.delete(&path).await.ok();
    session.delete(&path).await.refused(404, "not_found");
    assert_eq!(devices(&session).await, Vec::<Value>::new());
    app.advance(31);
    assert_eq!(logins(&app, &ada).await["authyResponse"]["via"], "sms", "the device is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_registered_and_removed_only_by_its_owner_and_after_a_step_up() {
    let app = app().await;
    let (ada, grace) = (app.unregistered_person(), app.register().await);
    let session = without_device(&app, &ada).await;
    ada.register_device(&session, "Ada's phone").await;
    let device = factor(&devices(&session).await[0]["id"]);
    let other = grace.sign_in().await;
    other.delete(&device).await.refused(404, "not_found");
    let patch = other.request(Method::PATCH, &device).json(&json!({"name": "mine"}));
    other.send(patch).await.refused(404, "not_found");
    // The phone itself stays.
    let phone =
        factors(&session).await.into_iter().find(|factor| factor["kind"] == "phone").expect("a phone");
    session.delete(&factor(&phone["id"])).await.refused(404, "not_found");
    app.client().get(routes::FACTORS).await.refused(403, "not_signed_in");
    ada.log_in().await.0.get(routes::FACTORS).await.refused(403, "second_factor_required");
    // A sign-up opens nothing before its phone is verified.
    let joan = app.unregistered_person();
    let created = app.client().post(routes::USER, joan.form()).await.ok();
    let unverified = app.bearer(created["token"].as_str().unwrap());
    unverified.post(routes::DEVICE_TOKEN, json!({})).await.refused(403, "phone_unverified");
    let before = app.provider_calls().await.len();
    app.advance(20 * 60 + 1);
    session.post(routes::DEVICE_TOKEN, json!({})).await.refused(403, "step_up_required");
    session.delete(&device).await.refused(403, "step_up_required");
    assert_eq!(app.provider_calls().await.len(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_provider_registers_no_devices_there_is_no_token() {
    let app = TestApp::spawn().await;
    let session = app.register().await.sign_in().await;
    session.post(routes::DEVICE_TOKEN, json!({})).await.refused(409, "push_unavailable");
    assert_eq!(factors(&session).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_goes_to_every_device_and_the_first_answer_counts() {
    let app = app().await;
    let ada = app.unregistered_person();
    let session = without_device(&app, &ada).await;
    for name in ["phone", "tablet", "watch"] {
        ada.register_device(&session, name).await;
    }
    for (first, second, status) in [("deny", "approve", "denied"), ("approve", "deny", "approved")] {
        app.advance(31);
        let (pending, uuid) = ada.log_in().await;
        let asked = open_requests(&ada).await;
        assert!(asked.len() >= 3 && asked.contains(&uuid), "{asked:?}");
        // Any of them answers, also one that the client does not know by its id.
        let other = asked.iter().find(|id| **id != uuid).unwrap();
        assert_eq!(app.answer_request(other, first).await, StatusCode::NO_CONTENT);
        assert_eq!(pending.status().await, status);
        // The others stay on the screens, and are worthless.
        assert_eq!(app.answer_request(&uuid, second).await, StatusCode::NO_CONTENT);
        assert_eq!(pending.status().await, status);
        assert_eq!(pending.is_signed_in().await, status == "approved");
    }
    let used: Vec<Value> =
        devices(&session).await.iter().map(|device| device["lastUsedAt"].clone()).collect();
    assert!(
        (1..=2).contains(&used.iter().filter(|at| at.is_string()).count()),
        "who answered first: {used:?}"
    );
}

/// Both answers are there when the provider is asked: the earlier one counts, whichever was sent first.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_answers_that_are_found_together_the_earlier_one_counts() {
    let app = app().await;
    let ada = app.unregistered_person();
    let session = without_device(&app, &ada).await;
    for name in ["phone", "tablet"] {
        ada.register_device(&session, name).await;
    }
    app.call_sandbox(Method::PUT, "/webhook", json!({"mode": "off"})).await.ok();
    for (first, second, status) in [("deny", "approve", "denied"), ("approve", "deny", "approved")] {
        app.advance(121);
        let (pending, _) = ada.log_in().await;
        let asked = open_requests(&ada).await;
        app.answer_request(&asked[0], first).await;
        app.advance(1);
        app.answer_request(&asked[1], second).await;
        app.advance(3);
        app.wait_until("the answer is found", async || pending.status().await != "pending").await;
        assert_eq!(pending.status().await, status);
    }
}

/// An app of the product may run on any device: its approval does not show who holds the phone with the number.
#[tokio::test(flavor = "multi_thread")]
async fn an_approval_of_a_device_does_not_verify_the_phone() {
    use diesel::RunQueryDsl;
    let app = app().await;
    let ada = app.register().await;
    let email = ada.email.clone();
    // As after a change of the phone.
    let change = format!("UPDATE users SET phone_verified_at = NULL WHERE email = '{email}'");
    let store = app.store();
    store
        .write(move |db| diesel::sql_query(change).execute(db).map_err(server::store::StoreError::from))
        .await
        .unwrap();
    let session = ada.sign_in().await;
    assert_eq!(session.get(routes::USER).await.ok()["verified"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_for_devices_and_looks_at_the_provider_are_limited() {
    let app = app().await;
    let ada = app.unregistered_person();
    let session = without_device(&app, &ada).await;
    ada.register_device(&session, "phone").await;
    for _ in 0..9 {
        assert_eq!(session.post(routes::DEVICE_TOKEN, json!({})).await.status, StatusCode::CREATED);
    }
    let refused = session.post(routes::DEVICE_TOKEN, json!({})).await;
    assert!(refused.headers.contains_key("retry-after"));
    refused.refused(429, "too_many");
    let looks = async || {
        let calls = app.provider_calls().await;
        calls.iter().filter(|call| call.starts_with("GET /v2") && call.ends_with("/Factors")).count()
    };
    let before = looks().await;
    for _ in 0..65 {
        assert_eq!(devices(&session).await.len(), 1);
    }
    assert_eq!(looks().await - before, 60, "then those that are known are listed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_was_removed_at_the_provider_is_no_factor_any_more() {
    let app = app().await;
    let ada = app.register().await;
    let session = ada.sign_in().await;
    let mut device = session.get(routes::FACTORS).await.ok()["factors"].clone();
    assert!(device.as_array_mut().unwrap().iter().any(|factor| factor["kind"] == "push"));
    // All of the provider's memory is gone, as after a reset of the sandbox.
    app.call_sandbox(Method::POST, "/reset", json!({})).await;
    assert_eq!(devices(&session).await, Vec::<Value>::new());
    assert_eq!(logins(&app, &ada).await["authyResponse"]["via"], "sms");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_fails_removes_no_device_and_lists_those_that_are_known() {
    let app = app().await;
    let ada = app.register().await;
    let session = ada.sign_in().await;
    let device = factor(&devices(&session).await[0]["id"]);
    app.inject_fault(json!({"path": "/v2", "status": 500, "body": {}})).await;
    session.delete(&device).await.refused(502, "provider_failed");
    session.post(routes::DEVICE_TOKEN, json!({})).await.refused(502, "provider_failed");
    assert_eq!(devices(&session).await.len(), 1);
    app.call_sandbox(Method::DELETE, "/faults", json!({})).await;
    session.delete(&device).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_detail_that_verify_cannot_show_is_refused_before_anything_is_sent() {
    let app = app().await;
    let session = app.register().await.sign_in().await;
    let before = app.provider_calls().await.len();
    let long = json!({"message": "Send?", "details": {"To": "x".repeat(129)}});
    let refused = session.post(routes::APPROVALS, long).await.refused(422, "invalid_fields");
    assert!(refused["fields"]["details"].is_string());
    let hidden: serde_json::Map<String, Value> =
        (0..6).map(|number| (format!("field{number}"), json!("x".repeat(190)))).collect();
    let long = json!({"message": "Send?", "hidden_details": hidden});
    let refused = session.post(routes::APPROVALS, long).await.refused(422, "invalid_fields");
    assert!(refused["fields"]["hidden_details"].is_string());
    assert_eq!(app.provider_calls().await.len(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authenticator_is_removed_among_the_factors_too() {
    let app = app().await;
    let ada = app.unregistered_person();
    let session = without_device(&app, &ada).await;
    let shown = session.post(routes::AUTHENTICATOR, json!({"name": "My app"})).await.body;
    assert_eq!(factors(&session).await.len(), 1, "one that nobody has confirmed is no factor");
    let path = routes::AUTHENTICATOR_CONFIRM.replace("{id}", shown["id"].as_str().unwrap());
    let code = totp(shown["secret"].as_str().expect("a secret"), app.clock.now());
    session.post(&path, json!({"code": code})).await.ok();
    let listed = factors(&session).await;
    let own = listed.iter().find(|factor| factor["kind"] == "authenticator").expect("listed");
    assert_eq!((&own["name"], &own["id"]), (&json!("My app"), &shown["id"]));
    session.delete(&factor(&own["id"])).await.ok();
    assert_eq!(session.get(routes::USER).await.ok()["authenticator"], false);
}
