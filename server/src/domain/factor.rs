//! Factors: how a user can complete a sign-in, and where they are enrolled.

use super::ids::text_type;

text_type!(
    /// An account at a provider: its kind, base address and a fingerprint of the key.
    ProviderAccount
);

text_type!(
    /// The provider's id of a user.
    ProviderUser
);

/// Where a phone is enrolled: the provider account, and the user there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// The provider account.
    pub account: ProviderAccount,
    /// The provider's id of the user.
    pub user: ProviderUser,
}

/// Why an authenticator whose secret the provider has kept could not move along.
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
pub enum LossReason {
    /// Other accounts use the same user of the provider: nobody can tell whose it is.
    Shared,
    /// The provider does not give the secret away, or it is none that can be kept here.
    NotExported,
}

impl LossReason {
    /// As in reports, and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::NotExported => "not_exported",
        }
    }
}

/// A device that answers approval requests, as its provider lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushDevice {
    /// The provider's id of it.
    pub reference: String,
    /// What the app has called it.
    pub name: String,
}

/// An approval request as one device is asked it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// The provider's id of it.
    pub reference: String,
    /// The provider's id of the device.
    pub device: String,
}

/// What a factor is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub enum FactorKind {
    /// A phone enrolled at a provider: approval requests, codes, the provider's own app.
    Phone,
    /// An authenticator app (RFC 6238) whose secret this server keeps.
    Authenticator,
    /// An authenticator app whose secret the provider keeps, enrolled by an earlier version.
    ProviderAuthenticator,
    /// A device registered at the provider that answers approval requests.
    Push,
}

impl FactorKind {
    /// What clients call it. Where an authenticator's secret is kept is nothing to them.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Authenticator | Self::ProviderAuthenticator => "authenticator",
            Self::Push => "push",
        }
    }
}

/// A factor's state.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub enum FactorState {
    /// Enrolled, not confirmed yet: a phone that was never verified, an app that has shown no code.
    Unconfirmed,
    /// In use.
    Active,
    /// No longer in use; kept for a while so that callbacks about it are recognized.
    Removed,
}

/// How a second factor passed.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub enum Method {
    /// An approval request was approved.
    Push,
    /// A code by text message.
    Sms,
    /// A code by phone call.
    Call,
    /// A code by WhatsApp.
    WhatsApp,
    /// A code by e-mail.
    Email,
    /// A code of the provider's own app.
    App,
    /// A code of an authenticator app.
    Authenticator,
    /// A recovery code.
    Recovery,
    /// None: the browser is remembered, and the password was right. It is no step-up.
    Device,
}

impl Method {
    /// As in the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Sms => "sms",
            Self::Call => "call",
            Self::WhatsApp => "whatsapp",
            Self::Email => "email",
            Self::App => "soft_token",
            Self::Authenticator => "authenticator",
            Self::Recovery => "recovery",
            Self::Device => "device",
        }
    }

    /// As clients are told: the code of the provider's app is `app`.
    #[must_use]
    pub fn wire_name(self) -> &'static str {
        match self {
            Self::App => "app",
            other => other.as_str(),
        }
    }

    /// Whether it answered a challenge, so that factors may be changed for a while after it.
    #[must_use]
    pub fn is_step_up(self) -> bool {
        self != Self::Device
    }

    /// Whether it shows that the phone is with the user. An authenticator app may run anywhere, and a mailbox be
    /// read anywhere. Of an approval request this holds where the provider's app belongs to the phone.
    #[must_use]
    pub fn verifies_phone(self) -> bool {
        match self {
            Self::Push | Self::Sms | Self::Call | Self::WhatsApp | Self::App => true,
            Self::Authenticator | Self::Email | Self::Recovery | Self::Device => false,
        }
    }
}

impl From<shared::Via> for Method {
    fn from(via: shared::Via) -> Self {
        match via {
            shared::Via::Sms => Self::Sms,
            shared::Via::Call => Self::Call,
            shared::Via::WhatsApp => Self::WhatsApp,
            shared::Via::Email => Self::Email,
        }
    }
}

impl From<Method> for shared::Channel {
    fn from(method: Method) -> Self {
        match method {
            Method::Push => Self::Push,
            Method::Sms => Self::Sms,
            Method::Call => Self::Call,
            Method::WhatsApp => Self::WhatsApp,
            Method::Email => Self::Email,
            Method::App => Self::SoftToken,
            Method::Authenticator => Self::Authenticator,
            Method::Recovery => Self::Recovery,
            Method::Device => Self::Device,
        }
    }
}
