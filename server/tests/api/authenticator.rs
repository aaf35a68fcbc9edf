//! Enrolling an authenticator app: its secret is shown once.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use shared::routes;
use url::Url;

use crate::app::{Session, TestApp};

async fn enrol(session: &Session<'_>) -> serde_json::Value {
    session.post(routes::AUTHENTICATOR, json!({})).await.ok()
}

/// The code an app shows that has read this secret (RFC 6238: SHA-1, six digits, 30 seconds).
fn code(app: &TestApp, secret: &str) -> String {
    use hmac::{Hmac, KeyInit, Mac};
    let bits: String = secret
        .bytes()
        .map(|c| format!("{:05b}", if c.is_ascii_uppercase() { c - b'A' } else { c - b'2' + 26 }))
        .collect();
    let key: Vec<u8> = bits
        .as_bytes()
        .chunks_exact(8)
        .map(|byte| byte.iter().fold(0, |all, bit| all << 1 | (bit - b'0')))
        .collect();
    let step = u64::try_from(app.clock.now().0).unwrap() / 30_000;
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(&key).unwrap();
    mac.update(&step.to_be_bytes());
    let hash = mac.finalize().into_bytes();
    let at = usize::from(hash[19] & 15);
    let word = u32::from_be_bytes(hash[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", word % 1_000_000)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_picture_holds_the_secret_and_its_codes_sign_in_once() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let session = ada.sign_in().await;
    let shown = enrol(&session).await;
    assert_eq!(
        (shown["issuer"].as_str(), shown["label"].as_str()),
        (Some("Countersign"), Some(ada.email.as_str()))
    );
    let secret = shown["secret"].as_str().unwrap();
    assert!(secret.len() * 5 >= 160, "{secret}");
    let uri = Url::parse(shown["uri"].as_str().unwrap()).unwrap();
    assert!(uri.query_pairs().any(|(name, value)| name == "secret" && value == secret));
    let svg = shown["svg"].as_str().unwrap();
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>") && !svg.contains("http://1"));
    assert_eq!(session.get(routes::USER).await.ok()["authenticator"], true);
    let (login, _) = ada.log_in().await;
    let code = code(&app, secret);
    login.verify(&code).await.ok();
    assert!(login.is_signed_in().await);
    // A step is accepted once, in whatever session.
    ada.log_in().await.0.verify(&code).await.refused(401, "wrong_code");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_shown_once_and_a_replacement_ends_the_old_one() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let session = ada.sign_in().await;
    let old = enrol(&session).await;
    session.post(routes::AUTHENTICATOR, json!({})).await.refused(409, "already_enrolled");
    let new = session.post(routes::AUTHENTICATOR, json!({"replace": true})).await.ok();
    assert_ne!(old["secret"], new["secret"]);
    let (login, _) = ada.log_in().await;
    login.verify(&code(&app, old["secret"].as_str().unwrap())).await.refused(401, "wrong_code");
    login.verify(&code(&app, new["secret"].as_str().unwrap())).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_enrolment_showed_nothing_and_may_be_tried_again() {
    let app = TestApp::spawn().await;
    let session = app.person().await.sign_in().await;
    let odd = [
        json!({"success": true}),
        json!({"success": true, "qr_code": "http://192.0.2.1/secret.png"}),
        json!({"success": true, "qr_code": "file:///etc/passwd"}),
        json!({"success": true, "qr_code": "https://127.0.0.1/secret.png"}),
        json!({"success": true, "qr_code": format!("{}/phone.js", app.sandbox_url())}),
    ];
    for body in odd {
        app.fault(json!({"path": "/protected/json/users", "status": 200, "body": body})).await;
        session.post(routes::AUTHENTICATOR, json!({})).await.refused(502, "provider_failed");
    }
    app.sandbox(Method::DELETE, "/faults", json!({})).await;
    enrol(&session).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_takes_a_phone_that_has_answered_in_this_session_within_twenty_minutes() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    app.stranger().post(routes::AUTHENTICATOR, json!({})).await.refused(403, "not_signed_in");
    let joan = app.new_person();
    let token =
        app.stranger().post(routes::USER, joan.form()).await.ok()["token"].as_str().unwrap().to_owned();
    app.bearer(&token).post(routes::AUTHENTICATOR, json!({})).await.refused(403, "phone_unverified");
    let session = ada.sign_in().await;
    app.clock.advance(Duration::from_secs(20 * 60 + 1));
    assert_eq!(session.get(routes::USER).await.ok()["fresh"], false);
    session.post(routes::AUTHENTICATOR, json!({})).await.refused(403, "step_up_required");
    // A code does; so does a push.
    session.post(routes::SESSION_RESEND, json!({})).await.ok();
    session.verify(&ada.code().await).await.ok();
    assert_eq!(session.get(routes::USER).await.ok()["fresh"], true);
    enrol(&session).await;
    app.clock.advance(Duration::from_secs(20 * 60 + 1));
    let pushed = session.post(routes::SESSION_PUSH, json!({})).await.ok();
    app.press(pushed["approval_request"]["uuid"].as_str().unwrap(), "approve").await;
    session.post(routes::AUTHENTICATOR, json!({"replace": "true"})).await.ok();
}
