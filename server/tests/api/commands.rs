//! The program `countersign`: `check` and `rekey`.

use std::{collections::HashMap, path::Path, process::Command};

use diesel::{Connection, SqliteConnection, connection::SimpleConnection};
use reqwest::Method;
use serde_json::{Value, json};
use shared::routes;

use crate::{
    app::{Person, TestApp},
    totp::totp,
};

const FIRST_SECRET: &str = "the first secret, of more than 32 characters";
const SECOND_SECRET: &str = "another secret that also has enough of them";

/// Runs a command with only these variables. Returns whether it succeeded, and its output.
fn countersign(command: &str, variables: &HashMap<String, String>, folder: &Path) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_countersign"))
        .arg(command)
        .env_clear()
        .envs(variables)
        .current_dir(folder)
        .output()
        .expect("the program runs");
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.success(), text)
}

fn variables(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn check_prints_every_problem_and_every_weak_setting() {
    let folder = tempfile::tempdir().unwrap();
    let broken = variables(&[
        ("APP_ENV", "production"),
        ("AUTHY_API_KEY", "x"),
        ("APP_SECRET", "Change-Me"),
        ("TRUSTED_PROXIES", "0.0.0.0/0"),
        ("LIMIT_WRONG_CODES", "0"),
    ]);
    let (ok, text) = countersign("check", &broken, folder.path());
    assert!(!ok, "{text}");
    for name in ["AUTHY_API_KEY", "APP_SECRET", "TRUSTED_PROXIES", "LIMIT_WRONG_CODES", "PUBLIC_URL"] {
        assert!(text.contains(&format!("problem: {name}: ")), "{name} in {text}");
    }
    assert!(text.contains("weak: TOKEN_ROTATION=off"), "{text}");
    assert!(!text.contains("Change-Me"), "the output contains a secret: {text}");
    let (ok, text) = countersign("check", &variables(&[("APP_SECRET", FIRST_SECRET)]), folder.path());
    assert!(ok && text.contains("the server starts with these settings"), "{text}");
    let (ok, text) = countersign("unknown-command", &variables(&[]), folder.path());
    assert!(!ok && text.contains("usage: countersign"), "{text}");
}

#[test]
fn commands_neither_create_nor_migrate_the_database() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("accounts.db");
    let variables = variables(&[("APP_SECRET", FIRST_SECRET), ("DATABASE_URL", file.to_str().unwrap())]);
    let (ok, text) = countersign("check", &variables, folder.path());
    assert!(ok && text.contains("the database does not exist yet"), "{text}");
    let (ok, text) = countersign("rekey", &variables, folder.path());
    assert!(!ok && text.contains("the database does not exist yet"), "{text}");
    assert!(!file.exists());
    std::fs::write(&file, "").unwrap();
    let (ok, text) = countersign("check", &variables, folder.path());
    assert!(ok && text.contains("the database is empty"), "{text}");
    let mut db = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
    db.batch_execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('20261121000000')").unwrap();
    let (ok, text) = countersign("check", &variables, folder.path());
    assert!(ok && text.contains("the database is of an earlier version"), "{text}");
    let (ok, text) = countersign("rekey", &variables, folder.path());
    assert!(!ok && text.contains("the database is of an earlier version"), "{text}");
}

/// `check` may be run in any folder, also by mistake.
#[test]
fn check_creates_no_files() {
    let folder = tempfile::tempdir().unwrap();
    let (ok, text) = countersign("check", &variables(&[]), folder.path());
    assert!(ok, "{text}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// Whoever mistakes one program for the other is told so, and no server starts.
#[test]
fn the_server_refuses_arguments() {
    // With this setting it would not run for ever if it took the argument.
    let mut server = Command::new(env!("CARGO_BIN_EXE_server"));
    let output = server.arg("check").env_clear().env("PORT", "many").output().unwrap();
    assert!(!output.status.success());
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("takes no arguments"), "{text}");
}

/// A `.env` file in a parent folder belongs to another program.
#[test]
fn settings_are_read_from_the_working_folder_only() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(".env"), "PORT=many\n").unwrap();
    let inner = folder.path().join("inner");
    std::fs::create_dir(&inner).unwrap();
    let (ok, text) = countersign("check", &variables(&[("APP_SECRET", FIRST_SECRET)]), &inner);
    assert!(ok, "{text}");
    let (ok, text) = countersign("check", &variables(&[("APP_SECRET", FIRST_SECRET)]), folder.path());
    assert!(!ok && text.contains("problem: PORT: "), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rotating_app_secret_keeps_sessions_passwords_and_authenticators() {
    let mut app = TestApp::spawn_with(&[("APP_SECRET", FIRST_SECRET)]).await;
    let folder = tempfile::tempdir().unwrap();
    let (ada, idle, secret, cookie) = {
        let (ada, idle) = (app.register().await, app.register().await);
        let browser = app.browser();
        browser.post(routes::SESSION, ada.credentials()).await.ok();
        browser.post(routes::SESSION_RESEND, json!({})).await.ok();
        let response = browser
            .send(
                browser
                    .request(Method::POST, routes::SESSION_VERIFY)
                    .json(&json!({"code": ada.code().await})),
            )
            .await;
        let cookies = response.headers.get_all("set-cookie").iter();
        let cookies: Vec<String> =
            cookies.map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap().to_owned()).collect();
        let shown = browser.post(routes::AUTHENTICATOR, json!({})).await.body;
        let secret = shown["secret"].as_str().unwrap().to_owned();
        let path = routes::AUTHENTICATOR_CONFIRM.replace("{id}", shown["id"].as_str().unwrap());
        browser.post(&path, json!({"code": totp(&secret, app.clock.now())})).await.ok();
        let person = |person: &Person<'_>| (person.email.clone(), person.phone.clone());
        (person(&ada), person(&idle), secret, cookies.join("; "))
    };
    app.crash().await;
    app.variables.insert("APP_SECRET".into(), SECOND_SECRET.into());
    app.variables.insert("APP_SECRET_PREVIOUS".into(), FIRST_SECRET.into());
    app.start().await;
    app.advance(30);
    {
        // The cookie, the password and the authenticator were all created under the first secret.
        let client = app.client();
        let by_cookie = client.request(Method::GET, routes::USER).header("Cookie", &cookie);
        client.send(by_cookie).await.ok();
        let ada = Person { app: &app, email: ada.0.clone(), phone: ada.1.clone() };
        sign_in_by_authenticator(&app, &ada, &secret).await;
    }
    let (ok, text) = countersign("check", &app.variables, folder.path());
    assert!(ok && text.contains("1 authenticator secrets, 1 passwords"), "{text}");
    let (ok, text) = countersign("rekey", &app.variables, folder.path());
    assert!(ok && text.contains("1 authenticator secrets were encrypted again"), "{text}");
    let (ok, text) = countersign("check", &app.variables, folder.path());
    assert!(ok && text.contains("0 authenticator secrets, 1 passwords"), "{text}");
    app.crash().await;
    app.variables.remove("APP_SECRET_PREVIOUS");
    app.start().await;
    app.advance(30);
    let ada = Person { app: &app, email: ada.0, phone: ada.1 };
    sign_in_by_authenticator(&app, &ada, &secret).await;
    // This password was not used during the rotation; `check` has counted it.
    let idle = Person { app: &app, email: idle.0, phone: idle.1 };
    app.client().post(routes::SESSION, idle.credentials()).await.refused(403, "wrong_credentials");
}

async fn sign_in_by_authenticator(app: &TestApp, person: &Person<'_>, secret: &str) {
    let response = app.client().post(routes::SESSION, person.credentials()).await.ok();
    let session = app.bearer(response["token"].as_str().expect("a token"));
    session.verify(&totp(secret, app.clock.now())).await.ok();
    assert_ne!(session.get(routes::USER).await.ok()["authenticator"], Value::Bool(false));
}
