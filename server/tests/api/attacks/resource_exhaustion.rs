//! Resource exhaustion: floods of password hashing and slow request bodies must not stop the server.

use std::{thread::available_parallelism, time::Duration};

use futures_util::future::{Either, join_all, select};
use reqwest::{Method, StatusCode};
use serde_json::json;
use shared::routes;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::{BEHIND_A_PROXY, ClientAt, client_at, count, known_device};
use crate::app::{PASSWORD, TestApp};

/// Statements 20 and 70 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_password_queue_answers_503_and_other_calls_still_work() {
    let app = TestApp::spawn_with(&[BEHIND_A_PROXY, ("BCRYPT_COST", "12")]).await;
    let ada = app.register().await;
    let device = known_device(&app, &ada).await;
    let (waiting, _) = ada.log_in().await;
    // More hashes than this machine computes in five seconds.
    let size = 200.max(60 * available_parallelism().map_or(1, usize::from));
    let sign_ups: Vec<_> = (0..size / 2).map(|_| app.unregistered_person().form()).collect();
    let client = app.client();
    let post = |path: &str, number: usize, body| {
        let address = format!("10.{}.{}.1", number / 250, number % 250);
        let request = client.request(Method::POST, path).header("X-Forwarded-For", address);
        client.send(request.json(&body))
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
            app.client().get(routes::HEALTHZ).await.ok();
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
    for responses in [&logins, &sign_ups] {
        assert!(count(responses, StatusCode::SERVICE_UNAVAILABLE) > 0, "all {} were hashed", responses.len());
    }
    let refused = logins.into_iter().chain(sign_ups).filter(|response| response.status == 503);
    for response in refused {
        assert!(response.headers.contains_key("retry-after"));
        response.refused(503, "unavailable");
    }
    // Logins work again when the queue is empty.
    client_at(&app, "198.51.100.1").log_in(&ada.email, PASSWORD).await.ok();
}

/// Statement 70 of docs/SECURITY.md: estimating the strength of a password is work as well.
#[tokio::test(flavor = "multi_thread")]
async fn sign_ups_are_counted_before_the_password_is_checked() {
    let app = TestApp::spawn_with(&[BEHIND_A_PROXY]).await;
    let attacker = client_at(&app, "203.0.113.7");
    let mut responses = Vec::new();
    for _ in 0..25 {
        let mut form = app.unregistered_person().form();
        form["password"] = json!("Countersign1");
        responses.push(attacker.post(routes::USER, form).await);
    }
    assert_eq!(count(&responses, StatusCode::UNPROCESSABLE_ENTITY), 20);
    assert_eq!(count(&responses, StatusCode::TOO_MANY_REQUESTS), 5);
    attacker.post(routes::USER, app.unregistered_person().form()).await.refused(429, "too_many");
    client_at(&app, "198.51.100.1").post(routes::USER, app.unregistered_person().form()).await.ok();
}

/// Statement 70 of docs/SECURITY.md: over the limit no hash is computed, even for the correct password.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_over_its_password_limit_is_refused_for_every_account() {
    let app = TestApp::spawn_with(&[BEHIND_A_PROXY, ("LIMIT_ADDRESS_WRONG_PASSWORDS_PER_HOUR", "5")]).await;
    let ada = app.register().await;
    let attacker: ClientAt<'_> = client_at(&app, "203.0.113.7");
    for number in 0..5 {
        let email = format!("user{number}@example.com");
        attacker.log_in(&email, "not the password").await.refused(403, "wrong_credentials");
    }
    let closed = attacker.log_in(&ada.email, PASSWORD).await;
    assert!(closed.headers.contains_key("retry-after"), "{}", closed.text);
    closed.refused(429, "too_many");
}

/// Statement 78 of docs/SECURITY.md. This test waits 15 seconds of real time.
#[tokio::test(flavor = "multi_thread")]
async fn an_incomplete_body_is_refused_after_a_timeout() {
    let app = TestApp::spawn().await;
    let host = app.url("").replace("http://", "");
    let mut stream = TcpStream::connect(&host).await.unwrap();
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{{",
        routes::SESSION
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut response = [0; 12];
    let read = timeout(Duration::from_secs(40), stream.read_exact(&mut response)).await;
    read.expect("the server does not time out").expect("a response, not a closed connection");
    let line = String::from_utf8_lossy(&response);
    assert!(line.starts_with("HTTP/1.1 4"), "{line}");
}
