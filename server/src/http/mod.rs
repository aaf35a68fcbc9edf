//! The only place that knows the web framework: the whole route table on one screen.

mod accounts;
mod body;
mod caller;
mod client;
mod cookie;
mod edge;
mod error;
mod health;
mod one_touch;
pub mod page;
mod sessions;
mod webhook;

use actix_web::{
    Resource, Route,
    guard::{Any, Get, Head},
    web::{self, ServiceConfig},
};
use shared::routes;

pub use body::LARGEST_BODY;
pub use client::Network;
pub use cookie::{CookieSessions, Cookies};
pub use edge::around;
pub use error::Error;

/// Which method may be used where, and who answers it.
pub fn routes(app: &mut ServiceConfig, cookies: &Cookies) {
    // Only what has to do with sessions asks the database for the cookie's.
    let with_cookie = || cookies.middleware();
    app.service(
        at(routes::USER, "GET, POST")
            .route(get().to(accounts::read))
            .post(accounts::create)
            .wrap(with_cookie()),
    )
    .service(
        at(routes::SESSION, "POST, DELETE")
            .post(sessions::create)
            .delete(sessions::delete)
            .wrap(with_cookie()),
    )
    .service(at(routes::SESSION_CONTINUE, "POST").post(sessions::go_on).wrap(with_cookie()))
    .service(at(routes::SESSION_PUSH, "POST").post(one_touch::ask_again).wrap(with_cookie()))
    .service(at(routes::SESSION_RESEND, "POST").post(sessions::resend).wrap(with_cookie()))
    .service(at(routes::SESSION_VERIFY, "POST").post(sessions::verify).wrap(with_cookie()))
    .service(at(routes::AUTHY_STATUS, "GET").route(get().to(one_touch::status)).wrap(with_cookie()))
    .service(
        at(routes::AUTHY_CALLBACK, "GET, POST")
            .route(web::get().to(webhook::by_query))
            .post(webhook::by_body),
    )
    .service(at(routes::HEALTHZ, "GET").route(get().to(health::alive)))
    .service(at(routes::READYZ, "GET").route(get().to(health::ready)));
    for path in routes::page::ALL {
        app.service(at(path, "GET").route(get().to(page::index)));
    }
    app.default_service(web::to(page::file));
}

/// GET, and HEAD with it.
fn get() -> Route {
    web::route().guard(Any(Get()).or(Head()))
}

fn at(path: &str, methods: &'static str) -> Resource {
    web::resource(path)
        .default_service(web::to(move || async move { Err::<String, _>(Error::Method(methods)) }))
}
