//! Sign-up.

use reqwest::{Method, StatusCode};
use serde_json::json;
use shared::routes;

use crate::app::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn a_new_account_is_signed_in_with_an_unverified_phone_and_no_code_is_sent() {
    let app = TestApp::spawn().await;
    let ada = app.unregistered_person();
    let response = app.client().post(routes::USER, ada.form()).await.ok();
    let session = app.bearer(response["token"].as_str().unwrap());
    let user = session.get(routes::USER).await.ok();
    assert_eq!(user["id"].as_str().unwrap().len(), 32);
    assert_eq!(
        user,
        json!({
            "id": user["id"], "fullName": "Ada Lovelace", "email": ada.email, "emailVerified": false,
            "phone": ada.phone, "countryCode": "44", "verified": false, "createdAt": "2026-03-02T14:02:31Z",
            "mail": true, "mayCorrectPhone": true, "authenticator": false, "codeChannels": ["sms", "call"], "fresh": false,
        })
    );
    assert_eq!(ada.phone_state().await["messages"], json!([]));
    assert_eq!(session.status().await, "unverified");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_or_an_approval_verifies_the_phone_of_a_new_account() {
    let app = TestApp::spawn().await;
    let (ada, grace) = (app.unregistered_person(), app.unregistered_person());
    let by_code = app.client().post(routes::USER, ada.form()).await.ok();
    let by_code = app.bearer(by_code["token"].as_str().unwrap());
    by_code.post(routes::SESSION_RESEND, json!({})).await.ok();
    by_code.verify(&ada.code().await).await.ok();
    assert_eq!(by_code.get(routes::USER).await.ok()["verified"], true);

    let by_push = app.client().post(routes::USER, grace.form()).await.ok();
    let by_push = app.bearer(by_push["token"].as_str().unwrap());
    let request = by_push.post(routes::SESSION_PUSH, json!({})).await.ok();
    app.answer_request(request["approval_request"]["uuid"].as_str().unwrap(), "approve").await;
    assert_eq!(by_push.get(routes::USER).await.ok()["verified"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn emails_and_usernames_are_unique_regardless_of_case() {
    let app = TestApp::spawn().await;
    let ada = app.unregistered_person();
    let mut form = ada.form();
    form["username"] = json!("Countess");
    app.client().post(routes::USER, form.clone()).await.ok();
    form["email"] = json!(ada.email.to_uppercase());
    form["username"] = json!("another");
    let taken = app.client().post(routes::USER, form.clone()).await.refused(409, "taken");
    assert!(taken["fields"]["email"].is_string());
    form["email"] = json!("another@example.com");
    form["username"] = json!("COUNTESS");
    let taken = app.client().post(routes::USER, form).await.refused(409, "taken");
    assert!(taken["fields"]["username"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_sign_ups_with_one_email_make_one_account() {
    let app = TestApp::spawn().await;
    let ada = app.unregistered_person();
    let client = app.client();
    let attempts = (0..8).map(|_| client.post(routes::USER, ada.form()));
    let responses = futures_util::future::join_all(attempts).await;
    let created = responses.iter().filter(|response| response.status == StatusCode::OK).count();
    let taken = responses.iter().filter(|response| response.status == StatusCode::CONFLICT).count();
    assert_eq!((created, taken), (1, 7));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_accounts_may_share_a_phone() {
    let app = TestApp::spawn().await;
    let (ada, grace) = (app.register().await, app.unregistered_person());
    let mut form = grace.form();
    form["phone"] = json!(ada.phone);
    app.client().post(routes::USER, form).await.ok();
    let session = app.client().post(routes::SESSION, grace.credentials()).await.ok();
    let uuid = session["authyResponse"]["approval_request"]["uuid"].as_str().unwrap();
    app.answer_request(uuid, "approve").await;
    let session = app.bearer(session["token"].as_str().unwrap());
    assert_eq!(session.get(routes::USER).await.ok()["email"], grace.email.as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_failure_creates_no_account_and_a_retry_succeeds() {
    let app = TestApp::spawn().await;
    let ada = app.unregistered_person();
    app.inject_fault(json!({"status": 500, "times": 1})).await;
    app.client().post(routes::USER, ada.form()).await.refused(502, "provider_failed");
    app.client().post(routes::SESSION, ada.credentials()).await.refused(403, "wrong_credentials");
    app.client().post(routes::USER, ada.form()).await.ok();
    let enrolments = app.provider_calls().await.iter().filter(|call| call.ends_with("/users/new")).count();
    assert_eq!(enrolments, 2);
    app.call_sandbox(Method::DELETE, "/faults", json!(null)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_refused_by_the_provider_is_an_invalid_phone_field() {
    let app = TestApp::spawn().await;
    let refusal = json!({
        "message": "User was not valid", "success": false, "errors": {"cellphone": "is invalid"},
        "cellphone": "is invalid", "error_code": "60027"
    });
    app.inject_fault(json!({"status": 400, "body": refusal})).await;
    let refused = app
        .client()
        .post(routes::USER, app.unregistered_person().form())
        .await
        .refused(422, "invalid_fields");
    assert!(refused["fields"]["phone"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn phones_are_accepted_with_punctuation_and_returned_as_digits() {
    let app = TestApp::spawn().await;
    for (phone, code) in [("07700-900 123", "+44"), ("+44 (7700) 900124", "44"), ("00447700900125", "44")] {
        let mut form = app.unregistered_person().form();
        form["phone"] = json!(phone);
        form["countryCode"] = json!(code);
        let token = app.client().post(routes::USER, form).await.ok();
        let user = app.bearer(token["token"].as_str().unwrap()).get(routes::USER).await.ok();
        assert!(user["phone"].as_str().unwrap().starts_with("7700900"), "{user}");
        assert_eq!(user["countryCode"], "44");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_ups_are_limited_per_address_except_loopback_in_development() {
    let app =
        TestApp::spawn_with(&[("LIMIT_SIGN_UPS_PER_HOUR", "2"), ("TRUSTED_PROXIES", "127.0.0.1")]).await;
    for _ in 0..4 {
        app.client().post(routes::USER, app.unregistered_person().form()).await.ok();
    }
    let from = async |address: &str| {
        let client = app.client();
        let request = client.request(Method::POST, routes::USER).header("X-Forwarded-For", address);
        client.send(request.json(&app.unregistered_person().form())).await
    };
    from("203.0.113.7").await.ok();
    from("203.0.113.7").await.ok();
    let response = from("203.0.113.7").await;
    assert_eq!(response.headers["retry-after"], "3600");
    response.refused(429, "too_many");
    from("203.0.113.8").await.ok();
    // Refused sign-ups with a taken e-mail count as well.
    let taken = app.unregistered_person();
    app.client().post(routes::USER, taken.form()).await.ok();
    for (round, status) in [(1, 409), (2, 409), (3, 429)] {
        let client = app.client();
        let request = client.request(Method::POST, routes::USER).header("X-Forwarded-For", "203.0.113.9");
        let response = client.send(request.json(&taken.form())).await;
        assert_eq!(response.status.as_u16(), status, "round {round}");
    }
    app.advance(3601);
    from("203.0.113.7").await.ok();
}
