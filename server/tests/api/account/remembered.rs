//! Remembered browsers. Statement 56.

use reqwest::{Method, header};
use serde_json::{Value, json};
use shared::routes;

use super::{NEW_PASSWORD, Page, cookie_set, let_step_up_expire, old_password, owner, subjects_to};
use crate::app::{Person, Response, TestApp};

const COOKIE: &str = "countersign_remembered";
const STOLEN: &str = "A remembered device was removed";

/// Signs in on the page and has the browser remembered; answers the cookie.
async fn remember(page: &Page<'_>, person: &Person<'_>) -> String {
    let signed_in = page.sign_in_with(person, json!({"rememberDevice": true})).await;
    cookie_set(&signed_in, COOKIE).expect("the browser is remembered")
}

/// A login with the right password from a browser that has this cookie and no other.
async fn log_in_with(person: &Person<'_>, cookie: &str) -> Response {
    let client = person.app.client();
    let request = client.request(Method::POST, routes::SESSION);
    let request = request.header(header::COOKIE, format!("{COOKIE}={cookie}"));
    client.send(request.json(&person.credentials())).await
}

/// Whether a login went on without a second factor; the next cookie.
async fn is_remembered(person: &Person<'_>, cookie: &str) -> Option<String> {
    let login = log_in_with(person, cookie).await;
    assert_eq!(login.status, 200, "{}", login.text);
    let next = cookie_set(&login, COOKIE);
    let session = person.app.bearer(login.body["token"].as_str().expect("a token"));
    assert_eq!(session.status().await == "approved", next.is_some());
    assert_eq!(session.is_signed_in().await, next.is_some());
    next
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_remembered_browser_the_password_is_enough_and_no_step_up() {
    let app = TestApp::spawn().await;
    let (ada, _) = owner(&app).await;
    let page = Page::open(&app);
    remember(&page, &ada).await;
    page.client.delete(routes::SESSION).await.ok();
    let requests = ada.phone_state().await["approvalRequests"].as_array().unwrap().len();
    let login = page.post(routes::SESSION, ada.credentials()).await.ok();
    assert_eq!(login["authyResponse"]["success"], true, "{login}");
    assert_eq!(page.client.status().await, "approved");
    page.get(routes::USER).await.refused(403, "second_factor_required");
    page.post(routes::SESSION_CONTINUE, json!({})).await.ok();
    assert_eq!(page.get(routes::USER).await.ok()["fresh"], false);
    page.post(routes::RECOVERY_CODES, json!({})).await.refused(403, "step_up_required");
    assert_eq!(ada.phone_state().await["approvalRequests"].as_array().unwrap().len(), requests);
    let sessions = page.get(routes::SESSIONS).await.ok();
    assert_eq!(sessions["sessions"][0]["factor"], "device");
    // A wrong password is one as anywhere.
    let wrong = json!({"email": ada.email, "password": "not the password"});
    page.post(routes::SESSION, wrong).await.refused(403, "wrong_credentials");
    // Being remembered cannot be prolonged by being remembered.
    let again = page.post(routes::SESSION_CONTINUE, json!({"rememberDevice": true})).await;
    assert_eq!(cookie_set(&again, COOKIE), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_is_remembered_by_wish_alone_and_by_every_way_of_signing_in() {
    let app = TestApp::spawn().await;
    let (ada, session) = owner(&app).await;
    let codes = session.post(routes::RECOVERY_CODES, json!({})).await.body["codes"].clone();
    let page = Page::open(&app);
    assert_eq!(cookie_set(&page.sign_in(&ada).await, COOKIE), None);
    app.advance(60);
    let page = Page::open(&app);
    page.log_in(&ada).await;
    page.post(routes::SESSION_RESEND, json!({})).await.ok();
    let by_code = json!({"code": ada.code().await, "rememberDevice": true});
    assert!(cookie_set(&page.post(routes::SESSION_VERIFY, by_code).await, COOKIE).is_some());
    app.advance(60);
    let page = Page::open(&app);
    page.log_in(&ada).await;
    let by_recovery = json!({"code": codes[0], "rememberDevice": true});
    let recovered = page.post(routes::SESSION_RECOVER, by_recovery).await;
    let cookie = recovered.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap());
    let cookie = cookie.into_iter().find(|cookie| cookie.starts_with(COOKIE)).expect("a cookie");
    for attribute in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=2592000"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    let wrong = json!({"code": "000000", "rememberDevice": true});
    assert_eq!(cookie_set(&page.post(routes::SESSION_VERIFY, wrong).await, COOKIE), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_cookie_that_is_used_after_the_owner_ends_the_browser_and_is_told() {
    let app = TestApp::spawn().await;
    let (ada, _) = owner(&app).await;
    let stolen = remember(&Page::open(&app), &ada).await;
    let next = is_remembered(&ada, &stolen).await.expect("the owner goes on");
    app.advance(61);
    assert_eq!(is_remembered(&ada, &stolen).await, None, "the thief is asked for a factor");
    assert!(subjects_to(&app, &ada.email).await.contains(&STOLEN.to_owned()));
    assert_eq!(is_remembered(&ada, &next).await, None, "and so is the owner from now on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_cookie_that_is_used_before_the_owner_ends_with_the_owners_next_sign_in() {
    let app = TestApp::spawn().await;
    let (ada, _) = owner(&app).await;
    let stolen = remember(&Page::open(&app), &ada).await;
    let thiefs = is_remembered(&ada, &stolen).await.expect("nobody can tell yet");
    app.advance(61);
    assert_eq!(is_remembered(&ada, &stolen).await, None, "the owner's is the older one");
    assert_eq!(is_remembered(&ada, &thiefs).await, None);
    assert!(subjects_to(&app, &ada.email).await.contains(&STOLEN.to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_lost_on_its_way_ends_nothing() {
    let app = TestApp::spawn().await;
    let (ada, _) = owner(&app).await;
    let cookie = remember(&Page::open(&app), &ada).await;
    let lost = is_remembered(&ada, &cookie).await.expect("the next cookie");
    app.advance(59);
    let again = is_remembered(&ada, &cookie).await.expect("the one before is good for a minute");
    assert_eq!(again, lost, "two requests lead to the same");
    app.advance(3600);
    assert!(is_remembered(&ada, &again).await.is_some());
    assert!(!subjects_to(&app, &ada.email).await.contains(&STOLEN.to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_serves_one_user_for_thirty_days() {
    let app = TestApp::spawn().await;
    let ((ada, _), (grace, _)) = (owner(&app).await, owner(&app).await);
    let cookie = remember(&Page::open(&app), &ada).await;
    assert_eq!(is_remembered(&grace, &cookie).await, None);
    for odd in ["", ".", "no-such-browser.token", &cookie[..40]] {
        assert_eq!(is_remembered(&ada, odd).await, None, "{odd}");
        app.advance(3600);
    }
    app.advance(30 * 24 * 3600);
    assert_eq!(is_remembered(&ada, &cookie).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_lists_and_forgets_browsers() {
    let app = TestApp::spawn().await;
    let ((ada, _), (_, stranger)) = (owner(&app).await, owner(&app).await);
    let page = Page::open(&app);
    let cookie = remember(&page, &ada).await;
    let listed = page.get(routes::DEVICES).await.ok()["devices"].clone();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!((&listed[0]["current"], &listed[0]["address"]), (&json!(true), &json!("127.0.0.1")));
    assert!(!listed.to_string().contains(cookie.split_once('.').unwrap().1));
    let path = routes::DEVICES_ID.replace("{id}", listed[0]["id"].as_str().unwrap());
    stranger.delete(&path).await.refused(404, "not_found");
    assert_eq!(stranger.get(routes::DEVICES).await.ok()["devices"], json!([]));
    page.client.delete(&path).await.ok();
    assert_eq!(is_remembered(&ada, &cookie).await, None);
    page.client.delete(&path).await.refused(404, "not_found");
}

/// One thing that ends remembered browsers.
async fn forgets(what: &str, change: impl AsyncFnOnce(&TestApp, &Person<'_>, &Page<'_>)) {
    let app = TestApp::spawn().await;
    let (ada, _) = owner(&app).await;
    let page = Page::open(&app);
    let cookie = remember(&page, &ada).await;
    let other = Page::open(&app);
    app.advance(60);
    other.sign_in(&ada).await;
    change(&app, &ada, &other).await;
    let client = app.client();
    let request =
        client.request(Method::POST, routes::SESSION).header(header::COOKIE, format!("{COOKIE}={cookie}"));
    for password in [old_password(), NEW_PASSWORD] {
        let login = json!({"email": ada.email, "password": password});
        let answer = client.send(request.try_clone().unwrap().json(&login)).await;
        assert_eq!(cookie_set(&answer, COOKIE), None, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_change_of_a_factor_or_of_the_password_forgets_all_browsers() {
    forgets("password", async |_, _, page| {
        let change = json!({"currentPassword": old_password(), "password": NEW_PASSWORD});
        page.post(routes::PASSWORD, change).await.ok();
    })
    .await;
    forgets("authenticator", async |app, _, page| {
        let shown = page.post(routes::AUTHENTICATOR, json!({})).await.body;
        let path = routes::AUTHENTICATOR_CONFIRM.replace("{id}", shown["id"].as_str().unwrap());
        let code = crate::totp::totp(shown["secret"].as_str().unwrap(), app.clock.now());
        page.post(&path, json!({"code": code})).await.ok();
    })
    .await;
    forgets("phone", async |app, _, page| {
        let new = app.unregistered_person();
        let wish = json!({"countryCode": "44", "phone": new.phone});
        page.post(routes::PHONE, wish).await.ok();
        page.post(routes::PHONE_VERIFY, json!({"code": new.code().await})).await.ok();
    })
    .await;
    forgets("secured", async |_, _, page| {
        page.post(routes::SECURE, json!({})).await.ok();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_whose_factor_passed_long_ago_remembers_nothing() {
    let app = TestApp::spawn().await;
    let (ada, _) = owner(&app).await;
    let page = Page::open(&app);
    page.sign_in(&ada).await;
    let_step_up_expire(&app);
    let answer = page.post(routes::SESSION_CONTINUE, json!({"rememberDevice": true})).await;
    assert_eq!(cookie_set(&answer, COOKIE), None, "{}", answer.text);
    let devices: Value = page.get(routes::DEVICES).await.ok();
    assert_eq!(devices["devices"], json!([]));
}
