//! Making an account.

use reqwest::{Method, StatusCode};
use serde_json::json;
use shared::routes;

use crate::app::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn a_new_account_is_signed_in_with_an_unproven_phone_and_no_code_is_sent() {
    let app = TestApp::spawn().await;
    let ada = app.new_person();
    let answer = app.stranger().post(routes::USER, ada.form()).await.ok();
    let session = app.bearer(answer["token"].as_str().unwrap());
    let user = session.get(routes::USER).await.ok();
    assert_eq!(user["id"].as_str().unwrap().len(), 32);
    assert_eq!(
        user,
        json!({
            "id": user["id"], "fullName": "Ada Lovelace", "email": ada.email, "phone": ada.phone,
            "countryCode": "44", "verified": false, "createdAt": "2026-03-02T14:02:31Z",
            "authenticator": false, "fresh": false,
        })
    );
    assert_eq!(ada.look_at_phone().await["messages"], json!([]));
    assert_eq!(session.status().await, "unverified");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_or_a_push_proves_the_phone_of_a_new_account() {
    let app = TestApp::spawn().await;
    let (ada, grace) = (app.new_person(), app.new_person());
    let by_code = app.stranger().post(routes::USER, ada.form()).await.ok();
    let by_code = app.bearer(by_code["token"].as_str().unwrap());
    by_code.post(routes::SESSION_RESEND, json!({})).await.ok();
    by_code.verify(&ada.code().await).await.ok();
    assert_eq!(by_code.get(routes::USER).await.ok()["verified"], true);

    let by_push = app.stranger().post(routes::USER, grace.form()).await.ok();
    let by_push = app.bearer(by_push["token"].as_str().unwrap());
    let push = by_push.post(routes::SESSION_PUSH, json!({})).await.ok();
    app.press(push["approval_request"]["uuid"].as_str().unwrap(), "approve").await;
    assert_eq!(by_push.get(routes::USER).await.ok()["verified"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_email_or_username_belongs_to_one_account_whatever_its_case() {
    let app = TestApp::spawn().await;
    let ada = app.new_person();
    let mut form = ada.form();
    form["username"] = json!("Countess");
    app.stranger().post(routes::USER, form.clone()).await.ok();
    form["email"] = json!(ada.email.to_uppercase());
    form["username"] = json!("another");
    let taken = app.stranger().post(routes::USER, form.clone()).await.refused(409, "taken");
    assert!(taken["fields"]["email"].is_string());
    form["email"] = json!("another@example.com");
    form["username"] = json!("COUNTESS");
    let taken = app.stranger().post(routes::USER, form).await.refused(409, "taken");
    assert!(taken["fields"]["username"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_with_one_email_one_gets_the_account() {
    let app = TestApp::spawn().await;
    let ada = app.new_person();
    let stranger = app.stranger();
    let attempts = (0..8).map(|_| stranger.post(routes::USER, ada.form()));
    let answers = futures_util::future::join_all(attempts).await;
    let made = answers.iter().filter(|answer| answer.status == StatusCode::OK).count();
    let taken = answers.iter().filter(|answer| answer.status == StatusCode::CONFLICT).count();
    assert_eq!((made, taken), (1, 7));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_accounts_may_share_a_phone() {
    let app = TestApp::spawn().await;
    let (ada, grace) = (app.person().await, app.new_person());
    let mut form = grace.form();
    form["phone"] = json!(ada.phone);
    app.stranger().post(routes::USER, form).await.ok();
    let session = app.stranger().post(routes::SESSION, grace.credentials()).await.ok();
    let uuid = session["authyResponse"]["approval_request"]["uuid"].as_str().unwrap();
    app.press(uuid, "approve").await;
    let session = app.bearer(session["token"].as_str().unwrap());
    assert_eq!(session.get(routes::USER).await.ok()["email"], grace.email.as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_fails_leaves_no_account_and_a_repeat_completes_it() {
    let app = TestApp::spawn().await;
    let ada = app.new_person();
    app.fault(json!({"status": 500, "times": 1})).await;
    app.stranger().post(routes::USER, ada.form()).await.refused(502, "provider_failed");
    app.stranger().post(routes::SESSION, ada.credentials()).await.refused(403, "wrong_credentials");
    app.stranger().post(routes::USER, ada.form()).await.ok();
    let enrolments = app.provider_calls().await.iter().filter(|call| call.ends_with("/users/new")).count();
    assert_eq!(enrolments, 2);
    app.sandbox(Method::DELETE, "/faults", json!(null)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_provider_says_of_a_phone_is_said_of_the_phone() {
    let app = TestApp::spawn().await;
    let refusal = json!({
        "message": "User was not valid", "success": false, "errors": {"cellphone": "is invalid"},
        "cellphone": "is invalid", "error_code": "60027"
    });
    app.fault(json!({"status": 400, "body": refusal})).await;
    let refused =
        app.stranger().post(routes::USER, app.new_person().form()).await.refused(422, "invalid_fields");
    assert!(refused["fields"]["phone"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn phones_come_in_with_any_punctuation_and_go_out_as_digits() {
    let app = TestApp::spawn().await;
    for (phone, code) in [("07700-900 123", "+44"), ("+44 (7700) 900124", "44"), ("00447700900125", "44")] {
        let mut form = app.new_person().form();
        form["phone"] = json!(phone);
        form["countryCode"] = json!(code);
        let token = app.stranger().post(routes::USER, form).await.ok();
        let user = app.bearer(token["token"].as_str().unwrap()).get(routes::USER).await.ok();
        assert!(user["phone"].as_str().unwrap().starts_with("7700900"), "{user}");
        assert_eq!(user["countryCode"], "44");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_ups_are_counted_per_address_but_not_from_this_machine_in_development() {
    let app = TestApp::with(&[("LIMIT_SIGN_UPS_PER_HOUR", "2"), ("TRUSTED_PROXIES", "127.0.0.1")]).await;
    for _ in 0..4 {
        app.stranger().post(routes::USER, app.new_person().form()).await.ok();
    }
    let from = async |address: &str| {
        let stranger = app.stranger();
        let request = stranger.request(Method::POST, routes::USER).header("X-Forwarded-For", address);
        stranger.send(request.json(&app.new_person().form())).await
    };
    from("203.0.113.7").await.ok();
    from("203.0.113.7").await.ok();
    let answer = from("203.0.113.7").await;
    assert_eq!(answer.headers["retry-after"], "3600");
    answer.refused(429, "too_many");
    from("203.0.113.8").await.ok();
    // Asking who has an account counts as well.
    let taken = app.new_person();
    app.stranger().post(routes::USER, taken.form()).await.ok();
    for (round, status) in [(1, 409), (2, 409), (3, 429)] {
        let stranger = app.stranger();
        let request = stranger.request(Method::POST, routes::USER).header("X-Forwarded-For", "203.0.113.9");
        let answer = stranger.send(request.json(&taken.form())).await;
        assert_eq!(answer.status.as_u16(), status, "round {round}");
    }
    app.advance(3601);
    from("203.0.113.7").await.ok();
}
