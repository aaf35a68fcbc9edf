//! The account that calls, and the fields of its form.

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header::AUTHORIZATION, web::Bytes};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::future::LocalBoxFuture;

use super::answer::Refusal;
use crate::{ACCOUNT_SID, AUTH_TOKEN};

/// The fields of a call that brought the right account and token: those of the query, then those
/// of the form. An empty one is absent, as one client library writes it.
#[derive(Debug, Default)]
pub(crate) struct Fields(Vec<(String, String)>);

impl FromRequest for Fields {
    type Error = Refusal;
    type Future = LocalBoxFuture<'static, Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = Bytes::from_request(request, payload);
        let account = request.match_info().get("account").map(str::to_owned);
        let credentials = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let known = credentials.is_some_and(is_known);
        let (query, path) = (request.query_string().to_owned(), request.path().to_owned());
        Box::pin(async move {
            if !known {
                return Err(Refusal::of(401, 20003, "Authenticate"));
            }
            if account.as_deref() != Some(ACCOUNT_SID) {
                return Err(Refusal::not_found(path.trim_start_matches("/2010-04-01")));
            }
            let body = body.await.map_err(|_| Refusal::of(400, 20001, "The body cannot be read"))?;
            let pairs = url::form_urlencoded::parse(query.as_bytes());
            let pairs = pairs.chain(url::form_urlencoded::parse(&body));
            Ok(Self(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect()))
        })
    }
}

fn is_known(header: &str) -> bool {
    let pair = header.strip_prefix("Basic ").and_then(|pair| STANDARD.decode(pair).ok());
    pair.is_some_and(|pair| pair == format!("{ACCOUNT_SID}:{AUTH_TOKEN}").as_bytes())
}

impl Fields {
    /// The last value of a field, unless it is empty.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.given(name).filter(|value| !value.is_empty())
    }

    /// The same, also when it is empty.
    pub(crate) fn given(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}
