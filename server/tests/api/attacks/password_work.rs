//! Checking a password costs a quarter of a second; whoever wants to stop a server makes it check.

use std::thread::available_parallelism;

use futures_util::future::{Either, join_all, select};
use reqwest::{Method, StatusCode};
use serde_json::json;
use shared::routes;

use super::{At, BEHIND_A_PROXY, at, count, known_device};
use crate::app::{PASSWORD, TestApp};

/// Statement 70 of docs/SECURITY.md and 20.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_passwords_is_refused_with_503_and_everything_else_is_answered() {
    // A database or provider that is slow on a busy machine must not look like the queue.
    let patient = [("DATABASE_TIMEOUT_SECONDS", "60"), ("PROVIDER_TIMEOUT_SECONDS", "60")];
    let app = TestApp::with(&[BEHIND_A_PROXY, ("BCRYPT_COST", "12"), patient[0], patient[1]]).await;
    let ada = app.person().await;
    let device = known_device(&app, &ada).await;
    let (waiting, _) = ada.log_in().await;
    // More than the cores of this machine hash in five seconds.
    let size = 200.max(60 * available_parallelism().map_or(1, usize::from));
    let sign_ups: Vec<_> = (0..size / 2).map(|_| app.new_person().form()).collect();
    let stranger = app.stranger();
    let post = |path: &str, number: usize, body| {
        let address = format!("10.{}.{}.1", number / 250, number % 250);
        let request = stranger.request(Method::POST, path).header("X-Forwarded-For", address);
        stranger.send(request.json(&body))
    };
    let logins = (0..size / 2).map(|number| {
        let body = json!({"email": format!("nobody{number}@example.com"), "password": "not the password"});
        post(routes::SESSION, number, body)
    });
    let logins = join_all(logins);
    let sign_ups = sign_ups.into_iter().enumerate();
    let sign_ups = join_all(sign_ups.map(|(number, form)| post(routes::USER, size / 2 + number, form)));
    let flood = futures_util::future::join(logins, sign_ups);
    let others = async {
        for _ in 0..20 {
            app.stranger().get(routes::HEALTHZ).await.ok();
            assert_eq!(waiting.status().await, "pending");
        }
        // A quarter of the queue is kept for known devices.
        device.post(routes::SESSION, ada.credentials()).await.ok();
    };
    let (logins, sign_ups) = match select(Box::pin(others), Box::pin(flood)).await {
        Either::Left(((), flood)) => flood.await,
        Either::Right((flood, others)) => {
            others.await;
            flood
        }
    };
    for answers in [&logins, &sign_ups] {
        assert!(count(answers, StatusCode::SERVICE_UNAVAILABLE) > 0, "all {} were hashed", answers.len());
    }
    let refused = logins.into_iter().chain(sign_ups).filter(|answer| answer.status == 503);
    for answer in refused {
        assert!(answer.headers.contains_key("retry-after"));
        answer.refused(503, "unavailable");
    }
    // It is over when the queue is empty.
    at(&app, "198.51.100.1").log_in(&ada.email, PASSWORD).await.ok();
}

/// Statement 70 of docs/SECURITY.md: estimating a password's strength is work, too.
#[tokio::test(flavor = "multi_thread")]
async fn sign_ups_are_counted_before_their_password_is_looked_at() {
    let app = TestApp::with(&[BEHIND_A_PROXY]).await;
    let attacker = at(&app, "203.0.113.7");
    let mut answers = Vec::new();
    for _ in 0..25 {
        let mut form = app.new_person().form();
        form["password"] = json!("Countersign1");
        answers.push(attacker.post(routes::USER, form).await);
    }
    assert_eq!(count(&answers, StatusCode::UNPROCESSABLE_ENTITY), 20);
    assert_eq!(count(&answers, StatusCode::TOO_MANY_REQUESTS), 5);
    attacker.post(routes::USER, app.new_person().form()).await.refused(429, "too_many");
    at(&app, "198.51.100.1").post(routes::USER, app.new_person().form()).await.ok();
}

/// Statement 70 of docs/SECURITY.md: who is over the limit of an address costs no hash, also with the right password.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_has_guessed_enough_is_refused_for_every_account() {
    let app = TestApp::with(&[BEHIND_A_PROXY, ("LIMIT_ADDRESS_WRONG_PASSWORDS_PER_HOUR", "5")]).await;
    let ada = app.person().await;
    let attacker: At<'_> = at(&app, "203.0.113.7");
    for number in 0..5 {
        let email = format!("user{number}@example.com");
        attacker.log_in(&email, "not the password").await.refused(403, "wrong_credentials");
    }
    let closed = attacker.log_in(&ada.email, PASSWORD).await;
    assert!(closed.headers.contains_key("retry-after"), "{}", closed.text);
    closed.refused(429, "too_many");
}
