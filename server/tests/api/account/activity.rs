//! What has happened to an account.

use serde_json::{Value, json};
use shared::routes;

use super::{owner, try_password};
use crate::app::{ApiClient, TestApp};

async fn page(session: &ApiClient<'_>, query: &str) -> Value {
    session.get(&format!("{}{query}", routes::EVENTS)).await.ok()
}

fn kinds(page: &Value) -> Vec<(&str, &str)> {
    let events = page["events"].as_array().expect("a list").iter();
    events.map(|event| (event["kind"].as_str().unwrap(), event["outcome"].as_str().unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_reads_what_has_happened_newest_first_and_at_once() {
    let app = TestApp::spawn().await;
    let (ada, session) = owner(&app).await;
    app.advance(60);
    try_password(&ada, "not the password").await;
    app.advance(1);
    session.post(routes::RECOVERY_CODES, json!({})).await;
    let read = page(&session, "").await;
    assert_eq!(kinds(&read)[..2], [("recovery_codes_made", "success"), ("password", "wrong")]);
    assert_eq!(read["days"], 400);
    let all = kinds(&read);
    for expected in [
        ("sign_up", "success"),
        ("password", "success"),
        ("push_sent", "success"),
        ("push_answered", "success"),
        ("signed_in", "success"),
        ("phone_verified", "success"),
        ("email_verified", "success"),
    ] {
        assert!(all.contains(&expected), "{expected:?}: {all:?}");
    }
    let wrong = &read["events"][1];
    assert_eq!((&wrong["address"], &wrong["at"]), (&json!("127.0.0.1"), &json!("2026-03-02T14:03:31Z")));
    assert!(!read.to_string().contains(&ada.phone) && !read.to_string().contains(&ada.email));
}

#[tokio::test(flavor = "multi_thread")]
async fn older_events_follow_page_by_page_without_a_gap_or_a_double() {
    let app = TestApp::spawn_with(&[("LIMITS", "off")]).await;
    let (ada, session) = owner(&app).await;
    // All at the same moment.
    for _ in 0..120 {
        try_password(&ada, "not the password").await;
    }
    let (mut seen, mut query) = (Vec::new(), String::new());
    loop {
        let read = page(&session, &query).await;
        let events = read["events"].as_array().unwrap().clone();
        assert!(events.len() <= 50);
        seen.extend(events);
        match read["next"].as_str() {
            Some(next) => query = format!("?before={next}"),
            None => break,
        }
    }
    let wrong = seen.iter().filter(|event| event["outcome"] == "wrong").count();
    assert_eq!(wrong, 120);
    assert!(seen.windows(2).all(|pair| pair[0]["at"].as_str() >= pair[1]["at"].as_str()));
    for odd in ["x", "1", ".", "99999999999999999999.a"] {
        session.get(&format!("{}?before={odd}", routes::EVENTS)).await.refused(422, "invalid_fields");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_ins_and_changes_can_be_read_apart() {
    let app = TestApp::spawn().await;
    let (_, session) = owner(&app).await;
    let all = kinds(&page(&session, "").await).len();
    let read = page(&session, "?show=sign-ins").await;
    let sign_ins = kinds(&read);
    let read = page(&session, "?show=changes").await;
    let changes = kinds(&read);
    assert_eq!(sign_ins.len() + changes.len(), all);
    assert!(sign_ins.iter().any(|(kind, _)| *kind == "signed_in"), "{sign_ins:?}");
    assert!(changes.iter().any(|(kind, _)| *kind == "email_verified"), "{changes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reads_what_has_happened_to_others() {
    let app = TestApp::spawn().await;
    let ((ada, _), (_, stranger)) = (owner(&app).await, owner(&app).await);
    let before = kinds(&page(&stranger, "").await).len();
    try_password(&ada, "not the password").await;
    assert_eq!(kinds(&page(&stranger, "").await).len(), before);
    app.client().get(routes::EVENTS).await.refused(403, "not_signed_in");
    ada.log_in().await.0.get(routes::EVENTS).await.refused(403, "second_factor_required");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_limit_refuses_fills_no_activity() {
    let app = TestApp::spawn().await;
    let (ada, session) = owner(&app).await;
    for _ in 0..30 {
        try_password(&ada, "not the password").await;
    }
    let read = page(&session, "").await;
    assert_eq!(kinds(&read).iter().filter(|event| **event == ("password", "wrong")).count(), 10);
    assert!(!read.to_string().contains("refused"), "{read}");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_outlive_a_server_that_stops() {
    let mut app = TestApp::spawn().await;
    let (email, token) = {
        let (ada, session) = owner(&app).await;
        try_password(&ada, "not the password").await;
        (ada.email.clone(), session.token.clone().unwrap())
    };
    app.stop().await;
    app.start().await;
    let read = page(&app.bearer(&token), "").await;
    assert!(kinds(&read).contains(&("password", "wrong")), "{email}: {read}");
}
