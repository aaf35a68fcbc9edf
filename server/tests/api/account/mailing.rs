//! Sending e-mail: nothing is lost where the server that takes it is away for a while.

use reqwest::Method;
use serde_json::json;
use shared::routes;

use super::{mail, mails_to, owner};
use crate::app::TestApp;

const RESET: &str = "Reset your Countersign password";

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_sent_is_sent_later_and_once() {
    let app = TestApp::spawn().await;
    let (ada, _) = owner(&app).await;
    app.call_sandbox(Method::PUT, "/mail", json!({"mode": "defer"})).await.ok();
    app.client().post(routes::PASSWORD_FORGOT, json!({"email": ada.email})).await;
    app.wait_until("it was tried", async || waiting(&app).await == [1]).await;
    assert_eq!(mails_to(&app, &ada.email).await.len(), 0);
    app.call_sandbox(Method::PUT, "/mail", json!({"mode": "accept"})).await.ok();
    app.advance(60);
    mail(&app, &ada.email, RESET).await;
    app.wait_until("it waits no more", async || waiting(&app).await.is_empty()).await;
    assert_eq!(mails_to(&app, &ada.email).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_for_good_or_was_tried_for_a_day_is_given_up() {
    let app = TestApp::spawn().await;
    let (ada, session) = owner(&app).await;
    app.call_sandbox(Method::PUT, "/mail", json!({"mode": "refuse"})).await.ok();
    app.client().post(routes::PASSWORD_FORGOT, json!({"email": ada.email})).await;
    // A second link is made when the first is gone: there are three an hour.
    let events = async || {
        let read = session.get(routes::EVENTS).await.ok();
        read["events"].as_array().unwrap().iter().any(|event| event["kind"] == "password_reset_asked")
    };
    app.wait_until("a link was made", events).await;
    app.wait_until("it is given up", async || waiting(&app).await.is_empty()).await;
    app.call_sandbox(Method::PUT, "/mail", json!({"mode": "defer"})).await.ok();
    app.client().post(routes::PASSWORD_FORGOT, json!({"email": ada.email})).await;
    app.wait_until("it was tried", async || waiting(&app).await == [1]).await;
    app.advance(24 * 3600);
    app.wait_until("it is given up", async || waiting(&app).await.is_empty()).await;
    assert_eq!(mails_to(&app, &ada.email).await.len(), 0);
}

/// How often each e-mail that waits was tried.
async fn waiting(app: &TestApp) -> Vec<i32> {
    let store = app.store();
    let rows = store.read(|db| {
        let far = server::domain::clock::Timestamp(i64::MAX);
        Ok::<_, server::store::StoreError>(server::store::mails::due(db, far, 100)?)
    });
    rows.await.expect("the database answers").into_iter().map(|row| row.attempts).collect()
}
