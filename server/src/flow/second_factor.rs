//! The phone's half: who is asked, through which provider, within which limits.

use std::sync::Arc;

use shared::phone::PhoneNumber;
use tokio::sync::Notify;

use super::Failure;
use crate::{
    domain::{
        clock::Clock,
        ids::Random,
        limits::{Lifetimes, Limits},
    },
    provider::{Person, Provider, ProviderError, ProviderUser},
    store::{
        Store,
        users::{self, UserRow},
    },
};

/// Everything that puts a question to a phone and hears the answer.
#[derive(Debug, Clone)]
pub struct SecondFactor {
    /// The database.
    pub store: Store,
    /// Who talks to the phone.
    pub provider: Arc<Provider>,
    /// Time.
    pub clock: Arc<Clock>,
    /// Randomness.
    pub random: Random,
    /// How often.
    pub limits: Limits,
    /// How long.
    pub lifetimes: Lifetimes,
    /// Told when a push goes out, so that its answer is asked for in time.
    pub pushed: Arc<Notify>,
}

impl SecondFactor {
    /// Calls the provider for a user. Who is enrolled elsewhere, or unknown to the provider, is
    /// enrolled (again) first, once.
    pub(super) async fn for_user<T>(
        &self,
        user: &UserRow,
        call: impl AsyncFn(&ProviderUser) -> Result<T, ProviderError>,
    ) -> Result<T, Failure> {
        if user.provider_account == self.provider.account() {
            match call(&ProviderUser(user.provider_user.clone())).await {
                Err(ProviderError::UnknownUser) => {}
                other => return Ok(other?),
            }
        }
        let enrolled = self.enrol_again(user).await?;
        Ok(call(&enrolled).await?)
    }

    async fn enrol_again(&self, user: &UserRow) -> Result<ProviderUser, Failure> {
        tracing::info!(user.id = %user.id, "enrolling again at the provider");
        let phone = PhoneNumber::read(&user.calling_code, &user.national_number)
            .map_err(|_| ProviderError::BadPhone)?;
        let enrolled = self.provider.enrol(Person { email: &user.email, phone: &phone }).await?;
        let (id, account, provider_user) =
            (user.id.clone(), self.provider.account().to_owned(), enrolled.0.clone());
        self.store
            .write(move |db| users::set_enrolment(db, &id, &account, &provider_user).map_err(Failure::from))
            .await?;
        Ok(enrolled)
    }
}
