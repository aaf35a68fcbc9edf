//! Twilio Messages (API 2010-04-01), under the paths the real host has.

mod answer;
mod delivery;
mod messages;
mod params;

use actix_web::{
    middleware::from_fn,
    web::{self, ServiceConfig},
};

use crate::faults;

/// The one version there is.
pub(crate) const VERSION: &str = "2010-04-01";

pub(crate) fn routes(app: &mut ServiceConfig) {
    app.service(
        web::scope("/2010-04-01")
            .wrap(from_fn(faults::around))
            .route("/Accounts/{account}/Messages.json", web::post().to(messages::create))
            .route("/Accounts/{account}/Messages.json", web::get().to(messages::list))
            .route("/Accounts/{account}/Messages/{sid}.json", web::get().to(messages::fetch))
            .route("/Accounts/{account}/Messages/{sid}.json", web::post().to(messages::update))
            .route("/Accounts/{account}/Messages/{sid}.json", web::delete().to(messages::delete))
            .default_service(web::to(answer::unknown_route)),
    );
}

/// A text as the provider keeps it.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    pub(crate) sid: String,
    pub(crate) to: String,
    pub(crate) from: Option<String>,
    pub(crate) service: Option<String>,
    pub(crate) body: String,
    pub(crate) status: &'static str,
    pub(crate) error_code: Option<u32>,
    /// Where its fate is reported to.
    pub(crate) callback: Option<String>,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: i64,
    pub(crate) sent_ms: Option<i64>,
}
