//! `app/…`: the application itself and how much it was used.

use actix_web::{HttpResponse, Responder, web::Data};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::json;

use super::{APP_NAME, APP_SERIAL};
use crate::{Emulator, answer::ok, params::Params};

pub(super) async fn details(_: Params) -> impl Responder {
    ok(&json!({
        "app": {
            "name": APP_NAME, "plan": "sandbox", "sms_enabled": true, "phone_calls_enabled": true,
            "app_id": APP_SERIAL, "onetouch_enabled": true,
        },
        "message": "Application information.",
        "success": true,
    }))
}

pub(super) async fn stats(emulator: Data<Emulator>, _: Params) -> HttpResponse {
    let world = emulator.world();
    let today = Timestamp::from_millisecond(emulator.now()).unwrap_or_default().to_zoned(TimeZone::UTC);
    let calls = |part: &str| {
        world.requests.iter().filter(|request| request.status == 200 && request.path.contains(part)).count()
    };
    let users = world.users.values().filter(|user| !user.removed).count();
    ok(&json!({
        "stats": [{
            "sms_count": calls("/sms/"),
            "calls_count": calls("/call/"),
            "users_count": users,
            "auths_count": calls("/verify/"),
            "month": today.strftime("%B").to_string(),
            "api_calls_count": world.requests.len(),
            "year": today.year(),
        }],
        "message": "Monthly statistics.",
        "count": 1,
        "total_users": users,
        "app_id": APP_SERIAL,
        "success": true,
    }))
}
