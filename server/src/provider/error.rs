//! Why a call to a provider failed, in the same words for all of them.

use thiserror::Error;

/// Why a call to the provider failed.
#[derive(Debug, Error)]
pub enum ProviderError {
    /// No response: down, too slow, cut off.
    #[error("the provider cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    /// A response that is none of the documented ones.
    #[error("unexpected response of the provider (HTTP {status})")]
    UnexpectedResponse {
        /// Its HTTP status.
        status: u16,
    },
    /// It refuses, because of something the operator has to mend: key, account, suspension.
    #[error("the provider refuses (HTTP {status}, code {code})")]
    Refused {
        /// Its HTTP status.
        status: u16,
        /// Its own code.
        code: String,
    },
    /// It does not know the user: another key, or a sandbox that was reset.
    #[error("the provider does not know this user")]
    UnknownUser,
    /// Approval requests cannot reach this user: no app, or they are not enabled.
    #[error("approval requests cannot reach this user")]
    NoPush,
    /// The phone cannot be reached this way: no texts to a landline, calls switched off.
    #[error("the phone cannot be reached this way")]
    ChannelRefused,
    /// The provider sends no more to this user for now.
    #[error("the provider's limit is reached")]
    Limited,
    /// It does not accept this phone number.
    #[error("the provider does not accept this phone number")]
    BadPhone,
    /// It does not accept this e-mail.
    #[error("the provider does not accept this e-mail")]
    BadEmail,
    /// The account that holds the user is not configured any more.
    #[error("the provider account is not among the settings")]
    UnknownAccount,
    /// A secret came with another code than it has by our clock.
    #[error("the provider's clock and ours differ")]
    OtherCode,
    /// Something was sent or cancelled before this failure.
    #[error("after something was done: {0}")]
    PartlyDone(Box<ProviderError>),
    /// It failed when it was asked whom to send to: nothing was sent.
    #[error("before anything was sent: {0}")]
    NothingDone(Box<ProviderError>),
}

impl ProviderError {
    /// Whether the provider may have done what it was asked although no response of its own came: it
    /// was connected, and then it, or a gateway before it, was too slow or cut the connection.
    #[must_use]
    pub fn may_have_been_done(&self) -> bool {
        match self {
            Self::Unreachable(error) => !error.is_connect(),
            Self::UnexpectedResponse { status } => matches!(status, 502 | 504),
            Self::PartlyDone(_) => true,
            _ => false,
        }
    }

    /// What has failed, whatever was done before.
    #[must_use]
    pub fn cause(&self) -> &Self {
        match self {
            Self::PartlyDone(error) | Self::NothingDone(error) => error.cause(),
            other => other,
        }
    }
}
