//! Sessions: by cookie alone, bounded in number, ended by their owner only.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shared::routes::{self, cookie_api as api};

use super::{At, BEHIND_A_PROXY, at, known_device};
use crate::app::{Answer, PASSWORD, Person, Session, TestApp};

const BY_COOKIE: (&str, &str) = ("X-Session-Carrier", "cookie");

/// A request of a client that wants the cookie and no token.
async fn by_cookie(browser: &Session<'_>, path: &str, body: Value) -> Answer {
    let request = browser.request(Method::POST, path).header(BY_COOKIE.0, BY_COOKIE.1);
    browser.send(request.json(&body)).await
}

/// The token inside the cookie that an answer sets: 44 characters of signature stand before it.
fn token_in_cookie(answer: &Answer) -> String {
    let cookies = answer.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap());
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

fn push_of(answer: &Answer) -> String {
    answer.body["authyResponse"]["approval_request"]["uuid"].as_str().expect("a push").to_owned()
}

/// Statement 74 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_begun_for_the_cookie_is_refused_by_header() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let browser = app.browser();
    let login = by_cookie(&browser, routes::SESSION, ada.credentials()).await;
    assert_eq!(login.status, StatusCode::OK, "{}", login.text);
    app.bearer(&token_in_cookie(&login)).get(routes::AUTHY_STATUS).await.refused(404, "no_session");
    app.press(&push_of(&login), "approve").await;
    let renewed = by_cookie(&browser, routes::SESSION_CONTINUE, json!({})).await;
    assert_eq!(renewed.status, StatusCode::OK, "{}", renewed.text);
    let stolen = app.bearer(&token_in_cookie(&renewed));
    stolen.get(routes::USER).await.refused(403, "not_signed_in");
    stolen.delete(routes::SESSION).await.refused(403, "not_signed_in");
    assert!(browser.is_signed_in().await, "by cookie it goes on");
    // The same for a session that a sign-up begins.
    let browser = app.browser();
    let made = by_cookie(&browser, routes::USER, app.new_person().form()).await;
    app.bearer(&token_in_cookie(&made)).get(routes::USER).await.refused(403, "not_signed_in");
    assert!(browser.is_signed_in().await);
}

/// Statement 74 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn no_answer_to_a_session_begun_for_the_cookie_holds_a_token() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let grace = app.new_person();
    let browser = app.browser();
    let mut answers = vec![by_cookie(&browser, routes::USER, app.new_person().form()).await];
    answers.push(by_cookie(&app.browser(), routes::USERS, grace.form()).await);
    let login = by_cookie(&browser, routes::SESSION, ada.credentials()).await;
    app.press(&push_of(&login), "approve").await;
    answers.push(login);
    // Said at the beginning, it holds to the end.
    answers.push(browser.post(routes::SESSION_CONTINUE, json!({})).await);
    answers.push(browser.post(routes::SESSION_RESEND, json!({})).await);
    answers.push(browser.verify(&ada.code().await).await);
    let login = json!({"username": ada.email, "password": PASSWORD});
    let other = app.browser();
    answers.push(by_cookie(&other, api::LOGIN, login).await);
    answers.push(
        by_cookie(&app.browser(), api::VERIFICATION_START, json!({"phoneNumber": "+12125550101"})).await,
    );
    for answer in answers {
        assert!(answer.status.is_success(), "{}", answer.text);
        assert!(
            !answer.text.contains(r#""token":"#) && !answer.text.contains("sessionToken"),
            "{}",
            answer.text
        );
    }
}

async fn is_alive(app: &TestApp, login: &Answer) -> bool {
    let token = login.body["token"].as_str().expect("a token");
    app.bearer(token).get(routes::AUTHY_STATUS).await.status == StatusCode::OK
}

async fn log_in_at(app: &TestApp, person: &Person<'_>, address: &str) -> Answer {
    let answer = at(app, address).post(routes::SESSION, person.credentials()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer
}

async fn alive(app: &TestApp, logins: &[Answer]) -> Vec<usize> {
    let mut alive = Vec::new();
    for (number, login) in logins.iter().enumerate() {
        if is_alive(app, login).await {
            alive.push(number);
        }
    }
    alive
}

/// Statement 79 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn a_user_has_ten_pending_sessions_and_a_flood_ends_those_of_its_own_address() {
    let app = TestApp::with(&[BEHIND_A_PROXY, ("LIMIT_PUSHES_PER_HOUR", "100")]).await;
    let ada = app.person().await;
    ada.sign_in().await;
    let owner = log_in_at(&app, &ada, "198.51.100.1").await;
    let mut thieves = Vec::new();
    for _ in 0..30 {
        app.advance(1);
        thieves.push(log_in_at(&app, &ada, "203.0.113.7").await);
    }
    assert!(is_alive(&app, &owner).await);
    assert_eq!(alive(&app, &thieves).await, (21..30).collect::<Vec<_>>());
    // Those of another user are not counted.
    let grace = app.person().await;
    let other = log_in_at(&app, &grace, "203.0.113.7").await;
    assert!(is_alive(&app, &other).await);
    assert_eq!(alive(&app, &thieves).await.len(), 9);
}

/// Statement 79 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_from_many_addresses_ends_no_session_of_a_known_device() {
    let app = TestApp::with(&[BEHIND_A_PROXY, ("LIMIT_PUSHES_PER_HOUR", "100")]).await;
    let ada = app.person().await;
    let device = known_device(&app, &ada).await;
    device.post(routes::SESSION, ada.credentials()).await.ok();
    let mut thieves = Vec::new();
    for number in 0..30 {
        app.advance(1);
        thieves.push(log_in_at(&app, &ada, &format!("203.0.113.{number}")).await);
    }
    assert_eq!(alive(&app, &thieves).await.len(), 9);
    assert_eq!(device.status().await, "pending");
}

/// A signed-in browser, and a request of it to log out.
async fn log_out(app: &TestApp, headers: &[(&str, &str)]) -> (Answer, bool) {
    let browser = app.browser();
    browser.post(routes::USER, app.new_person().form()).await.ok();
    let mut request = browser.request(Method::GET, api::LOGOUT);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = browser.send(request).await;
    let stays = browser.is_signed_in().await;
    (answer, stays)
}

const BROWSER: (&str, &str) =
    ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:78.0) Gecko/20100101 Firefox/78.0");

/// Statement 58 of docs/SECURITY.md: browsers that send no `Sec-Fetch-Site` follow such a link, too.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_on_another_site_logs_nobody_out_of_an_old_browser() {
    let app = TestApp::spawn().await;
    let foreign: [&[(&str, &str)]; 4] = [
        &[BROWSER],
        &[BROWSER, ("Referer", "https://evil.example/page")],
        &[BROWSER, ("Origin", "https://evil.example")],
        &[BROWSER, ("Referer", "http://127.0.0.1:1/page")],
    ];
    let mut logged_out = Vec::new();
    for headers in foreign {
        let (answer, stays) = log_out(&app, headers).await;
        if stays {
            answer.refused(403, "foreign_origin");
        } else {
            logged_out.push(headers);
        }
    }
    assert!(logged_out.is_empty(), "{logged_out:?}");
    // From our own page, and for programs, it works as ever.
    let own_page = app.url("/2fa");
    for headers in [&[BROWSER, ("Referer", own_page.as_str())][..], &[("User-Agent", "curl/8.5.0")], &[]] {
        let (answer, stays) = log_out(&app, headers).await;
        answer.ok();
        assert!(!stays, "{headers:?}");
    }
}

/// Statement 61 of docs/SECURITY.md: who has only the password does not learn who the owner is at the provider.
#[tokio::test(flavor = "multi_thread")]
async fn a_pending_session_does_not_read_the_providers_user_id() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    ada.sign_in().await;
    let thief = app.browser();
    let mut answers = vec![];
    answers.push(thief.post(api::LOGIN, json!({"username": ada.email, "password": PASSWORD})).await);
    answers.push(thief.post(api::ONETOUCH, json!({})).await);
    answers.push(thief.get(routes::AUTHY_STATUS).await);
    answers.push(thief.post(api::ONETOUCH_STATUS, json!({})).await);
    answers.push(thief.post(api::SMS, json!({})).await);
    let shown = ada.look_at_phone().await["approvalRequests"][0]["details"].clone();
    let id = shown["Authy ID"].as_str().expect("the phone shows it").to_owned();
    for answer in answers {
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        assert!(!answer.text.contains(&id), "{id}: {}", answer.text);
    }
    let status = thief.get(routes::AUTHY_STATUS).await.ok();
    let details = &status["approvalRequest"]["details"];
    assert_eq!((&details["Username"], details.get("Authy ID")), (&shown["Username"], None));
}

/// Statement 61 of docs/SECURITY.md: whose phone it is, and with which carrier, is nobody's business.
#[tokio::test(flavor = "multi_thread")]
async fn the_public_verification_names_no_carrier() {
    let app = TestApp::spawn().await;
    let start = async |session: &Session<'_>, body: Value| {
        let answer = session.post(api::VERIFICATION_START, body).await;
        (answer.body["carrier"].clone(), answer.body["is_cellphone"].clone(), answer.status)
    };
    let nothing = (Value::Null, Value::Null);
    for (number, wish) in [("+12125550101", json!({})), ("+13105550101", json!({"carrier": true}))] {
        let mut body = wish;
        body["phoneNumber"] = json!(number);
        let (carrier, is_cellphone, _) = start(&app.stranger(), body).await;
        assert_eq!((carrier, is_cellphone), nothing);
    }
    let session = app.person().await.sign_in().await;
    let (carrier, is_cellphone, status) = start(&session, json!({"phoneNumber": "+14155550101"})).await;
    assert_eq!((carrier, is_cellphone), nothing);
    assert_eq!(status, StatusCode::OK);
    app.advance(31);
    let asked = json!({"phoneNumber": "+16465550101", "carrier": true});
    let (carrier, is_cellphone, _) = start(&session, asked).await;
    assert!(carrier.is_string() && is_cellphone.is_boolean(), "{carrier} {is_cellphone}");
    // Who has only the password is not signed in.
    let pending = app.person().await.log_in().await.0;
    let asked = json!({"phoneNumber": "+17025550101", "carrier": true});
    let (carrier, is_cellphone, _) = start(&pending, asked).await;
    assert_eq!((carrier, is_cellphone), nothing);
}

/// Statement 74 of docs/SECURITY.md: a session by header goes on as before. (The rule held before.)
#[tokio::test(flavor = "multi_thread")]
async fn without_that_wish_a_session_is_taken_by_cookie_and_by_header() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let browser = app.browser();
    let login = browser.post(routes::SESSION, ada.credentials()).await;
    let token = login.body["token"].as_str().expect("a token");
    assert_eq!(token, token_in_cookie(&login));
    assert_eq!(app.bearer(token).status().await, "pending");
    assert_eq!(browser.status().await, "pending");
    let client = At { session: app.bearer(token), address: "198.51.100.1".to_owned() };
    client.post(routes::SESSION_RESEND, json!({})).await.ok();
}
