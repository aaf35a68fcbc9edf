//! What an operator does about accounts, by the commands of the program.

mod importing;

use std::sync::Arc;

use shared::phone::PhoneNumber;

use super::{Context, Result, ServiceError};
use crate::{
    domain::{
        clock::Timestamp,
        event::{Act, Event, Outcome},
        factor::{Enrolment, FactorKind, Method},
        ids::{FactorId, UserId},
        limits::AttemptKind,
        notice::Notice,
        phone::Phone,
        refusal::Refusal,
    },
    provider::ProviderError,
    store::{
        Db, attempts, credentials,
        events::{self, Wanted},
        factors, own_sessions, recovery_codes, remembered_devices, sessions, users,
    },
};

pub use crate::store::{
    events::{EventRow, Place},
    factors::FactorRow,
    users::UserRow,
};
pub use importing::{Importing, Outcome as ImportOutcome};

/// Looks after accounts.
#[derive(Debug, Clone)]
pub struct Operations {
    context: Arc<Context>,
}

/// An account and what belongs to it.
#[derive(Debug, Clone)]
pub struct FoundAccount {
    /// The account.
    pub user: UserRow,
    /// Until when wrong codes lock it.
    pub locked_until: Option<Timestamp>,
    /// When a factor last passed.
    pub last_sign_in: Option<Timestamp>,
    /// Its factors, without authenticators that nobody has confirmed.
    pub factors: Vec<FactorRow>,
    /// Recovery codes that were not used yet; `None` without a set.
    pub recovery_codes: Option<u32>,
    /// Signed-in sessions.
    pub sessions: usize,
    /// Browsers in which the password is enough.
    pub remembered_browsers: usize,
}

impl Operations {
    /// Uses the context's database and providers.
    #[must_use]
    pub fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// The account with this id, e-mail or username.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn user(&self, named: &str) -> Result<Option<UserRow>> {
        let named = named.trim().to_owned();
        self.context.store.read(move |db| named_user(db, &named)).await
    }

    /// The accounts with this id, e-mail, username or phone, which several may have.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find(&self, named: &str) -> Result<Vec<FoundAccount>> {
        let named = named.trim().to_owned();
        let (now, lifetimes) = (self.context.now(), self.context.lifetimes());
        let found = self.context.store.read(move |db| {
            let users = match PhoneNumber::read_e164(&named) {
                Ok(phone) => credentials::by_phone(db, &Phone::new(phone))?,
                Err(_) => named_user(db, &named)?.into_iter().collect(),
            };
            let mut found = Vec::with_capacity(users.len());
            for user in users {
                let id = user.id.clone();
                found.push(FoundAccount {
                    user,
                    locked_until: users::wrong_codes(db, &id)?.locked_until.filter(|until| *until > now),
                    last_sign_in: users::last_sign_in(db, &id)?,
                    factors: factors::of_user(db, &id)?,
                    recovery_codes: recovery_codes::left(db, &id)?.map(|(left, _)| left),
                    sessions: own_sessions::signed_in(db, &id, now, lifetimes)?.len(),
                    remembered_browsers: remembered_devices::of_user(db, &id, now)?.len(),
                });
            }
            Ok::<_, ServiceError>(found)
        });
        found.await
    }

    /// Ends the lock for wrong codes, and forgets wrong codes and wrong recovery codes.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn unlock(&self, user: &UserId) -> Result<()> {
        let recovery = self.context.keys.subject(&["recovery", user.as_str()]);
        let id = user.clone();
        let unlocked = self.context.store.write(move |db| {
            crate::store::lock(db, id.as_str())?;
            users::set_wrong_codes(db, &id, users::WrongCodes::default())?;
            Ok::<_, ServiceError>(attempts::forget(db, AttemptKind::Recovery, &recovery)?)
        });
        unlocked.await?;
        self.record(Act::AccountUnlocked, user);
        Ok(())
    }

    /// Ends all sessions and forgets remembered browsers; answers how many sessions were signed in.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_sessions(&self, user: &UserId) -> Result<usize> {
        let (id, now, lifetimes) = (user.clone(), self.context.now(), self.context.lifetimes());
        let ended = self.context.store.write(move |db| {
            crate::store::lock(db, id.as_str())?;
            let signed_in = own_sessions::signed_in(db, &id, now, lifetimes)?.len();
            sessions::delete_of_user(db, &id)?;
            remembered_devices::delete_all(db, &id)?;
            Ok::<_, ServiceError>(signed_in)
        });
        let ended = ended.await?;
        self.record(Act::SessionEnded, user);
        Ok(ended)
    }

    /// Disables an account: its sessions end, and nobody signs in. `false` where it was disabled before; what is left of
    /// its sessions ends all the same.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn disable(&self, user: &UserId) -> Result<bool> {
        let (id, now) = (user.clone(), self.context.now());
        let disabled = self.context.store.write(move |db| {
            crate::store::lock(db, id.as_str())?;
            let is_new = users::by_id(db, &id)?.is_some_and(|user| user.disabled_at.is_none());
            if is_new {
                credentials::set_disabled(db, &id, Some(now))?;
            }
            sessions::delete_of_user(db, &id)?;
            remembered_devices::delete_all(db, &id)?;
            Ok::<_, ServiceError>(is_new)
        });
        let is_new = disabled.await?;
        if is_new {
            self.record(Act::AccountDisabled, user);
        }
        Ok(is_new)
    }

    /// Enables an account; `false` where it was not disabled. A sign-in that had begun before it was disabled does not
    /// come back.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn enable(&self, user: &UserId) -> Result<bool> {
        let id = user.clone();
        let enabled = self.context.store.write(move |db| {
            crate::store::lock(db, id.as_str())?;
            let is_new = users::by_id(db, &id)?.is_some_and(|user| user.disabled_at.is_some());
            if is_new {
                sessions::delete_of_user(db, &id)?;
                credentials::set_disabled(db, &id, None)?;
            }
            Ok::<_, ServiceError>(is_new)
        });
        let is_new = enabled.await?;
        if is_new {
            self.record(Act::AccountEnabled, user);
        }
        Ok(is_new)
    }

    /// Removes an account and everything stored about it. Of its events kinds and times alone remain.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete(&self, user: &UserId) -> Result<()> {
        let (id, now, deleting) = (user.clone(), self.context.now(), Arc::clone(&self.context));
        self.context.store_events().await?;
        self.context.store.write(move |db| deleting.delete_account(db, &id, now)).await?;
        self.record(Act::AccountDeleted, user);
        Ok(())
    }

    /// A factor of an account, also one that nobody has confirmed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn factor(&self, user: &UserId, id: &str) -> Result<Option<FactorRow>> {
        let (user, id) = (user.clone(), FactorId::from_text(id));
        self.context.store.read(move |db| Ok::<_, ServiceError>(factors::find(db, &user, &id)?)).await
    }

    /// Removes an authenticator or a device, a device at its provider first; its owner is told. The phone stays.
    ///
    /// # Errors
    /// [`Refusal::NotFound`]; or the provider's failure, which removes nothing.
    pub async fn remove_factor(&self, user: &UserId, factor: &FactorRow) -> Result<()> {
        let method = match factor.kind {
            FactorKind::Phone => return Err(Refusal::NotFound.into()),
            FactorKind::Push => Method::Push,
            FactorKind::Authenticator | FactorKind::ProviderAuthenticator => Method::Authenticator,
        };
        if let Err(error) = self.remove_at_provider(factor).await {
            self.context.record(Event::new(Act::FactorRemoved, Outcome::Failed).user(user).method(method));
            return Err(error.into());
        }
        let (owner, id, removing, now) =
            (user.clone(), factor.id.clone(), Arc::clone(&self.context), self.context.now());
        let removed = self.context.store.write(move |db| {
            crate::store::lock(db, owner.as_str())?;
            if !factors::remove(db, &owner, &id, now)? {
                return Ok(false);
            }
            removing.factor_changed(db, &owner, Notice::MethodRemoved(method), None, now)?;
            Ok::<_, ServiceError>(true)
        });
        // The provider's webhook may have told the servers of a device before its answer came.
        if !removed.await? && method != Method::Push {
            return Err(Refusal::NotFound.into());
        }
        self.context.record(Event::new(Act::FactorRemoved, Outcome::Success).user(user).method(method));
        Ok(())
    }

    async fn remove_at_provider(&self, factor: &FactorRow) -> std::result::Result<(), ProviderError> {
        let (FactorKind::Push, Some(device)) = (factor.kind, &factor.reference) else { return Ok(()) };
        let at = factor.provider_account.clone().zip(factor.provider_user.clone());
        let Some(at) = at.map(|(account, user)| Enrolment { account, user }) else { return Ok(()) };
        match self.context.providers.get(&at.account) {
            Some(provider) => provider.remove_device(&at.user, device).await,
            None => Ok(()),
        }
    }

    /// Removes the recovery codes; their owner is told. `false` where there were none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remove_recovery_codes(&self, user: &UserId) -> Result<bool> {
        let (owner, removing, now) = (user.clone(), Arc::clone(&self.context), self.context.now());
        let removed = self.context.store.write(move |db| {
            crate::store::lock(db, owner.as_str())?;
            if recovery_codes::delete(db, &owner)? == 0 {
                return Ok(false);
            }
            removing.factor_changed(db, &owner, Notice::MethodRemoved(Method::Recovery), None, now)?;
            Ok::<_, ServiceError>(true)
        });
        let removed = removed.await?;
        if removed {
            let event = Event::new(Act::FactorRemoved, Outcome::Success).user(user);
            self.context.record(event.method(Method::Recovery));
        }
        Ok(removed)
    }

    /// Events of an account that are older than a place, the newest first; at most `most`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn events(&self, user: &UserId, before: Option<Place>, most: i64) -> Result<Vec<EventRow>> {
        let user = user.clone();
        let read = self.context.store.read(move |db| {
            let wanted = Wanted { user: &user, before: before.as_ref(), most, only: None, without: &[] };
            Ok::<_, ServiceError>(events::of_user(db, wanted)?)
        });
        read.await
    }

    fn record(&self, act: Act, user: &UserId) {
        self.context.record(Event::new(act, Outcome::Success).user(user));
    }
}

/// The account with this id, or else with this e-mail or username. An id is looked for first: somebody may have chosen
/// it as a username.
fn named_user(db: &mut Db, named: &str) -> Result<Option<UserRow>> {
    match users::by_id(db, &UserId::from_text(named))? {
        Some(user) => Ok(Some(user)),
        None => Ok(users::by_login(db, named)?),
    }
}
