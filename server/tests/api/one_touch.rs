//! Sign-in by approval request: sending, answering, sending again.

use reqwest::{Method, StatusCode};
use serde_json::json;
use shared::routes;

use crate::{
    app::TestApp,
    providers::{TestProvider, for_each_provider},
};

for_each_provider!(
    an_approved_request_signs_in_the_session_that_sent_it,
    an_approval_does_not_sign_in_another_session_of_the_same_user,
    an_old_approval_is_not_accepted_at_the_next_login,
    reading_the_status_changes_nothing_and_is_not_rate_limited,
    an_approved_cookie_session_has_no_access_until_it_is_rotated,
    a_denied_request_does_not_sign_in_and_stays_denied,
    an_approval_request_expires_after_two_minutes,
    the_phone_shows_details_from_the_server_and_ignores_those_of_the_client,
    one_request_is_open_at_a_time_and_a_denial_sends_no_new_one,
    a_request_that_failed_to_send_leaves_the_previous_one_current,
    concurrent_resends_send_one_approval_request,
    after_five_unanswered_requests_login_sends_a_code_instead,
    sign_in_works_by_polling_when_the_webhook_is_off,
    the_server_polls_the_provider_every_five_seconds_until_the_request_expires,
);

async fn an_approved_request_signs_in_the_session_that_sent_it(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let ada = app.register().await;
    let (session, uuid) = ada.log_in().await;
    assert_eq!(app.answer_request(&uuid, "approve").await, StatusCode::NO_CONTENT);
    assert_eq!(session.status().await, "approved");
    let user = session.get(routes::USER).await.ok();
    assert_eq!(user["verified"], true, "the first verified factor verifies the phone");
}

async fn an_approval_does_not_sign_in_another_session_of_the_same_user(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let ada = app.register().await;
    let (attacker, _) = ada.log_in().await;
    let (owner, uuid) = ada.log_in().await;
    app.answer_request(&uuid, "approve").await;
    assert!(owner.is_signed_in().await);
    assert_eq!(attacker.status().await, "pending");
    attacker.get(routes::USER).await.refused(403, "second_factor_required");
    attacker.post(routes::SESSION_CONTINUE, json!({})).await.refused(409, "not_approved");
}

async fn an_old_approval_is_not_accepted_at_the_next_login(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let ada = app.register().await;
    let session = ada.sign_in().await;
    session.delete(routes::SESSION).await.ok();
    let (next, _) = ada.log_in().await;
    assert_eq!(next.status().await, "pending");
    assert!(!next.is_signed_in().await);
}

async fn reading_the_status_changes_nothing_and_is_not_rate_limited(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let ada = app.register().await;
    let (session, _) = ada.log_in().await;
    for _ in 0..300 {
        assert_eq!(session.status().await, "pending");
    }
    let response = session.get(routes::AUTHY_STATUS).await;
    assert_eq!(response.headers["cache-control"], "no-store");
    assert!(response.headers.get("set-cookie").is_none());
    assert!(response.headers.get("etag").is_none());
    assert!(
        response.body["pollAfterMs"].as_u64().unwrap() >= 1000,
        "the response contains a polling interval"
    );
    let calls = app.provider_calls().await;
    assert!(!calls.iter().any(|call| provider.is_poll(call)), "no poll reaches the provider: {calls:?}");
    let head = session.send(session.request(Method::HEAD, routes::AUTHY_STATUS)).await;
    assert_eq!((head.status, head.text.as_str()), (StatusCode::OK, ""));
    app.client().get(routes::AUTHY_STATUS).await.refused(404, "no_session");
}

async fn an_approved_cookie_session_has_no_access_until_it_is_rotated(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let ada = app.register().await;
    let browser = app.browser();
    let login = browser.post(routes::SESSION, ada.credentials()).await;
    let old_cookie = login.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let uuid = login.body["authyResponse"]["approval_request"]["uuid"].as_str().unwrap().to_owned();
    app.answer_request(&uuid, "approve").await;
    // Reading the status does not sign in.
    assert_eq!(browser.status().await, "approved");
    browser.get(routes::USER).await.refused(403, "second_factor_required");
    let renewed = browser.post(routes::SESSION_CONTINUE, json!({})).await;
    let token = renewed.body["token"].as_str().unwrap().to_owned();
    assert_ne!(Some(token.as_str()), login.body["token"].as_str());
    assert!(browser.is_signed_in().await);
    assert!(app.bearer(&token).is_signed_in().await);
    // The old token is refused, by cookie and by header.
    let attacker = app.client();
    let request = attacker.request(Method::GET, routes::USER).header("Cookie", old_cookie);
    attacker.send(request).await.refused(403, "not_signed_in");
    app.bearer(login.body["token"].as_str().unwrap())
        .get(routes::AUTHY_STATUS)
        .await
        .refused(404, "no_session");
}

async fn a_denied_request_does_not_sign_in_and_stays_denied(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let ada = app.register().await;
    let (session, uuid) = ada.log_in().await;
    app.answer_request(&uuid, "deny").await;
    assert_eq!(session.status().await, "denied");
    assert!(!session.is_signed_in().await);
    assert_eq!(app.answer_request(&uuid, "approve").await, StatusCode::CONFLICT);
    assert_eq!(session.status().await, "denied");
}

async fn an_approval_request_expires_after_two_minutes(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let ada = app.register().await;
    let (session, uuid) = ada.log_in().await;
    app.advance(119);
    assert_eq!(session.status().await, "pending");
    app.advance(1);
    assert_eq!(session.status().await, "expired");
    assert_eq!(app.answer_request(&uuid, "approve").await, StatusCode::CONFLICT);
    assert!(!session.is_signed_in().await);
}

async fn the_phone_shows_details_from_the_server_and_ignores_those_of_the_client(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let ada = app.register().await;
    ada.sign_in().await;
    let client = app.client();
    let request = client
        .request(Method::POST, routes::SESSION)
        .header("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0");
    let mut login = ada.credentials();
    login["details"] = json!({"Account": "somebody else"});
    login["message"] = json!("Approve me");
    let response = client.send(request.json(&login)).await.ok();
    let session = app.bearer(response["token"].as_str().unwrap());
    let shown = &ada.phone_state().await["approvalRequests"][0];
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
    assert_eq!(status["approvalRequest"]["details"], *details, "the status contains the same details");
    assert_eq!(status["approvalRequest"]["expiresAt"], "2026-03-02T14:04:31Z");
    assert_eq!(status["phone"], format!("+44 •••-•••-{}", &ada.phone[6..]));
}

async fn one_request_is_open_at_a_time_and_a_denial_sends_no_new_one(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let ada = app.register().await;
    let (session, uuid) = ada.log_in().await;
    session.post(routes::SESSION_PUSH, json!({})).await.refused(409, "push_open");
    app.answer_request(&uuid, "deny").await;
    assert_eq!(
        ada.phone_state().await["approvalRequests"].as_array().unwrap().len(),
        1,
        "a denial sends no new request"
    );
    let again = session.post(routes::SESSION_PUSH, json!({})).await.ok();
    assert_eq!(session.status().await, "pending");
    let again = again["approval_request"]["uuid"].as_str().unwrap();
    assert_ne!(again, uuid);
    app.answer_request(again, "approve").await;
    assert!(session.is_signed_in().await);
}

async fn a_request_that_failed_to_send_leaves_the_previous_one_current(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let ada = app.register().await;
    let (session, uuid) = ada.log_in().await;
    app.answer_request(&uuid, "deny").await;
    app.inject_fault(json!({"path": "/", "status": 500})).await;
    session.post(routes::SESSION_PUSH, json!({})).await.refused(502, "provider_failed");
    let status = session.get(routes::AUTHY_STATUS).await.ok();
    assert_eq!((&status["status"], &status["approvalRequest"]["uuid"]), (&json!("denied"), &json!(uuid)));
    app.call_sandbox(Method::DELETE, "/faults", json!({})).await;
    session.post(routes::SESSION_PUSH, json!({})).await.ok();
    assert_eq!(session.status().await, "pending");
}

async fn concurrent_resends_send_one_approval_request(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let ada = app.register().await;
    let (session, uuid) = ada.log_in().await;
    app.answer_request(&uuid, "deny").await;
    let resends = (0..8).map(|_| session.post(routes::SESSION_PUSH, json!({})));
    let responses = futures_util::future::join_all(resends).await;
    assert_eq!(responses.iter().filter(|response| response.status == StatusCode::OK).count(), 1);
    assert_eq!(ada.phone_state().await["approvalRequests"].as_array().unwrap().len(), 2);
}

async fn after_five_unanswered_requests_login_sends_a_code_instead(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let ada = app.register().await;
    ada.sign_in().await;
    let mut last = None;
    for _ in 0..5 {
        last = Some(ada.log_in().await.0);
        app.advance(121);
    }
    let again = last.unwrap().post(routes::SESSION_PUSH, json!({})).await;
    assert!(again.headers["retry-after"].to_str().unwrap().parse::<u32>().unwrap() > 2000);
    again.refused(429, "too_many");
    let response = app.client().post(routes::SESSION, ada.credentials()).await.ok();
    assert_eq!(
        (&response["authyResponse"]["success"], &response["authyResponse"]["via"]),
        (&json!(false), &json!("sms"))
    );
    assert_eq!(ada.phone_state().await["approvalRequests"].as_array().unwrap().len(), 1 + 5);
    app.advance(3600);
    ada.log_in().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_app_login_sends_a_code() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    ada.set_app_installed(false).await;
    let response = app.client().post(routes::SESSION, ada.credentials()).await.ok();
    assert_eq!(response["authyResponse"]["success"], false);
    assert_eq!(response["authyResponse"]["via"], "sms");
    assert!(response["authyResponse"].get("approval_request").is_none());
    let session = app.bearer(response["token"].as_str().unwrap());
    assert_eq!(session.status().await, "unverified");
    session.verify(&ada.code().await).await.ok();
    assert!(session.is_signed_in().await);
}

async fn sign_in_works_by_polling_when_the_webhook_is_off(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    app.call_sandbox(Method::PUT, "/webhook", json!({"mode": "off"})).await.ok();
    let ada = app.register().await;
    let (session, uuid) = ada.log_in().await;
    app.answer_request(&uuid, "approve").await;
    assert_eq!(session.status().await, "pending", "the server has not polled yet");
    app.advance(4);
    app.wait_until("the server has found the approval", async || session.status().await == "approved").await;
    assert!(session.is_signed_in().await);
    let (session, uuid) = ada.log_in().await;
    app.answer_request(&uuid, "deny").await;
    app.advance(4);
    app.wait_until("the server has found the denial", async || session.status().await == "denied").await;
}

async fn the_server_polls_the_provider_every_five_seconds_until_the_request_expires(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let ada = app.register().await;
    let (session, _) = ada.log_in().await;
    let polls = async || app.provider_calls().await.iter().filter(|call| provider.is_poll(call)).count();
    app.advance(3);
    app.wait_until("the provider is polled after three seconds", async || polls().await == 1).await;
    for round in 2..=5 {
        app.advance(5);
        app.wait_until("the provider is polled five seconds later", async || polls().await == round).await;
    }
    app.advance(200);
    assert_eq!(session.status().await, "expired");
    app.advance(5);
    // A new request is polled; the expired one is not.
    let (_, uuid) = ada.log_in().await;
    app.advance(5);
    app.wait_until("the new request is polled", async || polls().await == 6).await;
    let calls = app.provider_calls().await;
    assert!(calls.last().is_some_and(|call| call.ends_with(&uuid)), "{calls:?}");
}
