//! Codes that a provider knows by service and recipient alone. Whose they are is for the caller to know.

use shared::Via;

use super::{CodePurpose, Provider, ProviderError, SentCode};
use crate::domain::code::Code;

/// The judgement of a code by a provider that does not know whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimedCheck {
    /// Right; it was used up.
    Right,
    /// Wrong.
    Wrong,
    /// There is no such code any more: used, cancelled, or expired.
    Over,
    /// It was tried so often that it is judged no more.
    TooOften,
}

impl Provider {
    /// The service that sends codes of this purpose, which has to be claimed; `None` where a code is bound to its
    /// user and action.
    #[must_use]
    pub fn claimed_service(&self, purpose: CodePurpose) -> Option<&str> {
        match self {
            Self::Authy(_) => None,
            Self::Verify(verify) => Some(verify.services.of(purpose)),
        }
    }

    /// Sends a code to a number or an e-mail whose place is claimed.
    ///
    /// # Errors
    /// [`ProviderError`]; [`ProviderError::ChannelRefused`] where nothing has to be claimed.
    pub async fn send_claimed_code(
        &self,
        purpose: CodePurpose,
        to: &str,
        via: Via,
    ) -> Result<SentCode, ProviderError> {
        match self {
            Self::Authy(_) => Err(ProviderError::ChannelRefused),
            Self::Verify(verify) => verify.send(purpose, to, via).await,
        }
    }

    /// Checks a code of a verification that is claimed.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn check_claimed_code(
        &self,
        purpose: CodePurpose,
        verification: &str,
        code: &Code,
    ) -> Result<ClaimedCheck, ProviderError> {
        match self {
            Self::Authy(_) => Ok(ClaimedCheck::Wrong),
            Self::Verify(verify) => verify.check(purpose, verification, code).await,
        }
    }

    /// Ends what was begun, if it lives: a verification, or whatever there is for a number or an e-mail.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn cancel_code(&self, purpose: CodePurpose, name: &str) -> Result<(), ProviderError> {
        match self {
            Self::Authy(_) => Ok(()),
            Self::Verify(verify) => verify.cancel(purpose, name).await,
        }
    }
}
