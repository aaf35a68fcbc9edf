//! `/api`: the cookie API. A door of its own words into the same rules.

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

/// Says every refusal in the words of this API.
pub(super) async fn in_its_words(
    call: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, ActixError> {
    let answer = next.call(call).await?.map_into_boxed_body();
    let refusal = answer.response().error().and_then(|error| error.as_error::<Error>());
    let refusal = refusal.map(Error::for_cookie_api);
    Ok(match refusal {
        Some(refusal) => answer.into_response(refusal),
        None => answer,
    })
}
