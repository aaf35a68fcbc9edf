//! The phone page and its files, and who may talk to the sandbox at all.

use actix_web::{
    Error, HttpResponse, Responder,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{StatusCode, header},
    middleware::Next,
    web::{self, ServiceConfig},
};
use serde_json::json;

use crate::answer;

pub(crate) fn routes(app: &mut ServiceConfig) {
    app.route("/", web::get().to(index))
        .route("/countersign.css", web::get().to(style))
        .route("/phone.css", web::get().to(phone_style))
        .route("/phone.js", web::get().to(script))
        .route("/favicon.svg", web::get().to(icon));
}

fn file(kind: &'static str, content: &'static str) -> impl Responder {
    HttpResponse::Ok()
        .content_type(kind)
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((
            header::CONTENT_SECURITY_POLICY,
            "default-src 'self'; img-src 'self' data: https:; frame-ancestors 'none'; base-uri 'none'",
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
    file("text/javascript; charset=utf-8", include_str!("../assets/phone.js"))
}

async fn icon() -> impl Responder {
    file("image/svg+xml", include_str!("../../frontend/favicon.svg"))
}

/// Refuses what a page of another origin, or a foreign name that resolves to this machine, could
/// make a browser send: the phone's buttons have no password.
pub(crate) async fn only_from_here(
    call: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let text = |name| call.headers().get(name).and_then(|value| value.to_str().ok());
    // The header itself: what a proxy would forward is anybody's to claim.
    let host = text(header::HOST).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let local = matches!(name, "127.0.0.1" | "localhost" | "[::1]");
    let origin = text(header::ORIGIN).is_none_or(|origin| origin == format!("http://{host}"));
    if local && origin {
        return next.call(call).await.map(ServiceResponse::map_into_boxed_body);
    }
    let refusal = json!({"status": 403, "message": "The sandbox answers this machine's own pages only."});
    Ok(call.into_response(answer::send(StatusCode::FORBIDDEN, &refusal)))
}
