//! The push: asking, answering, asking again.

use reqwest::{Method, StatusCode};
use serde_json::json;
use shared::routes;

use crate::app::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn an_approved_push_signs_in_the_session_that_asked() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let (session, uuid) = ada.log_in().await;
    assert_eq!(app.press(&uuid, "approve").await, StatusCode::NO_CONTENT);
    assert_eq!(session.status().await, "approved");
    let user = session.get(routes::USER).await.ok();
    assert_eq!(user["verified"], true, "the first second factor verifies the phone");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_signs_in_no_other_session_of_the_same_user() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let (thief, _) = ada.log_in().await;
    let (owner, uuid) = ada.log_in().await;
    app.press(&uuid, "approve").await;
    assert!(owner.is_signed_in().await);
    assert_eq!(thief.status().await, "pending");
    thief.get(routes::USER).await.refused(403, "second_factor_required");
    thief.post(routes::SESSION_CONTINUE, json!({})).await.refused(409, "not_approved");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_approval_is_worth_nothing_at_the_next_login() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let session = ada.sign_in().await;
    session.delete(routes::SESSION).await.ok();
    let (next, _) = ada.log_in().await;
    assert_eq!(next.status().await, "pending");
    assert!(!next.is_signed_in().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_the_status_changes_nothing_and_is_never_refused() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let (session, _) = ada.log_in().await;
    for _ in 0..300 {
        assert_eq!(session.status().await, "pending");
    }
    let answer = session.get(routes::AUTHY_STATUS).await;
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert!(answer.headers.get("set-cookie").is_none());
    assert!(answer.headers.get("etag").is_none());
    assert!(answer.body["pollAfterMs"].as_u64().unwrap() >= 1000, "the answer names a pace");
    let calls = app.provider_calls().await;
    assert!(
        !calls.iter().any(|call| call.starts_with("GET /onetouch")),
        "no poll reaches the provider: {calls:?}"
    );
    let head = session.send(session.request(Method::HEAD, routes::AUTHY_STATUS)).await;
    assert_eq!((head.status, head.text.as_str()), (StatusCode::OK, ""));
    app.stranger().get(routes::AUTHY_STATUS).await.refused(404, "no_session");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approved_cookie_session_opens_nothing_until_it_has_a_new_id() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let browser = app.browser();
    let login = browser.post(routes::SESSION, ada.credentials()).await;
    let old_cookie = login.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let uuid = login.body["authyResponse"]["approval_request"]["uuid"].as_str().unwrap().to_owned();
    app.press(&uuid, "approve").await;
    // However often the status is read, reading does not sign in.
    assert_eq!(browser.status().await, "approved");
    browser.get(routes::USER).await.refused(403, "second_factor_required");
    let renewed = browser.post(routes::SESSION_CONTINUE, json!({})).await;
    let token = renewed.body["token"].as_str().unwrap().to_owned();
    assert_ne!(Some(token.as_str()), login.body["token"].as_str());
    assert!(browser.is_signed_in().await);
    assert!(app.bearer(&token).is_signed_in().await);
    // The old id is dead, by cookie and by header.
    let thief = app.stranger();
    let request = thief.request(Method::GET, routes::USER).header("Cookie", old_cookie);
    thief.send(request).await.refused(403, "not_signed_in");
    app.bearer(login.body["token"].as_str().unwrap())
        .get(routes::AUTHY_STATUS)
        .await
        .refused(404, "no_session");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_push_signs_nobody_in_and_stays_denied() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let (session, uuid) = ada.log_in().await;
    app.press(&uuid, "deny").await;
    assert_eq!(session.status().await, "denied");
    assert!(!session.is_signed_in().await);
    assert_eq!(app.press(&uuid, "approve").await, StatusCode::CONFLICT);
    assert_eq!(session.status().await, "denied");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_expires_after_two_minutes() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let (session, uuid) = ada.log_in().await;
    app.advance(119);
    assert_eq!(session.status().await, "pending");
    app.advance(1);
    assert_eq!(session.status().await, "expired");
    assert_eq!(app.press(&uuid, "approve").await, StatusCode::CONFLICT);
    assert!(!session.is_signed_in().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_phone_shows_what_the_server_knows_and_nothing_a_client_sends() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    ada.sign_in().await;
    let stranger = app.stranger();
    let request = stranger
        .request(Method::POST, routes::SESSION)
        .header("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0");
    let mut login = ada.credentials();
    login["details"] = json!({"Account": "somebody else"});
    login["message"] = json!("Approve me");
    let answer = stranger.send(request.json(&login)).await.ok();
    let session = app.bearer(answer["token"].as_str().unwrap());
    let shown = &ada.look_at_phone().await["approvalRequests"][0];
    assert_eq!(shown["message"], "Sign in to Countersign?");
    let details = &shown["details"];
    assert_eq!(
        (
            details["Account"].as_str(),
            details["Browser"].as_str(),
            details["Address"].as_str(),
            details["Time"].as_str()
        ),
        (Some(ada.email.as_str()), Some("Firefox on Linux"), Some("127.0.0.1"), Some("14:02:31 UTC"))
    );
    assert_eq!(details["Number"].as_str().unwrap().len(), 2);
    let status = session.get(routes::AUTHY_STATUS).await.ok();
    assert_eq!(status["approvalRequest"]["details"], *details, "the page shows the same");
    assert_eq!(status["approvalRequest"]["expiresAt"], "2026-03-02T14:04:31Z");
    assert_eq!(status["phone"], format!("+44 •••-•••-{}", &ada.phone[6..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_push_is_open_at_a_time_and_another_is_asked_by_wish_only() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let (session, uuid) = ada.log_in().await;
    session.post(routes::SESSION_PUSH, json!({})).await.refused(409, "push_open");
    app.press(&uuid, "deny").await;
    assert_eq!(
        ada.look_at_phone().await["approvalRequests"].as_array().unwrap().len(),
        1,
        "deny sends nothing anew"
    );
    let again = session.post(routes::SESSION_PUSH, json!({})).await.ok();
    assert_eq!(session.status().await, "pending");
    let again = again["approval_request"]["uuid"].as_str().unwrap();
    assert_ne!(again, uuid);
    app.press(again, "approve").await;
    assert!(session.is_signed_in().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_never_went_out_leaves_the_one_before_it_the_newest() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let (session, uuid) = ada.log_in().await;
    app.press(&uuid, "deny").await;
    app.fault(json!({"path": "/", "status": 500})).await;
    session.post(routes::SESSION_PUSH, json!({})).await.refused(502, "provider_failed");
    let status = session.get(routes::AUTHY_STATUS).await.ok();
    assert_eq!((&status["status"], &status["approvalRequest"]["uuid"]), (&json!("denied"), &json!(uuid)));
    app.sandbox(Method::DELETE, "/faults", json!({})).await;
    session.post(routes::SESSION_PUSH, json!({})).await.ok();
    assert_eq!(session.status().await, "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn pushes_asked_for_at_the_same_moment_become_one() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let (session, uuid) = ada.log_in().await;
    app.press(&uuid, "deny").await;
    let wishes = (0..8).map(|_| session.post(routes::SESSION_PUSH, json!({})));
    let answers = futures_util::future::join_all(wishes).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == StatusCode::OK).count(), 1);
    assert_eq!(ada.look_at_phone().await["approvalRequests"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn unanswered_pushes_are_limited_and_then_a_code_is_sent_at_login() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    ada.sign_in().await;
    let mut last = None;
    for _ in 0..5 {
        last = Some(ada.log_in().await.0);
        app.advance(121);
    }
    let again = last.unwrap().post(routes::SESSION_PUSH, json!({})).await;
    assert!(again.headers["retry-after"].to_str().unwrap().parse::<u32>().unwrap() > 2000);
    again.refused(429, "too_many");
    let answer = app.stranger().post(routes::SESSION, ada.credentials()).await.ok();
    assert_eq!(
        (&answer["authyResponse"]["success"], &answer["authyResponse"]["via"]),
        (&json!(false), &json!("sms"))
    );
    assert_eq!(ada.look_at_phone().await["approvalRequests"].as_array().unwrap().len(), 1 + 5);
    app.advance(3600);
    ada.log_in().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_app_a_code_is_sent_in_place_of_a_push() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    ada.set_app(false).await;
    let answer = app.stranger().post(routes::SESSION, ada.credentials()).await.ok();
    assert_eq!(answer["authyResponse"]["success"], false);
    assert_eq!(answer["authyResponse"]["via"], "sms");
    assert!(answer["authyResponse"].get("approval_request").is_none());
    let session = app.bearer(answer["token"].as_str().unwrap());
    assert_eq!(session.status().await, "unverified");
    session.verify(&ada.code().await).await.ok();
    assert!(session.is_signed_in().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_works_with_the_webhook_off() {
    let app = TestApp::spawn().await;
    app.sandbox(Method::PUT, "/webhook", json!({"mode": "off"})).await.ok();
    let ada = app.person().await;
    let (session, uuid) = ada.log_in().await;
    app.press(&uuid, "approve").await;
    assert_eq!(session.status().await, "pending", "nobody has told the server");
    app.advance(4);
    app.eventually("the server asks by itself", async || session.status().await == "approved").await;
    assert!(session.is_signed_in().await);
    let (session, uuid) = ada.log_in().await;
    app.press(&uuid, "deny").await;
    app.advance(4);
    app.eventually("a denial is found as well", async || session.status().await == "denied").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_provider_is_asked_every_five_seconds_on_behalf_of_all_who_wait_and_no_longer_than_needed() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let (session, _) = ada.log_in().await;
    let asked =
        async || app.provider_calls().await.iter().filter(|call| call.starts_with("GET /onetouch")).count();
    app.advance(3);
    app.eventually("asked after three seconds", async || asked().await == 1).await;
    for round in 2..=5 {
        app.advance(5);
        app.eventually("asked five seconds later", async || asked().await == round).await;
    }
    app.advance(200);
    assert_eq!(session.status().await, "expired");
    app.advance(5);
    // Another push is asked about in its turn; the expired one is not.
    let (_, uuid) = ada.log_in().await;
    app.advance(5);
    app.eventually("the new push is asked about", async || asked().await == 6).await;
    let calls = app.provider_calls().await;
    assert!(calls.last().is_some_and(|call| call.ends_with(&uuid)), "{calls:?}");
}
