//! How often and how long: the figures that stop guessing and flooding (section "Limits" of the README).

use std::time::Duration;

/// The hour most limits count over.
pub const HOUR: Duration = Duration::from_secs(3600);
/// The day others count over; also the longest lock.
pub const DAY: Duration = Duration::from_secs(24 * 3600);

/// What is counted.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub enum AttemptKind {
    /// A password that is being checked, or was wrong.
    Password,
    /// An account made.
    SignUp,
    /// A code sent.
    Send,
    /// A code that is being checked, or was wrong.
    Code,
    /// The same for a phone that is verified without an account.
    NumberCode,
    /// A token that registers a device.
    DeviceToken,
    /// A look at the provider for somebody's devices.
    DeviceList,
    /// A code typed to confirm an authenticator app.
    Confirmation,
    /// A recovery code that is being checked, or was wrong.
    Recovery,
    /// A link sent by e-mail.
    Mail,
    /// A notice that somebody without a second factor has caused.
    Notice,
    /// A link for a forgotten password that was asked for.
    Reset,
}

/// At most so many within a span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// So many; [`u32::MAX`] for no limit.
    pub most: u32,
    /// Within so long.
    pub per: Duration,
}

impl Quota {
    /// So many an hour.
    #[must_use]
    pub const fn hourly(most: u32) -> Self {
        Self { most, per: HOUR }
    }

    /// So many a day.
    #[must_use]
    pub const fn daily(most: u32) -> Self {
        Self { most, per: DAY }
    }

    /// No limit.
    pub const UNLIMITED: Self = Self::hourly(u32::MAX);

    /// Whether there is a limit at all.
    #[must_use]
    pub const fn is_limited(self) -> bool {
        self.most != u32::MAX
    }

    /// A quota so many times as large.
    #[must_use]
    pub const fn times(self, factor: u32) -> Self {
        Self { most: self.most.saturating_mul(factor), per: self.per }
    }

    /// A part of this quota, at least one.
    #[must_use]
    pub const fn share(self, divisor: u32) -> Self {
        if !self.is_limited() {
            return self;
        }
        let most = self.most / divisor;
        Self { most: if most == 0 { 1 } else { most }, per: self.per }
    }
}

/// An IPv6 customer has at least a /64; so many of these together are a /48 (RFC 6177).
pub const WIDE_NETWORK: u32 = 64;
/// The part of the server's sends that strangers may use.
pub const STRANGERS_SHARE: u32 = 5;
/// All known devices of one account together may use so many times a device's budget: devices can be
/// made at will by whoever can sign in.
pub const DEVICES_TOGETHER: u32 = 3;
/// Pending sessions per user.
pub const PENDING_SESSIONS: usize = 10;

/// All limits. *Strangers* are accounts whose phone is not verified, and verification without an
/// account; what they use up is apart from what owners use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Between two sends of one session; the first one is free.
    pub resend_after: Duration,
    /// Codes sent to one account.
    pub account_sends: Quota,
    /// Codes sent to one phone over all accounts that have verified it, in an hour.
    pub phone_sends: Quota,
    /// The same in a day.
    pub phone_sends_daily: Quota,
    /// Codes strangers have sent to one phone in a day.
    pub stranger_phone_sends: Quota,
    /// Of these, in an hour from one address.
    pub stranger_phone_sends_from_address: Quota,
    /// Codes strangers have sent from one address.
    pub stranger_address_sends: Quota,
    /// Codes sent from one address for accounts that have verified their phone.
    pub address_sends: Quota,
    /// Codes the whole server sends.
    pub server_sends: Quota,
    /// Codes sent without an account to one number.
    pub number_verifications: Quota,
    /// Codes sent without an account from one address, and to a hundred neighbouring numbers.
    pub verifications: Quota,
    /// Approval requests of one account that were not approved.
    pub account_pushes: Quota,
    /// Denials after which one account sends no approval requests for as long.
    pub denials: Quota,
    /// Approval requests to one phone that were not approved, over all accounts that verified it.
    pub phone_pushes: Quota,
    /// The same over all strangers.
    pub stranger_phone_pushes: Quota,
    /// Wrong codes in a row after which an account is locked.
    pub wrong_codes: u32,
    /// The first lock; each further one in a row lasts twice as long, up to a day.
    pub lock: Duration,
    /// Wrong codes of strangers for one phone.
    pub stranger_phone_wrong_codes: Quota,
    /// Wrong codes from one address.
    pub address_wrong_codes: Quota,
    /// Wrong passwords in a row for one account from one address.
    pub wrong_passwords: u32,
    /// Wrong passwords for one account from unknown devices.
    pub account_wrong_passwords: Quota,
    /// Wrong passwords from one address.
    pub address_wrong_passwords: Quota,
    /// Tokens that register devices, of one account.
    pub device_tokens: Quota,
    /// Looks at the provider for the devices of one account; then those that are known are shown.
    pub device_lists: Quota,
    /// Wrong codes typed to confirm an authenticator app, of one account.
    pub confirmations: Quota,
    /// Wrong recovery codes of one account.
    pub recovery_codes: Quota,
    /// Links that verify an e-mail, of one account, and to one e-mail over all accounts.
    pub email_links: Quota,
    /// Links for a forgotten password to one account; one more is not sent, and nobody is told.
    pub resets: Quota,
    /// Links for a forgotten password that were asked for from one address.
    pub address_resets: Quota,
    /// Notices to one account that people without its second factor have caused.
    pub notices: Quota,
    /// Accounts made from one address.
    pub sign_ups: Quota,
    /// Accounts that may have verified one phone; 0 for no limit.
    pub accounts_per_phone: u32,
    /// What a known device may use when the account's or phone's budget is used up.
    pub device: DeviceLimits,
}

/// A known device's own budget for each account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceLimits {
    /// Codes sent.
    pub sends: Quota,
    /// Approval requests that were not approved.
    pub pushes: Quota,
    /// Wrong codes.
    pub wrong_codes: Quota,
    /// Wrong passwords.
    pub wrong_passwords: Quota,
}

impl Limits {
    /// For load tests on one's own machine.
    pub const OFF: Self = Self {
        resend_after: Duration::ZERO,
        account_sends: Quota::UNLIMITED,
        phone_sends: Quota::UNLIMITED,
        phone_sends_daily: Quota::UNLIMITED,
        stranger_phone_sends: Quota::UNLIMITED,
        stranger_phone_sends_from_address: Quota::UNLIMITED,
        stranger_address_sends: Quota::UNLIMITED,
        address_sends: Quota::UNLIMITED,
        server_sends: Quota::UNLIMITED,
        number_verifications: Quota::UNLIMITED,
        verifications: Quota::UNLIMITED,
        account_pushes: Quota::UNLIMITED,
        denials: Quota::UNLIMITED,
        phone_pushes: Quota::UNLIMITED,
        stranger_phone_pushes: Quota::UNLIMITED,
        wrong_codes: u32::MAX,
        lock: Duration::ZERO,
        stranger_phone_wrong_codes: Quota::UNLIMITED,
        address_wrong_codes: Quota::UNLIMITED,
        wrong_passwords: u32::MAX,
        account_wrong_passwords: Quota::UNLIMITED,
        address_wrong_passwords: Quota::UNLIMITED,
        device_tokens: Quota::UNLIMITED,
        device_lists: Quota::UNLIMITED,
        confirmations: Quota::UNLIMITED,
        recovery_codes: Quota::UNLIMITED,
        email_links: Quota::UNLIMITED,
        resets: Quota::UNLIMITED,
        address_resets: Quota::UNLIMITED,
        notices: Quota::UNLIMITED,
        sign_ups: Quota::UNLIMITED,
        accounts_per_phone: 0,
        device: DeviceLimits {
            sends: Quota::UNLIMITED,
            pushes: Quota::UNLIMITED,
            wrong_codes: Quota::UNLIMITED,
            wrong_passwords: Quota::UNLIMITED,
        },
    };

    /// The defaults of the variables `LIMIT_…`.
    pub const DEFAULT: Self = Self {
        resend_after: Duration::from_secs(30),
        account_sends: Quota::hourly(5),
        phone_sends: Quota::hourly(8),
        phone_sends_daily: Quota::daily(20),
        stranger_phone_sends: Quota::daily(10),
        stranger_phone_sends_from_address: Quota::hourly(5),
        stranger_address_sends: Quota::hourly(30),
        address_sends: Quota::hourly(600),
        server_sends: Quota::hourly(5000),
        number_verifications: Quota::hourly(5),
        verifications: Quota::hourly(20),
        account_pushes: Quota::hourly(5),
        denials: Quota::hourly(3),
        phone_pushes: Quota::hourly(8),
        stranger_phone_pushes: Quota::hourly(2),
        wrong_codes: 5,
        lock: Duration::from_secs(900),
        stranger_phone_wrong_codes: Quota::hourly(20),
        address_wrong_codes: Quota::hourly(50),
        wrong_passwords: 10,
        account_wrong_passwords: Quota::hourly(50),
        address_wrong_passwords: Quota::hourly(100),
        device_tokens: Quota::hourly(10),
        device_lists: Quota::hourly(60),
        confirmations: Quota::hourly(10),
        recovery_codes: Quota::hourly(10),
        email_links: Quota::hourly(5),
        resets: Quota::hourly(3),
        address_resets: Quota::hourly(20),
        notices: Quota::daily(6),
        sign_ups: Quota::hourly(20),
        accounts_per_phone: 5,
        device: DeviceLimits {
            sends: Quota::hourly(3),
            pushes: Quota::hourly(3),
            wrong_codes: Quota::hourly(5),
            wrong_passwords: Quota::hourly(10),
        },
    };

    /// How long the lock after a number of earlier locks in a row lasts.
    #[must_use]
    pub fn lock_after(&self, earlier: u32) -> Duration {
        self.lock.saturating_mul(2_u32.saturating_pow(earlier.min(20))).min(DAY.max(self.lock))
    }
}

/// How long sessions live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// From the password to the second factor.
    pub pending: Duration,
    /// Without a request.
    pub idle: Duration,
    /// In any case.
    pub absolute: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self { pending: Duration::from_secs(600), idle: HOUR, absolute: DAY }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_double_up_to_a_day() {
        let minutes: Vec<u64> =
            (0..9).map(|earlier| Limits::DEFAULT.lock_after(earlier).as_secs() / 60).collect();
        assert_eq!(minutes, [15, 30, 60, 120, 240, 480, 960, 1440, 1440]);
        assert_eq!(Limits::DEFAULT.lock_after(u32::MAX), DAY);
    }
}
