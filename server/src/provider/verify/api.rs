//! Calls to Verify: addresses, credentials, pages, errors.

use std::time::Duration;

use reqwest::{Client, RequestBuilder};
use serde_json::Value;

use super::Credentials;
use crate::provider::{
    ProviderError,
    http::{client, read, unreachable},
};

/// Calls to Verify with one credential.
#[derive(Debug)]
pub(super) struct Api {
    pub(super) http: Client,
    base: String,
    pub(super) credentials: Credentials,
}

impl Api {
    pub(super) fn new(base: &str, credentials: Credentials, timeout: Duration) -> Self {
        Self { http: client(timeout), base: base.trim_end_matches('/').to_owned(), credentials }
    }

    pub(super) fn base(&self) -> &str {
        &self.base
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("{}/v2{path}", self.base)
    }

    /// Sends a request; what it answers with success.
    pub(super) async fn call(&self, request: RequestBuilder) -> Result<Value, ProviderError> {
        let (status, body) = self.send_request(request).await?;
        let body: Option<Value> = serde_json::from_slice(&body).ok();
        match body {
            Some(body) if (200..300).contains(&status) => Ok(body),
            Some(body) => Err(refusal(status, &body)),
            None => Err(ProviderError::UnexpectedResponse { status }),
        }
    }

    /// Removes something; nothing where it is gone already.
    pub(super) async fn delete(&self, path: &str) -> Result<(), ProviderError> {
        let (status, body) = self.send_request(self.http.delete(self.url(path))).await?;
        if status == 204 {
            return Ok(());
        }
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        match refusal(status, &body) {
            ProviderError::Refused { code, .. } if code == NOT_FOUND => Ok(()),
            other => Err(other),
        }
    }

    async fn send_request(&self, request: RequestBuilder) -> Result<(u16, Vec<u8>), ProviderError> {
        let Credentials { user, password, .. } = &self.credentials;
        let response = request.basic_auth(user, Some(password.reveal())).send().await.map_err(unreachable)?;
        Ok((response.status().as_u16(), read(response).await?))
    }

    /// All entries of a list under `key`, page by page.
    pub(super) async fn list(&self, path: &str, key: &str) -> Result<Vec<Value>, ProviderError> {
        const PAGE_SIZE: usize = 100;
        /// More pages than any list has that is asked for here.
        const MOST_PAGES: usize = 20;
        let mut entries = Vec::new();
        let mut page_token: Option<String> = None;
        for page in 0..MOST_PAGES {
            let mut query = vec![("PageSize", PAGE_SIZE.to_string())];
            if let Some(token) = page_token.take() {
                query.extend([("Page", page.to_string()), ("PageToken", token)]);
            }
            let answer = self.call(self.http.get(self.url(path)).query(&query)).await?;
            let Some(listed) = answer[key].as_array() else {
                return Err(ProviderError::UnexpectedResponse { status: 200 });
            };
            entries.extend(listed.iter().cloned());
            let next = answer["meta"]["next_page_url"].as_str().and_then(|next| next.split_once('?'));
            let Some((_, next)) = next else { return Ok(entries) };
            page_token = url::form_urlencoded::parse(next.as_bytes())
                .find(|(name, _)| name == "PageToken")
                .map(|(_, token)| token.into_owned());
            if page_token.is_none() {
                return Ok(entries);
            }
        }
        Ok(entries)
    }
}

/// There is no such thing. Of a verification: it was used, cancelled, has expired, or was checked too often.
pub(super) const NOT_FOUND: &str = "20404";

/// Whether a failure says that there is no such thing.
pub(super) fn is_not_found(error: &ProviderError) -> bool {
    matches!(error, ProviderError::Refused { code, .. } if code == NOT_FOUND)
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
