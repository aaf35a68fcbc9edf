//! `LIMITS`, `LIMIT_…` and `SESSION_…_SECONDS`.

use super::source::Source;
use crate::domain::limits::{Lifetimes, Limits, Quota};

/// Reads all limits; each has a least and a most that production enforces.
pub(super) fn limits(from: &Source<'_>) -> Limits {
    if !from.one_of("LIMITS", &[("default", true), ("off", false)], true) {
        if from.production {
            from.wrong("LIMITS", "cannot be off in production");
        }
        return Limits::OFF;
    }
    let default = Limits::DEFAULT;
    let count = |name: &str, default: u32, most: u32| {
        let value = from.parsed(name, "a number").unwrap_or(default);
        from.bounded(name, value, default, 1..=most).unwrap_or(default)
    };
    let quota =
        |name: &str, default: Quota, most: u32| Quota { most: count(name, default.most, most), ..default };
    let accounts_per_phone = from.number("LIMIT_ACCOUNTS_PER_PHONE", default.accounts_per_phone, 0..=1000);
    if accounts_per_phone == 0 {
        from.weak("LIMIT_ACCOUNTS_PER_PHONE=0: any number of accounts may verify one phone");
    }
    let resend_after = from.seconds("LIMIT_RESEND_SECONDS", default.resend_after, 10..=600);
    let lock = from.seconds("LIMIT_LOCK_SECONDS", default.lock, 60..=86_400);
    Limits {
        resend_after,
        account_sends: quota("LIMIT_SENDS_PER_HOUR", default.account_sends, 30),
        phone_sends: quota("LIMIT_PHONE_SENDS_PER_HOUR", default.phone_sends, 60),
        phone_sends_daily: quota("LIMIT_PHONE_SENDS_PER_DAY", default.phone_sends_daily, 200),
        stranger_phone_sends: quota("LIMIT_STRANGER_PHONE_SENDS_PER_DAY", default.stranger_phone_sends, 50),
        stranger_phone_sends_from_address: quota(
            "LIMIT_STRANGER_PHONE_SENDS_PER_ADDRESS",
            default.stranger_phone_sends_from_address,
            30,
        ),
        stranger_address_sends: quota(
            "LIMIT_STRANGER_ADDRESS_SENDS_PER_HOUR",
            default.stranger_address_sends,
            1000,
        ),
        address_sends: quota("LIMIT_ADDRESS_SENDS_PER_HOUR", default.address_sends, 20_000),
        server_sends: quota("LIMIT_SERVER_SENDS_PER_HOUR", default.server_sends, 200_000),
        number_verifications: quota("LIMIT_NUMBER_VERIFICATIONS_PER_HOUR", default.number_verifications, 30),
        verifications: quota("LIMIT_VERIFICATIONS_PER_HOUR", default.verifications, 1000),
        account_pushes: quota("LIMIT_PUSHES_PER_HOUR", default.account_pushes, 30),
        denials: quota("LIMIT_DENIALS", default.denials, 10),
        phone_pushes: quota("LIMIT_PHONE_PUSHES_PER_HOUR", default.phone_pushes, 60),
        stranger_phone_pushes: quota(
            "LIMIT_STRANGER_PHONE_PUSHES_PER_HOUR",
            default.stranger_phone_pushes,
            10,
        ),
        wrong_codes: count("LIMIT_WRONG_CODES", default.wrong_codes, 10),
        lock,
        stranger_phone_wrong_codes: quota(
            "LIMIT_STRANGER_PHONE_WRONG_CODES_PER_HOUR",
            default.stranger_phone_wrong_codes,
            100,
        ),
        address_wrong_codes: quota("LIMIT_ADDRESS_WRONG_CODES_PER_HOUR", default.address_wrong_codes, 2000),
        wrong_passwords: count("LIMIT_WRONG_PASSWORDS", default.wrong_passwords, 100),
        account_wrong_passwords: quota(
            "LIMIT_ACCOUNT_WRONG_PASSWORDS_PER_HOUR",
            default.account_wrong_passwords,
            100,
        ),
        address_wrong_passwords: quota(
            "LIMIT_ADDRESS_WRONG_PASSWORDS_PER_HOUR",
            default.address_wrong_passwords,
            5000,
        ),
        device_tokens: default.device_tokens,
        device_lists: default.device_lists,
        confirmations: default.confirmations,
        recovery_codes: quota("LIMIT_RECOVERY_CODES_PER_HOUR", default.recovery_codes, 20),
        email_links: quota("LIMIT_EMAIL_LINKS_PER_HOUR", default.email_links, 20),
        resets: quota("LIMIT_RESETS_PER_HOUR", default.resets, 20),
        address_resets: quota("LIMIT_ADDRESS_RESETS_PER_HOUR", default.address_resets, 1000),
        notices: quota("LIMIT_NOTICES_PER_DAY", default.notices, 50),
        sign_ups: quota("LIMIT_SIGN_UPS_PER_HOUR", default.sign_ups, 1000),
        accounts_per_phone,
        device: default.device,
    }
}

/// Reads how long sessions live.
pub(super) fn lifetimes(from: &Source<'_>) -> Lifetimes {
    const DAY: u64 = 86_400;
    let default = Lifetimes::default();
    Lifetimes {
        pending: from.seconds("SESSION_PENDING_SECONDS", default.pending, 60..=3600),
        idle: from.seconds("SESSION_IDLE_SECONDS", default.idle, 60..=30 * DAY),
        absolute: from.seconds("SESSION_ABSOLUTE_SECONDS", default.absolute, 300..=90 * DAY),
    }
}
