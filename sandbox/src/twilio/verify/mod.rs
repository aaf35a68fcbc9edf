//! Twilio Verify (API v2), under the paths of the real host.

mod access_tokens;
mod account;
mod bindings;
mod caller;
mod challenges;
mod checks;
pub(crate) mod cors;
mod device;
mod entities;
pub(crate) mod events;
mod factors;
mod links;
mod messaging;
mod paging;
pub(crate) mod phone;
mod rate_limits;
mod services;
mod state;
mod switches;
mod totp;
mod verifications;
mod webhooks;

use actix_web::{
    HttpResponse, Resource,
    middleware::from_fn,
    web::{self, ServiceConfig},
};

use super::error::{self, TwilioError};
use crate::middleware::provider_call;

pub(crate) use state::Verify;
pub(crate) use switches::Switches;

/// An answer, or the provider's error.
type Outcome = Result<HttpResponse, TwilioError>;

/// A path; another method than those it has is not found.
fn at(path: &str) -> Resource {
    web::resource(path).default_service(web::to(error::unknown_route))
}

pub(super) fn routes(app: &mut ServiceConfig) {
    let scope = web::scope("/v2")
        .wrap(from_fn(provider_call))
        .wrap(from_fn(cors::any_origin))
        .service(at("/Services").post(services::create).get(services::list))
        .service(
            at("/Services/{service}").get(services::fetch).post(services::update).delete(services::delete),
        )
        .service(at("/Services/{service}/Verifications").post(verifications::create))
        .service(
            at("/Services/{service}/Verifications/{name}")
                .get(verifications::fetch)
                .post(verifications::update),
        )
        .service(at("/Services/{service}/VerificationCheck").post(checks::create))
        .service(at("/Services/{service}/AccessTokens").post(access_tokens::create))
        .service(at("/Services/{service}/AccessTokens/{sid}").get(access_tokens::fetch))
        .service(at("/Services/{service}/Webhooks").post(webhooks::create).get(webhooks::list))
        .service(
            at("/Services/{service}/Webhooks/{sid}")
                .get(webhooks::fetch)
                .post(webhooks::update)
                .delete(webhooks::delete),
        )
        .configure(entity_routes)
        .configure(limit_routes)
        .configure(account_routes)
        .default_service(web::to(error::unknown_route));
    app.service(scope);
}

fn entity_routes(scope: &mut ServiceConfig) {
    const ENTITIES: &str = "/Services/{service}/Entities";
    let below = |path: &str| at(&format!("{ENTITIES}/{{identity}}{path}"));
    scope
        .service(at(ENTITIES).post(entities::create).get(entities::list))
        .service(below("").get(entities::fetch).delete(entities::delete))
        .service(below("/Factors").post(factors::create).get(factors::list))
        .service(below("/Factors/{factor}").get(factors::fetch).post(factors::update).delete(factors::delete))
        .service(below("/Challenges").post(challenges::create).get(challenges::list))
        .service(below("/Challenges/{challenge}").get(challenges::fetch).post(challenges::update))
        .service(below("/Challenges/{challenge}/Notifications").post(challenges::notify));
}

fn limit_routes(scope: &mut ServiceConfig) {
    const LIMITS: &str = "/Services/{service}/RateLimits";
    scope
        .service(at(LIMITS).post(rate_limits::create).get(rate_limits::list))
        .service(
            at(&format!("{LIMITS}/{{limit}}"))
                .get(rate_limits::fetch)
                .post(rate_limits::update)
                .delete(rate_limits::delete),
        )
        .service(
            at(&format!("{LIMITS}/{{limit}}/Buckets"))
                .post(rate_limits::create_bucket)
                .get(rate_limits::list_buckets),
        )
        .service(
            at(&format!("{LIMITS}/{{limit}}/Buckets/{{bucket}}"))
                .get(rate_limits::fetch_bucket)
                .post(rate_limits::update_bucket)
                .delete(rate_limits::delete_bucket),
        );
}

fn account_routes(scope: &mut ServiceConfig) {
    scope
        .service(at("/Attempts").get(account::list_attempts))
        .service(at("/Attempts/Summary").get(account::summary))
        .service(at("/Attempts/{sid}").get(account::fetch_attempt))
        .service(at("/Templates").get(account::templates))
        .service(at("/SafeList/Numbers").post(account::add_safe_number))
        .service(
            at("/SafeList/Numbers/{number}")
                .get(account::fetch_safe_number)
                .delete(account::remove_safe_number),
        )
        .service(at("/Forms/{kind}").get(account::form))
        .service(
            at("/Services/{service}/MessagingConfigurations").post(messaging::create).get(messaging::list),
        )
        .service(
            at("/Services/{service}/MessagingConfigurations/{country}")
                .get(messaging::fetch)
                .post(messaging::update)
                .delete(messaging::delete),
        );
}
