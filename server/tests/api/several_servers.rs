//! Several servers on one PostgreSQL: what happens at one is known at the others.
//!
//! A change comes to another server by two ways, an announcement and a look into the database. Where a test is
//! about one of them it makes a change that only this one tells.

use diesel::{Connection, PgConnection, RunQueryDsl, sql_query, sql_types::Text};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shared::routes;

use crate::{
    app::{ApiClient, TestApp},
    event_stream::{Event, EventStream},
};

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    value: String,
}

/// The database of an app.
struct Database(PgConnection);

impl Database {
    fn of(app: &TestApp) -> Self {
        Self(PgConnection::establish(app.database_url()).unwrap())
    }

    /// Every value of a query with one text column.
    fn values(&mut self, query: &str) -> Vec<String> {
        let rows: Vec<Row> = sql_query(query).load(&mut self.0).unwrap();
        rows.into_iter().map(|row| row.value).collect()
    }

    fn execute(&mut self, statement: &str) {
        sql_query(statement).execute(&mut self.0).unwrap();
    }

    /// Ends the pending session without telling anybody, and answers its id.
    fn end_pending_session(&mut self) -> String {
        let pending = "SELECT id AS value FROM sessions WHERE state = 'pending' AND expires_at > 0";
        let session = self.values(pending).pop().unwrap();
        self.execute(&format!("UPDATE sessions SET expires_at = 0 WHERE id = '{session}'"));
        session
    }

    fn announce(&mut self, session: &str) {
        self.execute(&format!("SELECT pg_notify('countersign_changes', '9000000000:{session} ')"));
    }

    /// The connections that listen.
    fn listening(&mut self) -> Vec<String> {
        self.values(
            "SELECT pid::TEXT AS value FROM pg_stat_activity \
             WHERE datname = current_database() AND application_name = 'countersign'",
        )
    }
}

async fn follow(session: &ApiClient<'_>) -> (EventStream, Value) {
    let request = session.request(Method::GET, routes::AUTHY_STATUS_STREAM);
    let mut stream = EventStream::open(request).await;
    let first = stream.status().await;
    (stream, first)
}

/// Two servers, and a session that began at the first one, as each of them sees it.
macro_rules! two_servers {
    ($first:ident, $second:ident) => {
        let $first = TestApp::spawn_with(&[("APP_SECRET", SECRET)]).await;
        let $second = $first.beside().await;
    };
}

const SECRET: &str = "4b1f0e8d9a7c6b5a4f3e2d1c0b9a8f7e6d5c4b3a2f1e0d9c8b7a6f5e4d3c2b1a";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL, which several servers can share"]
async fn an_answer_that_comes_to_one_server_wakes_those_who_wait_at_another() {
    two_servers!(first, second);
    let ada = first.register().await;
    for decision in ["approve", "deny"] {
        let (session, uuid) = ada.log_in().await;
        let there = second.bearer(session.token.as_deref().unwrap());
        let (mut stream, status) = follow(&there).await;
        assert_eq!(status["status"], "pending");
        // The webhook goes to the first server.
        assert_eq!(first.answer_request(&uuid, decision).await, StatusCode::NO_CONTENT);
        assert_eq!(
            stream.status().await["status"],
            if decision == "approve" { "approved" } else { "denied" }
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL, which several servers can share"]
async fn an_announcement_alone_wakes_those_who_wait() {
    let app = TestApp::spawn().await;
    let (session, _) = app.register().await.log_in().await;
    let (mut stream, _) = follow(&session).await;
    let mut database = Database::of(&app);
    app.wait_until("the server listens", async || !database.listening().is_empty()).await;
    let ended = database.end_pending_session();
    database.announce(&ended);
    assert_eq!(stream.next().await, Event::End);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL, which several servers can share"]
async fn a_look_into_the_database_alone_wakes_those_who_wait() {
    let app = TestApp::spawn().await;
    let (session, _) = app.register().await.log_in().await;
    let (mut stream, _) = follow(&session).await;
    let mut database = Database::of(&app);
    let ended = database.end_pending_session();
    database.execute(&format!("INSERT INTO session_changes (session_id) VALUES ('{ended}')"));
    assert_eq!(stream.next().await, Event::End);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL, which several servers can share"]
async fn a_change_that_commits_after_a_later_one_is_found_all_the_same() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let (early, _) = ada.log_in().await;
    let (mut early_stream, _) = follow(&early).await;
    let mut slow = Database::of(&app);
    let early_id = slow.end_pending_session();
    let (late, _) = ada.log_in().await;
    let (mut late_stream, _) = follow(&late).await;
    slow.execute("BEGIN");
    slow.execute(&format!("INSERT INTO session_changes (session_id) VALUES ('{early_id}')"));
    let mut quick = Database::of(&app);
    let late_id = quick.end_pending_session();
    quick.execute(&format!("INSERT INTO session_changes (session_id) VALUES ('{late_id}')"));
    assert_eq!(late_stream.next().await, Event::End, "the higher number was found");
    slow.execute("COMMIT");
    assert_eq!(early_stream.next().await, Event::End);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL, which several servers can share"]
async fn a_lost_listening_connection_comes_back_and_nothing_is_missed_meanwhile() {
    let app = TestApp::spawn_with(&[("LIMITS", "off")]).await;
    let ada = app.register().await;
    let mut database = Database::of(&app);
    app.wait_until("the server listens", async || !database.listening().is_empty()).await;
    let (session, uuid) = ada.log_in().await;
    let (mut stream, _) = follow(&session).await;
    let lost = database.listening();
    for pid in &lost {
        database.execute(&format!("SELECT pg_terminate_backend({pid})"));
    }
    app.answer_request(&uuid, "deny").await;
    assert_eq!(stream.status().await["status"], "denied");
    app.wait_until("the server listens again", async || {
        database.listening().iter().any(|pid| !lost.contains(pid))
    })
    .await;
    let ended = database.end_pending_session();
    database.announce(&ended);
    assert_eq!(stream.next().await, Event::End);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL, which several servers can share"]
async fn a_session_that_is_ended_at_one_server_is_refused_at_the_other() {
    two_servers!(first, second);
    let ada = first.register().await;
    let (session, uuid) = ada.log_in().await;
    let there = second.bearer(session.token.as_deref().unwrap());
    first.answer_request(&uuid, "approve").await;
    assert!(there.is_signed_in().await);
    // Held at both from now on.
    assert_eq!(
        (session.status().await, there.status().await),
        ("approved".to_owned(), "approved".to_owned())
    );
    session.delete(routes::SESSION).await.ok();
    session.get(routes::AUTHY_STATUS).await.refused(404, "no_session");
    there.get(routes::USER).await.refused(403, "not_signed_in");
    second
        .wait_until("the status is refused there as well", async || {
            there.get(routes::AUTHY_STATUS).await.status == StatusCode::NOT_FOUND
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL, which several servers can share"]
async fn those_who_waited_at_a_server_that_was_killed_go_on_at_another() {
    two_servers!(first, second);
    let mut second = second;
    let ada = first.register().await;
    let (session, uuid) = ada.log_in().await;
    let (mut stream, before) = follow(&second.bearer(session.token.as_deref().unwrap())).await;
    second.crash().await;
    assert_eq!(stream.next().await, Event::Closed);
    let (mut stream, after) = follow(&session).await;
    assert_eq!(after["version"], before["version"], "both servers name a status alike");
    first.answer_request(&uuid, "approve").await;
    assert_eq!(stream.status().await["status"], "approved");
    assert_eq!(stream.next().await, Event::End);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL, which several servers can share"]
async fn an_answer_is_told_once_although_it_comes_by_both_ways() {
    two_servers!(first, second);
    let ada = first.register().await;
    let (session, uuid) = ada.log_in().await;
    let there = second.bearer(session.token.as_deref().unwrap());
    let (mut stream, _) = follow(&there).await;
    first.answer_request(&uuid, "deny").await;
    assert_eq!(stream.status().await["status"], "denied");
    let again = there.post(routes::SESSION_PUSH, json!({})).await.ok();
    assert_eq!(again["success"], true);
    let pending = stream.status().await;
    assert_eq!(pending["status"], "pending", "nothing came in between: {pending}");
}

/// The address of an app's database with these parameters.
fn with_parameters(app: &TestApp, parameters: &str) -> String {
    format!("{}?{parameters}", app.database_url())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL, which several servers can share"]
async fn all_connections_to_postgresql_are_encrypted_where_tls_is_asked_for() {
    let root = std::env::var("TEST_DATABASE_ROOT").expect("the certificate that has signed PostgreSQL's");
    let mut app = TestApp::spawn().await;
    let mut database = Database::of(&app);
    for parameters in ["sslmode=require".to_owned(), format!("sslmode=verify-full&sslrootcert={root}")] {
        app.stop().await;
        app.variables.insert("DATABASE_URL".into(), with_parameters(&app, &parameters));
        app.start().await;
        let ada = app.register().await;
        let (session, uuid) = ada.log_in().await;
        let (mut stream, _) = follow(&session).await;
        app.wait_until("the server listens", async || !database.listening().is_empty()).await;
        app.answer_request(&uuid, "deny").await;
        assert_eq!(stream.status().await["status"], "denied");
        let plain = database.values(
            "SELECT application_name AS value FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
             WHERE datname = current_database() AND NOT ssl AND pid <> pg_backend_pid()",
        );
        assert_eq!(plain, Vec::<String>::new(), "{parameters}");
        let plain_address = app.database_url().split('?').next().unwrap().to_owned();
        app.variables.insert("DATABASE_URL".into(), plain_address);
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL, which several servers can share"]
async fn a_certificate_that_another_root_has_signed_is_refused() {
    let app = TestApp::spawn().await;
    let folder = tempfile::TempDir::new().unwrap();
    let other = folder.path().join("other.crt");
    std::fs::write(&other, OTHER_ROOT).unwrap();
    let address = with_parameters(&app, &format!("sslmode=verify-full&sslrootcert={}", other.display()));
    let store = server::store::Store::new(&address, 1, std::time::Duration::from_secs(5)).unwrap();
    let refused = store.is_ready().await.expect_err("the certificate is not that root's");
    let causes = std::error::Error::source(&refused).map(ToString::to_string).unwrap_or_default();
    assert!(causes.contains("certificate"), "{causes}");
    store.listen().await.expect_err("the connection that listens refuses it as well");
}

/// A root that has signed nothing here.
const OTHER_ROOT: &str = "\
-----BEGIN CERTIFICATE-----
MIIDAzCCAeugAwIBAgIUPnU9GKCitTUEXnQywjS7JCNEklkwDQYJKoZIhvcNAQEL
BQAwEDEOMAwGA1UEAwwFb3RoZXIwIBcNMjYxMTI2MTIwNjU0WhgPMjEyNjExMDIx
MjA2NTRaMBAxDjAMBgNVBAMMBW90aGVyMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A
MIIBCgKCAQEAu8OuSMmr+VWO6j677Q+B8lPVYL5fxLVWNfXqXUCS9FvEaakp0Ln/
OVAEiaj36ISnQ7paMjAdRXBAv0jQ3V9tdSHt3Y4XX6yTPHOv+s8HzROWsJCPRofn
DfaGagDIo1tgiueJk2EVm4flQMgDspwUDYYf2j7TCkt3QjZGsRTn3Vxgy08VHKmv
yPqFk2+rcruw+hu73zkCB7+oOjiEW8U98Vmr1XhMau87nc9fANQPj3JIZvgd/E9r
dH7MgUVcth4B/IkjjIZPzZgGJIw5pCkkEik+8PCAUN8J3sfLrHdw1Wd6los5IXjT
I7lYBtxOPOyAN80gn1tVMDIUATRcq2VX/wIDAQABo1MwUTAdBgNVHQ4EFgQUd/V2
6gk1mNEDAHtFaJRFACuRSiwwHwYDVR0jBBgwFoAUd/V26gk1mNEDAHtFaJRFACuR
SiwwDwYDVR0TAQH/BAUwAwEB/zANBgkqhkiG9w0BAQsFAAOCAQEAPUGMuYS/nXiE
5cjoZAes4PXlrC6yRZxWH5vMtiEsLLnOL5g2/hdBIe3FzpXDogv9KpCxNRp6XdrW
dumXj3mUybgvqkfSS45TnEsr7H5PZofsjcpsvYBHYR4wqHoWeUAnaJ4Ec1w2Q2dj
aHWP6oZ1mRNi3enq6BihgVW/+iTQvVs1ocW8Cxj8doiGv/JlCoUNNyM+J26EQb1K
WOJ0NhQG8f5XArzXyRt6HTKUXEz41rpT4tjIivkSrQd7nSg8AcKxCNwOawbwHlv6
9Gca3xdlNdUR7sR3gFs7dqSlqd4TM10omXoTBUDSwviwxeMNjscM2vD/5VDn9eSn
mABAm6Xy+w==
-----END CERTIFICATE-----
";
