//! Twilio Messages (API 2010-04-01) and Verify (API v2), under the paths of the real hosts.

mod delivery;
pub(crate) mod error;
mod messages;
mod params;
mod schedule;
mod segments;
pub(crate) mod verify;

use actix_web::{
    middleware::from_fn,
    web::{self, ServiceConfig},
};

use crate::middleware::provider_call;

pub(crate) fn routes(app: &mut ServiceConfig) {
    app.service(
        web::scope("/2010-04-01")
            .wrap(from_fn(provider_call))
            .route("/Accounts/{account}/Messages.json", web::post().to(messages::create))
            .route("/Accounts/{account}/Messages.json", web::get().to(messages::list))
            .route("/Accounts/{account}/Messages/{sid}.json", web::get().to(messages::fetch))
            .route("/Accounts/{account}/Messages/{sid}.json", web::post().to(messages::update))
            .route("/Accounts/{account}/Messages/{sid}.json", web::delete().to(messages::delete))
            .default_service(web::to(error::unknown_route)),
    )
    .configure(verify::routes);
}
