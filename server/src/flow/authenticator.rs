//! Enrolling an authenticator app: a secret is shown once.

use shared::Authenticator;

use super::{Failure, second_factor::SecondFactor};
use crate::{
    domain::{
        authenticator::{FRESH_FOR, of_uri},
        clock::Timestamp,
        refusal::Refusal,
    },
    provider::ProviderError,
    store::users::{self, UserRow},
};

impl SecondFactor {
    /// Whether the phone has answered so recently that a factor may be changed.
    #[must_use]
    pub fn is_fresh(&self, factor_at: Option<Timestamp>) -> bool {
        factor_at.is_some_and(|at| self.clock.now().since(at) <= FRESH_FOR)
    }

    /// Makes a secret for a user's own app. Where one was shown before, only in its place.
    ///
    /// # Errors
    /// [`Refusal::StepUpRequired`], [`Refusal::AlreadyEnrolled`], or what kept the provider from it;
    /// then nothing was shown.
    pub async fn enrol_authenticator(
        &self,
        user: &UserRow,
        factor_at: Option<Timestamp>,
        replace: bool,
    ) -> Result<Authenticator, Failure> {
        if !self.is_fresh(factor_at) {
            return Err(Refusal::StepUpRequired.into());
        }
        let (id, now) = (user.id.clone(), self.clock.now());
        let first = self
            .store
            .write(move |db| users::show_authenticator(db, &id, replace, now).map_err(Failure::from));
        if !first.await? {
            return Err(Refusal::AlreadyEnrolled.into());
        }
        let made = self.for_user(user, async |enrolled| {
            let uri = self.provider.secret(enrolled, &user.email).await?;
            of_uri(&uri).ok_or(ProviderError::Nonsense { status: 200 })
        });
        match made.await {
            Ok(authenticator) => {
                // An enrolment made anew on the way has forgotten it.
                let id = user.id.clone();
                self.store
                    .write(move |db| users::show_authenticator(db, &id, true, now).map_err(Failure::from))
                    .await?;
                Ok(authenticator)
            }
            Err(failure) => {
                let (id, before) = (user.id.clone(), user.authenticator_at);
                self.store
                    .write(move |db| users::hide_authenticator(db, &id, now, before).map_err(Failure::from))
                    .await?;
                Err(failure)
            }
        }
    }
}
