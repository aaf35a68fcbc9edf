//! What a provider's callback tells, whichever provider sent it.

use thiserror::Error;

use crate::domain::{
    approval::Answer,
    factor::{ProviderAccount, ProviderUser},
};

/// A callback whose signature is right.
#[derive(Debug, Clone)]
pub struct Callback {
    /// The provider account whose key signed it.
    pub account: ProviderAccount,
    /// Who has answered, by the provider's id.
    pub user: ProviderUser,
    /// Which request.
    pub reference: String,
    /// What the person did; `None` for other statuses, which change nothing.
    pub answer: Option<Answer>,
    /// Names this callback: the same again is a replay.
    pub digest: String,
    /// Whether it may be a test call of the provider, which names no user of ours.
    pub may_be_test: bool,
}

/// Why a callback is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CallbackError {
    /// The signature is missing or wrong.
    #[error("wrong signature")]
    Signature,
    /// A field is missing or of the wrong type; names it.
    #[error("unreadable field {0}")]
    Field(&'static str),
}
