//! Approvals of actions: asking the phone, and using its answer, once, for exactly what it said yes to.

use super::{Failure, second_factor::SecondFactor};
use crate::{
    domain::{
        action::{Action, REDEEM_WITHIN},
        clock::Timestamp,
        push::{ApprovalState, Purpose},
        refusal::{Counted, Refusal},
    },
    provider::{ProviderError, Reference},
    store::{
        Db,
        approvals::{self, ActionRow},
        users::UserRow,
    },
};

impl SecondFactor {
    /// Asks a user's phone to approve an action; answers the provider's reference.
    ///
    /// # Errors
    /// [`Refusal::TooMany`], [`Refusal::PushUnavailable`], or what kept the provider from it.
    pub async fn ask_approval(&self, user: &UserRow, action: Action) -> Result<String, Failure> {
        let now = self.clock.now();
        let approval = self.new_approval(user, &action.question, (Purpose::Action, action.life), now);
        let approval = approvals::NewApproval { data_digest: Some(action.digest()), ..approval };
        let (id, most) = (approval.id.clone(), self.limits.pushes_per_hour);
        self.store
            .write(move |db| {
                crate::store::lock(db, &approval.user_id)?;
                super::push::limit(db, &approval.user_id, (most, Counted::Approvals), now)?;
                approvals::insert(db, &approval).map_err(Failure::from)
            })
            .await?;
        match self.hand_over(user, &action.question, action.life, id.clone()).await {
            Ok(Reference(uuid)) => Ok(uuid),
            Err(failure) => {
                self.store.write(move |db| approvals::failed(db, &id).map_err(Failure::from)).await?;
                match failure {
                    Failure::Provider(ProviderError::NoPush) => Err(Refusal::PushUnavailable.into()),
                    other => Err(other),
                }
            }
        }
    }

    /// How a user's request about an action stands.
    ///
    /// # Errors
    /// [`Refusal::Unknown`], also for somebody else's.
    pub async fn approval(&self, user_id: &str, uuid: &str) -> Result<ActionRow, Failure> {
        let (user_id, uuid) = (user_id.to_owned(), reference(uuid)?);
        self.store.read(move |db| find(db, &user_id, &uuid)).await
    }

    /// Uses the answer: the data must be what was approved, to the letter, and the answer unused.
    ///
    /// # Errors
    /// [`Refusal::Unknown`], [`Refusal::NotApproved`] (also when the answer is older than
    /// [`REDEEM_WITHIN`]), [`Refusal::OtherData`], [`Refusal::AlreadyRedeemed`].
    pub async fn redeem(&self, user_id: &str, uuid: &str, action: &Action) -> Result<Timestamp, Failure> {
        let (now, digest) = (self.clock.now(), action.digest());
        let (user_id, uuid) = (user_id.to_owned(), reference(uuid)?);
        self.store
            .write(move |db| {
                let row = find(db, &user_id, &uuid)?;
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
                // Somebody may be faster between the look and the deed; the deed decides.
                if approvals::redeem(db, &row.id, now)? {
                    Ok(now)
                } else {
                    Err(Refusal::AlreadyRedeemed.into())
                }
            })
            .await
    }
}

fn find(db: &mut Db, user_id: &str, uuid: &str) -> Result<ActionRow, Failure> {
    approvals::action(db, user_id, uuid)?.ok_or_else(|| Refusal::Unknown.into())
}

fn reference(uuid: &str) -> Result<String, Failure> {
    Reference::of_push(uuid).map(|Reference(uuid)| uuid).ok_or_else(|| Refusal::Unknown.into())
}
