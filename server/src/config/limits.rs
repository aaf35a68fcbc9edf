//! `LIMITS`, `LIMIT_…` and `SESSION_…_SECONDS`.

use super::source::{ConfigError, Source, within, wrong};
use crate::domain::limits::{Lifetimes, Limits};

pub(super) fn limits(from: &Source<'_>, production: bool) -> Result<Limits, ConfigError> {
    if !from.one_of("LIMITS", &[("default", true), ("off", false)], true)? {
        return if production {
            Err(wrong("LIMITS", "cannot be off in production"))
        } else {
            Ok(Limits::OFF)
        };
    }
    let default = Limits::default();
    let count = |name: &str, default: u32| {
        let count = from.parsed(name, "a number")?.unwrap_or(default);
        within(name, count, 1..=1_000_000)
    };
    Ok(Limits {
        resend_after: from.seconds("LIMIT_RESEND_SECONDS", default.resend_after)?,
        sends_per_hour: count("LIMIT_SENDS_PER_HOUR", default.sends_per_hour)?,
        pushes_per_hour: count("LIMIT_PUSHES_PER_HOUR", default.pushes_per_hour)?,
        wrong_codes: count("LIMIT_WRONG_CODES", default.wrong_codes)?,
        wrong_passwords: count("LIMIT_WRONG_PASSWORDS", default.wrong_passwords)?,
        sign_ups_per_hour: count("LIMIT_SIGN_UPS_PER_HOUR", default.sign_ups_per_hour)?,
        verifications_per_hour: count("LIMIT_VERIFICATIONS_PER_HOUR", default.verifications_per_hour)?,
        lock: from.seconds("LIMIT_LOCK_SECONDS", default.lock)?,
    })
}

pub(super) fn lifetimes(from: &Source<'_>) -> Result<Lifetimes, ConfigError> {
    let default = Lifetimes::default();
    let life = |name: &str, default| match from.seconds(name, default)? {
        life if life.is_zero() => Err(wrong(name, "at least one second is needed")),
        life => Ok(life),
    };
    Ok(Lifetimes {
        pending: life("SESSION_PENDING_SECONDS", default.pending)?,
        idle: life("SESSION_IDLE_SECONDS", default.idle)?,
        absolute: life("SESSION_ABSOLUTE_SECONDS", default.absolute)?,
    })
}
