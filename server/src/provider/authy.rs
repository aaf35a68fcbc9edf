//! The Authy API: users, OneTouch, codes. Its JSON stays in this file.
//!
//! Success is HTTP 200 and `success` true; for a code also `token` "is valid". Anything else is no.

use std::time::Duration;

use reqwest::{Client, RequestBuilder, StatusCode, redirect};
use serde_json::{Value, json};
use shared::Via;

use super::{Code, Person, ProviderError, ProviderUser, Reference};
use crate::domain::{
    ids::digest,
    push::{Question, Verdict},
    secret::Secret,
};

/// An answer larger than this is none of the provider's.
const LARGEST_ANSWER: usize = 64 * 1024;
const KEY_HEADER: &str = "X-Authy-API-Key";

/// A client of the Authy API for one application.
#[derive(Debug)]
pub struct Authy {
    http: Client,
    base: String,
    key: Secret,
    account: String,
}

impl Authy {
    /// A client for the application with this key, at `base` (without a final slash). No call takes
    /// longer than `patience`.
    #[must_use]
    pub fn new(base: &str, key: Secret, patience: Duration) -> Self {
        let http = Client::builder()
            .user_agent(concat!("Countersign/", env!("CARGO_PKG_VERSION")))
            .timeout(patience)
            .connect_timeout(patience.min(Duration::from_secs(3)))
            .redirect(redirect::Policy::none())
            .build()
            .expect("the client has no setting that can fail");
        let base = base.trim_end_matches('/').to_owned();
        let fingerprint = &digest(&["authy", key.reveal()])[..12];
        let account = format!("authy {base} {fingerprint}");
        Self { http, base, key, account }
    }

    pub(super) fn account(&self) -> &str {
        &self.account
    }

    pub(super) fn key(&self) -> &str {
        self.key.reveal()
    }

    pub(super) async fn enrol(&self, person: Person<'_>) -> Result<ProviderUser, ProviderError> {
        let body = json!({
            "user": {
                "email": person.email,
                "cellphone": person.phone.national(),
                "country_code": person.phone.calling_code(),
            },
            // The person gets one text at most: the code they ask for.
            "send_install_link_via_sms": false,
        });
        let answer = self.call(self.http.post(self.url("/protected/json/users/new")).json(&body)).await?;
        let id = match &answer["user"]["id"] {
            Value::Number(id) => id.to_string(),
            Value::String(id) => id.clone(),
            _ => return Err(ProviderError::Nonsense { status: 200 }),
        };
        if id.is_empty() || !id.bytes().all(|c| c.is_ascii_digit()) {
            return Err(ProviderError::Nonsense { status: 200 });
        }
        Ok(ProviderUser(id))
    }

    pub(super) async fn push(
        &self,
        user: &ProviderUser,
        question: &Question,
        life: Duration,
    ) -> Result<Reference, ProviderError> {
        let body = json!({
            "message": question.message,
            "details": question.details,
            "seconds_to_expire": life.as_secs(),
        });
        let path = format!("/onetouch/json/users/{}/approval_requests", user.0);
        let answer = self.call(self.http.post(self.url(&path)).json(&body)).await?;
        match answer["approval_request"]["uuid"].as_str() {
            Some(uuid) if is_uuid(uuid) => Ok(Reference(uuid.to_owned())),
            _ => Err(ProviderError::Nonsense { status: 200 }),
        }
    }

    pub(super) async fn send(&self, user: &ProviderUser, via: Via) -> Result<Reference, ProviderError> {
        let path = format!("/protected/json/{via}/{}", user.0);
        let answer = self.call(self.http.get(self.url(&path)).query(&[("force", "true")])).await?;
        // With force nothing is ever left unsent; should it be after all, there is no code to wait for.
        if answer["ignored"] == Value::Bool(true) {
            return Err(ProviderError::Nonsense { status: 200 });
        }
        Ok(Reference(user.0.clone()))
    }

    pub(super) async fn check(&self, reference: &Reference, code: &Code) -> Result<bool, ProviderError> {
        let path = format!("/protected/json/verify/{}/{}", code.digits(), reference.0);
        // Without force the provider calls any code valid for a user who never confirmed one.
        let request = self.http.get(self.url(&path)).query(&[("force", "true")]);
        match self.call(request).await {
            Ok(answer) => Ok(answer["token"] == "is valid"),
            Err(ProviderError::Refused { status: 401, code })
                if matches!(code.as_str(), "60019" | "60020") =>
            {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    pub(super) async fn ask(&self, reference: &Reference) -> Result<Option<Verdict>, ProviderError> {
        let path = format!("/onetouch/json/approval_requests/{}", reference.0);
        let answer = self.call(self.http.get(self.url(&path))).await?;
        match answer["approval_request"]["status"].as_str() {
            Some("approved") => Ok(Some(Verdict::Approved)),
            Some("denied") => Ok(Some(Verdict::Denied)),
            Some("pending" | "expired") => Ok(None),
            _ => Err(ProviderError::Nonsense { status: 200 }),
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    async fn call(&self, request: RequestBuilder) -> Result<Value, ProviderError> {
        let answer = request.header(KEY_HEADER, self.key.reveal()).send().await;
        let mut answer = answer.map_err(unreachable)?;
        let status = answer.status();
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > LARGEST_ANSWER {
                return Err(ProviderError::Nonsense { status: status.as_u16() });
            }
            body.extend_from_slice(&chunk);
        }
        let body: Value =
            serde_json::from_slice(&body).map_err(|_| ProviderError::Nonsense { status: status.as_u16() })?;
        let success = body["success"] == Value::Bool(true) || body["success"] == "true";
        if status == StatusCode::OK && success { Ok(body) } else { Err(refusal(status.as_u16(), &body)) }
    }
}

/// The address may hold a code; the log must not.
fn unreachable(error: reqwest::Error) -> ProviderError {
    ProviderError::Unreachable(error.without_url())
}

fn is_uuid(text: &str) -> bool {
    (8..=64).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-')
}

fn refusal(status: u16, body: &Value) -> ProviderError {
    // A clear word about a code is an answer, whatever is wrong with the rest.
    if status < 500 && body["token"] == "is invalid" {
        return ProviderError::Refused { status: 401, code: "60020".to_owned() };
    }
    let code = match &body["error_code"] {
        Value::String(code) => code.clone(),
        Value::Number(code) => code.to_string(),
        _ => return ProviderError::Nonsense { status },
    };
    match (status, code.as_str()) {
        (429, _) | (_, "60003") => ProviderError::Limited,
        (404, "60016" | "60026") => ProviderError::UnknownUser,
        (_, "60050" | "60051" | "60064" | "60065") => ProviderError::NoPush,
        (400, "60027") if body["errors"].get("cellphone").is_some() => ProviderError::BadPhone,
        (400, "60027") if body["errors"].get("email").is_some() => ProviderError::BadEmail,
        (_, "60033" | "60078" | "60082" | "60083") => ProviderError::BadPhone,
        _ => ProviderError::Refused { status, code },
    }
}
