//! Ending sessions, disabling and deleting, while people are signed in.

use reqwest::{Method, StatusCode};
use serde_json::json;
use server::store::{StoreError, credentials};
use shared::routes;

use super::{app, done, events, run, user};
use crate::{
    account::{Page, cookie_set, mail, owner},
    app::{ApiClient, Person, TestApp},
    event_stream::{Event, EventStream},
    migration::sign_in,
};

/// Signs in on the page and has the browser remembered; answers its cookies.
async fn remember(app: &TestApp, person: &Person<'_>) -> String {
    let page = Page::open(app);
    let signed_in = page.sign_in_with(person, json!({"rememberDevice": true})).await;
    cookie_set(&signed_in, "countersign_remembered").expect("the browser is remembered")
}

async fn follow(session: &ApiClient<'_>) -> EventStream {
    let mut stream = EventStream::open(session.request(Method::GET, routes::AUTHY_STATUS_STREAM)).await;
    assert!(matches!(stream.next().await, Event::Status(_)));
    stream
}

/// A client with a remembered browser is not asked for a factor.
async fn is_remembered(person: &Person<'_>, cookie: &str) -> bool {
    let client = person.app.client();
    let request = client.request(Method::POST, routes::SESSION).json(&person.credentials());
    let login = client.send(request.header("Cookie", format!("countersign_remembered={cookie}"))).await.ok();
    login["authyResponse"]["message"] == "This device is remembered."
}

#[tokio::test(flavor = "multi_thread")]
async fn all_sessions_end_and_browsers_are_forgotten() {
    let app = app().await;
    let (ada, session) = owner(&app).await;
    let (grace, other) = owner(&app).await;
    let (pending, _) = ada.log_in().await;
    let cookie = remember(&app, &ada).await;
    let mut stream = follow(&pending).await;
    let told = done(&app, &["user", "end-sessions", &ada.email, "--yes"]).await;
    assert_eq!(told.trim(), "Sessions ended: 2");
    session.get(routes::USER).await.refused(403, "not_signed_in");
    assert_eq!(stream.next().await, Event::End);
    assert_eq!(events(&app, &ada.email).await[0], "session_ended success");
    assert!(!is_remembered(&ada, &cookie).await, "the second step is asked for");
    assert!(other.is_signed_in().await, "{}", grace.email);
    sign_in(&app, &ada).await;
}

/// Statement 12.
#[tokio::test(flavor = "multi_thread")]
async fn disabling_a_user_ends_everything_now_and_nobody_signs_in_until_the_user_is_enabled() {
    let app = app().await;
    let (ada, session) = owner(&app).await;
    let (pending, request) = ada.log_in().await;
    let cookie = remember(&app, &ada).await;
    let mut stream = follow(&pending).await;
    let told = done(&app, &["user", "disable", &ada.email, "--yes"]).await;
    assert_eq!(told.trim(), format!("Disabled Ada Lovelace <{}>", ada.email));
    session.get(routes::USER).await.refused(403, "not_signed_in");
    assert_eq!(stream.next().await, Event::End);
    app.answer_request(&request, "approve").await;
    pending.get(routes::USER).await.refused(403, "not_signed_in");
    pending.post(routes::SESSION_CONTINUE, json!({})).await.refused(404, "no_session");
    app.client().post(routes::SESSION, ada.credentials()).await.refused(403, "wrong_credentials");
    assert!(done(&app, &["user", "find", &ada.email]).await.contains("disabled        since 20"));
    assert_eq!(done(&app, &["user", "disable", &ada.email, "--yes"]).await.trim(), "Nothing changed");
    let told = done(&app, &["user", "enable", &ada.email, "--yes"]).await;
    assert_eq!(told.trim(), format!("Enabled Ada Lovelace <{}>", ada.email));
    assert_eq!(done(&app, &["user", "enable", &ada.email, "--yes"]).await.trim(), "Nothing changed");
    session.get(routes::USER).await.refused(403, "not_signed_in");
    pending.get(routes::USER).await.refused(403, "not_signed_in");
    assert!(!is_remembered(&ada, &cookie).await);
    sign_in(&app, &ada).await;
    let events = events(&app, &ada.email).await;
    for event in ["account_disabled success", "account_enabled success"] {
        assert_eq!(events.iter().filter(|kept| *kept == event).count(), 1, "{events:?}");
    }
}

/// A password that was right just before leads to a session just after.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_a_disabled_user_still_has_opens_nothing() {
    let app = app().await;
    let ada = app.register().await;
    let session = ada.sign_in().await;
    let id = user(&app, &ada.email).await.expect("the account").id;
    let now = app.clock.now();
    let store = app.store();
    let disabled =
        store.write(move |db| credentials::set_disabled(db, &id, Some(now)).map_err(StoreError::from));
    disabled.await.unwrap();
    session.get(routes::USER).await.refused(403, "not_signed_in");
    session.post(routes::SESSION_PUSH, json!({})).await.refused(404, "no_session");
    // It does not come back.
    done(&app, &["user", "enable", &ada.email, "--yes"]).await;
    session.get(routes::USER).await.refused(403, "not_signed_in");
}

/// Statement 12.
#[tokio::test(flavor = "multi_thread")]
async fn deleting_a_user_ends_everything_now_and_leaves_kinds_and_times_alone() {
    let app = app().await;
    let (ada, session) = owner(&app).await;
    let (pending, _) = ada.log_in().await;
    let mut stream = follow(&pending).await;
    let told = done(&app, &["user", "delete", &ada.email, "--yes"]).await;
    assert_eq!(told.trim(), format!("Deleted Ada Lovelace <{}>", ada.email));
    session.get(routes::USER).await.refused(403, "not_signed_in");
    assert_eq!(stream.next().await, Event::End);
    app.client().post(routes::SESSION, ada.credentials()).await.refused(403, "wrong_credentials");
    let (ok, told) = run(&app, &["user", "find", &ada.email]).await;
    assert!(!ok && told.trim() == "User not found", "{told}");
    mail(&app, &ada.email, "Your account was deleted").await;
    // Whose it was is not known any more, and the name is free.
    assert_eq!(kept_without_name(&app, "account_deleted").await, 1);
    assert_eq!(app.client().post(routes::USER, ada.form()).await.status, StatusCode::OK);
}

async fn kept_without_name(app: &TestApp, act: &'static str) -> i64 {
    use diesel::{QueryableByName, RunQueryDsl, sql_types::BigInt};
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let query = format!(
        "SELECT COUNT(*) AS count FROM events WHERE act = '{act}' AND user_id IS NULL AND address = ''"
    );
    let store = app.store();
    let count =
        store.read(move |db| diesel::sql_query(query).get_result::<Row>(db).map_err(StoreError::from));
    count.await.unwrap().count
}
