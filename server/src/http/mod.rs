//! The HTTP layer. Only this module uses the web framework.

mod accounts;
mod approvals;
mod auth;
mod body;
mod browser_cookies;
mod client;
mod connections;
mod cookie;
mod cookie_api;
mod credentials;
mod docs;
mod error;
mod error_texts;
mod factors;
mod headers;
mod health;
mod one_touch;
mod openapi;
mod origin;
mod own_account;
pub mod page;
mod recovery;
mod reports;
mod request_scope;
mod sessions;
mod sign_ins;
mod status;
mod users;
mod verify_webhook;
mod webhook;

use actix_web::{
    Resource, Route,
    guard::{Any, Get, Head},
    middleware::from_fn,
    web::{self, ServiceConfig},
};
use shared::routes::{self, cookie_api as api};

pub use body::LARGEST_BODY;
pub use client::Network;
pub use connections::Connections;
pub use cookie::Cookies;
pub use error::Error;
pub use origin::ForeignOrigin;
pub use request_scope::around;

/// The route table: the methods of each path and their handlers.
pub fn routes(app: &mut ServiceConfig, cookies: &Cookies) {
    // Only routes that use sessions read the cookie.
    let with_cookie = || cookies.middleware();
    // The first, since routes are looked at in their order and this one is called most.
    app.service(at(routes::AUTHY_STATUS, "GET").route(get().to(status::read)).wrap(with_cookie()));
    app.service(
        at(routes::USER, "GET, POST, DELETE")
            .route(get().to(accounts::read))
            .post(accounts::create)
            .delete(own_account::delete)
            .wrap(with_cookie()),
    )
    .service(
        at(routes::SESSION, "POST, DELETE")
            .post(sessions::create)
            .delete(sessions::delete)
            .wrap(with_cookie()),
    )
    .service(at(routes::SESSION_CONTINUE, "POST").post(sessions::rotate).wrap(with_cookie()))
    .service(at(routes::SESSION_PUSH, "POST").post(one_touch::ask_again).wrap(with_cookie()))
    .service(at(routes::SESSION_RESEND, "POST").post(sessions::resend).wrap(with_cookie()))
    .service(at(routes::SESSION_VERIFY, "POST").post(sessions::verify).wrap(with_cookie()))
    .service(at(routes::AUTHY_STATUS_STREAM, "GET").route(get().to(status::follow)).wrap(with_cookie()))
    .service(at(routes::USERS, "POST").post(users::create).wrap(with_cookie()))
    .service(at(routes::USERS_ID, "GET").route(get().to(users::read)).wrap(with_cookie()))
    .service(at(routes::USERS_VERIFY, "POST").post(users::verify).wrap(with_cookie()))
    .service(at(routes::USERS_RESEND, "POST").post(users::resend).wrap(with_cookie()))
    .service(at(routes::APPROVALS, "POST").post(approvals::create).wrap(with_cookie()))
    .service(at(routes::APPROVAL, "GET").route(get().to(approvals::read)).wrap(with_cookie()))
    .service(at(routes::APPROVAL_REDEEM, "POST").post(approvals::redeem).wrap(with_cookie()))
    .service(
        at(routes::AUTHY_CALLBACK, "GET, POST")
            .route(web::get().to(webhook::by_query))
            .post(webhook::by_body),
    )
    .service(at(routes::TWILIO_STATUS, "POST").post(reports::accept))
    .service(at(routes::TWILIO_VERIFY, "POST").post(verify_webhook::accept))
    .service(at(routes::HEALTHZ, "GET").route(get().to(health::alive)))
    .service(at(routes::READYZ, "GET").route(get().to(health::ready)))
    .service(at(routes::OPENAPI, "GET").route(get().to(openapi::describe)));
    factor_routes(app, cookies);
    account_routes(app, cookies);
    cookie_api_routes(app, cookies);
    docs::routes(app);
    for path in routes::page::ALL {
        app.service(at(path, "GET").route(get().to(page::index)));
    }
    app.default_service(web::to(page::file));
}

/// What a user signs in with beside the password.
fn factor_routes(app: &mut ServiceConfig, cookies: &Cookies) {
    for resource in [
        at(routes::AUTHENTICATOR, "POST").post(factors::enrol_authenticator),
        // Before the paths with an id, which would match it as well.
        at(routes::AUTHENTICATOR_INVITATION, "DELETE").delete(factors::dismiss_invitation),
        at(routes::AUTHENTICATOR_ID, "DELETE").delete(factors::remove_authenticator),
        at(routes::AUTHENTICATOR_CONFIRM, "POST").post(factors::confirm_authenticator),
        at(routes::FACTORS, "GET").route(get().to(factors::list)),
        at(routes::FACTOR, "PATCH, DELETE").patch(factors::rename).delete(factors::remove),
        at(routes::DEVICE_TOKEN, "POST").post(factors::device_token),
    ] {
        app.service(resource.wrap(cookies.middleware()));
    }
}

/// What owners do with their accounts.
fn account_routes(app: &mut ServiceConfig, cookies: &Cookies) {
    for resource in [
        at(routes::RECOVERY_CODES, "GET, POST").route(get().to(recovery::left)).post(recovery::make),
        at(routes::SESSION_RECOVER, "POST").post(recovery::recover),
        at(routes::SESSION_PUSH_MATCH, "POST").post(recovery::match_number),
        at(routes::SESSIONS, "GET, DELETE").route(get().to(sign_ins::list)).delete(sign_ins::end_others),
        at(routes::SESSIONS_ID, "DELETE").delete(sign_ins::end),
        at(routes::DEVICES, "GET").route(get().to(sign_ins::devices)),
        at(routes::DEVICES_ID, "DELETE").delete(sign_ins::forget),
        at(routes::PASSWORD, "POST").post(credentials::change_password),
        at(routes::PASSWORD_FORGOT, "POST").post(credentials::forgot_password),
        at(routes::PASSWORD_RESET, "POST").post(credentials::reset_password),
        at(routes::EMAIL, "POST").post(credentials::change_email),
        at(routes::EMAIL_CONFIRM, "POST").post(credentials::confirm_email),
        at(routes::PHONE, "POST").post(credentials::change_phone),
        at(routes::PHONE_VERIFY, "POST").post(credentials::verify_phone),
        at(routes::SECURE, "POST").post(own_account::secure),
        at(routes::DENIED_SIGN_IN, "POST").post(own_account::answer_denial),
        at(routes::EVENTS, "GET").route(get().to(own_account::events)),
        at(routes::EXPORT, "GET").route(get().to(own_account::export)),
    ] {
        app.service(resource.wrap(cookies.middleware()));
    }
}

/// The routes of the cookie API under `/api`.
fn cookie_api_routes(app: &mut ServiceConfig, cookies: &Cookies) {
    use cookie_api::{account, second_factor, verification};
    let posts = |path, post: Route| at(path, "POST").route(post);
    let gets = |path, get: Route| at(path, "GET").route(get);
    for resource in [
        posts(api::REGISTER, web::post().to(account::register)),
        posts(api::LOGIN, web::post().to(account::log_in)),
        gets(api::LOGOUT, web::get().to(account::log_out)),
        posts(api::LOGGED_IN, web::post().to(account::logged_in)),
        posts(api::SMS, web::post().to(second_factor::sms)),
        posts(api::VOICE, web::post().to(second_factor::voice)),
        posts(api::VERIFY, web::post().to(second_factor::verify)),
        posts(api::ONETOUCH, web::post().to(second_factor::one_touch)),
        posts(api::ONETOUCH_STATUS, web::post().to(second_factor::one_touch_status)),
        posts(api::VERIFICATION_START, web::post().to(verification::start)),
        posts(api::VERIFICATION_VERIFY, web::post().to(verification::verify)),
        gets(api::PROTECTED, get().to(account::protected)),
        posts(api::TEST, web::post().to(account::test)),
    ] {
        app.service(resource.wrap(cookies.middleware()).wrap(from_fn(cookie_api::translate_errors)));
    }
}

/// Matches GET and HEAD.
fn get() -> Route {
    web::route().guard(Any(Get()).or(Head()))
}

fn at(path: &str, methods: &'static str) -> Resource {
    web::resource(path)
        .default_service(web::to(move || async move { Err::<String, _>(Error::Method(methods)) }))
}
