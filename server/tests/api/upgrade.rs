//! Upgrade from the previous version and downgrade to it: every user can sign in and keeps each factor
//! that no other account shared.

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use diesel::{
    Connection, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection,
    backend::Backend,
    connection::SimpleConnection,
    sql_types::{BigInt, Nullable, Text},
};
use diesel_migrations::{FileBasedMigrations, MigrationHarness};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Client;
use sandbox::{Sandbox, Settings};
use serde_json::{Value, json};
use server::{
    domain::{ids::Token, keys::KeyRing, secret::Secret},
    provider::{Authy, Provider},
    store::StoreError,
};
use shared::routes;

use crate::app::{PASSWORD, Person, TestApp};

const APP_SECRET: &str = "a secret of more than thirty-two characters";
/// Number of migrations of the previous version.
const PREVIOUS_MIGRATIONS: usize = 2;

/// Runs code on a connection to the application's database, SQLite or PostgreSQL.
macro_rules! on_database {
    ($app:expr, |$db:ident, $folder:ident| $work:expr) => {
        match $app.database_file() {
            Some(file) => {
                let mut connection = SqliteConnection::establish(&file.display().to_string()).unwrap();
                // A server that was stopped may still be writing.
                connection.batch_execute("PRAGMA busy_timeout = 60000; BEGIN IMMEDIATE; COMMIT").unwrap();
                let ($db, $folder) = (&mut connection, "sqlite");
                $work
            }
            None => {
                let mut connection = PgConnection::establish($app.database_url()).unwrap();
                let ($db, $folder) = (&mut connection, "postgres");
                $work
            }
        }
    };
}

fn migrations(folder: &str) -> FileBasedMigrations {
    let path = format!("{}/../migrations/{folder}", env!("CARGO_MANIFEST_DIR"));
    FileBasedMigrations::from_path(path).expect("the migrations exist")
}

fn revert_to_previous_version<DB: Backend>(db: &mut impl MigrationHarness<DB>, folder: &str) {
    while db.applied_migrations().expect("a list").len() > PREVIOUS_MIGRATIONS {
        db.revert_last_migration(migrations(folder)).expect("the migration is reverted");
    }
}

/// A password as the previous version stored it.
fn old_password_hash(password: &str) -> String {
    let keys = KeyRing::new(Secret::new(APP_SECRET.into()), None);
    let key = keys.current().derive("countersign password pre-hash");
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
    mac.update(password.as_bytes());
    let input = STANDARD_NO_PAD.encode(mac.finalize().into_bytes());
    format!("hs256${}", bcrypt::hash(input, 4).unwrap())
}

/// A provider that keeps running while the server is upgraded.
struct ExternalProvider {
    sandbox: Sandbox,
    account: String,
}

impl ExternalProvider {
    async fn start() -> Self {
        let sandbox = Sandbox::start(Settings::default()).await.expect("the sandbox starts");
        let _ = rustls::crypto::ring::default_provider().install_default();
        let key = Secret::new(sandbox::API_KEY.into());
        let authy = Authy::new(&sandbox.url(), key, std::time::Duration::from_secs(1));
        let account = Provider::Authy(authy).account().as_str().to_owned();
        Self { sandbox, account }
    }

    /// Enrols a phone. Returns the provider's user id.
    async fn enrol(&self, email: &str, phone: &str) -> String {
        let body = json!({"user": {"email": email, "cellphone": phone, "country_code": "44"}});
        let response = self.call("POST", "/protected/json/users/new", body).await;
        response["user"]["id"].to_string()
    }

    /// The current code of an authenticator app enrolled at the provider.
    async fn authenticator_code(&self, id: &str) -> String {
        self.call("POST", &format!("/protected/json/users/{id}/secret"), json!({})).await;
        let path = format!("/protected/json/users/{id}/secret/export");
        self.call("GET", &path, json!({})).await["otp"].as_str().expect("a code").to_owned()
    }

    async fn call(&self, method: &str, path: &str, body: Value) -> Value {
        let url = format!("{}{path}", self.sandbox.url());
        let request = Client::new().request(method.parse().unwrap(), url).json(&body);
        let response = request.header("X-Authy-API-Key", sandbox::API_KEY).send().await.unwrap();
        response.json().await.unwrap()
    }
}

/// An account as the previous version stored it.
struct OldAccount {
    id: &'static str,
    phone: &'static str,
    provider_user: String,
    verified: bool,
    authenticator: bool,
    hash: String,
}

impl OldAccount {
    fn email(&self) -> String {
        format!("{}@example.com", self.id)
    }

    fn insert(&self, account: &str, now: i64) -> String {
        let or_null = |yes: bool| if yes { now.to_string() } else { "NULL".to_owned() };
        format!(
            "INSERT INTO users (id, full_name, username, username_key, email, email_key, password_hash,
                calling_code, national_number, phone_proven_at, provider_account, provider_user, wrong_codes,
                created_at, last_channel, authenticator_at)
             VALUES ('{id}', 'Ada', '{id}', '{id}', '{email}', '{email}', '{hash}', '44', '{phone}', {verified},
                '{account}', '{user}', 1, {now}, 'sms', {authenticator});",
            id = self.id,
            email = self.email(),
            hash = self.hash,
            phone = self.phone,
            verified = or_null(self.verified),
            user = self.provider_user,
            authenticator = or_null(self.authenticator),
        )
    }

    fn person<'a>(&self, app: &'a TestApp) -> Person<'a> {
        Person { app, email: self.email(), phone: self.phone.to_owned() }
    }
}

fn old_session_row(token: &str, user: Option<&str>, rights: &str, factor: bool, now: i64) -> String {
    let hash = Token::sent(token).hash();
    let (user, factor) = (
        user.map_or("NULL".to_owned(), |user| format!("'{user}'")),
        if factor { now.to_string() } else { "NULL".to_owned() },
    );
    format!(
        "INSERT INTO sessions (id, token_hash, user_id, rights, created_at, seen_at, expires_at, factor_at,
            proven_phone)
         VALUES ('{token}', '{hash}', {user}, '{rights}', {now}, {now}, {end}, {factor}, NULL);",
        end = now + 600_000,
    )
}

/// The accounts before the upgrade. Grace and Eve share a phone and the provider's user.
async fn accounts(provider: &ExternalProvider) -> [OldAccount; 5] {
    let shared = provider.enrol("grace@example.com", "7700900002").await;
    let keyed = old_password_hash(PASSWORD);
    let plain = bcrypt::hash(PASSWORD, 4).unwrap();
    let account = |id, phone, provider_user, verified, authenticator, hash: &str| OldAccount {
        id,
        phone,
        provider_user,
        verified,
        authenticator,
        hash: hash.to_owned(),
    };
    [
        account(
            "ada",
            "7700900001",
            provider.enrol("ada@example.com", "7700900001").await,
            true,
            true,
            &keyed,
        ),
        account("grace", "7700900002", shared.clone(), true, false, &keyed),
        account("eve", "7700900002", shared, true, true, &keyed),
        account(
            "joan",
            "7700900003",
            provider.enrol("joan@example.com", "7700900003").await,
            false,
            false,
            &keyed,
        ),
        account(
            "old",
            "7700900004",
            provider.enrol("old@example.com", "7700900004").await,
            true,
            false,
            &plain,
        ),
    ]
}

async fn upgraded() -> (ExternalProvider, TestApp, [OldAccount; 5]) {
    let provider = ExternalProvider::start().await;
    let url = provider.sandbox.url();
    let mut app = TestApp::spawn_with(&[
        ("APP_SECRET", APP_SECRET),
        ("SANDBOX", "off"),
        ("AUTHY_API_KEY", sandbox::API_KEY),
        ("AUTHY_API_URL", &url),
    ])
    .await;
    app.crash().await;
    let people = accounts(&provider).await;
    let now = app.clock.now().0;
    let mut rows: String = people.iter().map(|person| person.insert(&provider.account, now)).collect();
    rows += &old_session_row("pending", Some("ada"), "pending", false, now);
    rows += &old_session_row("verified", Some("ada"), "proven", true, now);
    rows += &old_session_row("signed-in", Some("grace"), "signed_in", true, now);
    rows += &old_session_row("sign-up", Some("joan"), "signed_in", false, now);
    rows += &old_session_row("sign-up-verified", Some("old"), "signed_in", false, now);
    rows += &old_session_row("anonymous", None, "anonymous", false, now);
    rows += &format!(
        "UPDATE sessions SET push_id = 'push' WHERE id = 'pending';
         INSERT INTO approvals (id, reference, user_id, session_id, message, details, status, created_at,
            expires_at, next_ask_at, purpose)
         VALUES ('push', 'reference-of-a-push', 'ada', 'pending', 'Sign in?', '{{}}', 'pending', {now},
            {end}, {now}, 'sign_in');
         INSERT INTO sends (id, user_id, session_id, via, reference, at)
         VALUES ('send', 'ada', 'pending', 'sms', '{user}', {now});
         INSERT INTO checks (id, user_id, session_id, outcome, at) VALUES ('check', 'ada', 'pending', 'wrong', {now});
         INSERT INTO messages (id, user_id, sid, status, created_at, updated_at)
         VALUES ('text', 'ada', NULL, 'sent', {now}, {now});
         INSERT INTO nonces (digest, at) VALUES ('digest', {now});
         INSERT INTO attempts (id, kind, subject, at) VALUES ('attempt', 'password', 'subject', {now});",
        end = now + 120_000,
        user = people[0].provider_user,
    );
    on_database!(app, |db, folder| {
        revert_to_previous_version(db, folder);
        db.batch_execute(&rows).expect("rows of the previous version");
    });
    app.start().await;
    (provider, app, people)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_upgrade_keeps_sessions_and_every_account_signs_in() {
    let (provider, app, people) = upgraded().await;
    assert_eq!(app.bearer("pending").status().await, "pending");
    app.bearer("pending").get(routes::USER).await.refused(403, "second_factor_required");
    for token in ["verified", "signed-in"] {
        assert!(app.bearer(token).is_signed_in().await, "{token}");
    }
    let user = app.bearer("signed-in").get(routes::USER).await.ok();
    assert_eq!((&user["phone"], &user["countryCode"]), (&json!("7700900002"), &json!("44")));
    // A sign-up session stays signed in while the phone is unverified; otherwise it needs a factor.
    assert_eq!(app.bearer("sign-up").get(routes::USER).await.ok()["verified"], false);
    app.bearer("sign-up-verified").get(routes::USER).await.refused(403, "second_factor_required");
    app.bearer("anonymous").get(routes::USER).await.refused(403, "not_signed_in");
    for person in &people {
        app.advance(3600);
        let person = person.person(&app);
        let response = app.client().post(routes::SESSION, person.credentials()).await.ok();
        let session = app.bearer(response["token"].as_str().unwrap());
        session.post(routes::SESSION_RESEND, json!({})).await.ok();
        session.verify(&person.code().await).await.ok();
        assert_eq!(session.get(routes::USER).await.ok()["verified"], true, "{}", person.email);
    }
    let calls = app.provider_calls().await;
    let enrolments = calls.iter().filter(|call| call.ends_with("/users/new")).count();
    assert_eq!(enrolments, 4, "only the enrolments of the previous version: {calls:?}");
    drop(provider);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_upgrade_a_provider_authenticator_works_for_an_unshared_enrolment_only() {
    let (provider, app, people) = upgraded().await;
    let log_in = async |person: &OldAccount| {
        let response = app.client().post(routes::SESSION, person.person(&app).credentials()).await.ok();
        app.bearer(response["token"].as_str().unwrap())
    };
    let [ada, grace, eve, ..] = &people;
    let code = provider.authenticator_code(&ada.provider_user).await;
    log_in(ada).await.verify(&code).await.ok();
    // The authenticator of a shared provider user is refused for both accounts.
    let code = provider.authenticator_code(&eve.provider_user).await;
    for person in [grace, eve] {
        let calls = app.provider_calls().await.len();
        log_in(person).await.verify(&code).await.refused(401, "wrong_code");
        let calls = app.provider_calls().await.split_off(calls);
        assert!(!calls.iter().any(|call| call.contains("/verify/")), "{calls:?}");
    }
    // An authenticator enrolled at this server replaces the provider's.
    let session = log_in(ada).await;
    session.post(routes::SESSION_RESEND, json!({})).await.ok();
    session.verify(&ada.person(&app).code().await).await.ok();
    let shown = session.post(routes::AUTHENTICATOR, json!({})).await.body;
    let code = crate::totp::totp(shown["secret"].as_str().unwrap(), app.clock.now());
    let path = routes::AUTHENTICATOR_CONFIRM.replace("{id}", shown["id"].as_str().unwrap());
    session.post(&path, json!({"code": code})).await.ok();
    let code = provider.authenticator_code(&ada.provider_user).await;
    log_in(ada).await.verify(&code).await.refused(401, "wrong_code");
}

#[derive(QueryableByName, Debug, PartialEq)]
struct OldUserRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    calling_code: String,
    #[diesel(sql_type = Text)]
    national_number: String,
    #[diesel(sql_type = Text)]
    provider_account: String,
    #[diesel(sql_type = Text)]
    provider_user: String,
    #[diesel(sql_type = Text)]
    password_hash: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    phone_proven_at: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    authenticator_at: Option<i64>,
}

#[tokio::test(flavor = "multi_thread")]
async fn the_downgrade_restores_the_rows_of_the_previous_version() {
    let (provider, mut app, people) = upgraded().await;
    // Ada's login stores her password in the new format.
    {
        let ada = people[0].person(&app);
        app.client().post(routes::SESSION, ada.credentials()).await.ok();
    }
    let now = app.clock.now().0;
    app.crash().await;
    let found: Vec<OldUserRow> = on_database!(app, |db, folder| {
        revert_to_previous_version(db, folder);
        let query =
            "SELECT id, calling_code, national_number, provider_account, provider_user, password_hash,
            phone_proven_at, authenticator_at FROM users";
        diesel::sql_query(query).load(db).expect("rows")
    });
    assert_eq!(found.len(), people.len());
    for person in &people {
        let row = found.iter().find(|row| row.id == person.id).expect("the row still exists");
        assert_eq!((row.calling_code.as_str(), row.national_number.as_str()), ("44", person.phone));
        assert_eq!((&row.provider_account, &row.provider_user), (&provider.account, &person.provider_user));
        assert_eq!(row.phone_proven_at, person.verified.then_some(now));
        assert_eq!(row.authenticator_at, person.authenticator.then_some(now));
        if person.id == "ada" {
            assert!(row.password_hash.starts_with("hs256$$2b$"), "{}", row.password_hash);
            assert_ne!(row.password_hash, person.hash, "the login has replaced the hash");
        } else {
            assert_eq!(row.password_hash, person.hash);
        }
    }
    // After a second upgrade every account can log in.
    app.start().await;
    for person in &people {
        let credentials = person.person(&app).credentials();
        app.client().post(routes::SESSION, credentials).await.ok();
    }
    let store = app.store();
    let states: Result<i64, StoreError> = store
        .read(|db| {
            #[derive(QueryableByName)]
            struct Count {
                #[diesel(sql_type = BigInt)]
                count: i64,
            }
            let query = "SELECT COUNT(*) AS count FROM sessions WHERE state IN ('verified', 'signed_in')";
            Ok(diesel::sql_query(query).get_result::<Count>(db)?.count)
        })
        .await;
    assert!(states.unwrap() >= 3, "the sessions still exist");
}
