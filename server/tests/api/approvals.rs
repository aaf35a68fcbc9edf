//! Approvals of actions: an approval is valid once, for exactly the data that was shown.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shared::routes;

use crate::{
    app::{ApiClient, TestApp},
    providers::{TestProvider, for_each_provider},
};

for_each_provider!(
    an_approval_is_requested_on_the_phone_and_redeemed_once,
    an_approval_is_not_redeemed_for_changed_data,
    one_of_twenty_concurrent_redemptions_succeeds,
    denied_expired_and_stale_approvals_are_not_redeemed,
    sign_in_and_action_approvals_are_not_interchangeable,
    an_approval_needs_a_verified_phone_and_is_visible_to_its_owner_only,
    an_invalid_approval_names_the_wrong_field_and_is_not_sent,
    a_form_and_json_describe_the_same_approval,
    an_answer_is_found_by_polling_when_the_webhook_is_off,
);

fn payment() -> Value {
    json!({
        "message": "Send £5.00 to Charles?", "details": {"To": "Charles", "Amount": "£5.00"},
        "hidden_details": {"ip": "192.0.2.1"},
        "logos": [{"res": "default", "url": "https://example.com/logo.png"}],
    })
}

async fn request_approval(session: &ApiClient<'_>, body: Value) -> String {
    let response = session.post(routes::APPROVALS, body).await;
    assert_eq!(response.status, StatusCode::CREATED, "{}", response.text);
    assert_eq!(response.body["status"], "pending");
    response.body["uuid"].as_str().expect("a request").to_owned()
}

fn path(uuid: &str) -> String {
    routes::APPROVAL.replace("{uuid}", uuid)
}

fn redeem(uuid: &str) -> String {
    routes::APPROVAL_REDEEM.replace("{uuid}", uuid)
}

async fn an_approval_is_requested_on_the_phone_and_redeemed_once(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let ada = app.register().await;
    let session = ada.sign_in().await;
    let uuid = request_approval(&session, payment()).await;
    let shown = ada.phone_state().await["approvalRequests"][0].clone();
    for (theirs, ours) in [
        ("message", "message"),
        ("details", "details"),
        ("hiddenDetails", "hidden_details"),
        ("logos", "logos"),
    ] {
        if (provider, ours) != (TestProvider::Verify, "logos") {
            assert_eq!(shown[theirs], payment()[ours], "{theirs}");
        }
    }
    let view = session.get(&path(&uuid)).await.ok();
    assert_eq!(
        view,
        json!({
            "uuid": uuid, "status": "pending", "message": "Send £5.00 to Charles?",
            "details": {"To": "Charles", "Amount": "£5.00"}, "expiresAt": "2026-03-02T14:04:31Z",
            "expiresInMs": 120_000, "lifetimeMs": 120_000, "pollAfterMs": 1000, "redeemed": false,
        })
    );
    session.post(&redeem(&uuid), payment()).await.refused(409, "not_approved");
    app.answer_request(&uuid, "approve").await;
    assert_eq!(session.get(&path(&uuid)).await.ok()["status"], "approved");
    assert_eq!(session.post(&redeem(&uuid), payment()).await.ok()["uuid"], uuid.as_str());
    session.post(&redeem(&uuid), payment()).await.refused(403, "already_redeemed");
    assert_eq!(session.get(&path(&uuid)).await.ok()["redeemed"], true);
}

async fn an_approval_is_not_redeemed_for_changed_data(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let session = app.register().await.sign_in().await;
    let uuid = request_approval(&session, payment()).await;
    app.answer_request(&uuid, "approve").await;
    let changes: [(&str, Value); 4] = [
        ("/message", json!("Send £500 to Charles?")),
        ("/details/Amount", json!("£5.01")),
        ("/hidden_details/ip", json!("192.0.2.2")),
        ("/logos/0/url", json!("https://example.com/other.png")),
    ];
    for (at, value) in changes {
        let mut changed = payment();
        *changed.pointer_mut(at).unwrap() = value;
        session.post(&redeem(&uuid), changed).await.refused(403, "other_data");
    }
    session
        .post(&redeem(&uuid), json!({"message": "Send £5.00 to Charles?"}))
        .await
        .refused(403, "other_data");
    session.post(&redeem(&uuid), payment()).await.ok();
}

async fn one_of_twenty_concurrent_redemptions_succeeds(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let session = app.register().await.sign_in().await;
    let uuid = request_approval(&session, payment()).await;
    app.answer_request(&uuid, "approve").await;
    let uses = (0..20).map(|_| async { session.post(&redeem(&uuid), payment()).await.status });
    let done = futures_util::future::join_all(uses).await;
    assert_eq!(done.iter().filter(|status| **status == StatusCode::OK).count(), 1);
}

async fn denied_expired_and_stale_approvals_are_not_redeemed(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let session = app.register().await.sign_in().await;
    let denied = request_approval(&session, payment()).await;
    app.answer_request(&denied, "deny").await;
    assert_eq!(session.get(&path(&denied)).await.ok()["status"], "denied");
    session.post(&redeem(&denied), payment()).await.refused(409, "not_approved");
    let mut brief = payment();
    brief["seconds_to_expire"] = json!(10);
    let expired = request_approval(&session, brief).await;
    app.advance(11);
    assert_eq!(app.answer_request(&expired, "approve").await, StatusCode::CONFLICT);
    assert_eq!(session.get(&path(&expired)).await.ok()["status"], "expired");
    session.post(&redeem(&expired), payment()).await.refused(409, "not_approved");
    let stale = request_approval(&session, payment()).await;
    app.answer_request(&stale, "approve").await;
    app.advance(601);
    session.post(&redeem(&stale), payment()).await.refused(409, "not_approved");
}

async fn sign_in_and_action_approvals_are_not_interchangeable(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let ada = app.register().await;
    let (session, login) = ada.log_in().await;
    app.answer_request(&login, "approve").await;
    session.get(&path(&login)).await.refused(404, "not_found");
    session
        .post(&redeem(&login), json!({"message": "Sign in to Countersign?"}))
        .await
        .refused(404, "not_found");
    let (pending, request) = ada.log_in().await;
    let action = request_approval(&session, payment()).await;
    app.answer_request(&action, "approve").await;
    assert_eq!(pending.status().await, "pending");
    assert!(!pending.is_signed_in().await);
    app.answer_request(&request, "deny").await;
    // The status of the session is not that of the action.
    assert_eq!(session.status().await, "approved");
}

async fn an_approval_needs_a_verified_phone_and_is_visible_to_its_owner_only(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let ada = app.register().await;
    let session = ada.sign_in().await;
    let uuid = request_approval(&session, payment()).await;
    let grace = app.register().await.sign_in().await;
    grace.get(&path(&uuid)).await.refused(404, "not_found");
    grace.post(&redeem(&uuid), payment()).await.refused(404, "not_found");
    for odd in ["no-such-uuid", "%00", "a%20b", "..%2fx", &"a".repeat(200)] {
        session.get(&path(odd)).await.refused(404, "not_found");
        session.post(&redeem(odd), payment()).await.refused(404, "not_found");
    }
    app.client().get(&path(&uuid)).await.refused(403, "not_signed_in");
    app.client().post(routes::APPROVALS, payment()).await.refused(403, "not_signed_in");
    ada.log_in().await.0.post(routes::APPROVALS, payment()).await.refused(403, "second_factor_required");
    let joan = app.unregistered_person();
    let token = app.client().post(routes::USER, joan.form()).await.ok()["token"].as_str().unwrap().to_owned();
    app.bearer(&token).post(routes::APPROVALS, payment()).await.refused(403, "phone_unverified");
    assert_eq!(joan.phone_state().await["approvalRequests"], json!([]));
    // Another session of the owner can read it.
    assert_eq!(ada.sign_in().await.get(&path(&uuid)).await.ok()["status"], "pending");
}

async fn an_invalid_approval_names_the_wrong_field_and_is_not_sent(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let session = app.register().await.sign_in().await;
    let calls = app.provider_calls().await.len();
    for (field, value) in [
        ("message", json!("")),
        ("message", json!("x".repeat(201))),
        ("details", json!({"": "x"})),
        ("details", json!({"a label of far too many letters": "x"})),
        ("details", json!([1])),
        ("details", json!({"To": {"a": 1}})),
        ("hidden_details", json!({"ip": "x".repeat(201)})),
        ("logos", json!([{"res": "default", "url": "http://example.com/logo.png"}])),
        ("logos", json!([{"res": "low", "url": "https://example.com/logo.png"}])),
        ("logos", json!("https://example.com/logo.png")),
        ("hiddenDetails", json!({"ip": "192.0.2.1"})),
        ("seconds_to_expire", json!(0)),
        ("seconds_to_expire", json!(86_400)),
    ] {
        let mut body = payment();
        body[field] = value.clone();
        let refused = session.post(routes::APPROVALS, body).await.refused(422, "invalid_fields");
        let fields = refused["fields"].as_object().unwrap();
        let named = fields.keys().any(|name| name.starts_with(field))
            || fields.get("unknown").is_some_and(|text| text.as_str().unwrap().contains(field));
        assert!(named, "{field} {value}: {refused}");
    }
    assert_eq!(app.provider_calls().await.len(), calls);
    // Numbers are accepted in text fields.
    request_approval(
        &session,
        json!({"message": "Send?", "details": {"Amount": 5}, "seconds_to_expire": "60"}),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unanswered_requests_are_limited_to_five_and_failed_ones_do_not_count() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let session = ada.sign_in().await;
    app.inject_fault(json!({"path": "/onetouch", "status": 500, "times": 3})).await;
    for _ in 0..3 {
        session.post(routes::APPROVALS, payment()).await.refused(502, "provider_failed");
    }
    ada.set_app_installed(false).await;
    session.post(routes::APPROVALS, payment()).await.refused(409, "push_unavailable");
    ada.set_app_installed(true).await;
    for _ in 0..5 {
        request_approval(&session, payment()).await;
    }
    let refused = session.post(routes::APPROVALS, payment()).await;
    assert!(refused.headers.contains_key("retry-after"));
    refused.refused(429, "too_many");
}

async fn a_form_and_json_describe_the_same_approval(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let ada = app.register().await;
    let session = ada.sign_in().await;
    let form = |amount: &'static str| {
        [
            ("message", "Send £5.00 to Charles?"),
            ("details[To]", "Charles"),
            ("details[Amount]", amount),
            ("hidden_details[ip]", "192.0.2.1"),
            ("logos[0][res]", "default"),
            ("logos[0][url]", "https://example.com/logo.png"),
        ]
    };
    let post = async |path: &str, amount| {
        session.send(session.request(Method::POST, path).form(&form(amount))).await
    };
    let created = post(routes::APPROVALS, "£5.00").await;
    assert_eq!(created.status, StatusCode::CREATED, "{}", created.text);
    let uuid = created.body["uuid"].as_str().unwrap();
    let shown = ada.phone_state().await["approvalRequests"][0].clone();
    assert_eq!(shown["details"], payment()["details"]);
    if provider == TestProvider::Authy {
        assert_eq!(shown["logos"], payment()["logos"]);
    }
    app.answer_request(uuid, "approve").await;
    post(&redeem(uuid), "£5000").await.refused(403, "other_data");
    // The same data as JSON is accepted.
    session.post(&redeem(uuid), payment()).await.ok();
    post(&redeem(uuid), "£5.00").await.refused(403, "already_redeemed");
}

async fn an_answer_is_found_by_polling_when_the_webhook_is_off(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    app.call_sandbox(Method::PUT, "/webhook", json!({"mode": "off"})).await.ok();
    let ada = app.register().await;
    let (session, login) = ada.log_in().await;
    app.answer_request(&login, "approve").await;
    app.advance(5);
    app.wait_until("the login is approved", async || session.status().await == "approved").await;
    let uuid = request_approval(&session, payment()).await;
    app.answer_request(&uuid, "approve").await;
    app.advance(5);
    let approved = async |uuid: &str| session.get(&path(uuid)).await.ok()["status"] == "approved";
    app.wait_until("the action is approved", async || approved(&uuid).await).await;
    // The server polls a long request until it expires.
    let mut long = payment();
    long["seconds_to_expire"] = json!(600);
    let uuid = request_approval(&session, long).await;
    for _ in 0..20 {
        let before = app.provider_calls().await.len();
        app.advance(26);
        app.wait_until("the server has polled the provider", async || {
            app.provider_calls().await.len() > before
        })
        .await;
    }
    app.answer_request(&uuid, "approve").await;
    app.advance(26);
    app.wait_until("the late answer is found", async || approved(&uuid).await).await;
}
