//! `/api`: the cookie API. The same services, with the fields its clients know.

pub(super) mod account;
pub(super) mod second_factor;
pub(super) mod verification;

use actix_web::{
    Error as ActixError,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
};

use super::error::Error;

/// Renders every error as clients of this API read it.
pub(super) async fn translate_errors(
    call: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, ActixError> {
    let response = next.call(call).await?.map_into_boxed_body();
    let error = response.response().error().and_then(|error| error.as_error::<Error>());
    let translated = error.map(Error::for_cookie_api);
    Ok(match translated {
        Some(translated) => response.into_response(translated),
        None => response,
    })
}
