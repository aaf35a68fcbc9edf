//! Authenticator apps belong to one account, and to nobody who shares its phone.

use reqwest::StatusCode;
use serde_json::{Value, json};
use shared::routes;

use super::account_on;
use crate::app::{Answer, Session, TestApp, totp};

async fn enrol(session: &Session<'_>) -> Value {
    let answer = session.post(routes::AUTHENTICATOR, json!({})).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    answer.body
}

async fn confirm(session: &Session<'_>, enrolled: &Value, code: &str) -> Answer {
    let id = enrolled["id"].as_str().expect("an id");
    session.post(&format!("{}/{id}/confirm", routes::AUTHENTICATOR), json!({"code": code})).await
}

/// An authenticator that was confirmed with a code; the next code is a new one.
async fn authenticator_of(session: &Session<'_>) -> String {
    let enrolled = enrol(session).await;
    let secret = enrolled["secret"].as_str().expect("a secret").to_owned();
    confirm(session, &enrolled, &code(session.app, &secret)).await.ok();
    session.app.advance(30);
    secret
}

/// The code an app shows that has this secret.
fn code(app: &TestApp, secret: &str) -> String {
    totp(secret, app.clock.now())
}

/// Statement 61 of docs/SECURITY.md: the victim has approved one push by mistake; that verified the stranger's phone
/// and must open no more than the stranger's own account.
#[tokio::test(flavor = "multi_thread")]
async fn a_strangers_authenticator_opens_no_other_account_with_the_same_phone() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    ada.sign_in().await;
    let eve = account_on(&app, &ada.phone, "eve@example.com").await;
    let strangers = eve.sign_in().await;
    let secret = authenticator_of(&strangers).await;
    let (attacked, _) = ada.log_in().await;
    attacked.verify(&code(&app, &secret)).await.refused(401, "wrong_code");
    assert!(!attacked.is_signed_in().await);
    eve.log_in().await.0.verify(&code(&app, &secret)).await.ok();
}

/// Statement 62 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn an_authenticator_is_active_only_after_a_code_of_it_was_typed() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let session = ada.sign_in().await;
    let enrolled = enrol(&session).await;
    let secret = enrolled["secret"].as_str().unwrap();
    let (login, _) = ada.log_in().await;
    login.verify(&code(&app, secret)).await.refused(401, "wrong_code");
    confirm(&session, &enrolled, "000000").await.refused(401, "wrong_code");
    app.advance(30);
    confirm(&session, &enrolled, &code(&app, secret)).await.ok();
    app.advance(30);
    login.verify(&code(&app, secret)).await.ok();
}

/// Statement 62 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn the_authenticator_before_works_until_the_new_one_is_confirmed() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let session = ada.sign_in().await;
    let old = authenticator_of(&session).await;
    app.advance(61);
    let replacement = enrol(&session).await;
    let new = replacement["secret"].as_str().unwrap();
    let (login, _) = ada.log_in().await;
    login.verify(&code(&app, new)).await.refused(401, "wrong_code");
    login.verify(&code(&app, &old)).await.ok();
    confirm(&session, &replacement, &code(&app, new)).await.ok();
    app.advance(30);
    let (login, _) = ada.log_in().await;
    login.verify(&code(&app, &old)).await.refused(401, "wrong_code");
    login.verify(&code(&app, new)).await.ok();
}

/// Statement 63 of docs/SECURITY.md. (The rule held before, at the provider.)
#[tokio::test(flavor = "multi_thread")]
async fn a_code_of_an_authenticator_is_used_once_also_under_a_race() {
    let app = TestApp::with(&[("LIMIT_WRONG_CODES", "100")]).await;
    let ada = app.person().await;
    let secret = authenticator_of(&ada.sign_in().await).await;
    let mut sessions = Vec::new();
    for _ in 0..4 {
        sessions.push(ada.log_in().await.0);
    }
    let typed = code(&app, &secret);
    let submits = (0..20).map(|number| sessions[number % 4].verify(&typed));
    let answers = futures_util::future::join_all(submits).await;
    assert_eq!(super::count(&answers, StatusCode::OK), 1);
    assert_eq!(super::count(&answers, StatusCode::UNAUTHORIZED), 19);
    let mut signed_in = 0;
    for session in &sessions {
        signed_in += usize::from(session.is_signed_in().await);
    }
    assert_eq!(signed_in, 1);
}

/// Statement 61 of docs/SECURITY.md: the provider's user is shared by all accounts with that phone, so it is not
/// asked about six digits for an account that has no authenticator there.
#[tokio::test(flavor = "multi_thread")]
async fn six_digits_do_not_reach_the_provider_for_an_account_that_has_not_enrolled_there() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    ada.sign_in().await;
    let (session, _) = ada.log_in().await;
    session.verify("123456").await.refused(401, "wrong_code");
    let calls = app.provider_calls().await;
    assert!(!calls.iter().any(|call| call.contains("/verify/")), "{calls:?}");
}

/// Statement 68 of docs/SECURITY.md: the provider is away, and the account has another factor.
#[tokio::test(flavor = "multi_thread")]
async fn an_authenticator_signs_in_while_the_provider_is_away() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let secret = authenticator_of(&ada.sign_in().await).await;
    app.fault(json!({"status": 500})).await;
    let login = app.stranger().post(routes::SESSION, ada.credentials()).await;
    assert_eq!(super::way_of(&login), "nothing", "{}", login.text);
    let session = app.bearer(login.body["token"].as_str().expect("a token"));
    session.verify(&code(&app, &secret)).await.ok();
    assert!(session.is_signed_in().await);
}
