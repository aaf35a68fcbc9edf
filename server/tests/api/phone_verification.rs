//! Proving any phone, with or without an account.

use reqwest::Method;
use serde_json::{Value, json};
use shared::routes::{self, cookie_api as api};

use crate::app::{Session, TestApp};

const PHONE: &str = "+447700900555";

async fn code(app: &TestApp, phone: &str) -> String {
    let messages = app.messages_at(phone).await;
    messages[0]["code"].as_str().expect("a code was sent").to_owned()
}

fn wrong(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}

async fn start(session: &Session<'_>, phone: &str) -> Value {
    session.post(api::VERIFICATION_START, json!({"phoneNumber": phone})).await.ok()
}

async fn verified(session: &Session<'_>) -> Value {
    session.post(api::LOGGED_IN, json!({})).await.ok()["verifiedPhone"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_without_an_account_proves_a_phone_by_text_or_call() {
    let app = TestApp::spawn().await;
    for via in ["sms", "call"] {
        let browser = app.browser();
        let phone = format!("+4477009005{}", if via == "sms" { "01" } else { "02" });
        let body = json!({"country_code": 44, "phone_number": format!("0{}", &phone[3..]), "via": via});
        let started = browser.post(api::VERIFICATION_START, body).await.ok();
        assert_eq!((&started["success"], &started["via"]), (&json!(true), &json!(via)));
        let token = started["token"].as_str().expect("every call that makes a session returns it").to_owned();
        let messages = app.messages_at(&phone).await;
        assert_eq!(messages[0]["via"], via);
        let code = messages[0]["code"].as_str().unwrap();
        assert_eq!(code.len(), 6);
        let passed =
            browser.post(api::VERIFICATION_VERIFY, json!({"phoneNumber": phone, "token": code})).await.ok();
        assert_eq!(passed["phone"], phone.as_str());
        assert_eq!(verified(&browser).await, phone.as_str());
        // Under a new id; and it is no way into any account.
        assert_eq!(verified(&app.stranger()).await, Value::Null);
        let old = app.bearer(&token).post(api::LOGGED_IN, json!({})).await.ok();
        assert_eq!(old, json!({"url": "/login"}));
        browser.get(routes::USER).await.refused(403, "not_signed_in");
        browser.get(api::PROTECTED).await.refused(401, "not_signed_in");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_signed_in_proves_a_phone_beside_their_own() {
    let app = TestApp::spawn().await;
    let session = app.person().await.sign_in().await;
    let started = start(&session, PHONE).await;
    assert_eq!(started["token"], Value::Null);
    let body = json!({"phoneNumber": PHONE, "token": code(&app, PHONE).await});
    session.post(api::VERIFICATION_VERIFY, body).await.ok();
    assert_eq!(verified(&session).await, PHONE);
    assert!(session.is_signed_in().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_or_cannot_be_is_named() {
    let app = TestApp::spawn().await;
    let stranger = app.stranger();
    for (body, field) in [
        (json!({}), "phone_number"),
        (json!({"country_code": "44"}), "phone_number"),
        (json!({"phone_number": "7700900555"}), "country_code"),
        (json!({"country_code": "999", "phone_number": "7700900555"}), "country_code"),
        (json!({"country_code": "44", "phone_number": "12"}), "phone_number"),
        (json!({"phoneNumber": "7700900555"}), "phoneNumber"),
        (json!({"phoneNumber": "+999123456"}), "phoneNumber"),
        (json!({"phoneNumber": PHONE, "via": "pigeon"}), "via"),
    ] {
        let refused =
            stranger.post(api::VERIFICATION_START, body.clone()).await.refused(422, "invalid_fields");
        assert!(refused["fields"][field].is_string(), "{body}: {refused}");
        assert_eq!(refused["error"], refused["fields"][field]);
    }
    let body = json!({"phoneNumber": PHONE});
    let refused = stranger.post(api::VERIFICATION_VERIFY, body).await.refused(422, "invalid_fields");
    assert!(refused["fields"]["token"].is_string());
    assert_eq!(app.provider_calls().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_good_once_in_the_session_and_for_the_phone_it_was_asked_for() {
    let app = TestApp::spawn().await;
    let (ada, eve) = (app.browser(), app.browser());
    start(&ada, PHONE).await;
    let right = json!({"phoneNumber": PHONE, "token": code(&app, PHONE).await});
    // Without a session, from one that asked for nothing, from one that asked about another phone.
    app.stranger().post(api::VERIFICATION_VERIFY, right.clone()).await.refused(401, "wrong_code");
    start(&eve, "+447700900666").await;
    eve.post(api::VERIFICATION_VERIFY, right.clone()).await.refused(401, "wrong_code");
    let other = json!({"phoneNumber": "+447700900666", "token": right["token"]});
    ada.post(api::VERIFICATION_VERIFY, other).await.refused(401, "wrong_code");
    ada.post(api::VERIFICATION_VERIFY, right.clone()).await.ok();
    ada.post(api::VERIFICATION_VERIFY, right).await.refused(401, "wrong_code");
    // A code of the one purpose is none of the other.
    let person = app.person().await;
    let (session, _) = person.log_in().await;
    start(&session, &person.e164()).await;
    session.verify(&code(&app, &person.e164()).await).await.refused(401, "wrong_code");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_dies_after_ten_minutes_and_a_second_send_gives_it_no_more() {
    let app = TestApp::spawn().await;
    let browser = app.browser();
    start(&browser, PHONE).await;
    let first = code(&app, PHONE).await;
    app.advance(9 * 60);
    start(&browser, PHONE).await;
    assert_eq!(code(&app, PHONE).await, first);
    app.advance(61);
    let body = json!({"phoneNumber": PHONE, "token": first});
    browser.post(api::VERIFICATION_VERIFY, body).await.refused(401, "wrong_code");
}

#[tokio::test(flavor = "multi_thread")]
async fn sends_are_capped_per_session_number_and_neighbourhood() {
    let app = TestApp::with(&[("LIMIT_VERIFICATIONS_PER_HOUR", "8")]).await;
    let browser = app.browser();
    start(&browser, PHONE).await;
    let refused = browser.post(api::VERIFICATION_START, json!({"phoneNumber": PHONE})).await;
    assert_eq!(refused.headers["retry-after"], "30");
    refused.refused(429, "too_many");
    // Other sessions, the same number: five an hour.
    for _ in 0..4 {
        start(&app.browser(), PHONE).await;
    }
    app.stranger()
        .post(api::VERIFICATION_START, json!({"phoneNumber": PHONE}))
        .await
        .refused(429, "too_many");
    // Its neighbours: eight an hour together.
    for last in 1..=3 {
        start(&app.browser(), &format!("+44770090050{last}")).await;
    }
    let next = json!({"phoneNumber": "+447700900509"});
    app.stranger().post(api::VERIFICATION_START, next.clone()).await.refused(429, "too_many");
    assert_eq!(app.messages_at(PHONE).await.len(), 5);
    app.advance(3600);
    app.stranger().post(api::VERIFICATION_START, next).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_sends_are_capped_per_address() {
    let app = TestApp::with(&[("LIMIT_VERIFICATIONS_PER_HOUR", "2"), ("TRUSTED_PROXIES", "127.0.0.1")]).await;
    let send = async |address: &str, phone: &str| {
        let stranger = app.stranger();
        let request = stranger.request(Method::POST, api::VERIFICATION_START);
        let request = request.header("X-Forwarded-For", address).json(&json!({"phoneNumber": phone}));
        stranger.send(request).await
    };
    send("192.0.2.1", "+12125550101").await.ok();
    send("192.0.2.1", "+13105550101").await.ok();
    send("192.0.2.1", "+14155550101").await.refused(429, "too_many");
    send("192.0.2.2", "+14155550101").await.ok();
    // Of IPv6 whatever one customer has is one address.
    send("2001:db8:1:2::1", "+16465550101").await.ok();
    send("2001:db8:1:2:ffff::2", "+17025550101").await.ok();
    send("2001:db8:1:2:aaaa::3", "+18085550101").await.refused(429, "too_many");
    send("2001:db8:1:3::1", "+18085550101").await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn five_wrong_codes_lock_the_session_they_came_from_and_nobody_else() {
    let app = TestApp::spawn().await;
    let (owner, stranger) = (app.browser(), app.browser());
    start(&owner, PHONE).await;
    start(&stranger, PHONE).await;
    let right = code(&app, PHONE).await;
    let guess = |token: &str| json!({"phoneNumber": PHONE, "token": token});
    for _ in 0..5 {
        stranger.post(api::VERIFICATION_VERIFY, guess(&wrong(&right))).await.refused(401, "wrong_code");
    }
    let calls = app.provider_calls().await.len();
    let refused = stranger.post(api::VERIFICATION_VERIFY, guess(&right)).await;
    assert_eq!(refused.headers["retry-after"], "900");
    refused.refused(429, "too_many");
    // Another send gives no more guesses.
    app.advance(31);
    start(&stranger, PHONE).await;
    stranger.post(api::VERIFICATION_VERIFY, guess(&right)).await.refused(429, "too_many");
    assert_eq!(app.provider_calls().await.len(), calls + 1);
    owner.post(api::VERIFICATION_VERIFY, guess(&right)).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn logging_out_ends_a_session_without_an_account_too() {
    let app = TestApp::spawn().await;
    let browser = app.browser();
    start(&browser, PHONE).await;
    let body = json!({"phoneNumber": PHONE, "token": code(&app, PHONE).await});
    let passed = browser.post(api::VERIFICATION_VERIFY, body).await.ok();
    assert_eq!(passed["phone"], PHONE);
    browser.get(api::LOGOUT).await.ok();
    assert_eq!(verified(&browser).await, Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_send_counts_for_nothing_and_a_landline_is_called() {
    let app = TestApp::spawn().await;
    let browser = app.browser();
    app.fault(json!({"path": "/protected/json/phones", "status": 500})).await;
    for _ in 0..6 {
        browser
            .post(api::VERIFICATION_START, json!({"phoneNumber": PHONE}))
            .await
            .refused(502, "provider_failed");
    }
    let landline = json!({"message": "landline", "success": false, "errors": {}, "error_code": "60082"});
    app.fault(json!({"path": "/protected/json/phones", "status": 403, "body": landline, "times": 1})).await;
    assert_eq!(start(&browser, PHONE).await["via"], "call");
    assert_eq!(app.messages_at(PHONE).await[0]["via"], "call");
    // An unfinished answer, or one that says no, proves nothing.
    let right = json!({"phoneNumber": PHONE, "token": code(&app, PHONE).await});
    for body in [json!({"success": false}), json!("<html>"), json!({})] {
        app.fault(json!({"path": "/protected/json/phones", "status": 200, "body": body})).await;
        browser.post(api::VERIFICATION_VERIFY, right.clone()).await.refused(502, "provider_failed");
    }
    app.sandbox(Method::DELETE, "/faults", json!({})).await;
    browser.post(api::VERIFICATION_VERIFY, right).await.ok();
}

/// The examples of libphonenumber, as people of each region write them: at home, abroad, in E.164. That
/// every form is read as the same number is tested beside the parser.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_reaches_the_example_of_every_region_however_it_is_written() {
    use futures_util::{StreamExt, stream};
    use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, PhoneNumberType};
    let app = TestApp::with(&[("LIMITS", "off")]).await;
    let browser = app.stranger();
    let session = app.bearer(start(&browser, PHONE).await["token"].as_str().expect("a token"));
    let mut expected = std::collections::BTreeSet::new();
    let mut bodies = Vec::new();
    for (at, region) in PHONE_NUMBER_UTIL.get_supported_regions().enumerate() {
        let example =
            PHONE_NUMBER_UTIL.get_example_number_for_type_and_region(region, PhoneNumberType::Mobile);
        let Ok(example) = example else { continue };
        let written = |format| PHONE_NUMBER_UTIL.format(&example, format).into_owned();
        let (home, abroad) =
            (written(PhoneNumberFormat::National), written(PhoneNumberFormat::International));
        expected.insert(written(PhoneNumberFormat::E164));
        bodies.push(match at % 3 {
            0 => json!({"country_code": example.country_code, "phone_number": home}),
            1 => json!({"country_code": format!("+{}", example.country_code), "phone_number": abroad}),
            _ => json!({"phoneNumber": abroad}),
        });
    }
    assert!(bodies.len() > 230, "{}", bodies.len());
    let session = &session;
    let sends = bodies.into_iter().map(|body| async move {
        let answer = session.post(api::VERIFICATION_START, body.clone()).await;
        assert_eq!(answer.status, 200, "{body} {}", answer.text);
    });
    stream::iter(sends).buffer_unordered(16).collect::<Vec<()>>().await;
    let phones = app.sandbox(Method::GET, "/phones", Value::Null).await.ok();
    let reached = phones["phones"].as_array().expect("a list").iter();
    let reached: std::collections::BTreeSet<String> = reached
        .filter(|phone| phone["messages"].as_array().is_some_and(|messages| !messages.is_empty()))
        .map(|phone| phone["phone"].as_str().expect("a number").to_owned())
        .filter(|phone| phone != PHONE)
        .collect();
    assert_eq!(reached, expected);
}
