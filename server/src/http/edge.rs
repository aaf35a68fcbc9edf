//! Around every request: its id, its one line in the log, the headers that keep browsers careful,
//! and the refusal of what pages of other origins send.

use std::time::Instant;

use actix_web::{
    Error as ActixError, ResponseError,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::header::{self, HeaderMap, HeaderName, HeaderValue},
    middleware::Next,
    web::Data,
};
use shared::routes::{AUTHY_CALLBACK, TOKEN_HEADER, TWILIO_STATUS};
use tracing::{Instrument, info_span};

use super::{Network, client, error::Error};
use crate::{domain::ids::RequestIds, store::StoreError};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Wraps the whole application.
///
/// # Errors
/// When the session middleware could not reach the database; in the one shape, as everything else.
pub async fn around(
    call: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, ActixError> {
    let began = Instant::now();
    let ids = call.app_data::<Data<RequestIds>>().expect("the app numbers its requests");
    let id = ids.next();
    let span = info_span!("request", id = %id);
    let (method, path) = (call.method().clone(), call.path().to_owned());
    let network = call.app_data::<Data<Network>>().expect("the app has its network").clone();
    let answered = async {
        if is_refused(&call, &network) {
            return Ok(call.error_response(Error::ForeignOrigin).map_into_boxed_body());
        }
        match next.call(call).await {
            Ok(answer) => Ok(answer.map_into_boxed_body()),
            Err(error) => Err(of_the_framework(&error)),
        }
    };
    let mut answered = answered.instrument(span.clone()).await;
    let status = match &answered {
        Ok(answer) => answer.status(),
        Err(error) => error.status_code(),
    };
    if let Ok(answer) = &mut answered {
        let secure = network.public_url.as_ref().is_some_and(|url| url.scheme() == "https");
        careful(answer.headers_mut(), secure);
        if let Ok(id) = HeaderValue::from_str(&id) {
            answer.headers_mut().insert(REQUEST_ID, id);
        }
    }
    span.in_scope(|| {
        let milliseconds = began.elapsed().as_secs_f64() * 1000.0;
        tracing::info!(%method, %path, status = status.as_u16(), ms = format!("{milliseconds:.1}"));
    });
    answered.map_err(ActixError::from)
}

/// The session middleware answers 500 when the database fails it; any other error is of the request.
fn of_the_framework(error: &ActixError) -> Error {
    let status = error.as_response_error().status_code();
    if status.is_server_error() {
        StoreError::Session(format!("{error:?}")).into()
    } else {
        Error::Unreadable("The request cannot be read.")
    }
}

fn is_refused(call: &ServiceRequest, network: &Network) -> bool {
    let harmless = call.method().is_safe();
    let signed = [AUTHY_CALLBACK, TWILIO_STATUS].contains(&call.path());
    let by_token = call.headers().contains_key(TOKEN_HEADER);
    !harmless && !signed && !by_token && client::is_foreign(call, &network.origin(call.request()))
}

/// Sets what no answer should lack and leaves what a handler has set itself.
pub(super) fn careful(headers: &mut HeaderMap, secure: bool) {
    let mut set = |name: HeaderName, value: &'static str| {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    };
    set(header::CACHE_CONTROL, "no-store");
    set(header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'");
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "no-referrer");
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    if secure {
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
}
