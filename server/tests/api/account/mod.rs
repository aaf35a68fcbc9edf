//! What an owner does with an account: the tools these tests share.

mod activity;
mod denials;
mod emails;
mod mailing;
mod notices;
mod number_match;
mod own_data;
mod own_sessions;
mod passwords;
mod phone_change;
mod recovery_codes;
mod remembered;
mod restoring;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shared::routes;

use crate::app::{ApiClient, PASSWORD, Person, Response, TestApp};

pub const NEW_PASSWORD: &str = "looms and punched cards";

/// A browser that uses the page: its session is carried by the cookie alone.
pub struct Page<'a> {
    pub client: ApiClient<'a>,
}

impl<'a> Page<'a> {
    pub fn open(app: &'a TestApp) -> Self {
        Self { client: app.browser() }
    }

    pub async fn post(&self, path: &str, body: Value) -> Response {
        let request = self.client.request(Method::POST, path).header(routes::CARRIER_HEADER, "cookie");
        self.client.send(request.json(&body)).await
    }

    pub async fn get(&self, path: &str) -> Response {
        self.client.get(path).await
    }

    /// Types the password; answers the approval request that was sent.
    pub async fn log_in(&self, person: &Person<'_>) -> String {
        let login = self.post(routes::SESSION, person.credentials()).await.ok();
        let uuid = login["authyResponse"]["approval_request"]["uuid"].as_str();
        uuid.unwrap_or_else(|| panic!("an approval request: {login}")).to_owned()
    }

    /// Signs in by an approval and its number.
    pub async fn sign_in(&self, person: &Person<'_>) -> Response {
        self.sign_in_with(person, json!({})).await
    }

    /// The same with more fields beside the number.
    pub async fn sign_in_with(&self, person: &Person<'_>, more: Value) -> Response {
        let uuid = self.log_in(person).await;
        approve(person.app, &uuid).await;
        let mut body = json!({"number": number_on_phone(person).await});
        let fields = more.as_object().expect("fields").clone();
        body.as_object_mut().expect("an object").extend(fields);
        let matched = self.post(routes::SESSION_PUSH_MATCH, body).await;
        assert_eq!(matched.status, StatusCode::OK, "{}", matched.text);
        matched
    }
}

pub async fn approve(app: &TestApp, uuid: &str) {
    assert_eq!(app.answer_request(uuid, "approve").await, StatusCode::NO_CONTENT);
}

/// The number that the phone shows with the newest request.
pub async fn number_on_phone(person: &Person<'_>) -> String {
    let phone = person.phone_state().await;
    let number = phone["approvalRequests"][0]["details"]["Enter in browser"].as_str();
    number.unwrap_or_else(|| panic!("a number: {phone}")).to_owned()
}

/// Another number than this one.
pub fn another_number(number: &str, by: u32) -> String {
    format!("{:02}", (number.parse::<u32>().expect("digits") + by) % 100)
}

/// The e-mails somebody has received, newest first.
pub async fn mails_to(app: &TestApp, email: &str) -> Vec<Value> {
    let mails = app.call_sandbox(Method::GET, &format!("/mail?to={email}"), Value::Null).await.ok();
    mails["mails"].as_array().expect("a list").clone()
}

/// Waits for an e-mail with this subject; answers the newest.
pub async fn mail(app: &TestApp, email: &str, subject: &str) -> Value {
    let mut found = None;
    app.wait_until(&format!("{email} gets {subject:?}"), async || {
        let mails = mails_to(app, email).await;
        found = mails.into_iter().find(|mail| mail["subject"] == subject);
        found.is_some()
    })
    .await;
    found.expect("it was found")
}

/// Waits until nothing waits to be sent; answers the subjects somebody has received, newest first.
pub async fn subjects_to(app: &TestApp, email: &str) -> Vec<String> {
    all_sent(app).await;
    let mails = mails_to(app, email).await;
    mails.iter().map(|mail| mail["subject"].as_str().expect("a subject").to_owned()).collect()
}

/// Waits until nothing waits to be sent, and everybody is told of half sign-ins who is to be told by now.
pub async fn all_sent(app: &TestApp) {
    use server::store::{StoreError, half_sign_ins, mails};
    app.wait_until("all e-mails are sent", async || {
        let (store, now) = (app.store(), app.clock.now());
        let due = store.read(move |db| {
            let is_due = half_sign_ins::next_due(db)?.is_some_and(|due| due <= now);
            Ok::<_, StoreError>(is_due || mails::next_due(db)?.is_some())
        });
        !due.await.expect("the database answers")
    })
    .await;
}

/// The token of the link in an e-mail, which opens this page.
pub fn token_in(mail: &Value, page: &str) -> String {
    let text = mail["text"].as_str().expect("a plain part");
    let link = text.lines().find(|line| line.contains(&format!("{page}#")));
    link.unwrap_or_else(|| panic!("a link: {text}")).split_once('#').expect("a token").1.to_owned()
}

/// Verifies the e-mail of a session's account by the link that its sign-up has sent.
pub async fn verify_email(session: &ApiClient<'_>, email: &str) {
    let mail = mail(session.app, email, "Verify your new email").await;
    let token = token_in(&mail, routes::page::CONFIRM_EMAIL);
    session.post(routes::EMAIL_CONFIRM, json!({"token": token})).await.ok();
}

/// A person whose e-mail is verified, signed in by an approval a moment ago. The mailbox is empty.
pub async fn owner(app: &TestApp) -> (Person<'_>, ApiClient<'_>) {
    let person = app.register().await;
    let session = person.sign_in().await;
    verify_email(&session, &person.email).await;
    all_sent(app).await;
    let emptied = app.call_sandbox(Method::DELETE, "/mail", Value::Null).await;
    assert_eq!(emptied.status, StatusCode::NO_CONTENT);
    (person, session)
}

/// Logs in with a password and approves; answers the session.
pub async fn sign_in_with<'a>(person: &Person<'a>, password: &str) -> ApiClient<'a> {
    let login = json!({"email": person.email, "password": password});
    let begun = person.app.client().post(routes::SESSION, login).await.ok();
    let uuid = begun["authyResponse"]["approval_request"]["uuid"].as_str().expect("an approval request");
    approve(person.app, uuid).await;
    person.app.bearer(begun["token"].as_str().expect("a token"))
}

/// A login of a person, by any client.
pub async fn try_password(person: &Person<'_>, password: &str) -> Response {
    let login = json!({"email": person.email, "password": password});
    person.app.client().post(routes::SESSION, login).await
}

/// A step-up that was long ago.
pub fn let_step_up_expire(app: &TestApp) {
    app.advance(20 * 60 + 1);
}

/// The value a response sets a cookie to.
pub fn cookie_set(response: &Response, name: &str) -> Option<String> {
    let cookies = response.headers.get_all("set-cookie").iter().map(|value| value.to_str().expect("text"));
    let pairs = cookies.filter_map(|cookie| cookie.split(';').next()?.split_once('='));
    pairs.filter(|(set, _)| *set == name).map(|(_, value)| value.to_owned()).next_back()
}

/// The password of [`Person::credentials`].
pub fn old_password() -> &'static str {
    PASSWORD
}
