//! Waiting for the phone: the long poll and the event stream of the status.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use shared::routes;

use crate::{
    app::{ApiClient, TestApp},
    event_stream::{Event, EventStream},
    providers::{TestProvider, for_each_provider},
};

for_each_provider!(
    a_long_poll_is_answered_when_the_phone_answers,
    a_stream_tells_the_status_at_once_and_then_each_change,
);

const LONG_POLL: &str = "/authy/status?wait=55";

fn follow(session: &ApiClient<'_>) -> RequestBuilder {
    session.request(Method::GET, routes::AUTHY_STATUS_STREAM).header("Accept", "text/event-stream")
}

/// Opens a stream and reads the first status.
async fn open(session: &ApiClient<'_>) -> (EventStream, Value) {
    let mut stream = EventStream::open(follow(session)).await;
    let first = stream.status().await;
    (stream, first)
}

/// Whether a call is still unanswered after the server has answered another one that came later.
async fn still_waits<T>(app: &TestApp, call: &tokio::task::JoinHandle<T>) -> bool {
    for _ in 0..20 {
        app.client().get(routes::HEALTHZ).await.ok();
    }
    !call.is_finished()
}

fn spawn_long_poll(session: &ApiClient<'_>, path: &str) -> tokio::task::JoinHandle<Value> {
    let request = session.request(Method::GET, path);
    tokio::spawn(async move { request.send().await.unwrap().json().await.unwrap() })
}

async fn a_long_poll_is_answered_when_the_phone_answers(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let ada = app.register().await;
    for decision in ["approve", "deny"] {
        let (session, uuid) = ada.log_in().await;
        let poll = spawn_long_poll(&session, LONG_POLL);
        assert!(still_waits(&app, &poll).await);
        app.answer_request(&uuid, decision).await;
        let status = poll.await.unwrap();
        assert_eq!(status["status"], if decision == "approve" { "approved" } else { "denied" });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_poll_is_answered_at_once_where_there_is_nothing_to_wait_for() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let session = ada.sign_in().await;
    assert_eq!(session.get(LONG_POLL).await.ok()["status"], "approved");
    let (session, _) = ada.log_in().await;
    let known = session.get(routes::AUTHY_STATUS).await.ok()["version"].as_str().unwrap().to_owned();
    let other = session.get("/authy/status?wait=55&since=0123456789abcdef").await.ok();
    assert_eq!((other["status"].as_str(), other["version"].as_str()), (Some("pending"), Some(&*known)));
    assert_eq!(session.get("/authy/status?wait=0").await.ok()["status"], "pending");
    assert_eq!(session.get(&format!("/authy/status?since={known}")).await.ok()["status"], "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_poll_ends_after_the_time_it_names() {
    let app = TestApp::spawn().await;
    let (session, _) = app.register().await.log_in().await;
    let known = session.get(routes::AUTHY_STATUS).await.ok()["version"].as_str().unwrap().to_owned();
    let began = tokio::time::Instant::now();
    let same = session.get(&format!("/authy/status?wait=1&since={known}")).await.ok();
    assert!(began.elapsed() >= Duration::from_secs(1));
    assert_eq!((same["status"].as_str(), same["version"].as_str()), (Some("pending"), Some(&*known)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_is_a_number_of_seconds_from_0_to_55() {
    let app = TestApp::spawn().await;
    let (session, _) = app.register().await.log_in().await;
    for wrong in ["56", "-1", "1.5", "soon", "99999999999999999999999"] {
        let refused =
            session.get(&format!("/authy/status?wait={wrong}")).await.refused(422, "invalid_fields");
        assert!(refused["fields"]["wait"].is_string(), "{refused}");
    }
    session.get("/authy/status?wait=").await.ok();
    session.get("/authy/status?other=1").await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_version_changes_with_the_status_and_stays_while_time_passes() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let (session, uuid) = ada.log_in().await;
    let version = async || session.get(routes::AUTHY_STATUS).await.ok()["version"].clone();
    let pending = version().await;
    app.advance(30);
    assert_eq!(version().await, pending);
    app.answer_request(&uuid, "deny").await;
    let denied = version().await;
    assert_ne!(denied, pending);
    session.post(routes::SESSION_PUSH, json!({})).await.ok();
    assert!(![pending, denied].contains(&version().await));
}

async fn a_stream_tells_the_status_at_once_and_then_each_change(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let ada = app.register().await;
    let (session, uuid) = ada.log_in().await;
    let response = follow(&session).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert_eq!(response.headers()["cache-control"], "no-store");
    drop(response);
    let (mut stream, first) = open(&session).await;
    let polled = session.get(routes::AUTHY_STATUS).await.ok();
    assert_eq!((&first["status"], &first["version"]), (&polled["status"], &polled["version"]));
    assert_eq!(first["approvalRequest"]["details"]["Number"].as_str().map(str::len), Some(2));
    app.answer_request(&uuid, "deny").await;
    assert_eq!(stream.status().await["status"], "denied");
    session.post(routes::SESSION_PUSH, json!({})).await.ok();
    let again = stream.status_that_is("pending").await["approvalRequest"]["uuid"].clone();
    assert!(again.is_string() && again != uuid.as_str(), "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_a_header_session_ends_when_it_is_signed_in() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let (session, uuid) = ada.log_in().await;
    let (mut stream, _) = open(&session).await;
    app.answer_request(&uuid, "approve").await;
    assert_eq!(stream.status().await["status"], "approved");
    assert_eq!(stream.next().await, Event::End);
    assert_eq!(stream.next().await, Event::Closed);
    // The browser's own reconnect; a client that never followed is told how it went.
    let again = session.send(follow(&session).header("Last-Event-ID", "0123456789abcdef")).await;
    assert_eq!((again.status, again.text.as_str()), (StatusCode::NO_CONTENT, ""));
    let (mut late, status) = open(&session).await;
    assert_eq!(status["status"], "approved");
    assert_eq!(late.next().await, Event::End);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_a_cookie_session_ends_when_its_token_is_rotated_away() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let browser = app.browser();
    let login = browser.post(routes::SESSION, ada.credentials()).await.ok();
    let uuid = login["authyResponse"]["approval_request"]["uuid"].as_str().unwrap().to_owned();
    let (mut stream, _) = open(&browser).await;
    app.answer_request(&uuid, "approve").await;
    assert_eq!(stream.status().await["status"], "approved");
    browser.post(routes::SESSION_CONTINUE, json!({})).await.ok();
    assert_eq!(stream.next().await, Event::End);
    let again = browser.send(follow(&browser).header("Last-Event-ID", "0123456789abcdef")).await;
    assert_eq!(again.status, StatusCode::NO_CONTENT);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_accepted_elsewhere_ends_the_waiting() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let (session, _) = ada.log_in().await;
    let (mut stream, _) = open(&session).await;
    let known = session.get(routes::AUTHY_STATUS).await.ok()["version"].as_str().unwrap().to_owned();
    let poll = spawn_long_poll(&session, &format!("{LONG_POLL}&since={known}"));
    assert!(still_waits(&app, &poll).await);
    session.verify(&ada.soft_token().await).await.ok();
    // The request on the phone is still open: the status says so until it is settled.
    assert_ne!(stream.status().await["version"], known.as_str());
    assert_ne!(poll.await.unwrap()["version"], known.as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_ended_elsewhere_ends_the_waiting() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let (session, _) = ada.log_in().await;
    let (mut stream, _) = open(&session).await;
    let poll = spawn_long_poll(&session, LONG_POLL);
    assert!(still_waits(&app, &poll).await);
    session.delete(routes::SESSION).await.ok();
    assert_eq!(stream.next().await, Event::End);
    assert_eq!(poll.await.unwrap()["code"], "no_session");
    session.send(follow(&session)).await.refused(404, "no_session");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_is_not_kept_when_its_session_has_ended_or_its_token_was_rotated() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    for _ in 0..20 {
        let (session, _) = ada.log_in().await;
        assert_eq!(session.status().await, "pending");
        session.delete(routes::SESSION).await.ok();
        session.get(routes::AUTHY_STATUS).await.refused(404, "no_session");
        app.advance(3600);
    }
    let browser = app.browser();
    let login = browser.post(routes::SESSION, ada.credentials()).await.ok();
    let old = app.bearer(login["token"].as_str().unwrap());
    let uuid = login["authyResponse"]["approval_request"]["uuid"].as_str().unwrap();
    app.answer_request(uuid, "approve").await;
    assert_eq!(old.status().await, "approved");
    browser.post(routes::SESSION_CONTINUE, json!({})).await.ok();
    old.get(routes::AUTHY_STATUS).await.refused(404, "no_session");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_that_was_read_a_moment_ago_is_not_one_from_before_the_answer() {
    let app = TestApp::spawn_with(&[("LIMITS", "off")]).await;
    let ada = app.register().await;
    for _ in 0..20 {
        let (session, uuid) = ada.log_in().await;
        assert_eq!(session.status().await, "pending");
        // The webhook has come when the sandbox has answered.
        app.answer_request(&uuid, "approve").await;
        assert_eq!(session.status().await, "approved");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_of_another_session() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let (own, uuid) = ada.log_in().await;
    let (other, _) = ada.log_in().await;
    let (mut own_stream, own_first) = open(&own).await;
    let (mut other_stream, other_first) = open(&other).await;
    assert_ne!(own_first["version"], other_first["version"]);
    app.answer_request(&uuid, "approve").await;
    assert_eq!(own_stream.status().await["status"], "approved");
    other.delete(routes::SESSION).await.ok();
    assert_eq!(other_stream.next().await, Event::End, "nothing came in between");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_request_is_told_although_nobody_answers() {
    let app = TestApp::spawn().await;
    let (session, _) = app.register().await.log_in().await;
    let (mut stream, _) = open(&session).await;
    let poll = spawn_long_poll(&session, LONG_POLL);
    assert!(still_waits(&app, &poll).await);
    app.advance(121);
    assert_eq!(stream.status().await["status"], "expired");
    assert_eq!(poll.await.unwrap()["status"], "expired");
    app.advance(600);
    assert_eq!(stream.next().await, Event::End, "a pending session lives ten minutes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_has_three_streams_at_most() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let (session, _) = ada.log_in().await;
    let (first, _) = open(&session).await;
    let _others = [open(&session).await, open(&session).await];
    let refused = session.send(follow(&session)).await;
    assert!(refused.headers["retry-after"].to_str().unwrap().parse::<u32>().unwrap() > 0);
    refused.refused(429, "too_many");
    let (other, _) = ada.log_in().await;
    open(&other).await;
    // A stream counts until the server notices that its client has gone.
    drop(first);
    app.wait_until("the closed stream counts no more", async || {
        session.delete(routes::SESSION_PUSH).await.refused(405, "method_not_allowed");
        follow(&session).send().await.unwrap().status() == StatusCode::OK
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_too_many_wait_a_stream_is_refused_and_a_long_poll_is_a_plain_one() {
    let app = TestApp::spawn_with(&[("MAX_WAITING", "1")]).await;
    let ada = app.register().await;
    let (session, _) = ada.log_in().await;
    let (mut stream, _) = open(&session).await;
    let (second, uuid) = ada.log_in().await;
    let refused = second.send(follow(&second)).await;
    assert!(refused.headers.contains_key("retry-after"));
    refused.refused(503, "unavailable");
    assert_eq!(second.get(LONG_POLL).await.ok()["status"], "pending");
    app.answer_request(&uuid, "approve").await;
    assert_eq!(second.status().await, "approved");
    session.delete(routes::SESSION).await.ok();
    assert_eq!(stream.next().await, Event::End);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_not_opened_by_another_site_nor_by_a_token_in_the_address() {
    let app = TestApp::spawn().await;
    let (session, _) = app.register().await.log_in().await;
    for site in ["cross-site", "same-site"] {
        let request = follow(&session).header("Sec-Fetch-Site", site);
        session.send(request).await.refused(403, "foreign_origin");
    }
    let token = session.token.clone().unwrap();
    for name in ["token", "X-API-TOKEN", "x-api-token", "countersign_session", "access_token"] {
        let path = format!("{}?{name}={token}", routes::AUTHY_STATUS_STREAM);
        // The body of a stream that did open would never end.
        let response = app.client().request(Method::GET, &path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{name}");
        app.client()
            .get(&format!("{}?{name}={token}", routes::AUTHY_STATUS))
            .await
            .refused(404, "no_session");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_for_cookies_alone_is_not_followed_by_its_token() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let browser = app.browser();
    let login = browser.request(Method::POST, routes::SESSION).header(routes::CARRIER_HEADER, "cookie");
    let login = browser.send(login.json(&ada.credentials())).await;
    // The status is held for the cookie; the header must not find it there.
    assert_eq!(browser.status().await, "pending");
    let cookie = login.headers["set-cookie"].to_str().unwrap();
    let token = crate::event_stream::token_in(cookie);
    let plain = app.browser().post(routes::SESSION, ada.credentials()).await;
    let read = crate::event_stream::token_in(plain.headers["set-cookie"].to_str().unwrap());
    assert_eq!(plain.body["token"], read.as_str(), "the cookie holds the token, and it is read rightly");
    app.bearer(&token).get(routes::AUTHY_STATUS).await.refused(404, "no_session");
    let bearer = app.bearer(&token);
    bearer.send(follow(&bearer)).await.refused(404, "no_session");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_tells_those_who_wait_to_ask_again() {
    let mut app = TestApp::spawn().await;
    let ada = app.register().await;
    let (session, uuid) = ada.log_in().await;
    let token = session.token.clone().unwrap();
    let (mut stream, first) = open(&session).await;
    let poll = spawn_long_poll(&session, LONG_POLL);
    assert!(still_waits(&app, &poll).await);
    assert!(stream.retry_ms.is_some_and(|ms| (1000..=4000).contains(&ms)));
    app.stop().await;
    assert_eq!(stream.next().await, Event::Closed, "without an end: the session goes on");
    assert_eq!(poll.await.unwrap()["status"], "pending");
    app.start().await;
    let session = app.bearer(&token);
    let mut stream = EventStream::open(follow(&session).header("Last-Event-ID", "0")).await;
    assert_eq!(stream.status().await["version"], first["version"]);
    drop(uuid);
}
