//! What a user can sign in with beside the password: listing, naming and removing.

use std::sync::Arc;

use super::{Context, Result, ServiceError, finish, sessions::UserSession};
use crate::{
    domain::{
        client::Client,
        event::{Act, Event, Outcome},
        factor::{Enrolment, FactorKind, FactorState, Method},
        ids::FactorId,
        notice::Notice,
        refusal::Refusal,
        text::{is_visible, nfc},
    },
    provider::ProviderError,
    store::{
        factors::{self, FactorRow},
        push_devices, users,
    },
};

const LONGEST_NAME: usize = 50;

/// A factor's name as a user may give it.
///
/// # Errors
/// [`Refusal::InvalidFields`].
pub(super) fn name(typed: &str) -> std::result::Result<String, Refusal> {
    let name = nfc(typed.trim());
    if name.chars().count() > LONGEST_NAME || !is_visible(&name) {
        let problem = "Use up to 50 visible characters.".to_owned();
        return Err(Refusal::InvalidFields([("name", problem)].into()));
    }
    Ok(name)
}

/// Lists, names and removes factors.
#[derive(Debug, Clone)]
pub struct Factors {
    context: Arc<Context>,
}

impl Factors {
    /// Uses the context's database and providers.
    #[must_use]
    pub fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// A user's factors. Devices are those the provider has now; where it cannot be reached, those that are known.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list(&self, session: &UserSession) -> Result<Vec<FactorRow>> {
        let (context, user) = (&self.context, session.user.id.clone());
        let id = user.clone();
        let may_have_devices =
            context.store.read(move |db| Ok::<_, ServiceError>(push_devices::may_exist(db, &id)?)).await?;
        if may_have_devices
            && let Some(enrolled) = context.known_enrolment(&session.user).await?
            && context.may_look_at_factors(&user).await?
        {
            match context.read_devices(&user, &enrolled).await {
                Ok(_) => {}
                Err(ServiceError::Provider(error)) => tracing::warn!(%error, "reading a user's devices"),
                Err(other) => return Err(other),
            }
        }
        context.store.read(move |db| Ok::<_, ServiceError>(factors::of_user(db, &user)?)).await
    }

    /// Names a factor; an empty name removes its name.
    ///
    /// # Errors
    /// [`Refusal::StepUpRequired`], [`Refusal::NotFound`], [`Refusal::InvalidFields`].
    pub async fn rename(&self, session: &UserSession, id: &str, typed: &str, client: &Client) -> Result<()> {
        self.context.require_step_up(session)?;
        let name = Some(name(typed)?).filter(|name| !name.is_empty());
        let id = FactorId::sent(id).ok_or(ServiceError::from(Refusal::NotFound))?;
        let user = session.user.id.clone();
        let named = self
            .context
            .store
            .write(move |db| Ok::<_, ServiceError>(factors::rename(db, &user, &id, name.as_deref())?));
        if !named.await? {
            return Err(Refusal::NotFound.into());
        }
        let event = Event::new(Act::FactorRenamed, Outcome::Success).user(&session.user.id);
        self.context.record(event.client(client));
        Ok(())
    }

    /// Removes an authenticator, also one that is not confirmed.
    ///
    /// # Errors
    /// As [`remove`](Self::remove).
    pub async fn remove_authenticator(&self, session: &UserSession, id: &str, client: &Client) -> Result<()> {
        self.remove_of(session, id, client, &[FactorKind::Authenticator, FactorKind::ProviderAuthenticator])
            .await
    }

    /// Removes a device or an authenticator. The phone stays.
    ///
    /// # Errors
    /// [`Refusal::StepUpRequired`]; [`Refusal::NotFound`]; or the provider's failure, which removes nothing.
    pub async fn remove(&self, session: &UserSession, id: &str, client: &Client) -> Result<()> {
        const KINDS: [FactorKind; 3] =
            [FactorKind::Push, FactorKind::Authenticator, FactorKind::ProviderAuthenticator];
        self.remove_of(session, id, client, &KINDS).await
    }

    async fn remove_of(
        &self,
        session: &UserSession,
        id: &str,
        client: &Client,
        kinds: &'static [FactorKind],
    ) -> Result<()> {
        self.context.require_step_up(session)?;
        let (factors, session, client) = (self.clone(), session.clone(), client.clone());
        let id = FactorId::sent(id).ok_or(ServiceError::from(Refusal::NotFound))?;
        finish(async move { factors.remove_to_end(&session, id, &client, kinds).await }).await
    }

    async fn remove_to_end(
        &self,
        session: &UserSession,
        id: FactorId,
        client: &Client,
        kinds: &[FactorKind],
    ) -> Result<()> {
        let (context, user) = (&self.context, session.user.id.clone());
        let (of, wanted) = (user.clone(), id.clone());
        let row =
            context.store.read(move |db| Ok::<_, ServiceError>(factors::find(db, &of, &wanted)?)).await?;
        let row = row.filter(|row| kinds.contains(&row.kind));
        let row = row.ok_or(Refusal::NotFound)?;
        let method = if row.kind == FactorKind::Push { Method::Push } else { Method::Authenticator };
        let event = |outcome| {
            let event = Event::new(Act::FactorRemoved, outcome).user(&user).method(method);
            context.record(event.client(client));
        };
        if let (FactorKind::Push, Some(device)) = (row.kind, &row.reference) {
            // First there: a device that is gone here only would be back at the next look.
            let at = row.provider_account.clone().zip(row.provider_user.clone());
            let at = at.map(|(account, user)| Enrolment { account, user });
            let provider = at.as_ref().and_then(|at| context.providers.get(&at.account));
            if let (Some(at), Some(provider)) = (&at, provider)
                && let Err(error) = provider.remove_device(&at.user, device).await
            {
                event(Outcome::Failed);
                return Err(ProviderError::into(error));
            }
        }
        let (owner, now, from) = (user.clone(), context.now(), client.clone());
        let removing = Arc::clone(context);
        let removed = context.store.write(move |db| {
            if !factors::remove(db, &owner, &id, now)? {
                return Ok::<_, ServiceError>(false);
            }
            let origin = Event::new(Act::FactorRemoved, Outcome::Success).client(&from).origin;
            removing.factor_changed(db, &owner, Notice::MethodRemoved(method), origin, now)?;
            Ok(true)
        });
        let removed = removed.await?;
        if removed {
            event(Outcome::Success);
            return Ok(());
        }
        // The provider's webhook may have told of it before its answer came.
        if method == Method::Push { Ok(()) } else { Err(Refusal::NotFound.into()) }
    }

    /// The user has read that the authenticator stayed behind at another provider.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn dismiss_invitation(&self, session: &UserSession) -> Result<()> {
        let user = session.user.id.clone();
        let dismissed = self
            .context
            .store
            .write(move |db| Ok::<_, ServiceError>(users::set_authenticator_lost(db, &user, None)?));
        dismissed.await
    }
}

/// A factor as clients see it.
#[must_use]
pub fn view(row: &FactorRow) -> shared::Factor {
    shared::Factor {
        id: row.id.as_str().to_owned(),
        kind: row.kind.as_str().to_owned(),
        name: row.name.clone(),
        state: match row.state {
            FactorState::Unconfirmed => "unconfirmed",
            FactorState::Active | FactorState::Removed => "active",
        }
        .to_owned(),
        created_at: row.created_at.to_rfc3339(),
        last_used_at: row.last_used_at.map(crate::domain::clock::Timestamp::to_rfc3339),
    }
}
