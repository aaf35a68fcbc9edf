//! `countersign setup verify` and what `check` asks Twilio Verify.

use std::{
    collections::HashMap,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use reqwest::Client;
use sandbox::{Sandbox, Settings};
use serde_json::Value;
use tempfile::TempDir;

/// A machine with the credentials of the sandbox's account.
struct Machine {
    sandbox: Sandbox,
    folder: TempDir,
    variables: HashMap<String, String>,
}

impl Machine {
    async fn new() -> Self {
        let sandbox = Sandbox::start(Settings::default()).await.expect("the sandbox starts");
        let url = sandbox.url();
        let variables = [
            ("APP_NAME", "Harbour Bank"),
            ("APP_SECRET", "a secret of more than thirty-two characters"),
            ("PUBLIC_URL", "https://bank.example.com"),
            ("TWILIO_ACCOUNT_SID", sandbox::ACCOUNT_SID),
            ("TWILIO_AUTH_TOKEN", sandbox::AUTH_TOKEN),
            ("VERIFY_API_URL", url.as_str()),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Self { sandbox, folder: TempDir::new().unwrap(), variables }
    }

    fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    /// Runs a command with these answers on its input. Returns whether it succeeded, and what it printed.
    async fn run(&self, words: &[&str], answers: &str) -> (bool, String) {
        let (folder, answers) = (self.folder.path().to_owned(), answers.to_owned());
        let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
        command.args(words).env_clear().envs(&self.variables);
        tokio::task::spawn_blocking(move || run(command, &folder, &answers)).await.unwrap()
    }

    /// A list of the provider.
    async fn listed(&self, path: &str, key: &str) -> Vec<Value> {
        let call = Client::new().get(format!("{}/v2{path}", self.sandbox.url()));
        let call = call.basic_auth(sandbox::ACCOUNT_SID, Some(sandbox::AUTH_TOKEN));
        let answer: Value = call.send().await.unwrap().json().await.unwrap();
        answer[key].as_array().unwrap_or_else(|| panic!("{answer}")).clone()
    }

    async fn calls_that_change(&self) -> usize {
        let url = format!("{}/_sandbox/requests", self.sandbox.url());
        let calls: Value = Client::new().get(url).send().await.unwrap().json().await.unwrap();
        let calls = calls["requests"].as_array().expect("a list");
        calls.iter().filter(|call| call["method"] != "GET").count()
    }

    /// Takes over the settings that a command has printed.
    fn take_settings(&mut self, printed: &str) {
        for line in printed.lines() {
            if let Some((name, value)) = line.split_once('=')
                && (name == "PROVIDER" || name.starts_with("VERIFY_"))
            {
                self.set(name, value);
            }
        }
    }
}

fn run(mut command: Command, folder: &Path, answers: &str) -> (bool, String) {
    command.current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program runs");
    child.stdin.take().expect("an input").write_all(answers.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.success(), text)
}

#[tokio::test(flavor = "multi_thread")]
async fn setup_makes_what_is_missing_once_and_check_finds_that_it_fits() {
    let mut machine = Machine::new().await;
    let (ok, printed) = machine.run(&["setup", "verify", "--yes"], "").await;
    assert!(ok && printed.contains("PROVIDER=verify"), "{printed}");
    assert!(!printed.contains(sandbox::AUTH_TOKEN), "{printed}");
    machine.take_settings(&printed);
    let services = machine.listed("/Services", "services").await;
    let made: Vec<&Value> =
        services.iter().filter(|service| service["friendly_name"] == "Harbour Bank").collect();
    let length = |name: &str| {
        let own = made.iter().find(|service| service["sid"] == machine.variables[name].as_str());
        own.unwrap_or_else(|| panic!("{name} in {services:?}"))["code_length"].clone()
    };
    assert_eq!(made.len(), 3);
    assert_eq!(
        ["VERIFY_SERVICE_SID", "VERIFY_ENROLMENT_SERVICE_SID", "VERIFY_NUMBER_SERVICE_SID"].map(length),
        [7, 7, 6]
    );
    let sign_in = machine.variables["VERIFY_SERVICE_SID"].clone();
    let webhooks = machine.listed(&format!("/Services/{sign_in}/Webhooks"), "webhooks").await;
    assert_eq!(webhooks.len(), 1);
    assert_eq!(webhooks[0]["webhook_url"], "https://bank.example.com/twilio/verify");
    let (ok, text) = machine.run(&["check"], "").await;
    assert!(ok && !text.contains("VERIFY_"), "{text}");
    // Again with these settings: everything is there.
    let before = machine.calls_that_change().await;
    let (ok, again) = machine.run(&["setup", "verify", "--yes"], "").await;
    assert!(ok, "{again}");
    assert_eq!(machine.calls_that_change().await, before, "nothing was made or changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn setup_asks_before_it_makes_or_takes_anything() {
    let mut machine = Machine::new().await;
    let (ok, text) = machine.run(&["setup", "verify"], "").await;
    assert!(!ok && text.contains("VERIFY_SERVICE_SID? [y/N]"), "{text}");
    assert_eq!(machine.calls_that_change().await, 0, "no answer is no");
    let (ok, text) = machine.run(&["setup", "verify"], "y\nn\n").await;
    assert!(!ok && text.contains("made VERIFY_SERVICE_SID=VA"), "{text}");
    // What was made before it was stopped is offered, and taken only where the answer is yes.
    let (ok, text) = machine.run(&["setup", "verify"], "y\ny\ny\ny\n").await;
    assert!(ok && text.contains("Use VA"), "{text}");
    machine.take_settings(&text);
    let services = machine.listed("/Services", "services").await;
    assert_eq!(services.iter().filter(|service| service["friendly_name"] == "Harbour Bank").count(), 3);
    machine.variables.remove("VERIFY_NUMBER_SERVICE_SID");
    let (ok, text) = machine.run(&["setup", "verify", "--yes"], "").await;
    assert!(ok && text.contains("is left alone"), "{text}");
    let services = machine.listed("/Services", "services").await;
    assert_eq!(services.iter().filter(|service| service["friendly_name"] == "Harbour Bank").count(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_setup_did_not_make_is_told_and_not_changed() {
    let mut machine = Machine::new().await;
    let [sign_in, enrolment, number] = sandbox::SERVICE_SIDS;
    // The wrong way round: the service of numbers has six digits.
    for (name, sid) in [
        ("VERIFY_SERVICE_SID", number),
        ("VERIFY_ENROLMENT_SERVICE_SID", enrolment),
        ("VERIFY_NUMBER_SERVICE_SID", sign_in),
    ] {
        machine.set(name, sid);
    }
    machine.set("PROVIDER", "verify");
    let before = machine.listed("/Services", "services").await;
    let (ok, text) = machine.run(&["setup", "verify", "--yes"], "").await;
    assert!(
        !ok && text.contains("problem: VERIFY_SERVICE_SID: codes of") && text.contains("APP_NAME"),
        "{text}"
    );
    assert_eq!(machine.listed("/Services", "services").await, before);
    let (ok, text) = machine.run(&["check"], "").await;
    assert!(!ok && text.contains("problem: VERIFY_NUMBER_SERVICE_SID: codes of"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn check_tells_what_does_not_fit_at_the_provider() {
    let mut machine = Machine::new().await;
    let (_, printed) = machine.run(&["setup", "verify", "--yes"], "").await;
    machine.take_settings(&printed);
    let fitting = machine.variables.clone();
    for (name, value, told) in [
        (
            "TWILIO_AUTH_TOKEN",
            "ffffffffffffffffffffffffffffffff",
            "problem: TWILIO_ACCOUNT_SID: Verify refuses",
        ),
        ("VERIFY_SERVICE_SID", "VA0123456789abcdef0123456789abcdef", "has no service VA0123456789"),
        ("VERIFY_API_URL", "http://127.0.0.1:9", "problem: Verify could not be asked"),
        ("PUBLIC_URL", "https://elsewhere.example.com", "weak: VERIFY_SERVICE_SID: there is no webhook to"),
        ("APP_NAME", "Harbour", "weak: VERIFY_SERVICE_SID: texts say \"Harbour Bank\""),
    ] {
        machine.variables = fitting.clone();
        machine.set(name, value);
        let (ok, text) = machine.run(&["check"], "").await;
        assert!(text.contains(told), "{name}: {text}");
        assert_eq!(ok, told.starts_with("weak"), "{name}: {text}");
        assert!(!text.contains(sandbox::AUTH_TOKEN), "{text}");
    }
}
