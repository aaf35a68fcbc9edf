//! Devices that a product's own app has registered, and that answer approval requests.

use std::sync::Arc;

use super::{Context, Result, ServiceError, enrolments::Enrolled, finish, sessions::UserSession};
use crate::{
    domain::{
        client::Client,
        event::{Act, Event, Outcome},
        factor::{Enrolment, Method, PushDevice},
        ids::UserId,
        notice::Notice,
        refusal::Refusal,
    },
    provider::{ProviderError, PushToken},
    store::{
        attempts,
        push_devices::{self, Changed, Listed},
        users::UserRow,
    },
};

/// Lets apps register devices.
#[derive(Debug, Clone)]
pub struct PushDevices {
    context: Arc<Context>,
}

impl PushDevices {
    /// Uses the context's database and providers.
    #[must_use]
    pub fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// A token by which the app that asks registers its device.
    ///
    /// # Errors
    /// [`Refusal::StepUpRequired`]; [`Refusal::TooMany`]; [`Refusal::PushUnavailable`] where the provider registers no devices so; or its
    /// failure.
    pub async fn token(&self, session: &UserSession, client: &Client) -> Result<PushToken> {
        if !self.context.is_stepped_up(session) {
            return Err(Refusal::StepUpRequired.into());
        }
        let (context, user, client) = (Arc::clone(&self.context), session.user.clone(), client.clone());
        finish(async move {
            let event = |outcome| {
                let event = Event::new(Act::DeviceTokenIssued, outcome).user(&user.id).method(Method::Push);
                context.record(event.client(&client));
            };
            let enrolled = context.enrolled(&user).await?;
            if !enrolled.provider.asks_devices() {
                event(Outcome::Refused);
                return Err(Refusal::PushUnavailable.into());
            }
            // Before the call: from now on there may be a device.
            let (id, now, budget) = (user.id.clone(), context.now(), context.device_token_budget(&user.id));
            let counted = context.store.write(move |db| {
                attempts::count_all(db, budget, now)??;
                Ok::<_, ServiceError>(push_devices::note_token(db, &id, now)?)
            });
            counted.await.inspect_err(|_| event(Outcome::Refused))?;
            let token = enrolled.provider.push_token(enrolled.user()).await;
            event(if token.is_ok() { Outcome::Success } else { Outcome::Failed });
            Ok(token?)
        })
        .await
    }
}

impl Context {
    /// Whether there may be a device to ask. Where the provider knows by itself whom to ask there may be.
    pub(super) async fn may_have_devices(&self, user: &UserRow, enrolled: &Enrolled) -> Result<bool> {
        if !enrolled.provider.asks_devices() {
            return Ok(true);
        }
        let id = user.id.clone();
        self.store.read(move |db| Ok::<_, ServiceError>(push_devices::may_exist(db, &id)?)).await
    }

    /// The devices that are asked one by one; none where the provider knows them.
    ///
    /// # Errors
    /// [`ProviderError::NoPush`] where there is no device to ask.
    pub(super) async fn devices_to_ask(self: &Arc<Self>, user: &UserRow) -> Result<Vec<String>> {
        let enrolled = self.enrolled(user).await?;
        if !enrolled.provider.asks_devices() {
            return Ok(Vec::new());
        }
        let devices = self.read_devices(&user.id, &enrolled).await.map_err(|error| match error {
            ServiceError::Provider(error) => ProviderError::NothingDone(Box::new(error)).into(),
            other => other,
        })?;
        if devices.is_empty() {
            return Err(ProviderError::NoPush.into());
        }
        Ok(devices.into_iter().map(|device| device.reference).collect())
    }

    /// A user's devices as the provider has them now; they are the user's factors from now on.
    pub(super) async fn read_devices(
        self: &Arc<Self>,
        user: &UserId,
        enrolled: &Enrolled,
    ) -> Result<Vec<PushDevice>> {
        let asked_at = self.now();
        let devices = enrolled.provider.push_devices(enrolled.user()).await?;
        let (id, at, listed) = (user.clone(), enrolled.at.clone(), devices.clone());
        let (random, now, syncing) = (self.random, self.now(), Arc::clone(self));
        let Changed { added, removed } = self
            .store
            .write(move |db| {
                let listed = Listed { devices: &listed, asked_at };
                let changed = push_devices::sync(db, &id, &at, listed, random, now)?;
                for (times, notice) in [
                    (changed.added, Notice::MethodAdded(Method::Push)),
                    (changed.removed, Notice::MethodRemoved(Method::Push)),
                ] {
                    if times > 0 {
                        syncing.factor_changed(db, &id, notice, None, now)?;
                    }
                }
                Ok::<_, ServiceError>(changed)
            })
            .await?;
        let acts = [(Act::FactorConfirmed, added), (Act::FactorRemoved, removed)];
        for (act, times) in acts {
            for _ in 0..times {
                self.record(Event::new(act, Outcome::Success).user(user).method(Method::Push));
            }
        }
        Ok(devices)
    }

    /// The same, when the provider says that they have changed.
    pub(super) async fn devices_changed(self: &Arc<Self>, at: Enrolment) -> Result<()> {
        let Some(provider) = self.providers.get(&at.account).cloned() else { return Ok(()) };
        let of = at.clone();
        let owner = self.store.read(move |db| Ok::<_, ServiceError>(push_devices::owner(db, &of)?)).await?;
        let Some(owner) = owner else { return Ok(()) };
        self.read_devices(&owner, &Enrolled { provider, at }).await.map(drop)
    }
}
