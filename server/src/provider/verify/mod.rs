//! Twilio Verify, version 2. Its JSON stays in this folder.
//!
//! Three services: one for people whose phone is verified, one for phones that are not, and one for numbers nobody
//! is enrolled with. Verify knows a code by service and number alone: whose it is stands in our database.

mod codes;

use std::time::Duration;

use reqwest::{Client, RequestBuilder};
use serde_json::Value;

pub use codes::Sent;

use super::{
    ProviderError,
    http::{client, read, unreachable},
};
use crate::domain::{
    factor::{ProviderAccount, ProviderUser},
    ids::{Random, digest},
    secret::Secret,
};

/// The services of an account, by their SIDs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Services {
    /// Codes of sign-ins to verified phones.
    pub sign_in: String,
    /// Codes to phones that are not verified yet.
    pub enrolment: String,
    /// Codes of numbers nobody is enrolled with.
    pub numbers: String,
}

/// A client of Verify for one account.
#[derive(Debug)]
pub struct Verify {
    http: Client,
    base: String,
    sid: String,
    token: Secret,
    services: Services,
    account: ProviderAccount,
    random: Random,
}

impl Verify {
    /// A client for the account with this SID and auth token, at `base`. No call takes longer than `timeout`.
    #[must_use]
    pub fn new(
        base: &str,
        sid: String,
        token: Secret,
        services: Services,
        timeout: Duration,
        random: Random,
    ) -> Self {
        let base = base.trim_end_matches('/').to_owned();
        let fingerprint =
            &digest(&["verify", &sid, &services.sign_in, &services.enrolment, &services.numbers])[..12];
        let account = ProviderAccount::from_text(format!("verify {base} {fingerprint}"));
        Self { http: client(timeout), base, sid, token, services, account, random }
    }

    pub(super) fn account(&self) -> &ProviderAccount {
        &self.account
    }

    /// A new identity: Verify enrols nobody before a device or an authenticator is.
    pub(super) fn enrol(&self) -> ProviderUser {
        ProviderUser::from_text(self.random.id())
    }

    fn url(&self, path: &str) -> String {
        format!("{}/v2{path}", self.base)
    }

    async fn call(&self, request: RequestBuilder) -> Result<Value, ProviderError> {
        let response = request.basic_auth(&self.sid, Some(self.token.reveal())).send().await;
        let response = response.map_err(unreachable)?;
        let status = response.status();
        let body = read(response).await?;
        let body: Value = serde_json::from_slice(&body)
            .map_err(|_| ProviderError::UnexpectedResponse { status: status.as_u16() })?;
        if status.is_success() { Ok(body) } else { Err(refusal(status.as_u16(), &body)) }
    }
}

/// By the codes of Twilio's dictionary of errors.
fn refusal(status: u16, body: &Value) -> ProviderError {
    let code = body["code"].as_u64().filter(|_| status < 500);
    let Some(code) = code else { return ProviderError::UnexpectedResponse { status } };
    match (status, code) {
        (_, 60202) => ProviderError::Refused { status, code: code.to_string() },
        (429, _) | (_, 60410 | 60413 | 60238) => ProviderError::Limited,
        (400, 60200) => ProviderError::BadPhone,
        (_, 60204 | 60205 | 60217 | 60223 | 60605 | 21408) => ProviderError::ChannelRefused,
        _ => ProviderError::Refused { status, code: code.to_string() },
    }
}
