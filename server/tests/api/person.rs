//! A person with an e-mail and a phone, and what they do with both.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shared::routes;

use crate::app::{ApiClient, PASSWORD, TestApp};

/// A person with an e-mail and a phone.
pub struct Person<'a> {
    pub app: &'a TestApp,
    pub email: String,
    pub phone: String,
}

impl<'a> Person<'a> {
    /// The sign-up form.
    pub fn form(&self) -> Value {
        json!({
            "fullName": "Ada Lovelace", "email": self.email, "phone": self.phone, "countryCode": "44",
            "password": PASSWORD,
        })
    }

    pub fn credentials(&self) -> Value {
        json!({"email": self.email, "password": PASSWORD})
    }

    pub fn e164(&self) -> String {
        format!("+44{}", self.phone)
    }

    /// The phone, as the sandbox's control API returns it.
    pub async fn phone_state(&self) -> Value {
        self.app.call_sandbox(Method::GET, &format!("/phones/{}", self.e164()), Value::Null).await.ok()
    }

    /// The newest code on the phone.
    pub async fn code(&self) -> String {
        let phone = self.phone_state().await;
        phone["messages"][0]["code"].as_str().expect("a code was sent").to_owned()
    }

    /// A code that differs from the newest one.
    pub async fn wrong_code(&self) -> String {
        let code: u32 = self.code().await.parse().expect("digits");
        format!("{:07}", (code + 1) % 10_000_000)
    }

    /// The code the provider's app shows now.
    pub async fn soft_token(&self) -> String {
        let phone = self.phone_state().await;
        phone["softToken"].as_str().expect("the app is installed").to_owned()
    }

    pub async fn set_app_installed(&self, installed: bool) {
        let path = format!("/phones/{}", self.e164());
        self.app.call_sandbox(Method::PUT, &path, json!({"authyApp": installed})).await.ok();
    }

    /// Logs in with the password. Returns the pending session and the approval request that was sent.
    pub async fn log_in(&self) -> (ApiClient<'a>, String) {
        let response = self.app.client().post(routes::SESSION, self.credentials()).await.ok();
        assert_eq!(response["authyResponse"]["success"], true, "{response}");
        let uuid = response["authyResponse"]["approval_request"]["uuid"]
            .as_str()
            .expect("an approval request")
            .to_owned();
        (self.app.bearer(response["token"].as_str().expect("a token")), uuid)
    }

    /// Logs in and approves the request on the phone.
    pub async fn sign_in(&self) -> ApiClient<'a> {
        let (session, uuid) = self.log_in().await;
        assert_eq!(self.app.answer_request(&uuid, "approve").await, StatusCode::NO_CONTENT);
        assert_eq!(session.status().await, "approved");
        session
    }
}
