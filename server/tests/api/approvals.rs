//! Approvals of actions: the answer belongs to exactly the data that was shown, once.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shared::routes;

use crate::app::{Session, TestApp};

fn payment() -> Value {
    json!({
        "message": "Send £5.00 to Charles?", "details": {"To": "Charles", "Amount": "£5.00"},
        "hidden_details": {"ip": "192.0.2.1"},
        "logos": [{"res": "default", "url": "https://example.com/logo.png"}],
    })
}

async fn ask(session: &Session<'_>, body: Value) -> String {
    let answer = session.post(routes::APPROVALS, body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    assert_eq!(answer.body["status"], "pending");
    answer.body["uuid"].as_str().expect("a request").to_owned()
}

fn path(uuid: &str) -> String {
    routes::APPROVAL.replace("{uuid}", uuid)
}

fn redeem(uuid: &str) -> String {
    routes::APPROVAL_REDEEM.replace("{uuid}", uuid)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_phone_is_asked_and_an_approval_is_used_once() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let session = ada.sign_in().await;
    let uuid = ask(&session, payment()).await;
    let shown = ada.look_at_phone().await["approvalRequests"][0].clone();
    for (theirs, ours) in [
        ("message", "message"),
        ("details", "details"),
        ("hiddenDetails", "hidden_details"),
        ("logos", "logos"),
    ] {
        assert_eq!(shown[theirs], payment()[ours], "{theirs}");
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
    app.press(&uuid, "approve").await;
    assert_eq!(session.get(&path(&uuid)).await.ok()["status"], "approved");
    assert_eq!(session.post(&redeem(&uuid), payment()).await.ok()["uuid"], uuid.as_str());
    session.post(&redeem(&uuid), payment()).await.refused(403, "already_redeemed");
    assert_eq!(session.get(&path(&uuid)).await.ok()["redeemed"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_data_needs_a_new_request() {
    let app = TestApp::spawn().await;
    let session = app.person().await.sign_in().await;
    let uuid = ask(&session, payment()).await;
    app.press(&uuid, "approve").await;
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

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_uses_at_once_one_succeeds() {
    let app = TestApp::spawn().await;
    let session = app.person().await.sign_in().await;
    let uuid = ask(&session, payment()).await;
    app.press(&uuid, "approve").await;
    let uses = (0..20).map(|_| async { session.post(&redeem(&uuid), payment()).await.status });
    let done = futures_util::future::join_all(uses).await;
    assert_eq!(done.iter().filter(|status| **status == StatusCode::OK).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn denied_expired_and_stale_answers_open_nothing() {
    let app = TestApp::spawn().await;
    let session = app.person().await.sign_in().await;
    let denied = ask(&session, payment()).await;
    app.press(&denied, "deny").await;
    assert_eq!(session.get(&path(&denied)).await.ok()["status"], "denied");
    session.post(&redeem(&denied), payment()).await.refused(409, "not_approved");
    let mut brief = payment();
    brief["seconds_to_expire"] = json!(10);
    let expired = ask(&session, brief).await;
    app.advance(11);
    assert_eq!(app.press(&expired, "approve").await, StatusCode::CONFLICT);
    assert_eq!(session.get(&path(&expired)).await.ok()["status"], "expired");
    session.post(&redeem(&expired), payment()).await.refused(409, "not_approved");
    let stale = ask(&session, payment()).await;
    app.press(&stale, "approve").await;
    app.advance(601);
    session.post(&redeem(&stale), payment()).await.refused(409, "not_approved");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_approval_approves_no_action_and_an_action_signs_nobody_in() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let (session, login) = ada.log_in().await;
    app.press(&login, "approve").await;
    session.get(&path(&login)).await.refused(404, "not_found");
    session
        .post(&redeem(&login), json!({"message": "Sign in to Countersign?"}))
        .await
        .refused(404, "not_found");
    let (pending, push) = ada.log_in().await;
    let action = ask(&session, payment()).await;
    app.press(&action, "approve").await;
    assert_eq!(pending.status().await, "pending");
    assert!(!pending.is_signed_in().await);
    app.press(&push, "deny").await;
    // Nor is the status of the session that of the action.
    assert_eq!(session.status().await, "approved");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_takes_a_proven_phone_and_is_nobody_elses_business() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let session = ada.sign_in().await;
    let uuid = ask(&session, payment()).await;
    let grace = app.person().await.sign_in().await;
    grace.get(&path(&uuid)).await.refused(404, "not_found");
    grace.post(&redeem(&uuid), payment()).await.refused(404, "not_found");
    for odd in ["no-such-uuid", "%00", "a%20b", "..%2fx", &"a".repeat(200)] {
        session.get(&path(odd)).await.refused(404, "not_found");
        session.post(&redeem(odd), payment()).await.refused(404, "not_found");
    }
    app.stranger().get(&path(&uuid)).await.refused(403, "not_signed_in");
    app.stranger().post(routes::APPROVALS, payment()).await.refused(403, "not_signed_in");
    ada.log_in().await.0.post(routes::APPROVALS, payment()).await.refused(403, "second_factor_required");
    let joan = app.new_person();
    let token =
        app.stranger().post(routes::USER, joan.form()).await.ok()["token"].as_str().unwrap().to_owned();
    app.bearer(&token).post(routes::APPROVALS, payment()).await.refused(403, "phone_unverified");
    assert_eq!(joan.look_at_phone().await["approvalRequests"], json!([]));
    // From another of her own sessions it is hers.
    assert_eq!(ada.sign_in().await.get(&path(&uuid)).await.ok()["status"], "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_asked_is_named_and_reaches_nobody() {
    let app = TestApp::spawn().await;
    let session = app.person().await.sign_in().await;
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
    // Numbers are accepted where text is meant.
    ask(&session, json!({"message": "Send?", "details": {"Amount": 5}, "seconds_to_expire": "60"})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn five_unanswered_requests_are_enough_and_a_failed_one_is_none() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let session = ada.sign_in().await;
    app.fault(json!({"path": "/onetouch", "status": 500, "times": 3})).await;
    for _ in 0..3 {
        session.post(routes::APPROVALS, payment()).await.refused(502, "provider_failed");
    }
    ada.set_app(false).await;
    session.post(routes::APPROVALS, payment()).await.refused(409, "push_unavailable");
    ada.set_app(true).await;
    for _ in 0..5 {
        ask(&session, payment()).await;
    }
    let refused = session.post(routes::APPROVALS, payment()).await;
    assert!(refused.headers.contains_key("retry-after"));
    refused.refused(429, "too_many");
}

#[tokio::test(flavor = "multi_thread")]
async fn by_form_the_data_are_the_same_data() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
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
    let asked = post(routes::APPROVALS, "£5.00").await;
    assert_eq!(asked.status, StatusCode::CREATED, "{}", asked.text);
    let uuid = asked.body["uuid"].as_str().unwrap();
    let shown = ada.look_at_phone().await["approvalRequests"][0].clone();
    assert_eq!((&shown["details"], &shown["logos"]), (&payment()["details"], &payment()["logos"]));
    app.press(uuid, "approve").await;
    post(&redeem(uuid), "£5000").await.refused(403, "other_data");
    // As JSON it is the same thing said.
    session.post(&redeem(uuid), payment()).await.ok();
    post(&redeem(uuid), "£5.00").await.refused(403, "already_redeemed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_arrives_with_the_webhook_off() {
    let app = TestApp::spawn().await;
    app.sandbox(Method::PUT, "/webhook", json!({"mode": "off"})).await.ok();
    let ada = app.person().await;
    let (session, login) = ada.log_in().await;
    app.press(&login, "approve").await;
    app.advance(5);
    app.eventually("the login is approved", async || session.status().await == "approved").await;
    let uuid = ask(&session, payment()).await;
    app.press(&uuid, "approve").await;
    app.advance(5);
    let approved = async |uuid: &str| session.get(&path(uuid)).await.ok()["status"] == "approved";
    app.eventually("the action is approved", async || approved(&uuid).await).await;
    // Also late in the life of a long one: the questions last until its end.
    let mut long = payment();
    long["seconds_to_expire"] = json!(600);
    let uuid = ask(&session, long).await;
    for _ in 0..20 {
        let before = app.provider_calls().await.len();
        app.advance(26);
        app.eventually("it was asked about", async || app.provider_calls().await.len() > before).await;
    }
    app.press(&uuid, "approve").await;
    app.advance(26);
    app.eventually("a late answer is seen", async || approved(&uuid).await).await;
}
