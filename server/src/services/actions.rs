//! Approvals of actions: asking the phone, and using the approval, once, for exactly what was approved.

use std::sync::Arc;

use shared::Approval;

use super::{
    Context, Result, ServiceError, finish,
    pushes::{Request, Reserved},
    sessions::UserSession,
};
use crate::{
    domain::{
        action::{Action, REDEEM_WITHIN},
        approval::{ApprovalPurpose, ApprovalState, poll_after_ms},
        client::Client,
        clock::{Timestamp, milliseconds},
        event::{Act, Event, Outcome},
        factor::Method,
        ids::UserId,
        refusal::{Counted, Refusal},
    },
    provider::{ProviderError, Reference},
    store::{
        Db,
        actions::{self, ActionRow},
        approvals::{self, NewApproval},
        users::UserRow,
    },
};

/// Asks for approvals of actions and redeems them.
#[derive(Debug, Clone)]
pub struct Actions {
    context: Arc<Context>,
}

impl Actions {
    /// Uses the context's database and providers.
    #[must_use]
    pub fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// Asks a user's phone to approve an action; answers the provider's reference.
    ///
    /// # Errors
    /// [`Refusal::TooMany`], [`Refusal::PushUnavailable`], or the provider's failure.
    pub async fn ask(&self, session: &UserSession, action: Action, client: &Client) -> Result<String> {
        let (actions, user, client) = (self.clone(), session.user.clone(), client.clone());
        finish(async move { actions.ask_to_end(&user, action, &client).await }).await
    }

    async fn ask_to_end(&self, user: &UserRow, action: Action, client: &Client) -> Result<String> {
        let context = &self.context;
        let (now, enrolled) = (context.now(), context.enrolled(user).await?);
        if let Some((field, problem)) = enrolled.provider.content_problem(&action.content) {
            return Err(Refusal::InvalidFields([(field, problem.to_owned())].into()).into());
        }
        if !context.may_have_devices(user, &enrolled).await? {
            return Err(Refusal::PushUnavailable.into());
        }
        let request = Request {
            user,
            content: &action.content,
            purpose: ApprovalPurpose::Action,
            lifetime: action.lifetime,
            at: &enrolled.at,
        };
        let approval =
            NewApproval { data_digest: Some(action.digest()), ..context.new_approval(&request, now) };
        let reserved = Reserved { id: approval.id.clone(), expires_at: approval.expires_at, before: None };
        let (counting, user_row, asking) = (Arc::clone(context), user.clone(), client.clone());
        let event = |outcome| {
            let event = Event::new(Act::PushSent, outcome).user(&user.id).method(Method::Push);
            context.record(event.client(client));
        };
        context
            .store
            .write(move |db| {
                crate::store::lock(db, user_row.id.as_str())?;
                let device_id = counting.push_budget(db, &user_row, Counted::Approvals, &asking, now)?;
                Ok::<_, ServiceError>(approvals::insert(db, &NewApproval { device_id, ..approval })?)
            })
            .await
            .inspect_err(|_| event(Outcome::Refused))?;
        match context.hand_to_provider(&request, &reserved).await {
            Ok(Reference(uuid)) => {
                event(Outcome::Success);
                Ok(uuid)
            }
            Err(failure) => {
                // A request that may be on the phone stays counted.
                if !failure.may_have_been_done() {
                    let id = reserved.id;
                    context.store.write(move |db| Ok::<_, ServiceError>(approvals::failed(db, &id)?)).await?;
                }
                event(Outcome::Failed);
                match failure {
                    ServiceError::Provider(ProviderError::NoPush) => Err(Refusal::PushUnavailable.into()),
                    other => Err(other),
                }
            }
        }
    }

    /// A user's request about an action.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], also for another user's.
    pub async fn read(&self, session: &UserSession, uuid: &str) -> Result<Approval> {
        let (user, reference) = (session.user.id.clone(), reference(uuid)?);
        let row = self.context.store.read(move |db| find(db, &user, &reference)).await?;
        let now = self.context.now();
        let status = row.status.status_at(now, row.expires_at);
        Ok(Approval {
            uuid: uuid.to_owned(),
            status,
            message: row.message,
            details: serde_json::from_str(&row.details).unwrap_or_default(),
            expires_at: row.expires_at.to_rfc3339(),
            expires_in_ms: milliseconds(row.expires_at.since(now)),
            lifetime_ms: milliseconds(row.expires_at.since(row.created_at)),
            poll_after_ms: poll_after_ms(status, now.since(row.created_at)),
            redeemed: row.redeemed_at.is_some(),
        })
    }

    /// Uses an approval: the data must be exactly what was approved, and the approval unused.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], [`Refusal::NotApproved`] (also when the approval is older than
    /// [`REDEEM_WITHIN`]), [`Refusal::OtherData`], [`Refusal::AlreadyRedeemed`].
    pub async fn redeem(
        &self,
        session: &UserSession,
        uuid: &str,
        action: &Action,
        client: &Client,
    ) -> Result<Timestamp> {
        let (now, digest) = (self.context.now(), action.digest());
        let (user, reference) = (session.user.id.clone(), reference(uuid)?);
        let redeemed = self
            .context
            .store
            .write(move |db| {
                let row = find(db, &user, &reference)?;
                if row.data_digest.as_deref() != Some(digest.as_str()) {
                    return Err(Refusal::OtherData.into());
                }
                if row.redeemed_at.is_some() {
                    return Err(Refusal::AlreadyRedeemed.into());
                }
                let fresh = row.settled_at.is_some_and(|at| now.since(at) <= REDEEM_WITHIN);
                if row.status != ApprovalState::Approved || !fresh {
                    return Err(Refusal::NotApproved.into());
                }
                // Another request may have used it since the row was read; the update decides.
                if actions::redeem(db, &row.id, now)? {
                    Ok(now)
                } else {
                    Err(ServiceError::from(Refusal::AlreadyRedeemed))
                }
            })
            .await;
        let outcome = match &redeemed {
            Ok(_) => Outcome::Success,
            Err(ServiceError::Refused(_)) => Outcome::Refused,
            Err(_) => Outcome::Failed,
        };
        let event = Event::new(Act::ApprovalRedeemed, outcome).user(&session.user.id);
        self.context.record(event.client(client));
        redeemed
    }
}

fn find(db: &mut Db, user: &UserId, reference: &str) -> Result<ActionRow> {
    actions::find(db, user, reference)?.ok_or_else(|| Refusal::NotFound.into())
}

fn reference(uuid: &str) -> Result<String> {
    Reference::of_push(uuid).map(|Reference(uuid)| uuid).ok_or_else(|| Refusal::NotFound.into())
}
