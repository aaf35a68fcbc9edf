//! What takes the database and a provider together, one service per subject.
//!
//! Every operation that calls a provider has three steps, so that no transaction waits for one: reserve
//! in the database, call, note the result. What was reserved is given back when the call failed. Such an
//! operation runs to its end even if the client hangs up (`finish`).

pub mod accounts;
pub mod actions;
pub mod activity;
pub mod answers;
pub mod authenticators;
pub mod background;
mod budgets;
mod claims;
mod cleaning;
pub mod code_checks;
pub mod codes;
pub mod confirmations;
mod context;
mod devices;
pub mod emails;
mod enrolments;
mod event_log;
mod factor_passed;
pub mod factors;
pub mod hub;
pub mod maintenance;
pub mod moving;
pub mod number_match;
pub mod number_verification;
pub mod operations;
mod outbox;
pub mod own_data;
mod password_checks;
pub mod password_work;
pub mod passwords;
pub mod phone_change;
pub mod provider_events;
pub mod push_devices;
pub mod pushes;
pub mod recovery;
pub mod remembered;
pub mod securing;
mod session_list;
pub mod session_status;
pub mod sessions;
pub mod status;
mod together;
mod wakes;
mod wrong_codes;

use std::future::Future;

use thiserror::Error;
use tracing::Instrument;

pub use context::{Context, Settings};
pub use devices::Devices;

use crate::{domain::refusal::Refusal, provider::ProviderError, store::StoreError};

/// Why an operation was not done.
#[derive(Debug, Error)]
pub enum ServiceError {
    /// Refused, for a reason the client is told.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The provider failed.
    #[error(transparent)]
    Provider(#[from] ProviderError),
}

impl ServiceError {
    /// The failure itself, for whoever is told: what was done before it matters to the counts alone.
    fn into_cause(self) -> Self {
        match self {
            Self::Provider(ProviderError::PartlyDone(cause) | ProviderError::NothingDone(cause)) => {
                Self::Provider(*cause).into_cause()
            }
            other => other,
        }
    }

    /// Whether a provider may have done what it was asked, although the operation failed.
    fn may_have_been_done(&self) -> bool {
        matches!(self, Self::Provider(error) if error.may_have_been_done())
    }
}

impl From<diesel::result::Error> for ServiceError {
    fn from(error: diesel::result::Error) -> Self {
        use diesel::result::{DatabaseErrorKind::ForeignKeyViolation, Error};
        match error {
            // The session or the account was ended by another request in between.
            Error::NotFound | Error::DatabaseError(ForeignKeyViolation, _) => {
                tracing::debug!(%error, "a row was gone");
                Refusal::NoSession.into()
            }
            error => Self::Store(StoreError::Statement(error)),
        }
    }
}

/// Result of an operation.
pub type Result<T> = std::result::Result<T, ServiceError>;

/// Runs an operation as a task of its own and waits for it: when the client hangs up, the waiting is
/// dropped and the operation is not.
async fn finish<T: Send + 'static>(operation: impl Future<Output = T> + Send + 'static) -> T {
    match tokio::spawn(operation.in_current_span()).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is going down, and with it whoever waits here.
            Err(_) => std::future::pending().await,
        },
    }
}
