//! The commands by which an operator looks after accounts, while a server runs.

mod changes;
mod ending;
mod import;
mod import_twice;

use std::{process::Stdio, sync::Arc};

use serde_json::Value;
use server::{
    domain::clock::Clock,
    store::{
        StoreError,
        users::{self, UserRow},
    },
};

use crate::{
    app::{Person, TestApp},
    migration::command,
    providers::TestProvider,
};

/// A server by the clock that commands know, too.
async fn app() -> TestApp {
    TestApp::spawn_on(Arc::new(Clock::machine()), TestProvider::Authy, &[]).await
}

/// Runs a command without a terminal. Returns whether it succeeded, and what it told, without its log.
async fn run(app: &TestApp, words: &[&str]) -> (bool, String) {
    let mut command = command(app, words);
    command.stdin(Stdio::null()).env("RUST_LOG", "off");
    let output =
        tokio::task::spawn_blocking(move || command.output().expect("the program runs")).await.unwrap();
    let (told, failure) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.success(), format!("{told}{failure}"))
}

/// The same of a command that succeeds.
async fn done(app: &TestApp, words: &[&str]) -> String {
    let (ok, text) = run(app, words).await;
    assert!(ok, "{words:?}: {text}");
    text
}

/// An account as it is stored.
async fn user(app: &TestApp, email: &str) -> Option<UserRow> {
    let email = email.to_owned();
    let store = app.store();
    let found = store.read(move |db| users::by_login(db, &email).map_err(StoreError::from));
    found.await.unwrap()
}

async fn id(person: &Person<'_>) -> String {
    user(person.app, &person.email).await.expect("the account").id.as_str().to_owned()
}

/// Kinds and outcomes of an account's events, the newest first, as the command prints them.
async fn events(app: &TestApp, named: &str) -> Vec<String> {
    let told = done(app, &["events", "--user", named, "--json"]).await;
    let event = |line: &str| {
        let event: Value = serde_json::from_str(line).expect("a JSON object on each line");
        format!("{} {}", event["kind"].as_str().unwrap(), event["outcome"].as_str().unwrap())
    };
    told.lines().map(event).collect()
}
