//! A failing database is 503, a failing provider 502, and neither signs anybody in.

use diesel::{Connection, RunQueryDsl, SqliteConnection, connection::SimpleConnection};
use reqwest::{Method, StatusCode};
use serde_json::json;
use server::store::StoreError;
use shared::routes;

use crate::app::{SHORT_PROVIDER_TIMEOUT, TestApp, slow};

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_fails_is_slow_or_responds_unexpectedly_gives_no_session() {
    let app = TestApp::spawn_with(&[SHORT_PROVIDER_TIMEOUT]).await;
    let ada = app.register().await;
    for fault in [
        json!({"status": 500}),
        json!({"status": 503, "body": "<html>maintenance</html>"}),
        json!({"status": 200, "body": "<html>is valid</html>"}),
        json!({"status": 200, "body": {"success": true, "approval_request": {"uuid": "../../x"}, "ignored": true}}),
        json!({"status": 302, "body": {"success": true}}),
        json!({"status": 401, "body": {"success": false, "error_code": "60001", "message": "Invalid API key"}}),
        json!({"dropConnection": true}),
        slow(""),
    ] {
        app.inject_fault(fault.clone()).await;
        let response = app.client().post(routes::SESSION, ada.credentials()).await;
        assert!(response.headers.get("set-cookie").is_none(), "{fault}");
        response.refused(502, "provider_failed");
    }
    app.call_sandbox(Method::DELETE, "/faults", json!(null)).await;
    // Two of the requests may be on the phone: they are counted.
    app.advance(3600);
    ada.sign_in().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_approval_request_falls_back_to_a_code() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    app.inject_fault(json!({"path": "/onetouch", "status": 500})).await;
    let response = app.client().post(routes::SESSION, ada.credentials()).await.ok();
    assert_eq!(response["authyResponse"]["via"], "sms");
    let session = app.bearer(response["token"].as_str().unwrap());
    session.verify(&ada.code().await).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn error_texts_of_the_provider_are_not_returned_to_clients() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    app.inject_fault(json!({"status": 500, "body": {"success": false, "message": "stack trace of db7.internal", "error_code": "1"}})).await;
    let response = app.client().post(routes::SESSION, ada.credentials()).await;
    assert!(!response.text.contains("db7"), "{}", response.text);
    response.refused(502, "provider_failed");
}

/// Executes a statement on the application's database.
async fn execute(app: &TestApp, statement: &str) {
    let statement = statement.to_owned();
    let store = app.store();
    let done = store.write(move |db| diesel::sql_query(statement).execute(db).map_err(StoreError::from));
    done.await.expect("the statement is valid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_without_its_sessions_table_gives_503_and_recovers() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let session = ada.sign_in().await;
    let browser = app.browser();
    browser.post(routes::SESSION, ada.credentials()).await.ok();
    execute(&app, "ALTER TABLE sessions RENAME TO hidden").await;
    session.get(routes::USER).await.refused(503, "unavailable");
    app.wait_until("the status that was read a moment ago is forgotten", async || {
        session.get(routes::AUTHY_STATUS).await.status == StatusCode::SERVICE_UNAVAILABLE
    })
    .await;
    session.get(routes::AUTHY_STATUS).await.refused(503, "unavailable");
    session.post(routes::SESSION_PUSH, json!({})).await.refused(503, "unavailable");
    session.verify("1234567").await.refused(503, "unavailable");
    session.delete(routes::SESSION).await.refused(503, "unavailable");
    app.client().post(routes::SESSION, ada.credentials()).await.refused(503, "unavailable");
    app.client().post(routes::USER, app.unregistered_person().form()).await.refused(503, "unavailable");
    let by_cookie = browser.get(routes::USER).await;
    assert!(by_cookie.headers.contains_key("retry-after"));
    assert_eq!(by_cookie.headers["cache-control"], "no-store");
    by_cookie.refused(503, "unavailable");
    app.client().get(routes::HEALTHZ).await.ok();
    browser.get(routes::HEALTHZ).await.ok();
    execute(&app, "ALTER TABLE hidden RENAME TO sessions").await;
    assert!(session.is_signed_in().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_database_gives_503_and_signs_nobody_in() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let (session, _) = ada.log_in().await;
    // As with a full disk, reads work and writes fail.
    let full = match app.database_file() {
        Some(_) => vec![
            "CREATE TRIGGER full_s BEFORE INSERT ON sessions BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END",
            "CREATE TRIGGER full_c BEFORE INSERT ON checks BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END",
        ],
        None => vec![
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$",
            "CREATE TRIGGER full_s BEFORE INSERT ON sessions EXECUTE FUNCTION full_disk()",
            "CREATE TRIGGER full_c BEFORE INSERT ON checks EXECUTE FUNCTION full_disk()",
        ],
    };
    for statement in full {
        execute(&app, statement).await;
    }
    app.client().post(routes::SESSION, ada.credentials()).await.refused(503, "unavailable");
    app.client().post(routes::USER, app.unregistered_person().form()).await.refused(503, "unavailable");
    session.verify("1234567").await.refused(503, "unavailable");
    assert!(!app.provider_calls().await.iter().any(|call| call.contains("/verify/")));
    assert!(!session.is_signed_in().await);
    assert_eq!(session.status().await, "pending", "reads still work");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_database_gives_503_after_its_timeout_and_recovers() {
    let app = TestApp::spawn_with(&[("DATABASE_TIMEOUT_SECONDS", "2")]).await;
    let ada = app.register().await;
    let (session, uuid) = ada.log_in().await;
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (locked, is_locked) = tokio::sync::oneshot::channel();
    let (url, file) = (app.database_url().to_owned(), app.database_file());
    let holder = std::thread::spawn(move || match file {
        Some(file) => {
            let mut db = SqliteConnection::establish(&file.display().to_string()).unwrap();
            db.batch_execute("PRAGMA busy_timeout = 60000; BEGIN EXCLUSIVE").unwrap();
            locked.send(()).unwrap();
            let _ = released.recv();
        }
        None => {
            let mut db = diesel::PgConnection::establish(&url).unwrap();
            db.batch_execute("BEGIN; LOCK TABLE sessions, users, checks IN ACCESS EXCLUSIVE MODE").unwrap();
            locked.send(()).unwrap();
            let _ = released.recv();
        }
    });
    is_locked.await.unwrap();
    session.verify("1234567").await.refused(503, "unavailable");
    app.client().post(routes::SESSION, ada.credentials()).await.refused(503, "unavailable");
    release.send(()).unwrap();
    holder.join().unwrap();
    app.answer_request(&uuid, "approve").await;
    assert!(session.is_signed_in().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn readyz_fails_when_migrations_are_missing() {
    let app = TestApp::spawn().await;
    app.client().get(routes::READYZ).await.ok();
    execute(&app, "DELETE FROM __diesel_schema_migrations").await;
    app.client().get(routes::READYZ).await.refused(503, "unavailable");
}

#[tokio::test(flavor = "multi_thread")]
async fn password_hashing_does_not_block_other_requests() {
    let app = TestApp::spawn_with(&[("BCRYPT_COST", "12"), ("LIMITS", "off")]).await;
    let ada = app.register().await;
    let client = app.client();
    let logins =
        futures_util::future::join_all((0..10).map(|_| client.post(routes::SESSION, ada.credentials())));
    let health = async {
        let mut answered = 0;
        for _ in 0..20 {
            client.get(routes::HEALTHZ).await.ok();
            answered += 1;
        }
        answered
    };
    // Hashing does not run on the async threads, so these are answered before the ten logins.
    let (first, logins) = match futures_util::future::select(Box::pin(health), Box::pin(logins)).await {
        futures_util::future::Either::Left((answered, logins)) => (answered, logins.await),
        futures_util::future::Either::Right(_) => panic!("the logins were answered before the health checks"),
    };
    assert_eq!(first, 20);
    assert!(logins.iter().all(|response| response.status == StatusCode::OK));
}
