//! Phone verification with and without an account.

use reqwest::Method;
use serde_json::{Value, json};
use shared::routes::{self, cookie_api as api};

use crate::{
    app::{ApiClient, TestApp},
    providers::{TestProvider, for_each_provider},
};

for_each_provider!(
    a_browser_without_an_account_verifies_a_phone_by_sms_or_call,
    a_signed_in_user_verifies_another_phone,
    missing_and_invalid_fields_are_named,
    a_code_is_accepted_once_for_its_session_and_phone,
    a_verification_code_expires_after_ten_minutes_and_a_resend_does_not_extend_it,
    sends_are_limited_per_session_phone_and_number_range,
    logout_ends_a_session_without_an_account,
    failed_sends_do_not_count_and_landlines_get_a_call,
);

const PHONE: &str = "+447700900555";

async fn code(app: &TestApp, phone: &str) -> String {
    let messages = app.messages_to(phone).await;
    messages[0]["code"].as_str().expect("a code was sent").to_owned()
}

fn wrong(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}

async fn start(session: &ApiClient<'_>, phone: &str) -> Value {
    session.post(api::VERIFICATION_START, json!({"phoneNumber": phone})).await.ok()
}

async fn verified(session: &ApiClient<'_>) -> Value {
    session.post(api::LOGGED_IN, json!({})).await.ok()["verifiedPhone"].clone()
}

async fn a_browser_without_an_account_verifies_a_phone_by_sms_or_call(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    for via in ["sms", "call"] {
        let browser = app.browser();
        let phone = format!("+4477009005{}", if via == "sms" { "01" } else { "02" });
        let body = json!({"country_code": 44, "phone_number": format!("0{}", &phone[3..]), "via": via});
        let started = browser.post(api::VERIFICATION_START, body).await.ok();
        assert_eq!((&started["success"], &started["via"]), (&json!(true), &json!(via)));
        let token = started["token"].as_str().expect("the token of the new session").to_owned();
        let messages = app.messages_to(&phone).await;
        assert_eq!(messages[0]["via"], via);
        let code = messages[0]["code"].as_str().unwrap();
        assert_eq!(code.len(), 6);
        let verified_phone =
            browser.post(api::VERIFICATION_VERIFY, json!({"phoneNumber": phone, "token": code})).await.ok();
        assert_eq!(verified_phone["phone"], phone.as_str());
        assert_eq!(verified(&browser).await, phone.as_str());
        // The session has a new token, and gives no access to an account.
        assert_eq!(verified(&app.client()).await, Value::Null);
        let old = app.bearer(&token).post(api::LOGGED_IN, json!({})).await.ok();
        assert_eq!(old, json!({"url": "/login"}));
        browser.get(routes::USER).await.refused(403, "not_signed_in");
        browser.get(api::PROTECTED).await.refused(401, "not_signed_in");
    }
}

async fn a_signed_in_user_verifies_another_phone(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let session = app.register().await.sign_in().await;
    let started = start(&session, PHONE).await;
    assert_eq!(started["token"], Value::Null);
    let body = json!({"phoneNumber": PHONE, "token": code(&app, PHONE).await});
    session.post(api::VERIFICATION_VERIFY, body).await.ok();
    assert_eq!(verified(&session).await, PHONE);
    assert!(session.is_signed_in().await);
}

async fn missing_and_invalid_fields_are_named(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let client = app.client();
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
        let refused = client.post(api::VERIFICATION_START, body.clone()).await.refused(422, "invalid_fields");
        assert!(refused["fields"][field].is_string(), "{body}: {refused}");
        assert_eq!(refused["error"], refused["fields"][field]);
    }
    let body = json!({"phoneNumber": PHONE});
    let refused = client.post(api::VERIFICATION_VERIFY, body).await.refused(422, "invalid_fields");
    assert!(refused["fields"]["token"].is_string());
    assert_eq!(app.provider_calls().await, Vec::<String>::new());
}

async fn a_code_is_accepted_once_for_its_session_and_phone(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let (ada, eve) = (app.browser(), app.browser());
    start(&ada, PHONE).await;
    let right = json!({"phoneNumber": PHONE, "token": code(&app, PHONE).await});
    // Refused without a session, and in a session that verifies another phone.
    app.client().post(api::VERIFICATION_VERIFY, right.clone()).await.refused(401, "wrong_code");
    start(&eve, "+447700900666").await;
    eve.post(api::VERIFICATION_VERIFY, right.clone()).await.refused(401, "wrong_code");
    let other = json!({"phoneNumber": "+447700900666", "token": right["token"]});
    ada.post(api::VERIFICATION_VERIFY, other).await.refused(401, "wrong_code");
    ada.post(api::VERIFICATION_VERIFY, right.clone()).await.ok();
    ada.post(api::VERIFICATION_VERIFY, right).await.refused(401, "wrong_code");
    // A phone verification code does not sign in.
    let person = app.register().await;
    let (session, _) = person.log_in().await;
    start(&session, &person.e164()).await;
    session.verify(&code(&app, &person.e164()).await).await.refused(401, "wrong_code");
}

async fn a_verification_code_expires_after_ten_minutes_and_a_resend_does_not_extend_it(
    provider: TestProvider,
) {
    let app = TestApp::spawn_at(provider, &[]).await;
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

async fn sends_are_limited_per_session_phone_and_number_range(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[("LIMIT_VERIFICATIONS_PER_HOUR", "8")]).await;
    let browser = app.browser();
    start(&browser, PHONE).await;
    let refused = browser.post(api::VERIFICATION_START, json!({"phoneNumber": PHONE})).await;
    assert_eq!(refused.headers["retry-after"], "30");
    refused.refused(429, "too_many");
    // Other sessions with the same number: five an hour.
    for _ in 0..4 {
        start(&app.browser(), PHONE).await;
    }
    app.client().post(api::VERIFICATION_START, json!({"phoneNumber": PHONE})).await.refused(429, "too_many");
    // Numbers of the same range: eight an hour in total.
    for last in 1..=3 {
        start(&app.browser(), &format!("+44770090050{last}")).await;
    }
    let same_range = json!({"phoneNumber": "+447700900509"});
    app.client().post(api::VERIFICATION_START, same_range.clone()).await.refused(429, "too_many");
    assert_eq!(app.messages_to(PHONE).await.len(), 5);
    app.advance(3600);
    app.client().post(api::VERIFICATION_START, same_range).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_sends_are_limited_per_client_address() {
    let app =
        TestApp::spawn_with(&[("LIMIT_VERIFICATIONS_PER_HOUR", "2"), ("TRUSTED_PROXIES", "127.0.0.1")]).await;
    let send = async |address: &str, phone: &str| {
        let client = app.client();
        let request = client.request(Method::POST, api::VERIFICATION_START);
        let request = request.header("X-Forwarded-For", address).json(&json!({"phoneNumber": phone}));
        client.send(request).await
    };
    send("192.0.2.1", "+12125550101").await.ok();
    send("192.0.2.1", "+13105550101").await.ok();
    send("192.0.2.1", "+14155550101").await.refused(429, "too_many");
    send("192.0.2.2", "+14155550101").await.ok();
    // An IPv6 /64 network counts as one address.
    send("2001:db8:1:2::1", "+16465550101").await.ok();
    send("2001:db8:1:2:ffff::2", "+17025550101").await.ok();
    send("2001:db8:1:2:aaaa::3", "+18085550101").await.refused(429, "too_many");
    send("2001:db8:1:3::1", "+18085550101").await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn five_wrong_codes_lock_only_the_session_they_came_from() {
    let app = TestApp::spawn().await;
    let (owner, attacker) = (app.browser(), app.browser());
    start(&owner, PHONE).await;
    start(&attacker, PHONE).await;
    let right = code(&app, PHONE).await;
    let guess = |token: &str| json!({"phoneNumber": PHONE, "token": token});
    for _ in 0..5 {
        attacker.post(api::VERIFICATION_VERIFY, guess(&wrong(&right))).await.refused(401, "wrong_code");
    }
    let calls = app.provider_calls().await.len();
    let refused = attacker.post(api::VERIFICATION_VERIFY, guess(&right)).await;
    assert_eq!(refused.headers["retry-after"], "900");
    refused.refused(429, "too_many");
    // Another send does not reset the limit.
    app.advance(31);
    start(&attacker, PHONE).await;
    attacker.post(api::VERIFICATION_VERIFY, guess(&right)).await.refused(429, "too_many");
    assert_eq!(app.provider_calls().await.len(), calls + 1);
    owner.post(api::VERIFICATION_VERIFY, guess(&right)).await.ok();
}

async fn logout_ends_a_session_without_an_account(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let browser = app.browser();
    start(&browser, PHONE).await;
    let body = json!({"phoneNumber": PHONE, "token": code(&app, PHONE).await});
    let verified_phone = browser.post(api::VERIFICATION_VERIFY, body).await.ok();
    assert_eq!(verified_phone["phone"], PHONE);
    browser.get(api::LOGOUT).await.ok();
    assert_eq!(verified(&browser).await, Value::Null);
}

async fn failed_sends_do_not_count_and_landlines_get_a_call(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let browser = app.browser();
    app.inject_fault(json!({"path": provider.codes_path(), "status": 500})).await;
    for _ in 0..6 {
        browser
            .post(api::VERIFICATION_START, json!({"phoneNumber": PHONE}))
            .await
            .refused(502, "provider_failed");
    }
    let landline = match provider {
        TestProvider::Authy => {
            json!({"message": "landline", "success": false, "errors": {}, "error_code": "60082"})
        }
        TestProvider::Verify => json!({"message": "landline", "code": 60205, "more_info": "", "status": 403}),
    };
    app.inject_fault(json!({"path": provider.codes_path(), "status": 403, "body": landline, "times": 1}))
        .await;
    assert_eq!(start(&browser, PHONE).await["via"], "call");
    assert_eq!(app.messages_to(PHONE).await[0]["via"], "call");
    // An incomplete or negative response of the provider does not verify the phone.
    let right = json!({"phoneNumber": PHONE, "token": code(&app, PHONE).await});
    for body in [json!({"success": false}), json!("<html>"), json!({})] {
        app.inject_fault(json!({"path": provider.codes_path(), "status": 200, "body": body})).await;
        let answered = browser.post(api::VERIFICATION_VERIFY, right.clone()).await;
        // At Verify HTTP 200 is an answer: what cannot be understood is no.
        let expected = match provider {
            TestProvider::Verify if body.is_object() => 401,
            _ => 502,
        };
        assert_eq!(answered.status.as_u16(), expected, "{body}: {}", answered.text);
        assert_eq!(verified(&browser).await, Value::Null);
    }
    app.call_sandbox(Method::DELETE, "/faults", json!({})).await;
    browser.post(api::VERIFICATION_VERIFY, right).await.ok();
}

/// The example numbers of libphonenumber in national and international notation. The unit tests of the
/// parser check that all notations are read as the same number.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_reaches_the_example_number_of_every_region_in_every_notation() {
    use futures_util::{StreamExt, stream};
    use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, PhoneNumberType};
    let app = TestApp::spawn_with(&[("LIMITS", "off")]).await;
    let browser = app.client();
    let session = app.bearer(start(&browser, PHONE).await["token"].as_str().expect("a token"));
    let mut expected = std::collections::BTreeSet::new();
    let mut bodies = Vec::new();
    for (at, region) in PHONE_NUMBER_UTIL.get_supported_regions().enumerate() {
        let example =
            PHONE_NUMBER_UTIL.get_example_number_for_type_and_region(region, PhoneNumberType::Mobile);
        let Ok(example) = example else { continue };
        let written = |format| PHONE_NUMBER_UTIL.format(&example, format).into_owned();
        let (national, international) =
            (written(PhoneNumberFormat::National), written(PhoneNumberFormat::International));
        expected.insert(written(PhoneNumberFormat::E164));
        bodies.push(match at % 3 {
            0 => json!({"country_code": example.country_code, "phone_number": national}),
            1 => json!({"country_code": format!("+{}", example.country_code), "phone_number": international}),
            _ => json!({"phoneNumber": international}),
        });
    }
    assert!(bodies.len() > 230, "{}", bodies.len());
    let session = &session;
    let sends = bodies.into_iter().map(|body| async move {
        let response = session.post(api::VERIFICATION_START, body.clone()).await;
        assert_eq!(response.status, 200, "{body} {}", response.text);
    });
    stream::iter(sends).buffer_unordered(16).collect::<Vec<()>>().await;
    let phones = app.call_sandbox(Method::GET, "/phones", Value::Null).await.ok();
    let reached = phones["phones"].as_array().expect("a list").iter();
    let reached: std::collections::BTreeSet<String> = reached
        .filter(|phone| phone["messages"].as_array().is_some_and(|messages| !messages.is_empty()))
        .map(|phone| phone["phone"].as_str().expect("a number").to_owned())
        .filter(|phone| phone != PHONE)
        .collect();
    assert_eq!(reached, expected);
}
