//! The number that the phone shows with a request, and the page has to be given.

use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::routes::{self, cookie_api as api};

use super::{Page, another_number, approve, number_on_phone, owner};
use crate::{
    app::TestApp,
    providers::{TestProvider, for_each_provider},
};

for_each_provider!(
    an_approval_on_the_page_signs_in_with_the_number_that_the_phone_alone_shows,
    the_third_wrong_number_denies_the_request_and_counts_as_one_wrong_code,
);

/// Statement 40.
async fn an_approval_on_the_page_signs_in_with_the_number_that_the_phone_alone_shows(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let ada = app.register().await;
    let page = Page::open(&app);
    let login = page.post(routes::SESSION, ada.credentials()).await;
    let uuid = login.body["authyResponse"]["approval_request"]["uuid"].as_str().unwrap().to_owned();
    let number = number_on_phone(&ada).await;
    let mut answers = vec![login.text];
    let before = page.get(routes::AUTHY_STATUS).await;
    assert_eq!(
        (&before.body["status"], &before.body["match"], &before.body["numberDue"]),
        (&json!("pending"), &json!(true), &Value::Null)
    );
    answers.push(before.text);
    approve(&app, &uuid).await;
    app.wait_until("the approval is known", async || {
        page.get(routes::AUTHY_STATUS).await.ok()["numberDue"] == true
    })
    .await;
    let approved = page.get(routes::AUTHY_STATUS).await;
    assert_eq!((&approved.body["status"], &approved.body["match"]), (&json!("pending"), &json!(true)));
    answers.push(approved.text);
    page.post(routes::SESSION_CONTINUE, json!({})).await.refused(409, "not_approved");
    page.get(routes::USER).await.refused(403, "second_factor_required");
    let wrong = page.post(routes::SESSION_PUSH_MATCH, json!({"number": another_number(&number, 1)})).await;
    assert_eq!(wrong.body["message"], "Wrong number. 2 tries left.");
    answers.push(wrong.text.clone());
    wrong.refused(401, "wrong_number");
    page.post(routes::SESSION_PUSH_MATCH, json!({"number": number})).await.ok();
    let user = page.get(routes::USER).await;
    assert_eq!(user.body["fresh"], true, "{}", user.text);
    page.post(routes::SESSION_PUSH_MATCH, json!({"number": number})).await.refused(409, "no_match");
    // Of a number with two digits no answer holds more than times and ids do by chance.
    for answer in answers {
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        let details = &answer["approvalRequest"]["details"];
        assert!(details.get("Enter in browser").is_none() && details.get("Number").is_none(), "{answer}");
        let texts = answer.as_object().unwrap().values().filter_map(Value::as_str);
        assert!(texts.into_iter().all(|text| text != number), "{answer}");
    }
}

/// Statement 40.
async fn the_third_wrong_number_denies_the_request_and_counts_as_one_wrong_code(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let ada = app.register().await;
    let page = Page::open(&app);
    let uuid = page.log_in(&ada).await;
    let number = number_on_phone(&ada).await;
    approve(&app, &uuid).await;
    app.wait_until("the approval is known", async || {
        page.get(routes::AUTHY_STATUS).await.ok()["numberDue"] == true
    })
    .await;
    for (by, told) in [
        (1, "Wrong number. 2 tries left."),
        (2, "Wrong number. 1 try left."),
        (3, "Wrong number. The request was denied."),
    ] {
        let wrong = json!({"number": another_number(&number, by)});
        let refused = page.post(routes::SESSION_PUSH_MATCH, wrong).await.refused(401, "wrong_number");
        assert_eq!(refused["message"], told);
    }
    page.post(routes::SESSION_PUSH_MATCH, json!({"number": number})).await.refused(409, "no_match");
    assert_eq!(page.client.status().await, "denied");
    page.post(routes::SESSION_RESEND, json!({})).await.ok();
    let wrong = page.post(routes::SESSION_VERIFY, json!({"code": ada.wrong_code().await})).await;
    // The second wrong one of five.
    assert_eq!(wrong.refused(401, "wrong_code")["message"], "Wrong code. 3 tries left.");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_not_judged_before_the_approval() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let page = Page::open(&app);
    let uuid = page.log_in(&ada).await;
    let number = number_on_phone(&ada).await;
    for by in 0..5 {
        let early = json!({"number": another_number(&number, by)});
        page.post(routes::SESSION_PUSH_MATCH, early).await.refused(409, "not_approved");
    }
    approve(&app, &uuid).await;
    page.post(routes::SESSION_PUSH_MATCH, json!({"number": number})).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_accepted_for_a_minute_after_the_approval() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    for (seconds, is_accepted) in [(59, true), (60, false)] {
        let page = Page::open(&app);
        let uuid = page.log_in(&ada).await;
        let number = number_on_phone(&ada).await;
        approve(&app, &uuid).await;
        app.advance(seconds);
        let given = page.post(routes::SESSION_PUSH_MATCH, json!({"number": number})).await;
        if is_accepted {
            given.ok();
        } else {
            given.refused(409, "no_match");
            assert_eq!(page.client.status().await, "expired");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_number_of_two_digits_is_refused_and_costs_no_try() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let page = Page::open(&app);
    let uuid = page.log_in(&ada).await;
    let number = number_on_phone(&ada).await;
    approve(&app, &uuid).await;
    for typed in ["", "1", "123", "1a", "+1", "１２", "-1"] {
        let refused = page.post(routes::SESSION_PUSH_MATCH, json!({"number": typed})).await;
        assert!(refused.refused(422, "invalid_fields")["fields"]["number"].is_string(), "{typed}");
    }
    page.post(routes::SESSION_PUSH_MATCH, json!({"number": format!(" {number} ")})).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_all_numbers_at_once_three_are_judged() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let page = Page::open(&app);
    let uuid = page.log_in(&ada).await;
    let number = number_on_phone(&ada).await;
    approve(&app, &uuid).await;
    let guesses = (1..40).map(|by| {
        let guess = another_number(&number, by);
        page.post(routes::SESSION_PUSH_MATCH, json!({"number": guess}))
    });
    let answers = join_all(guesses).await;
    let judged = answers.iter().filter(|answer| answer.body["code"] == "wrong_number").count();
    assert_eq!(judged, 3);
    assert_eq!(page.client.status().await, "denied");
}

/// Statement 46, and: the number cannot be escaped by leaving a header out.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_was_used_on_the_page_gets_no_plain_request_elsewhere() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let before = ada.sign_in().await;
    assert!(before.is_signed_in().await, "an account that nobody has used on the page");
    app.advance(60);
    Page::open(&app).sign_in(&ada).await;
    app.advance(60);
    let login = app.client().post(routes::SESSION, ada.credentials()).await.ok();
    assert_eq!(
        (&login["authyResponse"]["success"], &login["authyResponse"]["via"]),
        (&json!(false), &json!("sms"))
    );
    let session = app.bearer(login["token"].as_str().unwrap());
    let ways = session.get(routes::AUTHY_STATUS).await.ok()["ways"].clone();
    assert!(!ways.as_array().unwrap().contains(&json!("push")), "{ways}");
    app.advance(60);
    let again = session.post(routes::SESSION_PUSH, json!({})).await.ok();
    assert_eq!((&again["success"], &again["via"]), (&json!(false), &json!("sms")));
    let browser = app.browser();
    browser.post(api::LOGIN, json!({"username": ada.email, "password": super::old_password()})).await.ok();
    browser.post(api::ONETOUCH, json!({})).await.refused(409, "push_unavailable");
    let requests = ada.phone_state().await["approvalRequests"].as_array().unwrap().len();
    assert_eq!(requests, 2, "only the two that were approved");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_setting_says_who_needs_a_number() {
    let app = TestApp::spawn_with(&[("PUSH_MATCH", "always")]).await;
    let ada = app.register().await;
    let (session, uuid) = ada.log_in().await;
    approve(&app, &uuid).await;
    assert_eq!(session.status().await, "pending");
    session.get(routes::USER).await.refused(403, "second_factor_required");
    session.post(routes::SESSION_PUSH_MATCH, json!({"number": number_on_phone(&ada).await})).await.ok();
    assert!(session.is_signed_in().await);

    let app = TestApp::spawn_with(&[("PUSH_MATCH", "off")]).await;
    let ada = app.register().await;
    let page = Page::open(&app);
    let uuid = page.log_in(&ada).await;
    let status = page.get(routes::AUTHY_STATUS).await.ok();
    assert_eq!(status["match"], Value::Null);
    let shown = status["approvalRequest"]["details"]["Number"].clone();
    assert_eq!(shown, ada.phone_state().await["approvalRequests"][0]["details"]["Number"]);
    page.post(routes::SESSION_PUSH_MATCH, json!({"number": shown})).await.refused(409, "no_match");
    approve(&app, &uuid).await;
    page.post(routes::SESSION_CONTINUE, json!({})).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_of_another_session_or_of_an_older_request_is_wrong() {
    let app = TestApp::spawn().await;
    let (ada, _) = owner(&app).await;
    let (owner, thief) = (Page::open(&app), Page::open(&app));
    let uuid = owner.log_in(&ada).await;
    let number = number_on_phone(&ada).await;
    thief.log_in(&ada).await;
    approve(&app, &uuid).await;
    // The thief's own request was not approved.
    thief.post(routes::SESSION_PUSH_MATCH, json!({"number": number})).await.refused(409, "not_approved");
    app.advance(121);
    owner.post(routes::SESSION_PUSH, json!({})).await.ok();
    owner.post(routes::SESSION_PUSH_MATCH, json!({"number": number})).await.refused(409, "not_approved");
    assert!(!owner.client.is_signed_in().await && !thief.client.is_signed_in().await);
}

/// Statement 41: an approval without its number is none.
#[tokio::test(flavor = "multi_thread")]
async fn requests_that_were_approved_without_their_number_are_counted_as_not_approved() {
    let app = TestApp::spawn().await;
    let (ada, _) = owner(&app).await;
    for _ in 0..5 {
        let page = Page::open(&app);
        let uuid = page.log_in(&ada).await;
        approve(&app, &uuid).await;
        app.advance(61);
    }
    let before = ada.phone_state().await["approvalRequests"].as_array().unwrap().len();
    let login = Page::open(&app).post(routes::SESSION, ada.credentials()).await.ok();
    assert_eq!(login["authyResponse"]["success"], false, "{login}");
    assert_eq!(ada.phone_state().await["approvalRequests"].as_array().unwrap().len(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_serves_a_step_up_names_the_act() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let page = Page::open(&app);
    page.sign_in(&ada).await;
    super::let_step_up_expire(&app);
    page.post(routes::RECOVERY_CODES, json!({})).await.refused(403, "step_up_required");
    let asked = page.post(routes::SESSION_PUSH, json!({})).await.ok();
    let request = ada.phone_state().await["approvalRequests"][0].clone();
    assert_eq!(request["message"], "Allow a change to your Countersign security settings?");
    approve(&app, asked["approval_request"]["uuid"].as_str().unwrap()).await;
    page.post(routes::RECOVERY_CODES, json!({})).await.refused(403, "step_up_required");
    page.post(routes::SESSION_PUSH_MATCH, json!({"number": number_on_phone(&ada).await})).await.ok();
    assert_eq!(page.post(routes::RECOVERY_CODES, json!({})).await.status, 201);
}
