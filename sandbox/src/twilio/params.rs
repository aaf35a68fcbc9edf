//! Authentication of a call, and its parameters.

use std::ops::RangeInclusive;

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header::AUTHORIZATION, web::Bytes};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::future::LocalBoxFuture;

use shared::sandbox::{ACCOUNT_SID, AUTH_TOKEN, KEY_SECRET, KEY_SID};

use super::error::TwilioError;

/// Under this name devices show their tokens.
const DEVICE: &str = "token";

/// What a call has shown to be let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Credential {
    /// The account's auth token, or its API key.
    Account,
    /// A device's token, which is to be checked.
    Device(String),
}

impl Credential {
    /// `None` where there is none, or a wrong one.
    pub(super) fn of(request: &HttpRequest) -> Option<Self> {
        let header = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
        let pair = String::from_utf8(STANDARD.decode(header.strip_prefix("Basic ")?).ok()?).ok()?;
        match pair.split_once(':')? {
            (ACCOUNT_SID, AUTH_TOKEN) | (KEY_SID, KEY_SECRET) => Some(Self::Account),
            (DEVICE, token) => Some(Self::Device(token.to_owned())),
            _ => None,
        }
    }
}

/// The fields of a call of the account: those of the query, then those of the form. An empty field counts as
/// absent, since one client library sends absent fields that way.
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<(String, String)>);

impl FromRequest for Fields {
    type Error = TwilioError;
    type Future = LocalBoxFuture<'static, Result<Self, TwilioError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = Bytes::from_request(request, payload);
        // Verify has no account in its paths.
        let account = request.match_info().get("account").map(str::to_owned);
        let credential = Credential::of(request);
        let (query, path) = (request.query_string().to_owned(), request.path().to_owned());
        Box::pin(async move {
            if credential != Some(Credential::Account) {
                return Err(TwilioError::unauthenticated());
            }
            if account.is_some_and(|account| account != ACCOUNT_SID) {
                return Err(TwilioError::not_found(&path));
            }
            let body = body.await.map_err(|_| TwilioError::unreadable())?;
            Ok(Self::parse(&query, &body))
        })
    }
}

impl Fields {
    pub(super) fn of(pairs: &[(&str, &str)]) -> Self {
        Self(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    pub(super) fn parse(query: &str, body: &[u8]) -> Self {
        let pairs = url::form_urlencoded::parse(query.as_bytes()).chain(url::form_urlencoded::parse(body));
        Self(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// The last value of a field, unless it is empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.given(name).filter(|value| !value.is_empty())
    }

    /// The last value of a field, even if it is empty.
    pub(super) fn given(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// All values of a field that may be repeated.
    pub(super) fn each(&self, name: &'static str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// All fields.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub(super) fn required(&self, name: &str) -> Result<&str, TwilioError> {
        self.text(name).ok_or_else(|| TwilioError::missing(name))
    }

    /// A number within bounds.
    pub(super) fn number(&self, name: &str, within: RangeInclusive<u32>) -> Result<Option<u32>, TwilioError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let number = text.parse().ok().filter(|number| within.contains(number));
        number.map(Some).ok_or_else(|| TwilioError::invalid(name))
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, TwilioError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        text.to_ascii_lowercase().parse().map(Some).map_err(|_| TwilioError::invalid(name))
    }
}
