//! How often, how long: the figures that keep guessing and flooding out.

use std::time::Duration;

/// Limits on sends, guesses and sign-ups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Between two sends of one session; the first is free.
    pub resend_after: Duration,
    /// Codes sent per user and hour.
    pub sends_per_hour: u32,
    /// Pushes per user and hour that nobody answered.
    pub pushes_per_hour: u32,
    /// Wrong codes in a row per user.
    pub wrong_codes: u32,
    /// Wrong passwords per user and address within [`lock`](Self::lock).
    pub wrong_passwords: u32,
    /// Accounts made per address and hour.
    pub sign_ups_per_hour: u32,
    /// Codes sent without an account per address and hour, and per hundred neighbouring numbers.
    pub verifications_per_hour: u32,
    /// How long one stays locked out.
    pub lock: Duration,
}

/// The hour the limits above speak of.
pub const HOUR: Duration = Duration::from_secs(3600);

impl Limits {
    /// For load tests on one's own machine.
    pub const OFF: Self = Self {
        resend_after: Duration::ZERO,
        sends_per_hour: u32::MAX,
        pushes_per_hour: u32::MAX,
        wrong_codes: u32::MAX,
        wrong_passwords: u32::MAX,
        sign_ups_per_hour: u32::MAX,
        verifications_per_hour: u32::MAX,
        lock: Duration::ZERO,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            resend_after: Duration::from_secs(30),
            sends_per_hour: 5,
            pushes_per_hour: 5,
            wrong_codes: 5,
            wrong_passwords: 10,
            sign_ups_per_hour: 20,
            verifications_per_hour: 20,
            lock: Duration::from_secs(900),
        }
    }
}

/// How long sessions live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// From the password to the second factor.
    pub pending: Duration,
    /// Without a request.
    pub idle: Duration,
    /// Whatever happens.
    pub absolute: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self { pending: Duration::from_secs(600), idle: HOUR, absolute: Duration::from_secs(24 * 3600) }
    }
}
