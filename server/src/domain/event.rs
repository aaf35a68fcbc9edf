//! Security events: each act that matters is one structured line in the log, and a row of the account's activity.
//!
//! A line names the act, its outcome, the user, the factor and the client's address; never a password,
//! a code, a token or a whole phone number (OWASP ASVS 5.0, 16.2.5 and 16.3.1).

use std::{fmt, net::IpAddr};

use super::{client::Client, factor::Method, ids::UserId};

/// What was done.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub enum Act {
    /// An account was made.
    SignUp,
    /// A password was checked.
    Password,
    /// A code was sent.
    CodeSent,
    /// A code was checked.
    CodeChecked,
    /// An approval request was sent.
    PushSent,
    /// An approval request was answered on the phone.
    PushAnswered,
    /// An approval of an action was used.
    ApprovalRedeemed,
    /// A phone was verified for an account.
    PhoneVerified,
    /// A phone number was verified without an account.
    NumberVerified,
    /// A factor was enrolled.
    FactorEnrolled,
    /// A factor was confirmed and is active.
    FactorConfirmed,
    /// A factor was removed.
    FactorRemoved,
    /// A factor was named.
    FactorRenamed,
    /// An app was given a token to register a device.
    DeviceTokenIssued,
    /// A user was moved to another provider.
    ProviderChanged,
    /// A session ended by the user's wish, or an operator's.
    SessionEnded,
    /// A sign-in was completed.
    SignedIn,
    /// The number that the phone showed was typed.
    PushMatched,
    /// Too many wrong codes: no code is accepted for a while.
    CodesLocked,
    /// A browser is remembered.
    DeviceRemembered,
    /// A browser is not remembered any more.
    DeviceForgotten,
    /// What a browser is remembered by was used elsewhere.
    DeviceStolen,
    /// The account got another phone.
    PhoneChanged,
    /// A link to verify an e-mail was sent.
    EmailLinkSent,
    /// The e-mail was verified.
    EmailVerified,
    /// The account got another e-mail.
    EmailChanged,
    /// The password was changed.
    PasswordChanged,
    /// A link for a forgotten password was asked for.
    PasswordResetAsked,
    /// A new password was set by such a link.
    PasswordReset,
    /// A set of recovery codes was made.
    RecoveryCodesMade,
    /// A recovery code was typed.
    RecoveryCodeUsed,
    /// The password was right, and no factor passed within three minutes.
    HalfSignIn,
    /// The owner has said that something was not them.
    AccountSecured,
    /// What is stored about the account was downloaded.
    ActivityExported,
    /// The account was deleted.
    AccountDeleted,
    /// An operator has disabled the account.
    AccountDisabled,
    /// An operator has enabled the account.
    AccountEnabled,
    /// An operator has ended the lock of the account's codes.
    AccountUnlocked,
    /// The account was imported.
    AccountImported,
}

impl Act {
    /// All there are.
    pub const ALL: [Self; 39] = [
        Self::SignUp,
        Self::Password,
        Self::CodeSent,
        Self::CodeChecked,
        Self::PushSent,
        Self::PushAnswered,
        Self::ApprovalRedeemed,
        Self::PhoneVerified,
        Self::NumberVerified,
        Self::FactorEnrolled,
        Self::FactorConfirmed,
        Self::FactorRemoved,
        Self::FactorRenamed,
        Self::DeviceTokenIssued,
        Self::ProviderChanged,
        Self::SessionEnded,
        Self::SignedIn,
        Self::PushMatched,
        Self::CodesLocked,
        Self::DeviceRemembered,
        Self::DeviceForgotten,
        Self::DeviceStolen,
        Self::PhoneChanged,
        Self::EmailLinkSent,
        Self::EmailVerified,
        Self::EmailChanged,
        Self::PasswordChanged,
        Self::PasswordResetAsked,
        Self::PasswordReset,
        Self::RecoveryCodesMade,
        Self::RecoveryCodeUsed,
        Self::HalfSignIn,
        Self::AccountSecured,
        Self::ActivityExported,
        Self::AccountDeleted,
        Self::AccountDisabled,
        Self::AccountEnabled,
        Self::AccountUnlocked,
        Self::AccountImported,
    ];

    /// Those that are part of signing in and out.
    pub const SIGN_INS: [Self; 12] = [
        Self::SignedIn,
        Self::Password,
        Self::CodeSent,
        Self::CodeChecked,
        Self::CodesLocked,
        Self::PushSent,
        Self::PushAnswered,
        Self::PushMatched,
        Self::RecoveryCodeUsed,
        Self::HalfSignIn,
        Self::SessionEnded,
        Self::ApprovalRedeemed,
    ];

    /// As in the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignUp => "sign_up",
            Self::Password => "password",
            Self::CodeSent => "code_sent",
            Self::CodeChecked => "code_checked",
            Self::PushSent => "push_sent",
            Self::PushAnswered => "push_answered",
            Self::ApprovalRedeemed => "approval_redeemed",
            Self::PhoneVerified => "phone_verified",
            Self::NumberVerified => "number_verified",
            Self::FactorEnrolled => "factor_enrolled",
            Self::FactorConfirmed => "factor_confirmed",
            Self::FactorRemoved => "factor_removed",
            Self::FactorRenamed => "factor_renamed",
            Self::DeviceTokenIssued => "device_token_issued",
            Self::ProviderChanged => "provider_changed",
            Self::SessionEnded => "session_ended",
            Self::SignedIn => "signed_in",
            Self::PushMatched => "push_matched",
            Self::CodesLocked => "codes_locked",
            Self::DeviceRemembered => "device_remembered",
            Self::DeviceForgotten => "device_forgotten",
            Self::DeviceStolen => "device_stolen",
            Self::PhoneChanged => "phone_changed",
            Self::EmailLinkSent => "email_link_sent",
            Self::EmailVerified => "email_verified",
            Self::EmailChanged => "email_changed",
            Self::PasswordChanged => "password_changed",
            Self::PasswordResetAsked => "password_reset_asked",
            Self::PasswordReset => "password_reset",
            Self::RecoveryCodesMade => "recovery_codes_made",
            Self::RecoveryCodeUsed => "recovery_code_used",
            Self::HalfSignIn => "half_sign_in",
            Self::AccountSecured => "account_secured",
            Self::ActivityExported => "data_exported",
            Self::AccountDeleted => "account_deleted",
            Self::AccountDisabled => "account_disabled",
            Self::AccountEnabled => "account_enabled",
            Self::AccountUnlocked => "account_unlocked",
            Self::AccountImported => "account_imported",
        }
    }

    /// The one with this name in the log.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|act| act.as_str() == name)
    }
}

/// How it ended.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub enum Outcome {
    /// Done, right, or approved.
    Success,
    /// A wrong password or code.
    Wrong,
    /// Denied on the phone.
    Denied,
    /// Refused by a limit or a rule.
    Refused,
    /// The provider could not do it.
    Failed,
}

impl Outcome {
    /// As in the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Wrong => "wrong",
            Self::Denied => "denied",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// One act.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// What was done.
    pub act: Act,
    /// How it ended.
    pub outcome: Outcome,
    /// Whose account it concerns.
    pub user: Option<&'a UserId>,
    /// By which factor.
    pub method: Option<Method>,
    /// From where.
    pub origin: Option<Origin<'a>>,
}

/// Where an act came from.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// Browser or program, in words.
    pub browser: &'a str,
    /// Network address, as text.
    pub address: Address<'a>,
}

/// An address, as it is known.
#[derive(Debug, Clone, Copy)]
pub enum Address<'a> {
    /// Of a request.
    Ip(IpAddr),
    /// As a session has noted it.
    Noted(&'a str),
}

impl fmt::Display for Address<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(out),
            Self::Noted(address) => out.write_str(address),
        }
    }
}

impl<'a> Event<'a> {
    /// An act and its outcome.
    #[must_use]
    pub fn new(act: Act, outcome: Outcome) -> Self {
        Self { act, outcome, user: None, method: None, origin: None }
    }

    /// Whose account it concerns.
    #[must_use]
    pub fn user(mut self, user: &'a UserId) -> Self {
        self.user = Some(user);
        self
    }

    /// By which factor.
    #[must_use]
    pub fn method(mut self, method: Method) -> Self {
        self.method = Some(method);
        self
    }

    /// By which client.
    #[must_use]
    pub fn client(mut self, client: &'a Client) -> Self {
        self.origin = Some(Origin { browser: &client.browser, address: Address::Ip(client.address) });
        self
    }

    /// By the client that a session has noted.
    #[must_use]
    pub fn noted(mut self, browser: &'a str, address: &'a str) -> Self {
        self.origin = Some(Origin { browser, address: Address::Noted(address) });
        self
    }

    /// Writes it into the log.
    pub fn log(&self) {
        tracing::info!(
            target: "countersign::event",
            act = self.act.as_str(),
            outcome = self.outcome.as_str(),
            user.id = self.user.map(UserId::as_str),
            factor = self.method.map(Method::as_str),
            client.address = self.origin.map(|origin| tracing::field::display(origin.address)),
            "event"
        );
    }

    /// Whether it is kept with the account as well. What a limit refuses is not: it can be repeated without end.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.user.is_some() && self.outcome != Outcome::Refused
    }
}
