//! Authenticator apps: enrolling, confirming, removing one, and using its codes.

use std::sync::Arc;

use super::{Context, Result, ServiceError, factors::name as factor_name, sessions::UserSession};
use crate::{
    domain::{
        authenticator::{ENROLMENT_INTERVAL, ENROLMENT_LIFETIME, TotpSecret},
        client::Client,
        code::Code,
        event::{Act, Event, Outcome},
        factor::{FactorKind, FactorState, Method},
        ids::{FactorId, UserId},
        keys::KeyRing,
        notice::Notice,
        refusal::Refusal,
    },
    store::{
        StoreError, attempts,
        factors::{self, AuthenticatorRow, NewFactor},
        users,
    },
};

/// Enrols, confirms and removes authenticator apps.
#[derive(Debug, Clone)]
pub struct Authenticators {
    context: Arc<Context>,
}

impl Authenticators {
    /// Uses the context's database and keys.
    #[must_use]
    pub fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// Makes a secret and shows it once. It is not active before a code of it was typed; the active
    /// authenticator works until then.
    ///
    /// # Errors
    /// [`Refusal::StepUpRequired`], [`Refusal::AlreadyEnrolled`] within a minute of another
    /// enrolment, [`Refusal::InvalidFields`].
    pub async fn enrol(
        &self,
        session: &UserSession,
        name: &str,
        client: &Client,
    ) -> Result<shared::Authenticator> {
        self.context.require_step_up(session)?;
        let name = factor_name(name)?;
        let context = &self.context;
        let (user, now, id) = (session.user.clone(), context.now(), FactorId::new(context.random));
        let secret = TotpSecret::new(context.random);
        let factor = NewFactor {
            id: id.clone(),
            user_id: user.id.clone(),
            kind: FactorKind::Authenticator,
            state: FactorState::Unconfirmed,
            name: (!name.is_empty()).then_some(name),
            provider_account: None,
            provider_user: None,
            secret: Some(context.keys.seal(&place(&id), secret.as_bytes(), context.random)),
            created_at: now,
            confirmed_at: None,
            reference: None,
        };
        let user_id = user.id.clone();
        context
            .store
            .write(move |db| {
                crate::store::lock(db, user_id.as_str())?;
                let waiting = factors::authenticator(db, &user_id, FactorState::Unconfirmed)?;
                if waiting.is_some_and(|row| now.since(row.created_at) < ENROLMENT_INTERVAL) {
                    return Err(ServiceError::from(Refusal::AlreadyEnrolled));
                }
                factors::discard_unconfirmed(db, &user_id, now)?;
                Ok(factors::insert(db, &factor)?)
            })
            .await?;
        self.record(Act::FactorEnrolled, Outcome::Success, &user.id, client);
        let shown = secret.enrolment(&context.settings.app_name, &user.email);
        Ok(shared::Authenticator {
            id: id.as_str().to_owned(),
            secret: shown.secret,
            otpauth: shown.otpauth,
            svg: shown.svg,
        })
    }

    /// Makes an enrolled authenticator the active one.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] where none waits for confirmation under this id, [`Refusal::WrongCode`],
    /// [`Refusal::TooMany`].
    pub async fn confirm(
        &self,
        session: &UserSession,
        id: &str,
        code: &Code,
        client: &Client,
    ) -> Result<shared::AuthenticatorConfirmed> {
        let context = Arc::clone(&self.context);
        let (user, now) = (session.user.id.clone(), context.now());
        let (id, typed, user_id) = (FactorId::from_text(id), code.clone(), user.clone());
        let (budget, from) = (context.confirmation_budget(&user), client.clone());
        let confirmed = self.context.store.write(move |db| {
            crate::store::lock(db, user_id.as_str())?;
            let waiting = factors::authenticator(db, &user_id, FactorState::Unconfirmed)?
                .filter(|row| row.id == id && now.since(row.created_at) < ENROLMENT_LIFETIME)
                .ok_or(Refusal::NotFound)?;
            let counted = attempts::count_all(db, budget, now)??;
            let secret = open(&context.keys, &waiting)?;
            // A wrong code is no error of the transaction: its count stays.
            let Some(step) = secret.step_of(&typed, now, waiting.last_step) else { return Ok(None) };
            attempts::take_back(db, &counted)?;
            let right = factors::use_step(db, &waiting.id, step, now)?
                && factors::confirm_authenticator(db, &user_id, &waiting.id, now)?;
            users::set_authenticator_lost(db, &user_id, None)?;
            if !right {
                return Err(ServiceError::from(Refusal::NotFound));
            }
            let origin = Event::new(Act::FactorConfirmed, Outcome::Success).client(&from).origin;
            let notice = Notice::MethodAdded(Method::Authenticator);
            context.factor_changed(db, &user_id, notice, origin, now)?;
            Ok(Some(waiting.id))
        });
        let record = |outcome| self.record(Act::FactorConfirmed, outcome, &user, client);
        match confirmed.await {
            Ok(Some(id)) => {
                record(Outcome::Success);
                Ok(shared::AuthenticatorConfirmed { id: id.as_str().to_owned(), active: true })
            }
            Ok(None) => {
                record(Outcome::Wrong);
                Err(Refusal::WrongCode { left: None }.into())
            }
            Err(failure) => {
                if matches!(failure, ServiceError::Refused(Refusal::TooMany { .. })) {
                    record(Outcome::Refused);
                }
                Err(failure)
            }
        }
    }

    /// Whether a user has an active authenticator.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_active(&self, session: &UserSession) -> Result<bool> {
        let user = session.user.id.clone();
        let found =
            self.context.store.read(move |db| Ok::<_, ServiceError>(factors::has_authenticator(db, &user)?));
        found.await
    }

    fn record(&self, act: Act, outcome: Outcome, user: &UserId, client: &Client) {
        let event = Event::new(act, outcome).user(user).method(Method::Authenticator);
        self.context.record(event.client(client));
    }
}

/// Where a factor's secret belongs: it opens in no other row.
pub(super) fn place(id: &FactorId) -> String {
    format!("factors.secret {id}")
}

fn open(keys: &KeyRing, row: &AuthenticatorRow) -> std::result::Result<TotpSecret, StoreError> {
    let unreadable = |error: String| StoreError::Sealed(error);
    let bytes = keys.open(&place(&row.id), &row.secret).map_err(|error| unreadable(error.to_string()))?;
    TotpSecret::from_bytes(&bytes).ok_or_else(|| unreadable("a secret of the wrong length".to_owned()))
}

impl Context {
    /// Whether a code is one of the authenticator's that was not used before; then it is used now.
    pub(super) async fn use_authenticator(&self, row: AuthenticatorRow, code: &Code) -> Result<bool> {
        let now = self.now();
        let secret = open(&self.keys, &row)?;
        let Some(step) = secret.step_of(code, now, row.last_step) else { return Ok(false) };
        self.store.write(move |db| Ok(factors::use_step(db, &row.id, step, now)?)).await
    }
}
