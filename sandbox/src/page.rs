//! The phone page and its files, and the check of `Host` and `Origin`.

use actix_web::{
    Error, HttpResponse, Responder,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        StatusCode,
        header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, ORIGIN, X_CONTENT_TYPE_OPTIONS},
    },
    middleware::Next,
    web::{self, Data, ServiceConfig},
};
use serde_json::json;

use crate::{emulator::Emulator, response, twilio::verify::cors};

/// Hosts of the providers. Who calls the sandbox by such a name has a proxy that sends the name here.
pub(crate) const PROVIDER_HOSTS: [&str; 3] = ["api.authy.com", "api.twilio.com", "verify.twilio.com"];

pub(crate) fn routes(app: &mut ServiceConfig) {
    app.route("/", web::get().to(index))
        .route("/countersign.css", web::get().to(style))
        .route("/phone.css", web::get().to(phone_style))
        .route("/phone.js", web::get().to(script))
        .route("/elements.js", web::get().to(elements))
        .route("/mailbox.js", web::get().to(mailbox))
        .route("/favicon.svg", web::get().to(icon));
}

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

fn file(content_type: &'static str, content: &'static str) -> impl Responder {
    HttpResponse::Ok()
        .content_type(content_type)
        .insert_header((CACHE_CONTROL, "no-cache"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((
            CONTENT_SECURITY_POLICY,
            // The frame of an e-mail has this policy, too, and e-mails have their styles inline.
            "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: https:; \
             frame-ancestors 'none'; base-uri 'none'",
        ))
        .body(content)
}

async fn index() -> impl Responder {
    file("text/html; charset=utf-8", include_str!("../assets/phone.html"))
}

async fn style() -> impl Responder {
    file("text/css; charset=utf-8", include_str!("../../frontend/style/countersign.css"))
}

async fn phone_style() -> impl Responder {
    file("text/css; charset=utf-8", include_str!("../assets/phone.css"))
}

async fn script() -> impl Responder {
    file(JAVASCRIPT, include_str!("../assets/phone.js"))
}

async fn elements() -> impl Responder {
    file(JAVASCRIPT, include_str!("../assets/elements.js"))
}

async fn mailbox() -> impl Responder {
    file(JAVASCRIPT, include_str!("../assets/mailbox.js"))
}

async fn icon() -> impl Responder {
    file("image/svg+xml", include_str!("../../frontend/favicon.svg"))
}

/// Refuses requests whose `Host` is not this machine or whose `Origin` is another page. The control
/// API has no authentication, so a page of another origin must not be able to call it, not even
/// through a DNS name that resolves to this machine.
pub(crate) async fn local_only(
    call: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let header = |name| call.headers().get(name).and_then(|value| value.to_str().ok());
    // Forwarding headers are ignored: any client can set them.
    let host = header(HOST).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    // No page of somebody else has such a name.
    let local_host = matches!(name, "127.0.0.1" | "localhost" | "[::1]") || PROVIDER_HOSTS.contains(&name);
    let emulator = call.app_data::<Data<Emulator>>().expect("the app has an emulator");
    let same_origin = header(ORIGIN).is_none_or(|origin| origin == format!("http://{host}"))
        || cors::is_open(emulator, call.path());
    if local_host && same_origin {
        return next.call(call).await.map(ServiceResponse::map_into_boxed_body);
    }
    let body = json!({"status": 403, "message": "The sandbox answers this machine's own pages only."});
    Ok(call.into_response(response::json(StatusCode::FORBIDDEN, &body)))
}
