//! Authentication of a call, and its parameters.

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header::AUTHORIZATION, web::Bytes};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::future::LocalBoxFuture;

use shared::sandbox::{ACCOUNT_SID, AUTH_TOKEN};

use super::error::TwilioError;

/// The fields of a call that has the right account and token: those of the query, then those of the
/// form. An empty field counts as absent, since one client library sends absent fields that way.
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<(String, String)>);

impl FromRequest for Fields {
    type Error = TwilioError;
    type Future = LocalBoxFuture<'static, Result<Self, TwilioError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = Bytes::from_request(request, payload);
        let account = request.match_info().get("account").map(str::to_owned);
        let credentials = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let authenticated = credentials.is_some_and(is_right);
        let (query, path) = (request.query_string().to_owned(), request.path().to_owned());
        Box::pin(async move {
            if !authenticated {
                return Err(TwilioError::new(401, 20003, "Authenticate"));
            }
            if account.as_deref() != Some(ACCOUNT_SID) {
                return Err(TwilioError::not_found(&path));
            }
            let body = body.await.map_err(|_| TwilioError::new(400, 20001, "The body cannot be read"))?;
            let pairs = url::form_urlencoded::parse(query.as_bytes());
            let pairs = pairs.chain(url::form_urlencoded::parse(&body));
            Ok(Self(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect()))
        })
    }
}

fn is_right(header: &str) -> bool {
    let pair = header.strip_prefix("Basic ").and_then(|pair| STANDARD.decode(pair).ok());
    pair.is_some_and(|pair| pair == format!("{ACCOUNT_SID}:{AUTH_TOKEN}").as_bytes())
}

impl Fields {
    /// The last value of a field, unless it is empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.given(name).filter(|value| !value.is_empty())
    }

    /// The last value of a field, even if it is empty.
    pub(super) fn given(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}
