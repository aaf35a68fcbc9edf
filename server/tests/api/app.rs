//! An application of its own for every test: database, sandbox, port, clock.

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

use crate::database;

pub const PASSWORD: &str = "notes on the engine";
/// 2026-03-02T14:02:31Z, a Monday.
const START: Timestamp = Timestamp(1_772_460_151_000);

/// A running application. It stops when it is dropped.
pub struct TestApp {
    pub clock: Arc<Clock>,
    pub variables: HashMap<String, String>,
    server: Option<Server>,
    folder: TempDir,
    people: AtomicU32,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
    pub body: Value,
}

impl Answer {
    #[track_caller]
    pub fn ok(self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text);
        self.body
    }

    /// The one error shape, with this status and code.
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
        Self::with(&[]).await
    }

    /// With variables beside those every test has.
    pub async fn with(variables: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let mut all: HashMap<String, String> = HashMap::from([
            ("PORT".into(), "0".into()),
            ("SANDBOX_PORT".into(), "0".into()),
            ("BCRYPT_COST".into(), "4".into()),
            ("DATABASE_URL".into(), database::own(&folder).await),
            ("DATABASE_TIMEOUT_SECONDS".into(), "1".into()),
            ("PROVIDER_TIMEOUT_SECONDS".into(), "1".into()),
            ("PAGE_DIR".into(), folder.path().join("dist").display().to_string()),
        ]);
        all.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let mut app = Self {
            clock: Arc::new(Clock::frozen_at(START)),
            variables: all,
            server: None,
            folder,
            people: AtomicU32::new(0),
        };
        app.start().await;
        app
    }

    pub fn config(&self) -> Config {
        let lookup = |name: &str| self.variables.get(name).cloned();
        Config::read(&lookup, self.folder.path()).expect("the configuration of a test is right")
    }

    /// Starts the server where it is not running.
    pub async fn start(&mut self) {
        let server = Server::start(self.config(), Arc::clone(&self.clock), Random::system()).await;
        self.server = Some(server.expect("the server starts"));
    }

    /// Ends the server as a crash would.
    pub async fn crash(&mut self) {
        if let Some(server) = self.server.take() {
            server.abort().await;
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

    /// A connection of the test's own, for what cannot be seen from outside.
    pub fn store(&self) -> Store {
        Store::new(self.database_url(), 2, Duration::from_secs(5)).expect("the address is right")
    }

    pub fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Somebody who has no session yet.
    pub fn stranger(&self) -> Session<'_> {
        Session { app: self, http: plain_client(), token: None }
    }

    /// A browser: cookies are kept, no token is sent.
    pub fn browser(&self) -> Session<'_> {
        let http = Client::builder().cookie_store(true).build().expect("a client");
        Session { app: self, http, token: None }
    }

    /// A client with this token.
    pub fn bearer(&self, token: &str) -> Session<'_> {
        Session { app: self, http: plain_client(), token: Some(token.to_owned()) }
    }

    /// A person who has an account, and no session.
    pub async fn person(&self) -> Person<'_> {
        let person = self.new_person();
        self.stranger().post(routes::USER, person.form()).await.ok();
        person
    }

    /// A person who has no account yet.
    pub fn new_person(&self) -> Person<'_> {
        let number = self.people.fetch_add(1, Ordering::Relaxed);
        Person { app: self, email: format!("person{number}@example.com"), phone: format!("77009{number:05}") }
    }

    /// The sandbox's control API; `PUT` without a body is none.
    pub async fn sandbox(&self, method: Method, path: &str, body: Value) -> Answer {
        let base = self.sandbox_url();
        read(plain_client().request(method, format!("{base}/_sandbox{path}")).json(&body)).await
    }

    pub fn sandbox_url(&self) -> String {
        match self.variables.get("AUTHY_API_URL") {
            Some(url) => url.clone(),
            None => self.server().sandbox().expect("a sandbox runs").url(),
        }
    }

    pub async fn fault(&self, fault: Value) {
        self.sandbox(Method::PUT, "/faults", fault).await.ok();
    }

    /// Provider calls received, as method and path.
    pub async fn provider_calls(&self) -> Vec<String> {
        let answer = self.sandbox(Method::GET, "/requests", Value::Null).await.ok();
        let calls = answer["requests"].as_array().expect("a list").iter();
        calls
            .map(|call| format!("{} {}", call["method"].as_str().unwrap(), call["path"].as_str().unwrap()))
            .collect()
    }

    /// What has arrived on any phone, newest first.
    pub async fn messages_at(&self, e164: &str) -> Vec<Value> {
        let phone = self.sandbox(Method::GET, &format!("/phones/{e164}"), Value::Null).await.ok();
        phone["messages"].as_array().expect("a list").clone()
    }

    /// Presses a button on the phone.
    pub async fn press(&self, uuid: &str, verdict: &str) -> StatusCode {
        self.sandbox(Method::POST, &format!("/approval-requests/{uuid}/{verdict}"), json!({})).await.status
    }

    /// Waits until something has come true, for what happens beside the requests.
    pub async fn eventually(&self, what: &str, mut check: impl AsyncFnMut() -> bool) {
        let mut beat = tokio::time::interval(Duration::from_millis(20));
        for _ in 0..500 {
            if check().await {
                return;
            }
            beat.tick().await;
        }
        panic!("never came true: {what}");
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(server.abort()));
        }
    }
}

fn plain_client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client")
}

/// The code an app shows that has this secret, in base32 (RFC 6238: SHA-1, six digits, 30 seconds).
pub fn totp(secret: &str, at: Timestamp) -> String {
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
    let step = u64::try_from(at.0).expect("after 1970") / 30_000;
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(&key).expect("HMAC takes any key");
    mac.update(&step.to_be_bytes());
    let hash = mac.finalize().into_bytes();
    let at = usize::from(hash[19] & 15);
    let word = u32::from_be_bytes(hash[at..at + 4].try_into().expect("four bytes")) & 0x7fff_ffff;
    format!("{:06}", word % 1_000_000)
}

async fn read(request: RequestBuilder) -> Answer {
    let answer = request.send().await.expect("an answer");
    let (status, headers) = (answer.status(), answer.headers().clone());
    let text = answer.text().await.expect("a body");
    Answer { status, headers, body: serde_json::from_str(&text).unwrap_or_default(), text }
}

/// A client with a session, or about to get one.
pub struct Session<'a> {
    pub app: &'a TestApp,
    pub http: Client,
    pub token: Option<String>,
}

impl Session<'_> {
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, self.app.url(path));
        match &self.token {
            Some(token) => request.header(routes::TOKEN_HEADER, token),
            None => request,
        }
    }

    pub async fn send(&self, request: RequestBuilder) -> Answer {
        read(request).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        read(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        read(self.request(Method::POST, path).json(&body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        read(self.request(Method::DELETE, path)).await
    }

    /// `status` of `/authy/status`.
    pub async fn status(&self) -> String {
        let answer = self.get(routes::AUTHY_STATUS).await.ok();
        answer["status"].as_str().expect("a word").to_owned()
    }

    pub async fn verify(&self, code: &str) -> Answer {
        self.post(routes::SESSION_VERIFY, json!({"code": code})).await
    }

    pub async fn is_signed_in(&self) -> bool {
        self.get(routes::USER).await.status == StatusCode::OK
    }
}

/// Somebody with a phone.
pub struct Person<'a> {
    pub app: &'a TestApp,
    pub email: String,
    pub phone: String,
}

impl<'a> Person<'a> {
    /// What they give to make an account.
    pub fn form(&self) -> Value {
        json!({
            "fullName": "Ada Lovelace", "email": self.email, "phone": self.phone, "countryCode": "44",
            "password": PASSWORD,
        })
    }

    pub fn credentials(&self) -> Value {
        json!({"email": self.email, "password": PASSWORD})
    }

    pub fn e164(&self) -> String {
        format!("+44{}", self.phone)
    }

    /// The phone, as the sandbox shows it.
    pub async fn look_at_phone(&self) -> Value {
        self.app.sandbox(Method::GET, &format!("/phones/{}", self.e164()), Value::Null).await.ok()
    }

    /// The newest code on the phone.
    pub async fn code(&self) -> String {
        let phone = self.look_at_phone().await;
        phone["messages"][0]["code"].as_str().expect("a code was sent").to_owned()
    }

    /// A code that is not the one on the phone.
    pub async fn wrong_code(&self) -> String {
        let code: u32 = self.code().await.parse().expect("digits");
        format!("{:07}", (code + 1) % 10_000_000)
    }

    /// The code the provider's own app shows now.
    pub async fn soft_token(&self) -> String {
        let phone = self.look_at_phone().await;
        phone["softToken"].as_str().expect("the app is installed").to_owned()
    }

    pub async fn set_app(&self, installed: bool) {
        let path = format!("/phones/{}", self.e164());
        self.app.sandbox(Method::PUT, &path, json!({"authyApp": installed})).await.ok();
    }

    /// Logs in with the password; a push is out. Answers the session and the push.
    pub async fn log_in(&self) -> (Session<'a>, String) {
        let answer = self.app.stranger().post(routes::SESSION, self.credentials()).await.ok();
        assert_eq!(answer["authyResponse"]["success"], true, "{answer}");
        let uuid = answer["authyResponse"]["approval_request"]["uuid"].as_str().expect("a push").to_owned();
        (self.app.bearer(answer["token"].as_str().expect("a token")), uuid)
    }

    /// Logs in and approves.
    pub async fn sign_in(&self) -> Session<'a> {
        let (session, uuid) = self.log_in().await;
        assert_eq!(self.app.press(&uuid, "approve").await, StatusCode::NO_CONTENT);
        assert_eq!(session.status().await, "approved");
        session
    }
}
