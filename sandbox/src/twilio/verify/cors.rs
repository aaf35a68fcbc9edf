//! Calls by pages of other origins (CORS): a browser can be a device. Nothing that Verify answers is a secret of
//! somebody who looks at the sandbox; the credentials are published, and codes are in no answer.

use actix_web::{
    Error, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method,
        header::{
            ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
            ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue, ORIGIN,
        },
    },
    middleware::Next,
    web::Data,
};

use crate::emulator::Emulator;

/// What a device reads of an answer beside its body.
const EXPOSED: &str = "Twilio-Verify-Signature-Fields, Date";

/// Whether a path is open to pages of other origins.
pub(crate) fn is_open(emulator: &Emulator, path: &str) -> bool {
    path.starts_with("/v2/") && !emulator.state().verify.switches.no_cors
}

/// Lets pages of any origin call and read.
pub(super) async fn any_origin(
    call: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let emulator = call.app_data::<Data<Emulator>>().expect("the app has an emulator");
    if !call.headers().contains_key(ORIGIN) || !is_open(emulator, call.path()) {
        return next.call(call).await.map(ServiceResponse::map_into_boxed_body);
    }
    let mut response = if call.method() == Method::OPTIONS {
        let allowed = HttpResponse::NoContent()
            .insert_header((ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, DELETE"))
            .insert_header((ACCESS_CONTROL_ALLOW_HEADERS, "Authorization, Content-Type"))
            .finish();
        call.into_response(allowed)
    } else {
        next.call(call).await?.map_into_boxed_body()
    };
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    Ok(response)
}
