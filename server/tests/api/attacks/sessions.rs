//! Attacks on sessions: cookie-only sessions, the number of pending sessions, cross-site logout.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shared::routes::{self, cookie_api as api};

use super::{BEHIND_A_PROXY, ClientAt, client_at, known_device};
use crate::{
    account::number_on_phone,
    app::{ApiClient, PASSWORD, Person, Response, TestApp},
};

const COOKIE_ONLY: (&str, &str) = ("X-Session-Carrier", "cookie");

/// A request of a client that asks for a cookie-only session.
async fn post_cookie_only(browser: &ApiClient<'_>, path: &str, body: Value) -> Response {
    let request = browser.request(Method::POST, path).header(COOKIE_ONLY.0, COOKIE_ONLY.1);
    browser.send(request.json(&body)).await
}

/// The token inside the session cookie of a response. It follows 44 characters of signature.
fn token_in_cookie(response: &Response) -> String {
    let cookies = response.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap());
    let cookie = cookies.into_iter().find_map(|cookie| cookie.strip_prefix("countersign_session="));
    let value = cookie.expect("a session cookie").split(';').next().unwrap_or_default();
    let mut decoded = Vec::new();
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        decoded.push(match byte {
            b'%' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            byte => byte,
        });
    }
    String::from_utf8(decoded).expect("a cookie is text").split_off(44)
}

fn push_of(response: &Response) -> String {
    response.body["authyResponse"]["approval_request"]["uuid"]
        .as_str()
        .expect("an approval request")
        .to_owned()
}

/// Statement 74 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_only_session_is_refused_by_header() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let browser = app.browser();
    let login = post_cookie_only(&browser, routes::SESSION, ada.credentials()).await;
    assert_eq!(login.status, StatusCode::OK, "{}", login.text);
    app.bearer(&token_in_cookie(&login)).get(routes::AUTHY_STATUS).await.refused(404, "no_session");
    app.answer_request(&push_of(&login), "approve").await;
    let number = json!({"number": number_on_phone(&ada).await});
    let renewed = post_cookie_only(&browser, routes::SESSION_PUSH_MATCH, number).await;
    assert_eq!(renewed.status, StatusCode::OK, "{}", renewed.text);
    let stolen = app.bearer(&token_in_cookie(&renewed));
    stolen.get(routes::USER).await.refused(403, "not_signed_in");
    stolen.delete(routes::SESSION).await.refused(403, "not_signed_in");
    stolen.get(api::LOGOUT).await.ok();
    assert!(browser.is_signed_in().await, "the cookie is still accepted");
    // The same for the session of a sign-up.
    let browser = app.browser();
    let created = post_cookie_only(&browser, routes::USER, app.unregistered_person().form()).await;
    app.bearer(&token_in_cookie(&created)).get(routes::USER).await.refused(403, "not_signed_in");
    assert!(browser.is_signed_in().await);
}

/// Statement 74 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn responses_to_a_cookie_only_session_contain_no_token() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let grace = app.unregistered_person();
    let browser = app.browser();
    let mut responses =
        vec![post_cookie_only(&browser, routes::USER, app.unregistered_person().form()).await];
    responses.push(post_cookie_only(&app.browser(), routes::USERS, grace.form()).await);
    let login = post_cookie_only(&browser, routes::SESSION, ada.credentials()).await;
    app.answer_request(&push_of(&login), "approve").await;
    responses.push(login);
    // The choice made at login applies to the whole session.
    let number = json!({"number": number_on_phone(&ada).await});
    responses.push(browser.post(routes::SESSION_PUSH_MATCH, number).await);
    responses.push(browser.post(routes::SESSION_CONTINUE, json!({})).await);
    responses.push(browser.post(routes::SESSION_RESEND, json!({})).await);
    responses.push(browser.verify(&ada.code().await).await);
    let login = json!({"username": ada.email, "password": PASSWORD});
    let other = app.browser();
    responses.push(post_cookie_only(&other, api::LOGIN, login).await);
    responses.push(
        post_cookie_only(&app.browser(), api::VERIFICATION_START, json!({"phoneNumber": "+12125550101"}))
            .await,
    );
    for response in responses {
        assert!(response.status.is_success(), "{}", response.text);
        assert!(
            !response.text.contains(r#""token":"#) && !response.text.contains("sessionToken"),
            "{}",
            response.text
        );
    }
}

async fn is_open(app: &TestApp, login: &Response) -> bool {
    let token = login.body["token"].as_str().expect("a token");
    app.bearer(token).get(routes::AUTHY_STATUS).await.status == StatusCode::OK
}

async fn log_in_at(app: &TestApp, person: &Person<'_>, address: &str) -> Response {
    let response = client_at(app, address).post(routes::SESSION, person.credentials()).await;
    assert_eq!(response.status, StatusCode::OK, "{}", response.text);
    response
}

async fn open_sessions(app: &TestApp, logins: &[Response]) -> Vec<usize> {
    let mut open_sessions = Vec::new();
    for (number, login) in logins.iter().enumerate() {
        if is_open(app, login).await {
            open_sessions.push(number);
        }
    }
    open_sessions
}

/// Statement 79 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn the_eleventh_pending_session_ends_an_older_one_from_the_same_address() {
    let app = TestApp::spawn_with(&[BEHIND_A_PROXY, ("LIMIT_PUSHES_PER_HOUR", "100")]).await;
    let ada = app.register().await;
    ada.sign_in().await;
    let owner = log_in_at(&app, &ada, "198.51.100.1").await;
    let mut attackers = Vec::new();
    for _ in 0..30 {
        app.advance(1);
        attackers.push(log_in_at(&app, &ada, "203.0.113.7").await);
    }
    assert!(is_open(&app, &owner).await);
    assert_eq!(open_sessions(&app, &attackers).await, (21..30).collect::<Vec<_>>());
    // Sessions of another user are not counted.
    let grace = app.register().await;
    let other = log_in_at(&app, &grace, "203.0.113.7").await;
    assert!(is_open(&app, &other).await);
    assert_eq!(open_sessions(&app, &attackers).await.len(), 9);
}

/// Statement 79 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn logins_from_many_addresses_do_not_end_a_known_devices_session() {
    let app = TestApp::spawn_with(&[BEHIND_A_PROXY, ("LIMIT_PUSHES_PER_HOUR", "100")]).await;
    let ada = app.register().await;
    let device = known_device(&app, &ada).await;
    device.post(routes::SESSION, ada.credentials()).await.ok();
    let mut attackers = Vec::new();
    for number in 0..30 {
        app.advance(1);
        attackers.push(log_in_at(&app, &ada, &format!("203.0.113.{number}")).await);
    }
    assert_eq!(open_sessions(&app, &attackers).await.len(), 9);
    assert_eq!(device.status().await, "pending");
}

/// Sends a logout with these headers from a signed-in browser. Returns the response and whether the
/// browser is still signed in.
async fn log_out(app: &TestApp, headers: &[(&str, &str)]) -> (Response, bool) {
    let browser = app.browser();
    browser.post(routes::USER, app.unregistered_person().form()).await.ok();
    let mut request = browser.request(Method::GET, api::LOGOUT);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = browser.send(request).await;
    let signed_in = browser.is_signed_in().await;
    (response, signed_in)
}

const BROWSER: (&str, &str) =
    ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:78.0) Gecko/20100101 Firefox/78.0");

/// Statement 58 of docs/SECURITY.md: some browsers send no `Sec-Fetch-Site`.
#[tokio::test(flavor = "multi_thread")]
async fn a_cross_site_link_does_not_log_out_a_browser_without_fetch_metadata() {
    let app = TestApp::spawn().await;
    let foreign: [&[(&str, &str)]; 4] = [
        &[BROWSER],
        &[BROWSER, ("Referer", "https://evil.example/page")],
        &[BROWSER, ("Origin", "https://evil.example")],
        &[BROWSER, ("Referer", "http://127.0.0.1:1/page")],
    ];
    let mut logged_out = Vec::new();
    for headers in foreign {
        let (response, signed_in) = log_out(&app, headers).await;
        if signed_in {
            response.refused(403, "foreign_origin");
        } else {
            logged_out.push(headers);
        }
    }
    assert!(logged_out.is_empty(), "{logged_out:?}");
    // Our own page and programs can log out.
    let own_page = app.url("/2fa");
    for headers in [&[BROWSER, ("Referer", own_page.as_str())][..], &[("User-Agent", "curl/8.5.0")], &[]] {
        let (response, signed_in) = log_out(&app, headers).await;
        response.ok();
        assert!(!signed_in, "{headers:?}");
    }
}

/// Statement 61 of docs/SECURITY.md: the password alone does not reveal the provider's user id.
#[tokio::test(flavor = "multi_thread")]
async fn a_pending_session_cannot_read_the_providers_user_id() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    ada.sign_in().await;
    let attacker = app.browser();
    let mut responses = vec![];
    responses.push(attacker.post(api::LOGIN, json!({"username": ada.email, "password": PASSWORD})).await);
    responses.push(attacker.post(api::ONETOUCH, json!({})).await);
    responses.push(attacker.get(routes::AUTHY_STATUS).await);
    responses.push(attacker.post(api::ONETOUCH_STATUS, json!({})).await);
    responses.push(attacker.post(api::SMS, json!({})).await);
    let shown = ada.phone_state().await["approvalRequests"][0]["details"].clone();
    let id = shown["Authy ID"].as_str().expect("the phone shows it").to_owned();
    for response in responses {
        assert_eq!(response.status, StatusCode::OK, "{}", response.text);
        assert!(!response.text.contains(&id), "{id}: {}", response.text);
    }
    let status = attacker.get(routes::AUTHY_STATUS).await.ok();
    let details = &status["approvalRequest"]["details"];
    assert_eq!((&details["Username"], details.get("Authy ID")), (&shown["Username"], None));
    // A session that a sign-up signed in has passed no factor, either.
    let grace = app.unregistered_person();
    let signed_up = app.browser();
    signed_up.post(routes::USER, grace.form()).await.ok();
    signed_up.post(api::ONETOUCH, json!({})).await.ok();
    let shown = grace.phone_state().await["approvalRequests"][0]["details"].clone();
    let id = shown["Authy ID"].as_str().expect("the phone shows it");
    assert!(!signed_up.get(routes::AUTHY_STATUS).await.text.contains(id));
}

/// Statement 61 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn the_carrier_is_shown_to_signed_in_users_on_request_only() {
    let app = TestApp::spawn().await;
    let start = async |session: &ApiClient<'_>, body: Value| {
        let response = session.post(api::VERIFICATION_START, body).await;
        (response.body["carrier"].clone(), response.body["is_cellphone"].clone(), response.status)
    };
    let none = (Value::Null, Value::Null);
    for (number, options) in [("+12125550101", json!({})), ("+13105550101", json!({"carrier": true}))] {
        let mut body = options;
        body["phoneNumber"] = json!(number);
        let (carrier, is_cellphone, _) = start(&app.client(), body).await;
        assert_eq!((carrier, is_cellphone), none);
    }
    let session = app.register().await.sign_in().await;
    let (carrier, is_cellphone, status) = start(&session, json!({"phoneNumber": "+14155550101"})).await;
    assert_eq!((carrier, is_cellphone), none);
    assert_eq!(status, StatusCode::OK);
    app.advance(31);
    let requested = json!({"phoneNumber": "+16465550101", "carrier": true});
    let (carrier, is_cellphone, _) = start(&session, requested).await;
    assert!(carrier.is_string() && is_cellphone.is_boolean(), "{carrier} {is_cellphone}");
    // A pending session is not signed in.
    let pending = app.register().await.log_in().await.0;
    let requested = json!({"phoneNumber": "+17025550101", "carrier": true});
    let (carrier, is_cellphone, _) = start(&pending, requested).await;
    assert_eq!((carrier, is_cellphone), none);
}

/// Statement 74 of docs/SECURITY.md: clients that do not ask for a cookie-only session can use both.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_accepted_by_cookie_and_by_header_by_default() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let browser = app.browser();
    let login = browser.post(routes::SESSION, ada.credentials()).await;
    let token = login.body["token"].as_str().expect("a token");
    assert_eq!(token, token_in_cookie(&login));
    assert_eq!(app.bearer(token).status().await, "pending");
    assert_eq!(browser.status().await, "pending");
    let client = ClientAt { client: app.bearer(token), address: "198.51.100.1".to_owned() };
    client.post(routes::SESSION_RESEND, json!({})).await.ok();
}
