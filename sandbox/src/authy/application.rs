//! `app/…`: the one application that exists, and its statistics.

use actix_web::{HttpResponse, Responder, web::Data};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::json;

use super::params::Params;
use crate::{emulator::Emulator, response::ok};

/// Serial number of the application.
pub(crate) const APP_SERIAL: u32 = 7;
/// Its other id, 24 hexadecimal digits.
pub(crate) const APP_ID: &str = "0123456789abcdef01234567";
/// Its name.
pub(crate) const APP_NAME: &str = "Countersign";

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
    let state = emulator.state();
    let today = Timestamp::from_millisecond(emulator.now()).unwrap_or_default().to_zoned(TimeZone::UTC);
    let calls = |part: &str| {
        state.provider_calls.iter().filter(|call| call.status == 200 && call.path.contains(part)).count()
    };
    let users = state.users.values().filter(|user| !user.removed).count();
    ok(&json!({
        "stats": [{
            "sms_count": calls("/sms/"),
            "calls_count": calls("/call/"),
            "users_count": users,
            "auths_count": calls("/verify/"),
            "month": today.strftime("%B").to_string(),
            "api_calls_count": state.provider_calls.len(),
            "year": today.year(),
        }],
        "message": "Monthly statistics.",
        "count": 1,
        "total_users": users,
        "app_id": APP_SERIAL,
        "success": true,
    }))
}
