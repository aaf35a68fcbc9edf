//! Background removal of old rows.

use diesel::{QueryableByName, RunQueryDsl, sql_types::BigInt};
use reqwest::{Method, StatusCode};
use sandbox::{Sandbox, Settings};
use serde_json::json;
use server::store::StoreError;
use shared::routes;
use signature::authy::{NONCE_HEADER, Params, SIGNATURE_HEADER, SignedCall};

use crate::app::TestApp;

const DAY: u64 = 24 * 3600;

async fn count(app: &TestApp, table: &str) -> i64 {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let (query, store) = (format!("SELECT COUNT(*) AS count FROM {table}"), app.store());
    let counted = store
        .read(move |db| diesel::sql_query(query).get_result::<Count>(db).map_err(StoreError::from))
        .await;
    counted.expect("the table exists").count
}

/// Restarts the server; the cleanup runs at the start.
async fn restart(app: &mut TestApp) {
    app.crash().await;
    app.start().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unverified_accounts_are_removed_after_the_configured_days() {
    let mut app = TestApp::spawn_with(&[("UNVERIFIED_ACCOUNTS_DAYS", "30")]).await;
    {
        let verified = app.register().await;
        verified.sign_in().await;
        app.register().await;
    }
    app.advance(29 * DAY);
    restart(&mut app).await;
    app.wait_until("old sessions are removed", async || count(&app, "sessions").await == 0).await;
    assert_eq!(count(&app, "users").await, 2);
    app.advance(DAY);
    restart(&mut app).await;
    app.wait_until("the unverified account is removed", async || count(&app, "users").await == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_session_goes_at_the_next_sweep_however_long_others_may_live() {
    let mut app = TestApp::spawn_with(&[("SESSION_ABSOLUTE_SECONDS", "7776000")]).await;
    {
        let ada = app.register().await;
        ada.log_in().await;
    }
    assert_eq!(count(&app, "sessions").await, 2);
    // That of the sign-up lives for an hour without a request, the login for ten minutes.
    app.advance(601);
    restart(&mut app).await;
    app.wait_until("the login's session is removed", async || count(&app, "sessions").await == 1).await;
    assert_eq!(count(&app, "sessions WHERE origin = 'sign_up'").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn unverified_accounts_are_kept_by_default() {
    let mut app = TestApp::spawn().await;
    app.register().await;
    app.advance(3650 * DAY);
    restart(&mut app).await;
    app.wait_until("old sessions are removed", async || count(&app, "sessions").await == 0).await;
    assert_eq!(count(&app, "users").await, 1);
}

/// A callback for a removed user is accepted; after repeated errors the provider disables the webhook.
#[tokio::test(flavor = "multi_thread")]
async fn callbacks_about_removed_users_are_accepted_for_thirty_days() {
    // A sandbox of its own keeps its address when the server is restarted.
    let sandbox =
        Sandbox::start(Settings { port: 0, ..Settings::default() }).await.expect("the sandbox starts");
    let sandbox_url = sandbox.url();
    let mut app = TestApp::spawn_with(&[
        ("UNVERIFIED_ACCOUNTS_DAYS", "1"),
        ("PUBLIC_URL", "https://sign.example.com"),
        ("SANDBOX", "off"),
        ("AUTHY_API_KEY", sandbox::API_KEY),
        ("AUTHY_API_URL", &sandbox_url),
    ])
    .await;
    let id = {
        let ada = app.register().await;
        ada.log_in().await;
        let calls = app.provider_calls().await;
        let request =
            calls.iter().find(|call| call.contains("/approval_requests")).expect("an approval request");
        request.split('/').nth(4).expect("an id").to_owned()
    };
    let call_back = async |app: &TestApp, id: &str, nonce: &str| {
        let id: u64 = id.parse().expect("a number");
        let body = json!({"authy_id": id, "uuid": "a-request-that-is-gone", "status": "approved"});
        let url = "https://sign.example.com/authy/callback";
        let params = Params::Body(&body);
        let signature = SignedCall { nonce, method: "POST", url, params }.sign(sandbox::API_KEY);
        let client = app.client();
        let request = client.request(Method::POST, routes::AUTHY_CALLBACK);
        let request = request.header(SIGNATURE_HEADER, signature).header(NONCE_HEADER, nonce);
        client.send(request.json(&body)).await.status
    };
    app.advance(2 * DAY);
    restart(&mut app).await;
    app.wait_until("the account is removed", async || count(&app, "users").await == 0).await;
    assert_eq!(call_back(&app, &id, "1").await, StatusCode::OK);
    assert_eq!(call_back(&app, "4711", "2").await, StatusCode::NOT_FOUND);
    app.advance(31 * DAY);
    restart(&mut app).await;
    app.wait_until("the factor is removed", async || count(&app, "factors").await == 0).await;
    assert_eq!(call_back(&app, &id, "3").await, StatusCode::NOT_FOUND);
}

/// Rows are removed in batches; nothing that is due stays behind.
#[tokio::test(flavor = "multi_thread")]
async fn more_old_rows_than_fit_into_one_batch_are_all_removed() {
    const ROWS: i64 = 20_000;
    let mut app = TestApp::spawn().await;
    let insert = format!(
        "WITH RECURSIVE numbers(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < {ROWS})
         INSERT INTO attempts (id, kind, subject, at) SELECT 'old ' || number, 'send', 'anybody', 0 FROM numbers"
    );
    let inserted =
        app.store().write(move |db| diesel::sql_query(insert).execute(db).map_err(StoreError::from)).await;
    assert_eq!(inserted.expect("the rows are valid"), usize::try_from(ROWS).unwrap());
    restart(&mut app).await;
    app.wait_until("no old row is left", async || {
        count(&app, "attempts WHERE subject = 'anybody'").await == 0
    })
    .await;
}
