//! The application under test: each test has its own database, sandbox, port and clock.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use reqwest::{Client, Method, RequestBuilder, StatusCode, header::HeaderMap};
use serde_json::{Value, json};
use server::{
    config::Config,
    domain::{
        clock::{Clock, Timestamp},
        ids::Random,
    },
    startup::Server,
    store::Store,
};
use shared::routes;
use tempfile::TempDir;

pub use crate::person::Person;
use crate::{database, providers::TestProvider};

pub const PASSWORD: &str = "notes on the engine";
/// 2026-03-02T14:02:31Z, a Monday.
const START: Timestamp = Timestamp(1_772_460_151_000);

/// A provider that does not answer in two seconds has failed; [`slow`] makes it take four.
pub const SHORT_PROVIDER_TIMEOUT: (&str, &str) = ("PROVIDER_TIMEOUT_SECONDS", "2");

/// A fault that exceeds [`SHORT_PROVIDER_TIMEOUT`], for provider calls whose path begins with this.
pub fn slow(path: &str) -> Value {
    json!({"path": path, "latencyMs": 4000})
}

/// A clock that stands still until a test moves it.
pub fn test_clock() -> Arc<Clock> {
    Arc::new(Clock::frozen_at(START))
}

/// A running application. It stops when it is dropped.
pub struct TestApp {
    pub clock: Arc<Clock>,
    pub variables: HashMap<String, String>,
    pub provider: TestProvider,
    /// Making one takes as long as several calls.
    http: Client,
    server: Option<Server>,
    folder: TempDir,
    next_person: AtomicU32,
}

/// An HTTP response with its whole body.
#[derive(Debug)]
pub struct Response {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
    pub body: Value,
}

impl Response {
    #[track_caller]
    pub fn ok(self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text);
        self.body
    }

    /// Asserts an `ApiError` with this status and code, and returns the body.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Value {
        assert_eq!((self.status.as_u16(), self.body["code"].as_str()), (status, Some(code)), "{}", self.text);
        assert_eq!(self.body["status"], status);
        assert!(self.body["message"].as_str().is_some_and(|message| !message.is_empty()));
        self.body
    }
}

impl TestApp {
    pub async fn spawn() -> Self {
        Self::spawn_with(&[]).await
    }

    /// Starts the application with variables in addition to the defaults of tests.
    pub async fn spawn_with(variables: &[(&str, &str)]) -> Self {
        Self::spawn_at(TestProvider::Authy, variables).await
    }

    /// The same at this provider.
    pub async fn spawn_at(provider: TestProvider, variables: &[(&str, &str)]) -> Self {
        Self::spawn_on(test_clock(), provider, variables).await
    }

    /// The same by this clock.
    pub async fn spawn_on(clock: Arc<Clock>, provider: TestProvider, variables: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let mut all: HashMap<String, String> = HashMap::from([
            ("PORT".into(), "0".into()),
            ("SANDBOX_PORT".into(), "0".into()),
            ("BCRYPT_COST".into(), "4".into()),
            ("DATABASE_URL".into(), database::create(&folder).await),
            // On a busy machine nothing times out but what a test lets time out.
            ("DATABASE_TIMEOUT_SECONDS".into(), "60".into()),
            ("PROVIDER_TIMEOUT_SECONDS".into(), "60".into()),
            ("PAGE_DIR".into(), folder.path().join("dist").display().to_string()),
        ]);
        if provider == TestProvider::Verify {
            all.insert("PROVIDER".into(), "verify".into());
        }
        all.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let mut app = Self {
            clock,
            variables: all,
            provider,
            http: client_without_cookies(),
            server: None,
            folder,
            next_person: AtomicU32::new(0),
        };
        app.start().await;
        app
    }

    /// A second server on the same database, the same sandbox and the same clock. The sandbox's webhook goes to
    /// the first one.
    pub async fn beside(&self) -> Self {
        let mut variables = self.variables.clone();
        variables.extend([
            ("SANDBOX".into(), "off".into()),
            ("AUTHY_API_URL".into(), self.sandbox_url()),
            ("AUTHY_API_KEY".into(), sandbox::API_KEY.into()),
        ]);
        let mut app = Self {
            clock: Arc::clone(&self.clock),
            variables,
            provider: self.provider,
            http: self.http.clone(),
            server: None,
            folder: TempDir::new().expect("a temporary folder"),
            next_person: AtomicU32::new(1000),
        };
        app.start().await;
        app
    }

    pub fn config(&self) -> Config {
        let lookup = |name: &str| self.variables.get(name).cloned();
        Config::read(&lookup, self.folder.path()).expect("the configuration of a test is valid")
    }

    /// Starts the server; also after [`Self::crash`].
    pub async fn start(&mut self) {
        let server = Server::start(self.config(), Arc::clone(&self.clock), Random::system()).await;
        self.server = Some(server.expect("the server starts"));
    }

    /// Stops the server without a graceful shutdown.
    pub async fn crash(&mut self) {
        if let Some(server) = self.server.take() {
            server.abort().await;
        }
    }

    /// Stops the server gracefully.
    pub async fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop().await;
        }
    }

    fn server(&self) -> &Server {
        self.server.as_ref().expect("the server runs")
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server().url())
    }

    pub fn database_url(&self) -> &str {
        &self.variables["DATABASE_URL"]
    }

    pub fn database_file(&self) -> Option<PathBuf> {
        self.database_url().strip_prefix("sqlite://").map(PathBuf::from)
    }

    /// Direct access to the database, for state that the API does not show.
    pub fn store(&self) -> Store {
        Store::new(self.database_url(), 2, Duration::from_secs(5)).expect("the database URL is valid")
    }

    pub fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// A client without a session. It keeps no cookies and follows no redirects.
    pub fn client(&self) -> ApiClient<'_> {
        ApiClient { app: self, http: self.http.clone(), token: None }
    }

    /// A client that keeps cookies and sends no token.
    pub fn browser(&self) -> ApiClient<'_> {
        let http = Client::builder().cookie_store(true).build().expect("a client");
        ApiClient { app: self, http, token: None }
    }

    /// A client that sends this token in the header.
    pub fn bearer(&self, token: &str) -> ApiClient<'_> {
        ApiClient { app: self, http: self.http.clone(), token: Some(token.to_owned()) }
    }

    /// Creates an account whose phone can be asked for approval; at Verify it was verified for that. The session of
    /// the sign-up is dropped.
    pub async fn register(&self) -> Person<'_> {
        let person = self.unregistered_person();
        let created = self.client().post(routes::USER, person.form()).await.ok();
        if self.provider == TestProvider::Verify {
            let session = self.bearer(created["token"].as_str().expect("a token"));
            person.verify_and_register_device(&session).await;
        }
        person
    }

    /// A person without an account, with an e-mail and a phone of their own.
    pub fn unregistered_person(&self) -> Person<'_> {
        let number = self.next_person.fetch_add(1, Ordering::Relaxed);
        Person { app: self, email: format!("person{number}@example.com"), phone: format!("77009{number:05}") }
    }

    /// Calls the sandbox's control API.
    pub async fn call_sandbox(&self, method: Method, path: &str, body: Value) -> Response {
        let base = self.sandbox_url();
        read(self.http.request(method, format!("{base}/_sandbox{path}")).json(&body)).await
    }

    pub fn sandbox_url(&self) -> String {
        let own = ["AUTHY_API_URL", "VERIFY_API_URL"].iter().find_map(|name| self.variables.get(*name));
        match own {
            Some(url) => url.clone(),
            None => self.server().sandbox().expect("the sandbox runs").url(),
        }
    }

    pub async fn inject_fault(&self, fault: Value) {
        self.call_sandbox(Method::PUT, "/faults", fault).await.ok();
    }

    /// The calls the provider has received, as method and path.
    pub async fn provider_calls(&self) -> Vec<String> {
        let response = self.call_sandbox(Method::GET, "/requests", Value::Null).await.ok();
        let calls = response["requests"].as_array().expect("a list").iter();
        calls
            .map(|call| format!("{} {}", call["method"].as_str().unwrap(), call["path"].as_str().unwrap()))
            .collect()
    }

    /// The messages a phone has received, newest first.
    pub async fn messages_to(&self, e164: &str) -> Vec<Value> {
        let phone = self.call_sandbox(Method::GET, &format!("/phones/{e164}"), Value::Null).await.ok();
        phone["messages"].as_array().expect("a list").clone()
    }

    /// Answers an approval request on the phone: `approve` or `deny`.
    pub async fn answer_request(&self, uuid: &str, decision: &str) -> StatusCode {
        self.call_sandbox(Method::POST, &format!("/approval-requests/{uuid}/{decision}"), json!({}))
            .await
            .status
    }

    /// Waits for the effect of background work; `what` names it in the failure message.
    pub async fn wait_until(&self, what: &str, mut check: impl AsyncFnMut() -> bool) {
        let mut interval = tokio::time::interval(Duration::from_millis(20));
        for _ in 0..3000 {
            if check().await {
                return;
            }
            interval.tick().await;
        }
        panic!("timed out waiting until {what}");
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(server.abort()));
        }
    }
}

fn client_without_cookies() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client")
}

async fn read(request: RequestBuilder) -> Response {
    let response = request.send().await.expect("a response");
    let (status, headers) = (response.status(), response.headers().clone());
    let text = response.text().await.expect("a body");
    Response { status, headers, body: serde_json::from_str(&text).unwrap_or_default(), text }
}

/// An HTTP client of the application, with its credential: a token, cookies or none.
pub struct ApiClient<'a> {
    pub app: &'a TestApp,
    pub http: Client,
    pub token: Option<String>,
}

impl ApiClient<'_> {
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, self.app.url(path));
        match &self.token {
            Some(token) => request.header(routes::TOKEN_HEADER, token),
            None => request,
        }
    }

    pub async fn send(&self, request: RequestBuilder) -> Response {
        read(request).await
    }

    pub async fn get(&self, path: &str) -> Response {
        read(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Response {
        read(self.request(Method::POST, path).json(&body)).await
    }

    pub async fn delete(&self, path: &str) -> Response {
        read(self.request(Method::DELETE, path)).await
    }

    /// The field `status` of `GET /authy/status`.
    pub async fn status(&self) -> String {
        let response = self.get(routes::AUTHY_STATUS).await.ok();
        response["status"].as_str().expect("a status").to_owned()
    }

    pub async fn verify(&self, code: &str) -> Response {
        self.post(routes::SESSION_VERIFY, json!({"code": code})).await
    }

    pub async fn is_signed_in(&self) -> bool {
        self.get(routes::USER).await.status == StatusCode::OK
    }
}
