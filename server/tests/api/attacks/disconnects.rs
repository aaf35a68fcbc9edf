//! A client that disconnects during a provider call: the result of the call is still stored.

use std::net::SocketAddr;

use reqwest::{Method, StatusCode};
use sandbox::{Sandbox, Settings};
use serde_json::{Value, json};
use shared::routes;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Mutex, mpsc},
};

use super::{codes_sent_to, wrong_code};
use crate::app::{ApiClient, TestApp};

/// A sandbox behind a relay that reports each call when it arrives.
struct Provider {
    sandbox: Sandbox,
    url: String,
    arrived: Mutex<mpsc::UnboundedReceiver<String>>,
}

impl Provider {
    async fn start() -> Self {
        let sandbox = Sandbox::start(Settings::default()).await.expect("the sandbox starts");
        let port = sandbox.port();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (report, arrived) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(relay(client, port, report.clone()));
            }
        });
        Self { sandbox, url, arrived: Mutex::new(arrived) }
    }

    async fn app(&self) -> TestApp {
        let app = TestApp::spawn_with(&[
            ("SANDBOX", "off"),
            ("AUTHY_API_KEY", sandbox::API_KEY),
            ("AUTHY_API_URL", &self.url),
            // A test that waits for an account retries its login.
            ("LIMIT_WRONG_PASSWORDS", "10000"),
            ("LIMIT_ACCOUNT_WRONG_PASSWORDS_PER_HOUR", "10000"),
        ])
        .await;
        let webhook = app.url(routes::AUTHY_CALLBACK);
        app.call_sandbox(Method::PUT, "/webhook", json!({"url": webhook})).await.ok();
        app
    }

    async fn clear_calls(&self) {
        let mut arrived = self.arrived.lock().await;
        while arrived.try_recv().is_ok() {}
    }

    /// Waits until a call has arrived whose request line contains `call`.
    async fn has_received(&self, call: &str) {
        let mut arrived = self.arrived.lock().await;
        while !arrived.recv().await.expect("the relay runs").contains(call) {}
    }
}

/// Forwards bytes in both directions and reports the first line of each chunk from the client.
async fn relay(client: TcpStream, port: u16, report: mpsc::UnboundedSender<String>) {
    let server = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).await.unwrap();
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let responses = tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
    let mut chunk = vec![0; 65_536];
    while let Ok(size @ 1..) = from_client.read(&mut chunk).await {
        if to_server.write_all(&chunk[..size]).await.is_err() {
            break;
        }
        let line = String::from_utf8_lossy(&chunk[..size]).lines().next().unwrap_or_default().to_owned();
        let _ = report.send(line);
    }
    // The provider completes a call it has received, even if the client is gone.
    let _ = responses.await;
}

/// Sends a complete request and closes the connection as early as the provider has been called.
async fn disconnect_during(
    provider: &Provider,
    session: &ApiClient<'_>,
    path: &str,
    body: Value,
    call: &str,
) {
    let fault = json!({"path": call.rsplit(' ').next().unwrap(), "latencyMs": 300, "times": 1});
    session.app.inject_fault(fault).await;
    let host = session.app.url("").replace("http://", "");
    let body = body.to_string();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n{}: {}\r\nContent-Length: {}\r\n\r\n{body}",
        routes::TOKEN_HEADER,
        session.token.as_deref().expect("a token"),
        body.len()
    );
    let mut stream = TcpStream::connect(&host).await.unwrap();
    stream.set_zero_linger().unwrap();
    provider.clear_calls().await;
    stream.write_all(request.as_bytes()).await.unwrap();
    provider.has_received(call).await;
}

/// Statement 76 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_reached_the_phone_is_recorded_after_the_client_disconnects() {
    let provider = Provider::start().await;
    let app = provider.app().await;
    let ada = app.register().await;
    let (session, denied) = ada.log_in().await;
    assert_eq!(app.answer_request(&denied, "deny").await, StatusCode::NO_CONTENT);
    assert_eq!(session.status().await, "denied");
    disconnect_during(&provider, &session, routes::SESSION_PUSH, json!({}), "POST /onetouch/json").await;
    let newest = async || ada.phone_state().await["approvalRequests"][0]["uuid"].clone();
    app.wait_until("the approval request is on the phone", async || newest().await != denied.as_str()).await;
    let uuid = newest().await;
    app.wait_until("the session shows its approval request", async || {
        let status = session.get(routes::AUTHY_STATUS).await.ok();
        status["status"] == "pending" && status["approvalRequest"]["uuid"] == uuid
    })
    .await;
    assert_eq!(app.answer_request(uuid.as_str().unwrap(), "approve").await, StatusCode::NO_CONTENT);
    app.wait_until("the approval has signed in", async || session.is_signed_in().await).await;
    provider.sandbox.stop().await;
}

/// Statement 76 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn a_correct_code_signs_in_after_the_client_disconnects() {
    let provider = Provider::start().await;
    let app = provider.app().await;
    let ada = app.register().await;
    let (session, _) = ada.log_in().await;
    session.post(routes::SESSION_RESEND, json!({})).await.ok();
    let code = ada.code().await;
    let body = json!({"code": code});
    disconnect_during(&provider, &session, routes::SESSION_VERIFY, body, "GET /protected/json/verify").await;
    app.wait_until("the code has signed in", async || session.is_signed_in().await).await;
    // It was not counted as a wrong code.
    let (next, _) = ada.log_in().await;
    for _ in 0..5 {
        next.verify(&wrong_code(&ada).await).await.refused(401, "wrong_code");
    }
    next.verify(&wrong_code(&ada).await).await.refused(429, "too_many");
    provider.sandbox.stop().await;
}

/// Statement 76 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn a_sent_code_is_counted_and_accepted_after_the_client_disconnects() {
    let provider = Provider::start().await;
    let app = provider.app().await;
    let ada = app.register().await;
    let (session, _) = ada.log_in().await;
    disconnect_during(&provider, &session, routes::SESSION_RESEND, json!({}), "GET /protected/json/sms")
        .await;
    app.wait_until("the code is on the phone", async || codes_sent_to(&ada).await == 1).await;
    let early = session.post(routes::SESSION_RESEND, json!({})).await;
    assert!(early.headers.contains_key("retry-after"), "{}", early.text);
    early.refused(429, "too_many");
    session.verify(&ada.code().await).await.ok();
    assert!(session.is_signed_in().await);
    provider.sandbox.stop().await;
}

/// Statement 76 of docs/SECURITY.md: an account the provider has enrolled is stored.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_created_after_the_client_disconnects() {
    let provider = Provider::start().await;
    let app = provider.app().await;
    let grace = app.unregistered_person();
    let client = app.bearer("not-a-token");
    disconnect_during(&provider, &client, routes::USER, grace.form(), "POST /protected/json/users/new").await;
    app.wait_until("the account can log in", async || {
        app.client().post(routes::SESSION, grace.credentials()).await.status == StatusCode::OK
    })
    .await;
    provider.sandbox.stop().await;
}
