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
    /// A code of the provider's own app.
    App,
    /// A code of an authenticator app.
    Authenticator,
}

impl Method {
    /// As in the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Sms => "sms",
            Self::Call => "call",
            Self::App => "soft_token",
            Self::Authenticator => "authenticator",
        }
    }

    /// Whether it shows that the phone is with the user. An authenticator app may run anywhere.
    #[must_use]
    pub fn verifies_phone(self) -> bool {
        match self {
            Self::Push | Self::Sms | Self::Call | Self::App => true,
            Self::Authenticator => false,
        }
    }
}

impl From<shared::Via> for Method {
    fn from(via: shared::Via) -> Self {
        match via {
            shared::Via::Sms => Self::Sms,
            shared::Via::Call => Self::Call,
        }
    }
}

impl From<Method> for shared::Channel {
    fn from(method: Method) -> Self {
        match method {
            Method::Push => Self::Push,
            Method::Sms => Self::Sms,
            Method::Call => Self::Call,
            Method::App => Self::SoftToken,
            Method::Authenticator => Self::Authenticator,
        }
    }
}
