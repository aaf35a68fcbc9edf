//! Moving users from one provider to the other, one at a time, while everybody keeps signing in.
//!
//! A user is moved in one transaction. Who was asked by the provider before finishes there: requests and codes that
//! were sent name the provider account that holds them.

use std::{sync::Arc, time::Duration};

use super::{Context, Result, ServiceError, authenticators::place};
use crate::{
    domain::{
        authenticator::TotpSecret,
        code::Code,
        event::{Act, Event, Outcome},
        factor::{Enrolment, FactorKind, FactorState, Method},
        ids::{FactorId, UserId},
    },
    provider::{Person, Provider},
    store::{
        enrolments,
        factors::{self, NewFactor},
        moves::{self, Candidate},
        users::{self, UserRow},
    },
};

/// Whoever has approved a request within this time uses the provider's app, which cannot move.
const USES_PUSH: Duration = Duration::from_secs(90 * 24 * 3600);

/// Which users move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MoveRules {
    /// Also those who approve requests, who get codes from then on.
    pub with_push: bool,
    /// Nobody moves, and no provider is called: what would be done is told.
    pub dry_run: bool,
}

/// What became of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// Enrolled at the current provider from now on.
    Moved(AuthenticatorMove),
    /// Was there before.
    AlreadyThere,
    /// Stays where they are.
    Stays(StayReason),
}

/// Why a user stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StayReason {
    /// Has approved a request within 90 days, or has a registered device.
    UsesPush,
    /// The provider failed or refused; another run tries again.
    ProviderFailed,
    /// Changed by somebody else at the same moment; another run tries again.
    Busy,
}

impl StayReason {
    /// As in a report.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UsesPush => "uses_push",
            Self::ProviderFailed => "provider_failed",
            Self::Busy => "busy",
        }
    }
}

/// What became of an authenticator whose secret the provider has kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AuthenticatorMove {
    /// There was none.
    None,
    /// It is kept here from now on; its app goes on working.
    Moved,
    /// Other accounts use the same user of the provider: nobody can tell whose it is.
    Shared,
    /// The provider does not give the secret away.
    NotExported,
}

impl AuthenticatorMove {
    /// As in a report.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Moved => "moved",
            Self::Shared => "shared",
            Self::NotExported => "not_exported",
        }
    }

    /// Whether the user has to set it up again.
    #[must_use]
    pub fn is_lost(self) -> bool {
        matches!(self, Self::Shared | Self::NotExported)
    }
}

/// A secret that comes along.
struct Imported {
    factor: NewFactor,
    /// The time step of the code it shows now: that one was perhaps used at the provider.
    step: i64,
}

/// Moves users to the current provider.
#[derive(Debug, Clone)]
pub struct Moving {
    context: Arc<Context>,
}

impl Moving {
    /// Uses the context's database and providers.
    #[must_use]
    pub fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// How many users there are, and how many of them at the current provider.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn counts(&self) -> Result<moves::Counts> {
        let account = self.context.providers.current().account().clone();
        self.context.store.read(move |db| Ok::<_, ServiceError>(moves::counts(db, &account)?)).await
    }

    /// The next users that are enrolled elsewhere, in the order of their ids.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn next(&self, after: Option<UserId>, most: u32) -> Result<Vec<UserId>> {
        let account = self.context.providers.current().account().clone();
        let next = self.context.store.read(move |db| {
            Ok::<_, ServiceError>(moves::elsewhere(db, &account, after.as_ref(), i64::from(most))?)
        });
        next.await
    }

    /// Moves one user. Whoever was moved before stays as they are.
    ///
    /// # Errors
    /// When the database fails. A provider that fails is a reason to stay.
    pub async fn move_user(&self, user: UserId, rules: MoveRules) -> Result<Moved> {
        let id = user.clone();
        let row = self.context.store.read(move |db| Ok::<_, ServiceError>(users::by_id(db, &id)?)).await?;
        match row {
            Some(row) => {
                let moved = self.context.move_user(&row, rules).await?;
                if let (Moved::Stays(reason), false) = (moved, rules.dry_run) {
                    let outcome = match reason {
                        StayReason::UsesPush => Outcome::Refused,
                        StayReason::ProviderFailed | StayReason::Busy => Outcome::Failed,
                    };
                    Event::new(Act::ProviderChanged, outcome).user(&row.id).record();
                }
                Ok(moved)
            }
            // Deleted meanwhile: there is nobody to move.
            None => Ok(Moved::AlreadyThere),
        }
    }
}

impl Context {
    /// Moves a user who signs in and is enrolled elsewhere. Where that fails they sign in as before.
    pub(super) async fn move_at_sign_in(&self, user: &UserRow) {
        if !self.providers.has_others() {
            return;
        }
        match self.move_user(user, MoveRules { with_push: false, dry_run: false }).await {
            Ok(_) => {}
            Err(error) => tracing::warn!(user.id = %user.id, %error, "moving to the current provider"),
        }
    }

    async fn move_user(&self, user: &UserRow, rules: MoveRules) -> Result<Moved> {
        let id = user.id.clone();
        let candidate = self.store.read(move |db| Ok::<_, ServiceError>(moves::candidate(db, &id)?)).await?;
        let Some(candidate) = candidate else { return Ok(Moved::Stays(StayReason::Busy)) };
        let current = self.providers.current();
        if candidate.at.account == *current.account() {
            return Ok(Moved::AlreadyThere);
        }
        let now = self.now();
        let uses_push =
            candidate.has_devices || candidate.last_push_at.is_some_and(|at| at.plus(USES_PUSH) > now);
        if uses_push && !rules.with_push {
            return Ok(Moved::Stays(StayReason::UsesPush));
        }
        if rules.dry_run {
            return Ok(Moved::Moved(candidate.expected_authenticator()));
        }
        match self.move_candidate(user, &candidate, current).await {
            Ok(moved) => Ok(moved),
            Err(ServiceError::Provider(error)) => {
                tracing::warn!(user.id = %user.id, %error, "a user stays at the provider before");
                Ok(Moved::Stays(StayReason::ProviderFailed))
            }
            Err(other) => Err(other),
        }
    }

    async fn move_candidate(&self, user: &UserRow, candidate: &Candidate, to: &Provider) -> Result<Moved> {
        let (mut authenticator, mut imported) = (candidate.expected_authenticator(), None);
        if authenticator == AuthenticatorMove::Moved {
            imported = self.import_authenticator(user, &candidate.at).await?;
            if imported.is_none() {
                authenticator = AuthenticatorMove::NotExported;
            }
        }
        let person = Person { email: &user.email, phone: user.phone.number() };
        let at = Enrolment { account: to.account().clone(), user: to.enrol(person).await? };
        let now = self.now();
        let phone =
            NewFactor::phone(FactorId::new(self.random), user.id.clone(), at, user.phone_verified_at, now);
        let (id, from) = (user.id.clone(), candidate.at.clone());
        let moved = self
            .store
            .write(move |db| {
                crate::store::lock(db, id.as_str())?;
                if enrolments::current(db, &id)?.as_ref() != Some(&from) {
                    return Ok(None);
                }
                // Another account may have been enrolled with the same phone meanwhile.
                if imported.is_some() && enrolments::is_shared(db, &id, &from)? {
                    (authenticator, imported) = (AuthenticatorMove::Shared, None);
                }
                enrolments::replace(db, &phone, now)?;
                if let Some(Imported { factor, step }) = imported {
                    factors::insert(db, &factor)?;
                    factors::use_step(db, &factor.id, step, now)?;
                }
                if authenticator.is_lost() {
                    users::set_authenticator_lost(db, &id, Some(now))?;
                }
                Ok::<_, ServiceError>(Some(authenticator))
            })
            .await?;
        let Some(authenticator) = moved else { return Ok(Moved::Stays(StayReason::Busy)) };
        Event::new(Act::ProviderChanged, Outcome::Success).user(&user.id).record();
        let act = match authenticator {
            AuthenticatorMove::None => None,
            AuthenticatorMove::Moved => Some(Act::FactorConfirmed),
            AuthenticatorMove::Shared | AuthenticatorMove::NotExported => Some(Act::FactorRemoved),
        };
        if let Some(act) = act {
            Event::new(act, Outcome::Success).user(&user.id).method(Method::Authenticator).record();
        }
        Ok(Moved::Moved(authenticator))
    }

    /// The secret that a provider has kept for a user, sealed for our own keeping. `None` where it is not given away,
    /// or where the code that comes with it is not the one it has here: then its app would be refused.
    async fn import_authenticator(&self, user: &UserRow, at: &Enrolment) -> Result<Option<Imported>> {
        let Some(provider) = self.providers.get(&at.account) else { return Ok(None) };
        let Some(exported) = provider.export_secret(&at.user).await? else { return Ok(None) };
        let now = self.now();
        let secret = TotpSecret::from_base32(&exported.secret);
        let Some((secret, code)) = secret.zip(Code::read(&exported.code)) else { return Ok(None) };
        let Some(step) = secret.step_of(&code, now, None) else { return Ok(None) };
        let id = FactorId::new(self.random);
        let factor = NewFactor {
            id: id.clone(),
            user_id: user.id.clone(),
            kind: FactorKind::Authenticator,
            state: FactorState::Active,
            name: None,
            provider_account: None,
            provider_user: None,
            secret: Some(self.keys.seal(&place(&id), secret.as_bytes(), self.random)),
            created_at: now,
            confirmed_at: Some(now),
            reference: None,
        };
        Ok(Some(Imported { factor, step }))
    }
}

impl Candidate {
    /// What can become of an authenticator, as far as the database tells.
    fn expected_authenticator(&self) -> AuthenticatorMove {
        match (self.has_provider_authenticator, self.is_shared) {
            (false, _) => AuthenticatorMove::None,
            (true, true) => AuthenticatorMove::Shared,
            (true, false) => AuthenticatorMove::Moved,
        }
    }
}
