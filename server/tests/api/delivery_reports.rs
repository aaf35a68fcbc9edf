//! Delivery reports on text messages: each must have the provider's signature.

use reqwest::Method;
use serde_json::{Value, json};
use shared::routes;
use signature::twilio::{Body, SIGNATURE_HEADER, sign};

use crate::app::{Response, TestApp};

const SID: &str = "SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

fn fields(status: &str) -> Vec<(String, String)> {
    [("MessageSid", SID), ("MessageStatus", status), ("AccountSid", sandbox::ACCOUNT_SID)]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
}

async fn post(app: &TestApp, path: &str, signature: Option<&str>, fields: &[(String, String)]) -> Response {
    let client = app.client();
    let mut request = client.request(Method::POST, path).form(fields);
    if let Some(signature) = signature {
        request = request.header(SIGNATURE_HEADER, signature);
    }
    client.send(request).await
}

fn signed(app: &TestApp, path: &str, fields: &[(String, String)]) -> String {
    sign(sandbox::AUTH_TOKEN, &app.url(path), Body::Form(fields))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_with_a_missing_or_wrong_signature_is_401() {
    let app = TestApp::spawn().await;
    let (path, form) = (routes::TWILIO_STATUS, fields("delivered"));
    let right = signed(&app, path, &form);
    let elsewhere = sign(sandbox::AUTH_TOKEN, "http://elsewhere.test/twilio/status", Body::Form(&form));
    let other_key = sign("another token", &app.url(path), Body::Form(&form));
    let mut responses = Vec::new();
    for signature in [None, Some(""), Some("AAAA"), Some(elsewhere.as_str()), Some(&other_key)] {
        responses.push(post(&app, path, signature, &form).await.refused(401, "wrong_signature"));
    }
    // A changed field or query invalidates the signature.
    responses.push(post(&app, path, Some(&right), &fields("failed")).await.refused(401, "wrong_signature"));
    let query = format!("{path}?message=x");
    responses.push(post(&app, &query, Some(&right), &form).await.refused(401, "wrong_signature"));
    assert!(responses.iter().all(|response| *response == responses[0]));
    post(&app, path, Some(&right), &form).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_vendors_signature_vectors_are_accepted_for_their_url() {
    let file: Value = serde_json::from_str(include_str!("../../../signature/twilio-vectors.json")).unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    let matching: Vec<&Value> = vectors
        .iter()
        .filter(|vector| {
            vector["algorithm"] == "HMAC_SHA1" && vector["url"] == "https://app.example.com/twilio/status"
        })
        .collect();
    assert!(!matching.is_empty());
    for vector in matching {
        let token = vector["auth_token"].as_str().unwrap();
        let app = TestApp::spawn_with(&[
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
        let spoofed = app.client().request(Method::POST, routes::TWILIO_STATUS).header("Host", "evil.test");
        let spoofed = spoofed.header(SIGNATURE_HEADER, signature.unwrap()).form(&form[..form.len() - 1]);
        app.client().send(spoofed).await.refused(401, "wrong_signature");
    }
}

/// Accepts the first two reports at a port. Returns the path and form of each.
async fn listen(listener: tokio::net::TcpListener) -> Vec<(String, Vec<(String, String)>)> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut received = Vec::new();
    while received.len() < 2 {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let (mut text, mut buffer) = (String::new(), [0; 4096]);
        let (path, form) = loop {
            let read = stream.read(&mut buffer).await.expect("a request");
            text.push_str(std::str::from_utf8(&buffer[..read]).expect("text"));
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if length.and_then(|length| length.parse().ok()) == Some(body.len()) {
                let path = head.split(' ').nth(1).expect("a path").to_owned();
                break (path, url::form_urlencoded::parse(body.as_bytes()).into_owned().collect());
            }
        };
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            .await
            .expect("sent");
        received.push((path, form));
    }
    received
}

/// The reports of a real message are intercepted and sent to the server in another order.
#[tokio::test(flavor = "multi_thread")]
async fn reports_advance_only_their_own_message_and_never_move_it_back() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let public = format!("http://{}", listener.local_addr().expect("an address"));
    let received = tokio::spawn(listen(listener));
    let app = TestApp::spawn_with(&[("PUBLIC_URL", &public)]).await;
    let ada = app.unregistered_person();
    let response = app.client().post(routes::USERS, ada.form()).await.body;
    let (session, id) = (app.bearer(response["token"].as_str().unwrap()), response["id"].as_str().unwrap());
    let verify = routes::USERS_VERIFY.replace("{id}", id);
    session.post(&verify, json!({"code": ada.code().await})).await.ok();
    let received = received.await.expect("two reports");
    let (path, form) = received[0].clone();
    assert!(path.starts_with("/twilio/status?message="), "{path}");
    let status = async || session.get(routes::USER).await.ok()["confirmation"]["status"].clone();
    let report = async |word: &str, sid: Option<&str>| {
        let mut form = form.clone();
        for (name, value) in &mut form {
            match (name.as_str(), sid) {
                ("MessageStatus", _) => word.clone_into(value),
                ("MessageSid", Some(sid)) => sid.clone_into(value),
                _ => {}
            }
        }
        let signature = sign(sandbox::AUTH_TOKEN, &format!("{public}{path}"), Body::Form(&form));
        post(&app, &path, Some(&signature), &form).await.ok();
    };
    assert_eq!(status().await, "queued");
    report("sent", Some(SID)).await;
    assert_eq!(status().await, "queued", "a report with the SID of another message is ignored");
    report("sent", None).await;
    assert_eq!(status().await, "sent");
    for late in ["queued", "sent", "no such word"] {
        report(late, None).await;
        assert_eq!(status().await, "sent", "{late}");
    }
    report("delivered", None).await;
    for late in ["sent", "failed", "undelivered"] {
        report(late, None).await;
        assert_eq!(status().await, "delivered", "{late}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_with_missing_fields_or_another_content_type_is_refused() {
    let app = TestApp::spawn().await;
    let path = routes::TWILIO_STATUS;
    for without in ["MessageSid", "MessageStatus"] {
        let form: Vec<(String, String)> =
            fields("sent").into_iter().filter(|(name, _)| name != without).collect();
        post(&app, path, Some(&signed(&app, path, &form)), &form).await.refused(422, "invalid_fields");
    }
    let client = app.client();
    let json = client.request(Method::POST, path).header(SIGNATURE_HEADER, "AAAA").json(&json!({"a": 1}));
    client.send(json).await.refused(415, "unsupported_type");
    let large = "x".repeat(2 << 20);
    let request = client.request(Method::POST, path).header(SIGNATURE_HEADER, "AAAA").form(&[("a", large)]);
    client.send(request).await.refused(413, "too_large");
}
