//! The Authy API, under the paths of the real hosts.

mod application;
pub(crate) mod callback;
pub(crate) mod codes;
pub(crate) mod error;
mod one_touch;
mod params;
mod phones;
pub(crate) mod users;

use actix_web::{
    middleware::from_fn,
    web::{self, ServiceConfig},
};

use crate::middleware::provider_call;

pub(crate) fn routes(app: &mut ServiceConfig) {
    app.service(
        web::scope("/protected/json")
            .wrap(from_fn(provider_call))
            .route("/users/new", web::post().to(users::create))
            .route("/users/delete/{id}", web::post().to(users::remove))
            .route("/users/{id}/remove", web::post().to(users::remove))
            .route("/users/{id}/delete", web::post().to(users::remove))
            .route("/users/{id}/status", web::get().to(users::status))
            .route("/users/{id}/secret", web::post().to(users::secret))
            .route("/users/{id}/secret/export", web::get().to(users::export_secret))
            .route("/users/{id}/register_activity", web::post().to(users::register_activity))
            .route("/users/{id}/update", web::post().to(users::update))
            .route("/users/{id}/phone_number", web::get().to(users::phone_number))
            .route("/registrations/status", web::get().to(users::registration))
            .route("/app/details", web::get().to(application::details))
            .route("/app/stats", web::get().to(application::stats))
            .route("/sms/{id}", web::get().to(codes::sms))
            .route("/call/{id}", web::get().to(codes::call))
            .route("/email/{id}", web::post().to(codes::email))
            .route("/verify/{token}/{id}", web::get().to(codes::verify))
            .route("/phones/verification/start", web::post().to(phones::start))
            .route("/phones/verification/check", web::get().to(phones::check))
            .route("/phones/verification/status", web::get().to(phones::status))
            .route("/phones/info", web::get().to(phones::info))
            .default_service(web::to(error::unknown_route)),
    )
    .service(
        web::scope("/onetouch/json")
            .wrap(from_fn(provider_call))
            .route("/users/{id}/approval_requests", web::post().to(one_touch::create))
            .route("/approval_requests/{uuid}", web::get().to(one_touch::status))
            .default_service(web::to(error::unknown_route)),
    )
    .service(web::resource("/protected/xml/{call:.*}").to(error::no_xml))
    .service(web::resource("/onetouch/xml/{call:.*}").to(error::no_xml));
}
