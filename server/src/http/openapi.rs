//! `/openapi.json`: the OpenAPI document, generated from the handlers.

use std::sync::LazyLock;

use actix_web::HttpResponse;
use shared::routes;
use utoipa::{
    Modify, OpenApi,
    openapi::{
        ContentBuilder, OpenApi as Document, PathItem, Ref, RefOr, Required, Response, ResponseBuilder,
        path::Operation,
        security::{ApiKey, ApiKeyValue, SecurityScheme},
    },
};

use super::{
    accounts, approvals, cookie_api, credentials, factors, health, one_touch, own_account, recovery, reports,
    sessions, sign_ins, status, users, verify_webhook, webhook,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Countersign",
        description = "Sign-in with a password and a second factor, and phone verification. JSON or form in, JSON out; an empty body is `{}`. Every error has one shape: `ApiError`.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    servers((url = "/")),
    paths(
        accounts::create, accounts::read,
        factors::enrol_authenticator, factors::confirm_authenticator, factors::remove_authenticator,
        factors::dismiss_invitation, factors::list, factors::rename, factors::remove, factors::device_token,
        credentials::change_password, credentials::forgot_password, credentials::reset_password,
        credentials::change_email, credentials::confirm_email,
        credentials::change_phone, credentials::verify_phone,
        recovery::make, recovery::left, recovery::recover, recovery::match_number,
        sign_ins::list, sign_ins::end, sign_ins::end_others, sign_ins::devices, sign_ins::forget,
        own_account::events, own_account::secure, own_account::answer_denial, own_account::export,
        own_account::delete,
        sessions::create, sessions::delete, sessions::rotate, sessions::resend, sessions::verify,
        one_touch::ask_again, status::read, status::follow,
        users::create, users::read, users::verify, users::resend,
        approvals::create, approvals::read, approvals::redeem,
        cookie_api::account::register, cookie_api::account::log_in, cookie_api::account::log_out,
        cookie_api::account::logged_in, cookie_api::account::protected, cookie_api::account::test,
        cookie_api::second_factor::sms, cookie_api::second_factor::voice, cookie_api::second_factor::verify,
        cookie_api::second_factor::one_touch, cookie_api::second_factor::one_touch_status,
        cookie_api::verification::start, cookie_api::verification::verify,
        webhook::by_body, webhook::by_query, reports::accept, verify_webhook::accept,
        health::alive, health::ready, describe,
    ),
    tags(
        (name = "Sign-in", description = "Password, then a second factor: an approval request or a code"),
        (name = "Account", description = "What an owner looks after: recovery codes, sessions, password, e-mail, phone, activity"),
        (name = "Account verification", description = "The phone is verified when the account is made"),
        (name = "Approvals", description = "Actions a person approves on the phone"),
        (name = "Cookie API", description = "Sign-in by username, every channel by hand. Errors also carry their text as `err` (409) or `error` (422)"),
        (name = "Callbacks", description = "For the providers alone"),
        (name = "Health", description = "For monitoring"),
    ),
    security(("token" = []), ("cookie" = [])),
    modifiers(&Carriers, &FormsToo, &Names, &Refusals),
)]
struct Described;

/// Adds the two carriers of a session: the header and the cookie.
struct Carriers;

impl Modify for Carriers {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_default();
        let key = |key: fn(ApiKeyValue) -> ApiKey, name: &str, what: &str| {
            SecurityScheme::ApiKey(key(ApiKeyValue::with_description(name, what)))
        };
        let header = key(ApiKey::Header, routes::TOKEN_HEADER, "If present, the cookie is ignored");
        let cookie = key(ApiKey::Cookie, "countersign_session", "`__Host-countersign_session` with https");
        components.add_security_scheme("token", header);
        components.add_security_scheme("cookie", cookie);
    }
}

/// What a path may be asked, by the methods there are.
fn operations(item: &mut PathItem) -> [(&'static str, &mut Option<Operation>); 4] {
    [
        ("get", &mut item.get),
        ("post", &mut item.post),
        ("patch", &mut item.patch),
        ("delete", &mut item.delete),
    ]
}

/// Marks every request body as optional and also accepted as a form.
struct FormsToo;

impl Modify for FormsToo {
    fn modify(&self, document: &mut Document) {
        for item in document.paths.paths.values_mut() {
            for (_, operation) in operations(item) {
                let body = operation.as_mut().and_then(|operation| operation.request_body.as_mut());
                let Some(RefOr::T(body)) = body else { continue };
                if let Some(json) = body.content.get("application/json").cloned() {
                    body.content.insert("application/x-www-form-urlencoded".to_owned(), json);
                }
                body.required = Some(Required::False);
            }
        }
    }
}

/// Adds the errors that every operation can return.
struct Refusals;

impl Modify for Refusals {
    fn modify(&self, document: &mut Document) {
        let with_body = [
            ("400", "The body cannot be read"),
            ("403", "Not signed in, or sent by a page of another origin"),
            ("413", "More than 64 KiB"),
            ("415", "Neither JSON nor a form"),
            ("422", "A field is wrong"),
        ];
        let of_all =
            [("503", "The database is not available; see `Retry-After`"), ("default", "Any other refusal")];
        for item in document.paths.paths.values_mut() {
            for (method, operation) in operations(item) {
                let Some(operation) = operation else { continue };
                for (status, why) in
                    with_body.iter().filter(|_| matches!(method, "post" | "patch")).chain(&of_all)
                {
                    let known = &mut operation.responses.responses;
                    known.entry((*status).to_owned()).or_insert_with(|| refusal(why));
                }
            }
        }
    }
}

fn refusal(why: &str) -> RefOr<Response> {
    let shape = Ref::from_schema_name("ApiError");
    let content = ContentBuilder::new().schema(Some(shape)).build();
    RefOr::T(ResponseBuilder::new().description(why).content("application/json", content).build())
}

/// Gives every operation a unique id, made from its method and path.
struct Names;

impl Modify for Names {
    fn modify(&self, document: &mut Document) {
        for (path, item) in &mut document.paths.paths {
            let words = path.split(['/', '{', '}', '.']).filter(|word| !word.is_empty());
            let name: String = words.map(|word| word[..1].to_uppercase() + &word[1..]).collect();
            for (method, operation) in operations(item) {
                if let Some(operation) = operation {
                    operation.operation_id = Some(format!("{method}{name}"));
                }
            }
        }
    }
}

/// The document as it is served, generated at the first request.
static DOCUMENT: LazyLock<String> =
    LazyLock::new(|| Described::openapi().to_json().expect("a description is JSON"));

/// Get the OpenAPI document
#[utoipa::path(
    get, path = routes::OPENAPI, tag = "Health", security(()),
    responses((status = 200, description = "This document"))
)]
pub(super) async fn describe() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(DOCUMENT.as_str())
}
