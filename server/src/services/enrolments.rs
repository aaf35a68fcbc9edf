//! Where users are enrolled, and enrolling them again where that no longer fits.

use std::sync::Arc;

use super::{Context, Result};
use crate::{
    domain::{
        event::{Act, Event, Outcome},
        factor::{Enrolment, LossReason, ProviderAccount, ProviderUser},
        ids::FactorId,
    },
    provider::{Person, Provider, ProviderError},
    store::{
        enrolments,
        factors::{self, NewFactor},
        moves,
        users::{self, UserRow},
    },
};

/// A user's enrolment and the provider that holds it.
#[derive(Debug, Clone)]
pub(super) struct Enrolled {
    pub(super) provider: Arc<Provider>,
    pub(super) at: Enrolment,
}

impl Enrolled {
    pub(super) fn user(&self) -> &ProviderUser {
        &self.at.user
    }
}

impl Context {
    /// Where a user is enrolled; whoever is enrolled at an account that is no longer configured is
    /// enrolled at the current one first.
    pub(super) async fn enrolled(&self, user: &UserRow) -> Result<Enrolled> {
        match self.known_enrolment(user).await? {
            Some(enrolled) => Ok(enrolled),
            None => self.enrol_again(user, None).await,
        }
    }

    /// The same without asking a provider: `None` where there is no enrolment that can be used.
    pub(super) async fn known_enrolment(&self, user: &UserRow) -> Result<Option<Enrolled>> {
        let id = user.id.clone();
        let at =
            self.store.read(move |db| Ok::<_, super::ServiceError>(enrolments::current(db, &id)?)).await?;
        Ok(at.and_then(|at| {
            let provider = Arc::clone(self.providers.get(&at.account)?);
            Some(Enrolled { provider, at })
        }))
    }

    /// Enrols a user again, at the current account: where they were enrolled nobody knows them any more, or that account
    /// is not configured. Whoever was enrolled elsewhere meanwhile stays there.
    pub(super) async fn enrol_again(&self, user: &UserRow, unknown: Option<&Enrolment>) -> Result<Enrolled> {
        let provider = Arc::clone(self.providers.current());
        let person = Person { email: &user.email, phone: user.phone.number() };
        let enrolled = provider.enrol(person).await?;
        let at = Enrolment { account: provider.account().clone(), user: enrolled };
        let now = self.now();
        let factor = NewFactor::phone(
            FactorId::new(self.random),
            user.id.clone(),
            at.clone(),
            user.phone_verified_at,
            now,
        );
        let (user_id, unknown, providers) = (user.id.clone(), unknown.cloned(), self.providers.clone());
        let is_configured = move |account: &ProviderAccount| providers.get(account).is_some();
        let other = self.store.write(move |db| {
            crate::store::lock(db, user_id.as_str())?;
            let current = enrolments::current(db, &user_id)?;
            if let Some(current) = current
                && unknown.map_or_else(|| is_configured(&current.account), |unknown| unknown != current)
            {
                return Ok(Some(current));
            }
            if moves::has_provider_authenticator(db, &user_id)? && !factors::has_authenticator(db, &user_id)?
            {
                users::set_authenticator_lost(db, &user_id, Some(LossReason::NotExported))?;
            }
            enrolments::replace(db, &factor, now)?;
            Ok::<_, super::ServiceError>(None)
        });
        if let Some(at) = other.await? {
            let provider = self.providers.get(&at.account).ok_or(ProviderError::UnknownAccount)?;
            return Ok(Enrolled { provider: Arc::clone(provider), at });
        }
        self.record(Event::new(Act::FactorEnrolled, Outcome::Success).user(&user.id));
        Ok(Enrolled { provider, at })
    }
}

/// Calls a provider for a user; if the provider does not know the user, enrols the user again and
/// calls once more.
macro_rules! call_for_user {
    ($context:expr, $user:expr, |$enrolled:ident| $call:expr) => {{
        let $enrolled = $context.enrolled($user).await?;
        match $call.await {
            Err(crate::provider::ProviderError::UnknownUser) => {
                let unknown = $enrolled.at.clone();
                let $enrolled = $context.enrol_again($user, Some(&unknown)).await?;
                $call.await.map(|result| ($enrolled, result))
            }
            other => other.map(|result| ($enrolled, result)),
        }
    }};
}
pub(super) use call_for_user;

/// Whether the failure says that the provider cannot be used now, rather than that it refused.
pub(super) fn is_outage(error: &ProviderError) -> bool {
    matches!(
        error,
        ProviderError::Unreachable(_)
            | ProviderError::UnexpectedResponse { .. }
            | ProviderError::Refused { .. }
            | ProviderError::UnknownUser
    )
}
