//! Moving from Authy to Verify and back, while people sign in.

mod authenticators;
mod many;

use std::{process::Command, sync::Arc};

use reqwest::{Client, Method};
use sandbox::{Sandbox, Settings};
use serde_json::{Value, json};
use server::{
    domain::{
        clock::{Clock, Timestamp},
        factor::{Enrolment, FactorKind},
        ids::{FactorId, Random},
    },
    store::{
        StoreError, enrolments,
        factors::{self, NewFactor},
        users,
    },
};
use shared::routes;

use crate::{
    app::{ApiClient, Person, TestApp, test_clock},
    providers::TestProvider,
};

/// The settings of both providers, at one sandbox.
fn both(url: &str) -> Vec<(&'static str, String)> {
    let [sign_in, enrolment, number] = sandbox::SERVICE_SIDS;
    vec![
        ("SANDBOX", "off".to_owned()),
        ("LIMITS", "off".to_owned()),
        ("AUTHY_API_KEY", sandbox::API_KEY.to_owned()),
        ("AUTHY_API_URL", url.to_owned()),
        ("TWILIO_ACCOUNT_SID", sandbox::ACCOUNT_SID.to_owned()),
        ("TWILIO_AUTH_TOKEN", sandbox::AUTH_TOKEN.to_owned()),
        ("VERIFY_SERVICE_SID", sign_in.to_owned()),
        ("VERIFY_ENROLMENT_SERVICE_SID", enrolment.to_owned()),
        ("VERIFY_NUMBER_SERVICE_SID", number.to_owned()),
        ("VERIFY_API_URL", url.to_owned()),
    ]
}

/// A server at Authy, with a sandbox that plays both providers, by one clock.
pub async fn start(clock: &Arc<Clock>) -> (Sandbox, TestApp) {
    let settings = Settings { clock: Arc::<Clock>::clone(clock), ..Settings::default() };
    let sandbox = Sandbox::start(settings).await.expect("the sandbox starts");
    let variables = both(&sandbox.url());
    let variables: Vec<(&str, &str)> =
        variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let app = TestApp::spawn_on(Arc::clone(clock), TestProvider::Authy, &variables).await;
    listen(&app).await;
    (sandbox, app)
}

pub async fn listen(app: &TestApp) {
    let webhooks =
        json!({"url": app.url(routes::AUTHY_CALLBACK), "verifyUrl": app.url(routes::TWILIO_VERIFY)});
    app.call_sandbox(Method::PUT, "/webhook", webhooks).await.ok();
}

/// Restarts the server with another provider for new users.
pub async fn switch(app: &mut TestApp, provider: &str) {
    app.stop().await;
    app.variables.insert("PROVIDER".into(), provider.into());
    app.start().await;
    listen(app).await;
}

/// The command, with the settings of the server.
pub fn command(app: &TestApp, words: &[&str]) -> Command {
    let config = app.config();
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.args(words).env_clear().envs(&app.variables).env("APP_SECRET", config.app_secret.reveal());
    command.env("RUST_LOG", "info").env_remove("PORT");
    command
}

/// Runs the command to its end. Returns its report, what it printed, and its log.
pub async fn migrate(app: &TestApp, words: &[&str]) -> (Value, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.json");
    let mut command = command(app, &[words, &["--report", file.to_str().unwrap()]].concat());
    let output = tokio::task::spawn_blocking(move || command.output().expect("the program runs"));
    let output = output.await.unwrap();
    let (told, log) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{told}{log}");
    let report = std::fs::read_to_string(&file).expect("a report");
    (serde_json::from_str(&report).expect("JSON"), told.into_owned(), log.into_owned())
}

pub fn count(report: &Value, name: &str) -> u64 {
    report[name].as_u64().unwrap_or_else(|| panic!("{name} in {report}"))
}

/// All users are accounted for, each once.
pub fn adds_up(report: &Value) {
    let staying: u64 = report["stay"].as_object().expect("reasons").values().filter_map(Value::as_u64).sum();
    assert_eq!(
        count(report, "users"),
        count(report, "thereBefore") + count(report, "movedMeanwhile") + count(report, "moved") + staying,
        "{report:#}"
    );
    assert_eq!(report["staying"].as_array().map(Vec::len), usize::try_from(staying).ok());
}

/// Signs in by what the server has sent: a request, or a code.
pub async fn sign_in<'a>(app: &'a TestApp, person: &Person<'_>) -> ApiClient<'a> {
    let login = app.client().post(routes::SESSION, person.credentials()).await.ok();
    let session = app.bearer(login["token"].as_str().expect("a token"));
    match login["authyResponse"]["approval_request"]["uuid"].as_str() {
        Some(uuid) => {
            app.answer_request(uuid, "approve").await;
        }
        None => drop(session.verify(&person.code().await).await.ok()),
    }
    assert!(session.is_signed_in().await, "{login}");
    session
}

/// How a person is enrolled: provider account of the phone in use, and how often they were enrolled in all.
pub async fn enrolment(app: &TestApp, person: &Person<'_>) -> String {
    let email = person.email.clone();
    let store = app.store();
    let enrolled = store.read(move |db| {
        let user = users::by_login(db, &email)?.expect("the user exists");
        enrolments::current(db, &user.id).map_err(StoreError::from)
    });
    enrolled.await.unwrap().expect("enrolled").account.as_str().to_owned()
}

async fn last_push(app: &TestApp, person: &Person<'_>, at: Timestamp) {
    use diesel::RunQueryDsl;
    let change = format!(
        "UPDATE factors SET last_push_at = {} WHERE kind = 'phone' AND user_id = (SELECT id FROM users WHERE email = '{}')",
        at.0, person.email
    );
    app.store()
        .write(move |db| diesel::sql_query(change).execute(db).map_err(StoreError::from))
        .await
        .unwrap();
}

/// Gives people an authenticator enrolled at Authy, as an earlier version did; returns the code it shows.
async fn enrol_at_authy(app: &TestApp, person: &Person<'_>) -> Enrolment {
    let (email, now) = (person.email.clone(), app.clock.now());
    app.store()
        .write(move |db| {
            let user = users::by_login(db, &email)?.expect("the user exists");
            let at = enrolments::current(db, &user.id)?.expect("enrolled");
            let phone =
                NewFactor::phone(FactorId::new(Random::system()), user.id, at.clone(), Some(now), now);
            factors::insert(db, &NewFactor { kind: FactorKind::ProviderAuthenticator, ..phone })?;
            Ok::<_, StoreError>(at)
        })
        .await
        .unwrap()
}

/// The secret and the code of the authenticator that the sandbox keeps for a user.
async fn exported(url: &str, at: &Enrolment) -> Value {
    let export = format!("{url}/protected/json/users/{}/secret/export", at.user);
    let call = Client::new().get(export).query(&[("api_key", sandbox::API_KEY)]);
    call.send().await.unwrap().json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_moves_at_the_next_sign_in_unless_they_approved_a_request_within_ninety_days() {
    let (_sandbox, mut app) = start(&test_clock()).await;
    let (ada, grace) = {
        let (ada, grace) = (app.register().await, app.register().await);
        sign_in(&app, &ada).await;
        sign_in(&app, &grace).await;
        (ada.email.clone(), grace.email.clone())
    };
    switch(&mut app, "verify").await;
    let people = [person(&app, &ada, 0), person(&app, &grace, 1)];
    app.advance(89 * 24 * 3600);
    sign_in(&app, &people[0]).await;
    assert!(enrolment(&app, &people[0]).await.starts_with("authy "), "uses the app");
    app.advance(2 * 24 * 3600);
    sign_in(&app, &people[1]).await;
    assert!(enrolment(&app, &people[1]).await.starts_with("verify "), "91 days without an approval");
    sign_in(&app, &people[0]).await;
    assert!(enrolment(&app, &people[0]).await.starts_with("authy "), "approved two days ago");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_of_the_providers_app_counts_as_its_use_also_after_a_sign_in_by_text() {
    let (_sandbox, mut app) = start(&Arc::new(Clock::machine())).await;
    let email = {
        let ada = app.register().await;
        let session = ada.log_in().await.0;
        session.verify(&ada.soft_token().await).await.ok();
        app.advance(60);
        let session = ada.log_in().await.0;
        session.post(routes::SESSION_RESEND, json!({})).await.ok();
        session.verify(&ada.code().await).await.ok();
        ada.email.clone()
    };
    switch(&mut app, "verify").await;
    let ada = person(&app, &email, 0);
    sign_in(&app, &ada).await;
    assert!(enrolment(&app, &ada).await.starts_with("authy "), "uses the app");
}

pub fn person<'a>(app: &'a TestApp, email: &str, number: u32) -> Person<'a> {
    Person { app, email: email.to_owned(), phone: format!("77009{number:05}") }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_signing_in_finishes_at_the_provider_that_asked() {
    let (_sandbox, mut app) = start(&Arc::new(Clock::machine())).await;
    let mut tokens = Vec::new();
    {
        for _ in 0..3 {
            let ada = app.register().await;
            let (session, uuid) = ada.log_in().await;
            if tokens.len() == 1 {
                session.post(routes::SESSION_RESEND, json!({})).await.ok();
            }
            tokens.push((session.token.clone().unwrap(), uuid, ada.email.clone()));
        }
    }
    switch(&mut app, "verify").await;
    let (report, ..) = migrate(&app, &["migrate", "authy", "--to", "verify", "--with-push"]).await;
    assert_eq!(count(&report, "moved"), 3, "{report}");
    let people: Vec<Person<'_>> =
        tokens.iter().zip(0..).map(|((_, _, email), number)| person(&app, email, number)).collect();
    let session = |at: usize| app.bearer(&tokens[at].0);
    // A request.
    app.answer_request(&tokens[0].1, "approve").await;
    app.wait_until("the answer has come", async || session(0).is_signed_in().await).await;
    // A code that was texted.
    session(1).verify(&people[1].code().await).await.ok();
    // A code of the app.
    session(2).verify(&people[2].soft_token().await).await.ok();
    for ada in &people {
        assert!(enrolment(&app, ada).await.starts_with("verify "));
        // The next sign-in is by Verify, and the app's codes open nothing there.
        let login = app.client().post(routes::SESSION, ada.credentials()).await.ok();
        assert_eq!(login["authyResponse"]["via"], "sms");
        let next = app.bearer(login["token"].as_str().unwrap());
        next.verify(&ada.soft_token().await).await.refused(401, "wrong_code");
        next.verify(&ada.code().await).await.ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authenticator_that_is_not_exported_stays_behind_and_a_provider_that_fails_moves_nobody() {
    let (_sandbox, mut app) = start(&Arc::new(Clock::machine())).await;
    {
        let ada = app.register().await;
        enrol_at_authy(&app, &ada).await;
        app.register().await;
    }
    switch(&mut app, "verify").await;
    let export =
        |status: u16, body: Value| json!({"path": "/protected/json/users", "status": status, "body": body});
    app.inject_fault(export(500, json!({}))).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.json");
    let mut failing =
        command(&app, &["migrate", "authy", "--to", "verify", "--report", file.to_str().unwrap()]);
    let output = tokio::task::spawn_blocking(move || failing.output().unwrap()).await.unwrap();
    assert!(!output.status.success(), "somebody could not be moved");
    let report: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    adds_up(&report);
    assert_eq!((count(&report, "moved"), &report["stay"]), (1, &json!({"provider_failed": 1})), "{report}");
    let disabled =
        json!({"message": "Migration tools are disabled", "success": false, "error_code": "60154"});
    app.inject_fault(export(403, disabled)).await;
    let (report, ..) = migrate(&app, &["migrate", "authy", "--to", "verify"]).await;
    assert_eq!((count(&report, "moved"), &report["authenticators"]), (1, &json!({"not_exported": 1})));
    assert_eq!(report["invitedToSetUpAnAuthenticator"][0]["reason"], "not_exported");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_refuses_to_move_people_whom_the_servers_would_move_back() {
    let (_sandbox, app) = start(&Arc::new(Clock::machine())).await;
    let run = |words: &'static [&'static str], without: &str| {
        let mut command = command(&app, words);
        command.env_remove(without);
        command.output().expect("the program runs")
    };
    let refused = run(&["migrate", "authy", "--to", "verify"], "");
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && text.contains("PROVIDER: set it to verify"), "{text}");
    let refused = run(&["migrate", "verify", "--to", "authy"], "VERIFY_SERVICE_SID");
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && text.contains("VERIFY_SERVICE_SID: "), "{text}");
    let refused = run(&["migrate", "verify", "--to", "authy", "--batch", "0"], "");
    assert!(!refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains("usage"));
}
