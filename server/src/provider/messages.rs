//! Text messages by Twilio (API 2010-04-01). Its JSON stays in this file.

use std::time::Duration;

use reqwest::{Client, StatusCode};
use serde_json::Value;
use shared::phone::PhoneNumber;

use super::{
    ProviderError,
    http::{client, read, unreachable},
};
use crate::domain::secret::Secret;

/// A client of one account.
#[derive(Debug)]
pub struct Messages {
    http: Client,
    base: String,
    account_sid: String,
    auth_token: Secret,
    from: String,
}

/// A text the provider has accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued {
    /// The provider's name for it.
    pub sid: String,
    /// The provider's status.
    pub status: String,
}

impl Messages {
    /// A client for the account `account_sid`, at `base` (without a final slash), which sends from
    /// the number `from`. No call takes longer than `timeout`.
    #[must_use]
    pub fn new(base: &str, account_sid: String, auth_token: Secret, from: String, timeout: Duration) -> Self {
        let base = base.trim_end_matches('/').to_owned();
        Self { http: client(timeout), base, account_sid, auth_token, from }
    }

    /// The token that signs the provider's reports.
    #[must_use]
    pub fn webhook_key(&self) -> &str {
        self.auth_token.reveal()
    }

    /// Sends a text; its delivery is reported to `report_to`, if there is such an address.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn send(
        &self,
        to: &PhoneNumber,
        body: &str,
        report_to: Option<&str>,
    ) -> Result<Queued, ProviderError> {
        let (base, account) = (&self.base, &self.account_sid);
        let to = to.e164();
        let mut form = vec![("To", to.as_str()), ("From", &self.from), ("Body", body)];
        form.extend(report_to.map(|url| ("StatusCallback", url)));
        let response = self
            .http
            .post(format!("{base}/2010-04-01/Accounts/{account}/Messages.json"))
            .basic_auth(account, Some(self.auth_token.reveal()))
            .form(&form)
            .send()
            .await
            .map_err(unreachable)?;
        let status = response.status();
        let unexpected = || ProviderError::UnexpectedResponse { status: status.as_u16() };
        let body = read(response).await?;
        let body: Value = serde_json::from_slice(&body).map_err(|_| unexpected())?;
        if status == StatusCode::CREATED {
            let text = |name: &str| body[name].as_str().map(str::to_owned);
            return match (text("sid"), text("status")) {
                (Some(sid), Some(status)) if is_sid(&sid) => Ok(Queued { sid, status }),
                _ => Err(unexpected()),
            };
        }
        Err(match (status.as_u16(), body["code"].as_u64()) {
            (429, _) => ProviderError::Limited,
            (_, Some(21211 | 21408 | 21610 | 21612 | 21614)) => ProviderError::BadPhone,
            (status, Some(code)) => ProviderError::Refused { status, code: code.to_string() },
            _ => unexpected(),
        })
    }
}

/// Two letters and 32 hexadecimal digits.
fn is_sid(text: &str) -> bool {
    text.len() == 34
        && (text.starts_with("SM") || text.starts_with("MM"))
        && text[2..].bytes().all(|c| c.is_ascii_hexdigit())
}
