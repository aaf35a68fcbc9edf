//! What takes the store and a provider together: registration, the password, the second factor.
//!
//! Every deed is in three steps, so that no transaction waits for a phone company: reserve in the
//! database, call, note what came of it. What the reservation counts is given back when the call
//! failed.

pub mod accounts;
pub mod approvals;
pub mod authenticator;
pub mod codes;
pub mod confirmation;
pub mod housekeeping;
pub mod push;
pub mod renewal;
pub mod second_factor;
pub mod verification;

use thiserror::Error;

use crate::{domain::refusal::Refusal, provider::ProviderError, store::StoreError};

/// Why a deed was not done.
#[derive(Debug, Error)]
pub enum Failure {
    /// Refused, for a reason the client is told.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The database could not.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The provider could not.
    #[error(transparent)]
    Provider(#[from] ProviderError),
}

impl From<diesel::result::Error> for Failure {
    fn from(error: diesel::result::Error) -> Self {
        Self::Store(StoreError::Statement(error))
    }
}
