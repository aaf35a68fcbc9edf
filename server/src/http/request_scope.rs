//! Around every request: its id, its span and its line in the log, the security headers, and the
//! refusal of what pages of other origins send.

use std::time::Instant;

use actix_web::{
    Error as ActixError, ResponseError,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::header::{HeaderName, HeaderValue},
    middleware::Next,
    web::Data,
};
use shared::routes::{AUTHY_CALLBACK, AUTHY_STATUS, TWILIO_STATUS};
use tracing::{Instrument, Level, enabled, field, info_span};

use super::{
    Network,
    connections::ConnectionCount,
    cookie::Cookies,
    error::Error,
    headers::{TOKEN, set_security_headers},
    origin::{ForeignOrigin, foreign_origin},
    status,
};
use crate::{domain::ids::RequestIds, store::StoreError};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Wraps the whole application.
///
/// # Errors
/// When the session middleware could not reach the database; in the one shape, as everything else.
pub async fn around(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, ActixError> {
    let began = Instant::now();
    let ids = request.app_data::<Data<RequestIds>>().expect("the app numbers its requests");
    let id = ids.next();
    let network = request.app_data::<Data<Network>>().expect("the app has its network").clone();
    let too_many = request.conn_data::<ConnectionCount>().is_some_and(ConnectionCount::is_over);
    // Most requests of all are such polls, and only at this level is there a line about them.
    if !too_many
        && !enabled!(Level::DEBUG)
        && let Some(response) = status::held(&request)
    {
        let mut answered = request.into_response(response);
        complete(&mut answered, &network, &id);
        return Ok(answered);
    }
    let route = request.match_pattern();
    let is_poll = route.as_deref() == Some(AUTHY_STATUS);
    // Where it says more than the route.
    let path = (route.as_deref() != Some(request.path())).then(|| request.path().to_owned());
    let span = info_span!(
        "request",
        %id,
        method = %request.method(),
        route = route.as_deref(),
        status = field::Empty,
        user.id = field::Empty,
        client.address = %network.address(request.request()),
    );
    let cookies = request.app_data::<Data<Cookies>>().expect("the app has its cookies").clone();
    cookies.accept_previous_key(&mut request);
    let answered = async {
        if too_many {
            let mut refused = request.error_response(Error::TooManyConnections).map_into_boxed_body();
            refused.response_mut().head_mut().set_connection_type(actix_web::http::ConnectionType::Close);
            return Ok(refused);
        }
        if let Some(foreign) = refused_origin(&request, &network) {
            return Ok(request.error_response(Error::ForeignOrigin(foreign)).map_into_boxed_body());
        }
        match next.call(request).await {
            Ok(response) => Ok(response.map_into_boxed_body()),
            Err(error) => Err(of_the_framework(&error)),
        }
    };
    let mut answered = answered.instrument(span.clone()).await;
    let status = match &answered {
        Ok(response) => response.status(),
        Err(error) => error.status_code(),
    };
    span.record("status", status.as_u16());
    if let Ok(response) = &mut answered {
        complete(response, &network, &id);
        cookies.add_browser_cookies(response);
    }
    // Tenths are enough.
    let ms = (began.elapsed().as_secs_f64() * 10_000.0).round() / 10.0;
    if is_poll && status.is_success() {
        // One a second for each who waits: more lines than all others together.
        tracing::debug!(parent: &span, path, ms, "answered");
    } else {
        tracing::info!(parent: &span, path, ms, "answered");
    }
    answered.map_err(ActixError::from)
}

/// Adds what every response has.
fn complete(response: &mut ServiceResponse<BoxBody>, network: &Network, id: &str) {
    let secure = network.public_url.as_ref().is_some_and(|url| url.scheme() == "https");
    set_security_headers(response.headers_mut(), secure);
    if let Ok(id) = HeaderValue::from_str(id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
}

/// The session middleware answers 500 when the database fails; any other error is the request's own.
fn of_the_framework(error: &ActixError) -> Error {
    let status = error.as_response_error().status_code();
    if status.is_server_error() {
        StoreError::Session(format!("{error:?}")).into()
    } else {
        Error::Unreadable("The request can't be read.")
    }
}

fn refused_origin(request: &ServiceRequest, network: &Network) -> Option<ForeignOrigin> {
    let is_signed = || [AUTHY_CALLBACK, TWILIO_STATUS].contains(&request.path());
    if request.method().is_safe() || is_signed() || request.headers().contains_key(&*TOKEN) {
        return None;
    }
    foreign_origin(request, &network.origin(request.request()))
}
