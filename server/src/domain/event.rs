//! Security events: each act that matters is one structured line in the log, written here.
//!
//! A line names the act, its outcome, the user, the factor and the client's address; never a password,
//! a code, a token or a whole phone number (OWASP ASVS 5.0, 16.2.5 and 16.3.1).

use std::net::IpAddr;

use super::{factor::Method, ids::UserId};

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    /// A session ended by the user's wish.
    SessionEnded,
}

impl Act {
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
        }
    }
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    fn as_str(self) -> &'static str {
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
    act: Act,
    outcome: Outcome,
    user: Option<&'a UserId>,
    method: Option<Method>,
    address: Option<IpAddr>,
}

impl<'a> Event<'a> {
    /// An act and its outcome.
    #[must_use]
    pub fn new(act: Act, outcome: Outcome) -> Self {
        Self { act, outcome, user: None, method: None, address: None }
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

    /// From where.
    #[must_use]
    pub fn address(mut self, address: IpAddr) -> Self {
        self.address = Some(address);
        self
    }

    /// Writes it into the log.
    pub fn record(self) {
        tracing::info!(
            target: "countersign::event",
            act = self.act.as_str(),
            outcome = self.outcome.as_str(),
            user.id = self.user.map(UserId::as_str),
            factor = self.method.map(Method::as_str),
            client.address = self.address.map(tracing::field::display),
            "event"
        );
    }
}
