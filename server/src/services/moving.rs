//! Moving users from one provider to the other, one at a time, while everybody keeps signing in.
//!
//! A user is moved in one transaction. Who was asked by the provider before finishes there: requests and codes that
//! were sent name the provider account that holds them.

use std::{sync::Arc, time::Duration};

use super::{Context, Result, ServiceError, authenticators::place, enrolments::Enrolled, finish};
use crate::{
    domain::{
        authenticator::TotpSecret,
        code::Code,
        event::{Act, Event, Outcome},
        factor::{Enrolment, FactorKind, FactorState, LossReason, Method},
        ids::{FactorId, UserId},
    },
    provider::{Person, Provider, ProviderError, ProviderKind},
    store::{
        StoreError, enrolments,
        factors::{self, NewFactor},
        moves::{self, Candidate},
        users::{self, UserRow},
    },
};

/// Whoever has used the provider's app within this time goes on using it: it cannot move.
const USES_PUSH: Duration = Duration::from_secs(90 * 24 * 3600);

/// A code of an authenticator was entered at the provider at most so long ago, if it is still accepted.
const CODE_SHOWN: Duration = Duration::from_secs(120);

/// Which users move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MoveRules {
    /// Also those who approve requests, who get codes from then on.
    pub with_push: bool,
    /// Also those whose authenticator stays behind.
    pub with_loss: bool,
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
    /// Has approved a request or used the provider's app within 90 days, or has a registered device.
    UsesPush,
    /// Would have to set up an authenticator again.
    LosesAuthenticator,
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
            Self::LosesAuthenticator => "loses_authenticator",
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
    /// It stayed behind: the user has to set it up again.
    Lost(LossReason),
}

/// A secret that comes along.
struct Imported {
    factor: NewFactor,
    /// The time step of the code it shows now, which was perhaps used at the provider.
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
                        StayReason::UsesPush | StayReason::LosesAuthenticator => Outcome::Refused,
                        StayReason::ProviderFailed | StayReason::Busy => Outcome::Failed,
                    };
                    self.context.record(Event::new(Act::ProviderChanged, outcome).user(&row.id));
                }
                Ok(moved)
            }
            // Deleted meanwhile: there is nobody to move.
            None => Ok(Moved::AlreadyThere),
        }
    }
}

impl Context {
    /// Moves a user who signs in from Authy to Verify. Where that fails, or costs an authenticator, they sign in as
    /// before: only the password is known to be theirs. Going back is for the command alone, so that servers with the
    /// settings of before do not move people to and fro during a restart.
    pub(super) async fn move_at_sign_in(self: &Arc<Self>, user: &UserRow) {
        if !self.providers.has_others() || self.providers.current().kind() != ProviderKind::Verify {
            return;
        }
        let (context, user) = (Arc::clone(self), user.clone());
        let rules = MoveRules { with_push: false, with_loss: false, dry_run: false };
        finish(async move {
            if let Err(error) = context.move_user(&user, rules).await {
                tracing::warn!(user.id = %user.id, %error, "moving to the current provider");
            }
        })
        .await;
    }

    async fn move_user(self: &Arc<Self>, user: &UserRow, rules: MoveRules) -> Result<Moved> {
        let id = user.id.clone();
        let candidate = self.store.read(move |db| Ok::<_, ServiceError>(moves::candidate(db, &id)?)).await?;
        let Some(candidate) = candidate else { return Ok(Moved::Stays(StayReason::Busy)) };
        let current = self.providers.current();
        if candidate.at.account == *current.account() {
            return Ok(Moved::AlreadyThere);
        }
        match self.try_to_move(user, candidate, current, rules).await {
            Err(ServiceError::Provider(error)) => {
                tracing::warn!(user.id = %user.id, %error, "a user stays at the provider before");
                Ok(Moved::Stays(StayReason::ProviderFailed))
            }
            // Most likely another transaction about the same person.
            Err(ServiceError::Store(StoreError::Statement(error))) => {
                tracing::warn!(user.id = %user.id, %error, "a user could not be moved");
                Ok(Moved::Stays(StayReason::Busy))
            }
            other => other,
        }
    }

    async fn try_to_move(
        self: &Arc<Self>,
        user: &UserRow,
        candidate: Candidate,
        to: &Provider,
        rules: MoveRules,
    ) -> Result<Moved> {
        let now = self.now();
        let used_app = candidate.used_app_at.is_some_and(|at| at.plus(USES_PUSH) > now);
        if !rules.with_push && (used_app || self.has_devices(user, &candidate, rules).await?) {
            return Ok(Moved::Stays(StayReason::UsesPush));
        }
        let expected = candidate.expected_authenticator();
        if rules.dry_run {
            return Ok(Moved::Moved(expected));
        }
        if matches!(expected, AuthenticatorMove::Lost(_)) && !rules.with_loss {
            return Ok(Moved::Stays(StayReason::LosesAuthenticator));
        }
        let (mut authenticator, mut imported) = (expected, None);
        if expected == AuthenticatorMove::Moved {
            // A password may be typed often.
            if !rules.with_loss && !self.may_look_at_factors(&user.id).await? {
                return Ok(Moved::Stays(StayReason::Busy));
            }
            imported = self.import_authenticator(user, &candidate.at).await?;
            if imported.is_none() {
                authenticator = AuthenticatorMove::Lost(LossReason::NotExported);
                if !rules.with_loss {
                    return Ok(Moved::Stays(StayReason::LosesAuthenticator));
                }
            }
        }
        let person = Person { email: &user.email, phone: user.phone.number() };
        let at = Enrolment { account: to.account().clone(), user: to.enrol(person).await? };
        // Whoever began to sign in while the provider was asked was asked there.
        let now = self.now();
        let phone =
            NewFactor::phone(FactorId::new(self.random), user.id.clone(), at, user.phone_verified_at, now);
        let (id, from) = (user.id.clone(), candidate.at);
        let moved = self.store.write(move |db| {
            crate::store::lock(db, id.as_str())?;
            let enrolled = enrolments::current(db, &id)?;
            if enrolled.as_ref() != Some(&from) {
                let is_there =
                    enrolled.is_some_and(|at| Some(&at.account) == phone.provider_account.as_ref());
                return Ok(if is_there { Moved::AlreadyThere } else { Moved::Stays(StayReason::Busy) });
            }
            // While the provider was asked, its owner may have removed it, or confirmed another one.
            let (still, own) =
                (moves::has_provider_authenticator(db, &id)?, factors::has_authenticator(db, &id)?);
            if !still || own {
                (authenticator, imported) = (AuthenticatorMove::None, None);
            } else if imported.is_some() && enrolments::is_shared(db, &id, &from, enrolments::Sharing::Ever)?
            {
                // Another account was enrolled with the same phone meanwhile.
                (authenticator, imported) = (AuthenticatorMove::Lost(LossReason::Shared), None);
            }
            // Users before factors, as everywhere.
            if let AuthenticatorMove::Lost(why) = authenticator {
                if !rules.with_loss {
                    return Ok(Moved::Stays(StayReason::LosesAuthenticator));
                }
                users::set_authenticator_lost(db, &id, Some(why))?;
            }
            enrolments::replace(db, &phone, now)?;
            if let Some(Imported { factor, step }) = imported {
                // It is here since the phone is: what was there until then is the same app's.
                let factor = NewFactor { confirmed_at: Some(now), ..factor };
                factors::insert(db, &factor)?;
                let last_sign_in = users::last_sign_in(db, &id)?;
                if last_sign_in.is_some_and(|at| at.plus(CODE_SHOWN) > now) {
                    factors::use_step(db, &factor.id, step, now)?;
                }
            }
            Ok::<_, ServiceError>(Moved::Moved(authenticator))
        });
        let moved = moved.await?;
        if let Moved::Moved(authenticator) = moved {
            self.record(Event::new(Act::ProviderChanged, Outcome::Success).user(&user.id));
            let act = match authenticator {
                AuthenticatorMove::None => None,
                AuthenticatorMove::Moved => Some(Act::FactorConfirmed),
                AuthenticatorMove::Lost(_) => Some(Act::FactorRemoved),
            };
            if let Some(act) = act {
                self.record(Event::new(act, Outcome::Success).user(&user.id).method(Method::Authenticator));
            }
        }
        Ok(moved)
    }

    /// Whether a user has registered devices. A dry run asks no provider.
    async fn has_devices(
        self: &Arc<Self>,
        user: &UserRow,
        candidate: &Candidate,
        rules: MoveRules,
    ) -> Result<bool> {
        let Candidate { at, has_devices, may_have_devices, .. } = candidate;
        let provider = self.providers.get(&at.account).filter(|_| *may_have_devices && !rules.dry_run);
        let Some(provider) = provider else { return Ok(*has_devices) };
        let enrolled = Enrolled { provider: Arc::clone(provider), at: at.clone() };
        Ok(!self.read_devices(&user.id, &enrolled).await?.is_empty())
    }

    /// The secret that a provider has kept for a user, sealed for our own keeping. `None` where it is not given away, or
    /// cannot be kept here.
    ///
    /// # Errors
    /// The provider's; also where the code that comes with the secret is not the one it has by our clock, for then its
    /// app would be refused, and where the account is not configured any more.
    async fn import_authenticator(&self, user: &UserRow, at: &Enrolment) -> Result<Option<Imported>> {
        /// The code may end between the two clocks.
        const TRIES: usize = 2;
        let provider = self.providers.get(&at.account).ok_or(ProviderError::UnknownAccount)?;
        for _ in 0..TRIES {
            let Some(exported) = provider.export_secret(&at.user).await? else { return Ok(None) };
            let Some(secret) = TotpSecret::from_base32(&exported.secret) else { return Ok(None) };
            let now = self.now();
            let step = Code::read(&exported.code).and_then(|code| secret.step_of(&code, now, None));
            let Some(step) = step else { continue };
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
            return Ok(Some(Imported { factor, step }));
        }
        Err(ProviderError::OtherCode.into())
    }
}

impl Candidate {
    /// What can become of an authenticator, as far as the database tells.
    fn expected_authenticator(&self) -> AuthenticatorMove {
        match (self.has_provider_authenticator, self.is_shared) {
            (false, _) => AuthenticatorMove::None,
            (true, true) => AuthenticatorMove::Lost(LossReason::Shared),
            (true, false) => AuthenticatorMove::Moved,
        }
    }
}
