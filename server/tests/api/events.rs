//! Security events: each is one structured line in the log.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    net::TcpListener,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use reqwest::Client;
use serde_json::{Value, json};
use shared::routes;

const PASSWORD: &str = "notes on the engine";

/// The server as a separate process, with the lines it has logged.
struct ServerProcess {
    child: Child,
    url: String,
    phone: String,
    lines: Arc<Mutex<Vec<Value>>>,
    _folder: tempfile::TempDir,
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address").port()
}

impl ServerProcess {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (port, phone) = (free_port(), free_port());
        let mut child = Command::new(env!("CARGO_BIN_EXE_server"))
            .env_clear()
            .env("PORT", port.to_string())
            .env("SANDBOX_PORT", phone.to_string())
            .env("LOG_FORMAT", "json")
            .env("BCRYPT_COST", "4")
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (kept, stdout) = (Arc::clone(&lines), child.stdout.take().expect("its output"));
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let line = serde_json::from_str(&line).unwrap_or(Value::String(line));
                kept.lock().expect("no panic while held").push(line);
            }
        });
        let server = Self {
            child,
            url: format!("http://127.0.0.1:{port}"),
            phone: format!("http://127.0.0.1:{phone}/_sandbox"),
            lines,
            _folder: folder,
        };
        server.wait_for_line(|line| text(line, "message").starts_with("listening at")).await;
        server
    }

    /// Waits for a log line that matches.
    async fn wait_for_line(&self, matches: impl Fn(&Value) -> bool) -> Value {
        let mut interval = tokio::time::interval(Duration::from_millis(20));
        for _ in 0..1500 {
            if let Some(line) = self.lines.lock().expect("no panic").iter().find(|line| matches(line)) {
                return line.clone();
            }
            interval.tick().await;
        }
        panic!("no such line in the log: {:#?}", self.lines.lock().expect("no panic"));
    }

    async fn event(&self, act: &str, outcome: &str) -> Value {
        self.wait_for_line(|line| text(line, "act") == act && text(line, "outcome") == outcome).await
    }

    async fn post(&self, path: &str, token: Option<&str>, body: Value) -> Value {
        let request = Client::new().post(format!("{}{path}", self.url)).json(&body);
        let request = request.header("X-Forwarded-For", "203.0.113.7");
        let request = match token {
            Some(token) => request.header(routes::TOKEN_HEADER, token),
            None => request,
        };
        request.send().await.expect("a response").json().await.unwrap_or_default()
    }

    async fn answer_request(&self, uuid: &str, decision: &str) {
        let url = format!("{}/approval-requests/{uuid}/{decision}", self.phone);
        Client::new().post(url).send().await.expect("a response");
    }
}

fn text<'a>(line: &'a Value, name: &str) -> &'a str {
    line[name].as_str().unwrap_or_default()
}

/// Statement 80 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn every_security_event_is_logged_without_secrets() {
    let server = ServerProcess::start().await;
    let form = json!({
        "fullName": "Ada Lovelace", "email": "ada@example.com", "phone": "7700900123", "countryCode": "44",
        "password": PASSWORD,
    });
    let created = server.post(routes::USER, None, form).await;
    let sign_up = server.event("sign_up", "success").await;
    let user = text(&sign_up, "user.id").to_owned();
    assert_eq!(user.len(), 32);
    server.post(routes::SESSION, None, json!({"email": "ada@example.com", "password": "wrong"})).await;
    let login = json!({"email": "ada@example.com", "password": PASSWORD});
    let denied = server.post(routes::SESSION, None, login.clone()).await;
    server
        .answer_request(denied["authyResponse"]["approval_request"]["uuid"].as_str().unwrap(), "deny")
        .await;
    let approved = server.post(routes::SESSION, None, login).await;
    server
        .answer_request(approved["authyResponse"]["approval_request"]["uuid"].as_str().unwrap(), "approve")
        .await;
    let token = approved["token"].as_str().unwrap();
    server.event("push_answered", "success").await;
    server.post(routes::SESSION_RESEND, Some(token), json!({})).await;
    let phone: Value = Client::new()
        .get(format!("{}/phones/+447700900123", server.phone))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let code = phone["messages"][0]["code"].as_str().unwrap().to_owned();
    server.post(routes::SESSION_VERIFY, Some(token), json!({"code": "1111111"})).await;
    server.post(routes::SESSION_VERIFY, Some(token), json!({"code": code})).await;
    let enrolled = server.post(routes::AUTHENTICATOR, Some(token), json!({})).await;
    let delete = Client::new().delete(format!("{}{}", server.url, routes::SESSION));
    delete.header(routes::TOKEN_HEADER, token).send().await.unwrap();
    for (act, outcome, factor) in [
        ("password", "wrong", ""),
        ("password", "success", ""),
        ("push_sent", "success", "push"),
        ("push_answered", "denied", "push"),
        ("push_answered", "success", "push"),
        ("phone_verified", "success", ""),
        ("code_sent", "success", "sms"),
        ("code_checked", "wrong", ""),
        ("code_checked", "success", "sms"),
        ("factor_enrolled", "success", "authenticator"),
        ("session_ended", "success", ""),
    ] {
        let event = server.event(act, outcome).await;
        assert_eq!((text(&event, "user.id"), text(&event, "factor")), (user.as_str(), factor), "{event}");
        // Events of a callback have the address of the provider.
        if !matches!(act, "push_answered" | "phone_verified") {
            assert_eq!(text(&event, "client.address"), "127.0.0.1", "{event}");
        }
    }
    // `X-Forwarded-For` from an untrusted peer is ignored, with one warning.
    server.wait_for_line(|line| text(line, "message").contains("TRUSTED_PROXIES")).await;
    let answered = server
        .wait_for_line(|line| {
            text(line, "message") == "answered" && text(&line["span"], "route") == routes::SESSION
        })
        .await;
    let span = &answered["span"];
    for (name, value) in [("method", "DELETE"), ("route", routes::SESSION), ("user.id", user.as_str())] {
        let found = server
            .wait_for_line(|line| text(line, "message") == "answered" && text(&line["span"], name) == value);
        found.await;
    }
    assert_eq!(
        (span["client.address"].as_str(), span["id"].as_str().map(str::len)),
        (Some("127.0.0.1"), Some(32))
    );
    let lines = server.lines.lock().unwrap().clone();
    let mut warnings = BTreeMap::<&str, usize>::new();
    for line in &lines {
        if text(line, "message").contains("TRUSTED_PROXIES") {
            *warnings.entry("proxy").or_default() += 1;
        }
    }
    assert_eq!(warnings.get("proxy"), Some(&1));
    let log = Value::from(lines).to_string();
    let secrets = [
        PASSWORD,
        &code,
        token,
        created["token"].as_str().unwrap(),
        enrolled["secret"].as_str().unwrap(),
        "7700900123",
    ];
    for secret in secrets {
        assert!(!log.contains(secret), "the log contains {secret}");
    }
}
