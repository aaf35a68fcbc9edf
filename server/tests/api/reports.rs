//! What becomes of texts, as their provider reports it: only its signature is believed.

use reqwest::Method;
use serde_json::{Value, json};
use shared::routes;
use signature::twilio::{Body, SIGNATURE_HEADER, sign};

use crate::app::{Answer, TestApp};

const SID: &str = "SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

fn fields(status: &str) -> Vec<(String, String)> {
    [("MessageSid", SID), ("MessageStatus", status), ("AccountSid", sandbox::ACCOUNT_SID)]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
}

async fn post(app: &TestApp, path: &str, signature: Option<&str>, fields: &[(String, String)]) -> Answer {
    let stranger = app.stranger();
    let mut request = stranger.request(Method::POST, path).form(fields);
    if let Some(signature) = signature {
        request = request.header(SIGNATURE_HEADER, signature);
    }
    stranger.send(request).await
}

fn signed(app: &TestApp, path: &str, fields: &[(String, String)]) -> String {
    sign(sandbox::AUTH_TOKEN, &app.url(path), Body::Form(fields))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_or_wrong_signature_is_401_and_tells_nothing() {
    let app = TestApp::spawn().await;
    let (path, form) = (routes::TWILIO_STATUS, fields("delivered"));
    let right = signed(&app, path, &form);
    let elsewhere = sign(sandbox::AUTH_TOKEN, "http://elsewhere.test/twilio/status", Body::Form(&form));
    let other_key = sign("another token", &app.url(path), Body::Form(&form));
    let mut answers = Vec::new();
    for signature in [None, Some(""), Some("AAAA"), Some(elsewhere.as_str()), Some(&other_key)] {
        answers.push(post(&app, path, signature, &form).await.refused(401, "wrong_signature"));
    }
    // Any changed byte: of a field, of the query.
    answers.push(post(&app, path, Some(&right), &fields("failed")).await.refused(401, "wrong_signature"));
    let query = format!("{path}?message=x");
    answers.push(post(&app, &query, Some(&right), &form).await.refused(401, "wrong_signature"));
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    post(&app, path, Some(&right), &form).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_vectors_of_the_vendors_validators_pass_under_their_own_address() {
    let file: Value = serde_json::from_str(include_str!("../../../signature/twilio-vectors.json")).unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    let here: Vec<&Value> = vectors
        .iter()
        .filter(|vector| {
            vector["algorithm"] == "HMAC_SHA1" && vector["url"] == "https://app.example.com/twilio/status"
        })
        .collect();
    assert!(!here.is_empty());
    for vector in here {
        let token = vector["auth_token"].as_str().unwrap();
        let app = TestApp::with(&[
            ("PUBLIC_URL", "https://app.example.com"),
            ("TWILIO_ACCOUNT_SID", sandbox::ACCOUNT_SID),
            ("TWILIO_AUTH_TOKEN", token),
            ("TWILIO_NUMBER", sandbox::NUMBER),
        ])
        .await;
        let form: Vec<(String, String)> = vector["params"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
            .collect();
        let signature = vector["signature"].as_str();
        post(&app, routes::TWILIO_STATUS, signature, &form).await.ok();
        let spoofed = app.stranger().request(Method::POST, routes::TWILIO_STATUS).header("Host", "evil.test");
        let spoofed = spoofed.header(SIGNATURE_HEADER, signature.unwrap()).form(&form[..form.len() - 1]);
        app.stranger().send(spoofed).await.refused(401, "wrong_signature");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_move_a_text_forward_only_and_only_their_own() {
    let app = TestApp::spawn().await;
    let ada = app.new_person();
    let answer = app.stranger().post(routes::USERS, ada.form()).await.body;
    let (session, id) = (app.bearer(answer["token"].as_str().unwrap()), answer["id"].as_str().unwrap());
    let verify = routes::USERS_VERIFY.replace("{id}", id);
    session.post(&verify, json!({"code": ada.code().await})).await.ok();
    let status = async || session.get(routes::USER).await.ok()["confirmation"]["status"].clone();
    app.eventually("it is delivered", async || status().await == "delivered").await;
    // A late one, a repeated one, an odd one, one of another text: nothing changes.
    for word in ["sent", "queued", "failed", "no such word"] {
        let form = fields(word);
        let path = routes::TWILIO_STATUS;
        post(&app, path, Some(&signed(&app, path, &form)), &form).await.ok();
        assert_eq!(status().await, "delivered", "{word}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_report_without_its_fields_or_of_another_type_is_refused() {
    let app = TestApp::spawn().await;
    let path = routes::TWILIO_STATUS;
    for without in ["MessageSid", "MessageStatus"] {
        let form: Vec<(String, String)> =
            fields("sent").into_iter().filter(|(name, _)| name != without).collect();
        post(&app, path, Some(&signed(&app, path, &form)), &form).await.refused(422, "invalid_fields");
    }
    let stranger = app.stranger();
    let json = stranger.request(Method::POST, path).header(SIGNATURE_HEADER, "AAAA").json(&json!({"a": 1}));
    stranger.send(json).await.refused(415, "unsupported_type");
    let large = "x".repeat(2 << 20);
    let request = stranger.request(Method::POST, path).header(SIGNATURE_HEADER, "AAAA").form(&[("a", large)]);
    stranger.send(request).await.refused(413, "too_large");
}
