//! Who calls: the account, or a device.

use actix_web::{FromRequest, HttpRequest, dev::Payload, web::Bytes};
use futures_util::future::LocalBoxFuture;

use crate::twilio::{
    error::TwilioError,
    params::{Credential, Fields},
};

/// A call that devices may make as well.
#[derive(Debug)]
pub(super) struct Call {
    /// What a device has shown; `None` of the account.
    pub(super) device: Option<String>,
    pub(super) fields: Fields,
}

impl FromRequest for Call {
    type Error = TwilioError;
    type Future = LocalBoxFuture<'static, Result<Self, TwilioError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let credential = Credential::of(request);
        let query = request.query_string().to_owned();
        let body = Bytes::from_request(request, payload);
        Box::pin(async move {
            let device = match credential {
                Some(Credential::Account) => None,
                Some(Credential::Device(token)) => Some(token),
                None => return Err(TwilioError::unauthenticated()),
            };
            let body = body.await.map_err(|_| TwilioError::unreadable())?;
            Ok(Self { device, fields: Fields::parse(&query, &body) })
        })
    }
}
