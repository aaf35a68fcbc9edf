//! The Authy API. Its JSON stays in this folder.
//!
//! Success is HTTP 200 and `success` true; for a code also `token` "is valid". Anything else is no.

mod callback;
mod codes;
mod one_touch;
mod phones;
mod users;

use std::time::Duration;

use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::Value;

pub use callback::SignedRequest;

use super::{
    ProviderError,
    http::{client, read, unreachable},
};
use crate::domain::{factor::ProviderAccount, ids::digest, secret::Secret};

const KEY_HEADER: &str = "X-Authy-API-Key";

/// A client of the Authy API for one application.
#[derive(Debug)]
pub struct Authy {
    http: Client,
    base: String,
    key: Secret,
    account: ProviderAccount,
}

impl Authy {
    /// A client for the application with this key, at `base` (without a final slash). No call takes
    /// longer than `timeout`.
    #[must_use]
    pub fn new(base: &str, key: Secret, timeout: Duration) -> Self {
        let http = client(timeout);
        let base = base.trim_end_matches('/').to_owned();
        let fingerprint = &digest(&["authy", key.reveal()])[..12];
        let account = ProviderAccount::from_text(format!("authy {base} {fingerprint}"));
        Self { http, base, key, account }
    }

    pub(super) fn account(&self) -> &ProviderAccount {
        &self.account
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    async fn call(&self, request: RequestBuilder) -> Result<Value, ProviderError> {
        let response = request.header(KEY_HEADER, self.key.reveal()).send().await;
        let response = response.map_err(unreachable)?;
        let status = response.status();
        let body = read(response).await?;
        let body: Value = serde_json::from_slice(&body)
            .map_err(|_| ProviderError::UnexpectedResponse { status: status.as_u16() })?;
        let success = body["success"] == Value::Bool(true) || body["success"] == "true";
        if status == StatusCode::OK && success { Ok(body) } else { Err(refusal(status.as_u16(), &body)) }
    }
}

fn refusal(status: u16, body: &Value) -> ProviderError {
    // A clear judgement of a code counts, whatever is wrong with the rest.
    if status < 500 && body["token"] == "is invalid" {
        return ProviderError::Refused { status: 401, code: "60020".to_owned() };
    }
    let code = match &body["error_code"] {
        Value::String(code) => code.clone(),
        Value::Number(code) => code.to_string(),
        _ => return ProviderError::UnexpectedResponse { status },
    };
    match (status, code.as_str()) {
        (429, _) | (_, "60003") => ProviderError::Limited,
        (404, "60016" | "60026") => ProviderError::UnknownUser,
        (_, "60050" | "60051" | "60064" | "60065") => ProviderError::NoPush,
        (400, "60027") if body["errors"].get("cellphone").is_some() => ProviderError::BadPhone,
        (400, "60027") if body["errors"].get("email").is_some() => ProviderError::BadEmail,
        (_, "60038") => ProviderError::BadEmail,
        (_, "60006" | "60007" | "60014" | "60015" | "60082" | "60083") => ProviderError::ChannelRefused,
        (_, "60013" | "60033" | "60078") => ProviderError::BadPhone,
        _ => ProviderError::Refused { status, code },
    }
}
