//! What a factor holds: a device's key, or the secret of an authenticator, and what is told of it.

use base32::Alphabet::Rfc4648;
use serde_json::{Map, Value, json};

use super::{
    device,
    state::{Device, Factor, Holds, Service, sid},
    totp::{Algorithm, Totp},
};
use crate::{
    random,
    twilio::{error::TwilioError, params::Fields},
};

/// Bytes of a secret that is made here.
const SECRET_LENGTH: usize = 20;

pub(super) fn config(factor: &Factor) -> Value {
    match &factor.holds {
        Holds::Push(device) => {
            let mut config = device.config.clone();
            config.insert("credential_sid".to_owned(), json!(device.credential));
            Value::Object(config)
        }
        Holds::Totp(totp) => json!({
            "alg": totp.algorithm.name(),
            "skew": totp.skew,
            "code_length": totp.code_length,
            "time_step": totp.time_step,
        }),
    }
}

/// What is shown once, to whoever has made the factor.
pub(super) fn view(factor: &Factor, issuer: &str) -> Value {
    match &factor.holds {
        Holds::Push(device) => json!({"alg": "ES256", "public_key": device.public_key}),
        Holds::Totp(totp) => {
            let secret = base32::encode(Rfc4648 { padding: false }, &totp.secret);
            let encoded = |text: &str| {
                url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
            };
            let uri = format!(
                "otpauth://totp/{issuer}:{}?secret={secret}&issuer={issuer}&algorithm={}&digits={}&period={}",
                encoded(&factor.friendly_name),
                totp.algorithm.name().to_uppercase(),
                totp.code_length,
                totp.time_step,
                issuer = encoded(issuer),
            );
            json!({"secret": secret, "uri": uri})
        }
    }
}

fn is_platform(platform: &str) -> Result<(), TwilioError> {
    if ["fcm", "apn", "none"].contains(&platform) {
        return Ok(());
    }
    Err(TwilioError::invalid("Config.NotificationPlatform"))
}

/// What a device tells of itself; a push token only where pushes are sent by a platform.
pub(super) fn device_of(fields: &Fields) -> Result<Device, TwilioError> {
    let public_key = fields.required("Binding.PublicKey")?.to_owned();
    if fields.text("Binding.Alg").is_some_and(|algorithm| algorithm != "ES256") {
        return Err(TwilioError::invalid("Binding.Alg"));
    }
    let point =
        device::point(&public_key).ok_or_else(|| TwilioError::new(400, 60314, "Invalid public key"))?;
    let platform = fields.required("Config.NotificationPlatform")?;
    is_platform(platform)?;
    let mut config = Map::new();
    config.insert("sdk_version".to_owned(), json!(fields.text("Config.SdkVersion")));
    config.insert("app_id".to_owned(), json!(fields.required("Config.AppId")?));
    config.insert("notification_platform".to_owned(), json!(platform));
    let token = if platform == "none" { None } else { Some(fields.required("Config.NotificationToken")?) };
    config.insert("notification_token".to_owned(), json!(token));
    Ok(Device { point, public_key, credential: sid("CR"), config })
}

pub(super) fn totp_of(fields: &Fields, service: &Service) -> Result<Totp, TwilioError> {
    let secret = match fields.text("Binding.Secret") {
        Some(secret) => base32::decode(Rfc4648 { padding: false }, secret.trim_end_matches('='))
            .filter(|secret| !secret.is_empty())
            .ok_or_else(|| TwilioError::invalid("Binding.Secret"))?,
        None => random::bytes::<SECRET_LENGTH>().to_vec(),
    };
    let algorithm = fields.text("Config.Alg").unwrap_or("sha1");
    let of_service = &service.totp;
    Ok(Totp {
        secret,
        algorithm: Algorithm::parse(algorithm).ok_or_else(|| TwilioError::invalid("Config.Alg"))?,
        time_step: fields.number("Config.TimeStep", 20..=60)?.or(of_service.time_step).unwrap_or(30),
        code_length: fields.number("Config.CodeLength", 3..=8)?.or(of_service.code_length).unwrap_or(6),
        skew: fields.number("Config.Skew", 0..=2)?.or(of_service.skew).unwrap_or(1),
    })
}

/// Whether two factors hold the same key or secret.
pub(super) fn is_same(one: &Holds, other: &Holds) -> bool {
    match (one, other) {
        (Holds::Push(one), Holds::Push(other)) => one.point == other.point,
        (Holds::Totp(one), Holds::Totp(other)) => one.secret == other.secret,
        _ => false,
    }
}

/// Takes over the parameters that are given.
pub(super) fn take_over(factor: &mut Factor, fields: &Fields) -> Result<(), TwilioError> {
    if let Some(name) = fields.text("FriendlyName") {
        if name.chars().count() > super::factors::LONGEST_NAME {
            return Err(TwilioError::invalid("FriendlyName"));
        }
        name.clone_into(&mut factor.friendly_name);
    }
    match &mut factor.holds {
        Holds::Push(device) => {
            fields.text("Config.NotificationPlatform").map_or(Ok(()), is_platform)?;
            for (parameter, name) in [
                ("Config.NotificationToken", "notification_token"),
                ("Config.SdkVersion", "sdk_version"),
                ("Config.AppId", "app_id"),
                ("Config.NotificationPlatform", "notification_platform"),
            ] {
                if let Some(value) = fields.text(parameter) {
                    device.config.insert(name.to_owned(), json!(value));
                }
            }
        }
        Holds::Totp(totp) => {
            if let Some(name) = fields.text("Config.Alg") {
                totp.algorithm = Algorithm::parse(name).ok_or_else(|| TwilioError::invalid("Config.Alg"))?;
            }
            totp.time_step = fields.number("Config.TimeStep", 20..=60)?.unwrap_or(totp.time_step);
            totp.code_length = fields.number("Config.CodeLength", 3..=8)?.unwrap_or(totp.code_length);
            totp.skew = fields.number("Config.Skew", 0..=2)?.unwrap_or(totp.skew);
        }
    }
    Ok(())
}
