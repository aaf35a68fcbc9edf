//! `users/…`: enrolment, removal, status, the secret for other authenticator apps.

use actix_web::{
    HttpRequest, HttpResponse, Responder,
    web::{Data, Path},
};
use qrcode::{Color, QrCode};
use serde_json::json;
use shared::phone::PhoneNumber;

use super::{application::APP_NAME, error::AuthyError, params::Params};
use crate::{
    emulator::Emulator,
    format, random,
    response::ok,
    soft_token::OTHER_APP,
    state::{State, User},
};

pub(super) async fn create(emulator: Data<Emulator>, params: Params) -> Result<HttpResponse, AuthyError> {
    let text = |name: &str| params.text(name).unwrap_or_default();
    let (email, cellphone) = (text("user.email"), text("user.cellphone"));
    let phone = PhoneNumber::read(&text("user.country_code"), &cellphone);
    let mut wrong = Vec::new();
    if email.is_empty() {
        wrong.push(("email", "is invalid and can't be blank"));
    } else if !looks_like_email(&email) {
        wrong.push(("email", "is invalid"));
    }
    let phone = match phone {
        Ok(phone) if wrong.is_empty() => phone,
        Ok(_) => return Err(AuthyError::UserNotValid(wrong)),
        Err(_) => {
            wrong.push(("cellphone", "is invalid"));
            return Err(AuthyError::UserNotValid(wrong));
        }
    };
    let now = emulator.now();
    let id = emulator.update(|state| enrol(state, phone, &email, now));
    Ok(ok(&json!({"message": "User created successfully.", "user": {"id": id}, "success": true})))
}

/// Creates a user. For a number that is enrolled already, changes the e-mail of that user.
fn enrol(state: &mut State, phone: PhoneNumber, email: &str, now: i64) -> u64 {
    let known = state.users.values_mut().find(|user| !user.removed && user.phone == phone);
    if let Some(user) = known {
        email.clone_into(&mut user.email);
        return user.id;
    }
    let id = loop {
        // Nine digits; the first is not zero.
        let id = 100_000_000 + random::digits(9).parse::<u64>().unwrap_or_default() % 900_000_000;
        if !state.users.contains_key(&id) {
            break id;
        }
    };
    state.phones.entry(phone.e164()).or_default();
    state.users.insert(
        id,
        User {
            id,
            phone,
            email: email.to_owned(),
            confirmed: false,
            removed: false,
            created_ms: now,
            secret: random::bytes(),
            other_secret: random::bytes(),
            codes: Vec::new(),
            used_steps: Vec::new(),
            sends_ms: Vec::new(),
        },
    );
    id
}

fn looks_like_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
}

pub(super) async fn remove(
    emulator: Data<Emulator>,
    id: Path<String>,
    _: Params,
) -> Result<HttpResponse, AuthyError> {
    emulator
        .update(|state| state.user_mut(&id).map(|user| user.removed = true))
        .ok_or(AuthyError::UserNotFound)?;
    Ok(ok(&json!({"message": "User removed from application", "success": true})))
}

pub(super) async fn status(
    emulator: Data<Emulator>,
    id: Path<String>,
    _: Params,
) -> Result<HttpResponse, AuthyError> {
    let state = emulator.state();
    // A removed user can still be read, as disabled.
    let user = id.parse().ok().and_then(|id: u64| state.users.get(&id)).ok_or(AuthyError::UserNotFound)?;
    let app = state.has_app(&user.phone) && !user.removed;
    let devices = if app { json!(["android"]) } else { json!([]) };
    let detailed = if app {
        json!([{
            "device_type": "authy", "os_type": "android", "registration_device_id": null,
            "registration_method": "sms", "device_id": user.id % 9_000_000 + 1_000_000,
            "last_sync_date": user.created_ms / 1000, "creation_date": user.created_ms / 1000,
        }])
    } else {
        json!([])
    };
    let national = user.phone.national();
    let tail = &national[national.len().saturating_sub(4)..];
    Ok(ok(&json!({
        "status": {
            "authy_id": user.id,
            "confirmed": user.confirmed,
            "registered": app,
            "country_code": user.phone.calling_code().parse::<u16>().unwrap_or_default(),
            "phone_number": format!("XXX-XXX-{tail}"),
            "email": user.email,
            "devices": devices,
            "has_hard_token": false,
            "account_disabled": user.removed,
            "detailed_devices": detailed,
            "deleted_devices": [],
        },
        "message": "User status.",
        "success": true,
    })))
}

/// Creates a secret for another authenticator app. The previous secret becomes invalid.
pub(super) async fn secret(
    emulator: Data<Emulator>,
    request: HttpRequest,
    id: Path<String>,
    params: Params,
) -> Result<HttpResponse, AuthyError> {
    let user = emulator.update(|state| {
        let user = state.user_mut(&id).ok_or(AuthyError::UserNotFound)?;
        user.other_secret = random::bytes();
        Ok(user.clone())
    })?;
    let label = params.text("label").unwrap_or_else(|| user.email.clone());
    let size = params.text("qr_size").and_then(|size| size.parse::<u16>().ok()).unwrap_or(300);
    let query: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("label", &label)
        .append_pair("size", &size.to_string())
        .finish();
    let host = request.connection_info().host().to_owned();
    Ok(ok(&json!({
        "label": label,
        "issuer": APP_NAME,
        "qr_code": format!("http://{host}/_sandbox/qr/{}.png?{query}", user.id),
        "message": "QR code created.",
        "success": true,
    })))
}

/// The QR code that `secret` links to: an `otpauth` URL for any authenticator app.
pub(crate) async fn qr_code(
    emulator: Data<Emulator>,
    request: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, AuthyError> {
    let state = emulator.state();
    let user = state.user(&id).ok_or(AuthyError::UserNotFound)?;
    let query: Vec<(String, String)> =
        url::form_urlencoded::parse(request.query_string().as_bytes()).into_owned().collect();
    let value = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let mut address = url::Url::parse("otpauth://totp/").map_err(|_| AuthyError::InvalidRequest)?;
    address.set_path(&format!("/{APP_NAME}:{}", value("label").unwrap_or_default()));
    address
        .query_pairs_mut()
        .append_pair("secret", &base32(&user.other_secret))
        .append_pair("issuer", APP_NAME)
        .append_pair("digits", &OTHER_APP.digits.to_string())
        .append_pair("period", &OTHER_APP.period.to_string());
    let size = value("size").and_then(|size| size.parse().ok()).unwrap_or(300).clamp(100_usize, 1000);
    let code = QrCode::new(address.as_str()).map_err(|_| AuthyError::InvalidRequest)?;
    let picture = png(&code, size).ok_or(AuthyError::InvalidRequest)?;
    Ok(HttpResponse::Ok()
        .content_type("image/png")
        .insert_header(("Cache-Control", "no-store"))
        .body(picture))
}

/// The code as a greyscale image, at least `size` pixels wide, with a quiet zone of four modules.
fn png(code: &QrCode, size: usize) -> Option<Vec<u8>> {
    const QUIET_ZONE: usize = 4;
    let modules = code.width() + 2 * QUIET_ZONE;
    let (scale, colors) = (size.div_ceil(modules), code.to_colors());
    let side = modules * scale;
    let mut pixels = vec![255_u8; side * side];
    for (at, pixel) in pixels.iter_mut().enumerate() {
        let inside = |at: usize| (at / scale).checked_sub(QUIET_ZONE).filter(|at| *at < code.width());
        let module = inside(at % side).zip(inside(at / side));
        if module.is_some_and(|(x, y)| colors[y * code.width() + x] == Color::Dark) {
            *pixel = 0;
        }
    }
    let mut file = Vec::new();
    let width = u32::try_from(side).ok()?;
    let mut encoder = png::Encoder::new(&mut file, width, width);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.write_header().ok()?.write_image_data(&pixels).ok()?;
    Some(file)
}

pub(super) async fn export_secret(
    emulator: Data<Emulator>,
    id: Path<String>,
    _: Params,
) -> Result<HttpResponse, AuthyError> {
    let state = emulator.state();
    let user = state.user(&id).ok_or(AuthyError::UserNotFound)?;
    let otp = OTHER_APP.code(&user.other_secret, OTHER_APP.step(emulator.now()));
    Ok(ok(&json!({"secret": base32(&user.other_secret), "otp": otp, "success": true})))
}

/// Base32 (RFC 4648 §6). 160 bits need no padding.
fn base32(bytes: &[u8; 20]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    bytes
        .chunks(5)
        .flat_map(|chunk| {
            let word = chunk.iter().fold(0_u64, |word, byte| word << 8 | u64::from(*byte));
            (0..8).rev().map(move |at| char::from(ALPHABET[(word >> (5 * at) & 31) as usize]))
        })
        .collect()
}

pub(super) async fn register_activity(
    emulator: Data<Emulator>,
    id: Path<String>,
    params: Params,
) -> Result<HttpResponse, AuthyError> {
    emulator.state().user(&id).ok_or(AuthyError::UserNotFound)?;
    match params.text("type").as_deref() {
        Some("password_reset" | "banned" | "unbanned" | "cookie_login") => {
            Ok(ok(&json!({"message": "Activity was created.", "success": true})))
        }
        _ => Err(AuthyError::BadActivity),
    }
}

pub(super) async fn update(
    emulator: Data<Emulator>,
    id: Path<String>,
    params: Params,
) -> Result<HttpResponse, AuthyError> {
    let email = params.text("email").filter(|email| looks_like_email(email));
    emulator.update(|state| {
        let user = state.user_mut(&id).ok_or(AuthyError::UserNotFound)?;
        user.email = email.ok_or(AuthyError::UserNotValid(vec![("email", "is invalid")]))?;
        Ok(())
    })?;
    Ok(ok(&json!({"message": "User was updated successfully", "success": true})))
}

pub(super) async fn phone_number(
    emulator: Data<Emulator>,
    id: Path<String>,
    _: Params,
) -> Result<HttpResponse, AuthyError> {
    let state = emulator.state();
    let user = state.user(&id).ok_or(AuthyError::UserNotFound)?;
    Ok(ok(&json!({
        "phone_number": user.phone.national(),
        "country_code": user.phone.calling_code(),
        "e164": user.phone.e164(),
        "updated_at": format::seconds(user.created_ms),
        "success": true,
    })))
}

/// Registrations are made by the provider's phone SDK, which the sandbox does not emulate.
pub(super) async fn registration(_: Params) -> impl Responder {
    AuthyError::UserNotFound
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base32_follows_rfc_4648() {
        assert_eq!(base32(b"foobafoobafoobafooba"), "MZXW6YTBMZXW6YTBMZXW6YTBMZXW6YTB");
    }
}
