//! Twilio Verify's webhook: a hint. What it tells is read at the provider before it is believed.

use reqwest::Method;
use serde_json::json;
use shared::routes;
use signature::twilio::{self, Body, SIGNATURE_HEADER};

use crate::{
    app::{Response, TestApp},
    providers::TestProvider,
    verify_push::{app, open_requests, without_device},
};

/// A webhook as Verify sends it.
struct Hook {
    fields: Vec<(String, String)>,
}

impl Hook {
    fn of(kind: &str, challenge: &str) -> Self {
        let fields = [
            ("uuid", "0d1a6d8e-0000-4000-8000-000000000000"),
            ("type", kind),
            ("account_sid", sandbox::ACCOUNT_SID),
            ("service_sid", sandbox::SERVICE_SIDS[0]),
            ("entity_identity", "0123456789abcdef"),
            ("factor_sid", "YF00000000000000000000000000000001"),
            ("challenge_sid", challenge),
        ];
        Self { fields: fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into() }
    }

    async fn send(&self, app: &TestApp, key: &str) -> Response {
        let url = app.url(routes::TWILIO_VERIFY);
        self.send_signed(app, &twilio::sign(key, &url, Body::Form(&self.fields))).await
    }

    async fn send_signed(&self, app: &TestApp, signature: &str) -> Response {
        let client = app.client();
        let request = client.request(Method::POST, routes::TWILIO_VERIFY).header(SIGNATURE_HEADER, signature);
        client.send(request.form(&self.fields)).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_not_believed_before_the_challenge_was_fetched() {
    let app = app().await;
    let ada = app.register().await;
    app.call_sandbox(Method::PUT, "/webhook", json!({"mode": "off"})).await.ok();
    let (session, uuid) = ada.log_in().await;
    // Signed, and not true.
    for kind in ["challenge.approved", "challenge.denied"] {
        Hook::of(kind, &uuid).send(&app, sandbox::AUTH_TOKEN).await.ok();
        assert_eq!(session.status().await, "pending", "{kind}");
    }
    // What it names is fetched: the answer there is another one.
    app.answer_request(&uuid, "deny").await;
    Hook::of("challenge.approved", &uuid).send(&app, sandbox::AUTH_TOKEN).await.ok();
    assert_eq!(session.status().await, "denied");
    assert!(!session.is_signed_in().await);
}

/// What the provider is asked about a challenge has to be that challenge.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_about_another_challenge_or_device_is_not_believed() {
    let app = app().await;
    let ada = app.register().await;
    app.call_sandbox(Method::PUT, "/webhook", json!({"mode": "off"})).await.ok();
    let (session, uuid) = ada.log_in().await;
    let calls = app.provider_calls().await;
    let entity = calls.iter().rev().find(|call| call.ends_with("/Challenges")).expect("a challenge was made");
    let entity = entity.strip_prefix("POST ").unwrap().strip_suffix("/Challenges").unwrap();
    let identity = entity.rsplit('/').next().unwrap();
    let right = json!({"sid": uuid, "factor_sid": "YF1", "identity": identity, "status": "approved"});
    for (name, value) in [("sid", "YC0"), ("identity", "somebody"), ("factor_sid", "YF2")] {
        let mut body = right.clone();
        body[name] = json!(value);
        app.inject_fault(json!({"path": format!("{entity}/Challenges"), "status": 200, "body": body})).await;
        Hook::of("challenge.approved", &uuid).send(&app, sandbox::AUTH_TOKEN).await.ok();
        assert_eq!(session.status().await, "pending", "{name}");
    }
    app.call_sandbox(Method::DELETE, "/faults", json!({})).await;
    app.answer_request(&uuid, "approve").await;
    Hook::of("challenge.approved", &uuid).send(&app, sandbox::AUTH_TOKEN).await.ok();
    assert_eq!(session.status().await, "approved");
}

/// The owner has denied it on one device; somebody approves on another while the first can't be read.
#[tokio::test(flavor = "multi_thread")]
async fn an_approval_counts_only_when_every_other_device_could_be_read() {
    let app = app().await;
    let ada = app.unregistered_person();
    let session = without_device(&app, &ada).await;
    for name in ["phone", "tablet"] {
        ada.register_device(&session, name).await;
    }
    app.call_sandbox(Method::PUT, "/webhook", json!({"mode": "off"})).await.ok();
    app.advance(31);
    let (pending, _) = ada.log_in().await;
    let asked = open_requests(&ada).await;
    app.answer_request(&asked[0], "deny").await;
    app.advance(1);
    app.answer_request(&asked[1], "approve").await;
    let calls = app.provider_calls().await;
    let entity = calls.iter().rev().find(|call| call.ends_with("/Challenges")).expect("a challenge was made");
    let denied = format!("{}/{}", entity.strip_prefix("POST ").unwrap(), asked[0]);
    app.inject_fault(json!({"path": denied, "status": 500, "body": {}})).await;
    Hook::of("challenge.approved", &asked[1]).send(&app, sandbox::AUTH_TOKEN).await.ok();
    assert_eq!(pending.status().await, "pending");
    app.call_sandbox(Method::DELETE, "/faults", json!({})).await;
    Hook::of("challenge.approved", &asked[1]).send(&app, sandbox::AUTH_TOKEN).await.ok();
    assert_eq!(pending.status().await, "denied");
}

/// Its owner could deny it there, and nobody would see that.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_one_device_shows_perhaps_unseen_is_answered_on_no_device() {
    let app = app().await;
    let ada = app.unregistered_person();
    let session = without_device(&app, &ada).await;
    for name in ["phone", "tablet"] {
        ada.register_device(&session, name).await;
    }
    app.advance(31);
    ada.log_in().await;
    let calls = app.provider_calls().await;
    let made = calls.iter().rev().find(|call| call.ends_with("/Challenges")).expect("a challenge was made");
    let path = made.strip_prefix("POST ").unwrap();
    app.advance(121);
    app.inject_fault(json!({"path": path, "status": 504, "body": {}, "times": 1})).await;
    let login = app.client().post(routes::SESSION, ada.credentials()).await.ok();
    assert_eq!(
        (&login["authyResponse"]["success"], &login["authyResponse"]["via"]),
        (&json!(false), &json!("sms"))
    );
    let pending = app.bearer(login["token"].as_str().unwrap());
    let asked = open_requests(&ada).await;
    app.answer_request(&asked[0], "approve").await;
    Hook::of("challenge.approved", &asked[0]).send(&app, sandbox::AUTH_TOKEN).await.ok();
    assert!(!pending.is_signed_in().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_without_the_right_signature_is_401_and_asks_the_provider_nothing() {
    let app = app().await;
    let ada = app.register().await;
    let (session, uuid) = ada.log_in().await;
    let before = app.provider_calls().await.len();
    let hook = Hook::of("challenge.approved", &uuid);
    for signature in ["", "c2lnbmF0dXJl", "not base64"] {
        hook.send_signed(&app, signature).await.refused(401, "wrong_signature");
    }
    hook.send(&app, "another token").await.refused(401, "wrong_signature");
    hook.send(&app, sandbox::KEY_SECRET).await.refused(401, "wrong_signature");
    let other_url = twilio::sign(sandbox::AUTH_TOKEN, &app.url("/elsewhere"), Body::Form(&hook.fields));
    hook.send_signed(&app, &other_url).await.refused(401, "wrong_signature");
    assert_eq!(app.provider_calls().await.len(), before);
    assert_eq!(session.status().await, "pending");
    // Signed, but about nothing we know: accepted, and not asked for.
    Hook::of("challenge.approved", "YC03000000000000000000000000000000")
        .send(&app, sandbox::AUTH_TOKEN)
        .await
        .ok();
    Hook::of("factor.created", &uuid).send(&app, sandbox::AUTH_TOKEN).await.ok();
    Hook::of("challenge.approved", "../../x")
        .send(&app, sandbox::AUTH_TOKEN)
        .await
        .refused(422, "invalid_fields");
    assert_eq!(app.provider_calls().await.len(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_are_accepted_as_a_form_and_as_json() {
    let app = app().await;
    let ada = app.register().await;
    for body in ["form", "json"] {
        app.call_sandbox(Method::PUT, "/verify", json!({"webhookBody": body})).await.ok();
        let (session, uuid) = ada.log_in().await;
        app.answer_request(&uuid, "approve").await;
        assert_eq!(session.status().await, "approved", "{body}");
    }
}

/// An API key does not sign webhooks: whoever has only that polls.
#[tokio::test(flavor = "multi_thread")]
async fn with_an_api_key_alone_no_webhook_is_accepted_and_answers_are_polled_for() {
    let settings = sandbox::Settings::default();
    let clock = crate::app::test_clock();
    let settings = sandbox::Settings {
        clock: std::sync::Arc::<server::domain::clock::Clock>::clone(&clock),
        ..settings
    };
    let sandbox = sandbox::Sandbox::start(settings).await.expect("the sandbox starts");
    let url = sandbox.url();
    let [sign_in, enrolment, number] = sandbox::SERVICE_SIDS;
    let variables = [
        ("SANDBOX", "off"),
        ("TWILIO_ACCOUNT_SID", sandbox::ACCOUNT_SID),
        ("TWILIO_API_KEY_SID", sandbox::KEY_SID),
        ("TWILIO_API_KEY_SECRET", sandbox::KEY_SECRET),
        ("VERIFY_SERVICE_SID", sign_in),
        ("VERIFY_ENROLMENT_SERVICE_SID", enrolment),
        ("VERIFY_NUMBER_SERVICE_SID", number),
        ("VERIFY_API_URL", &url),
    ];
    let app = TestApp::spawn_on(clock, TestProvider::Verify, &variables).await;
    let ada = app.register().await;
    let (session, uuid) = ada.log_in().await;
    app.answer_request(&uuid, "approve").await;
    Hook::of("challenge.approved", &uuid)
        .send(&app, sandbox::AUTH_TOKEN)
        .await
        .refused(401, "wrong_signature");
    assert_eq!(session.status().await, "pending");
    app.advance(4);
    app.wait_until("the answer is found by polling", async || session.status().await == "approved").await;
}
