//! The status of sessions, which waiting clients poll.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use shared::{ApprovalRequest, PushStatus, StatusAnswer};

use super::{Context, Result, ServiceError};
use crate::{
    domain::{
        approval::{PROVIDER_USER_LABEL, poll_after_ms},
        clock::Timestamp,
        ids::Token,
        refusal::Refusal,
        session::Carrier,
    },
    store::{
        InlineReader,
        sessions::{self, Credential, Push},
    },
};

/// Reads the status of sessions, on the worker's own thread where the database allows it.
#[derive(Debug)]
pub struct StatusReader {
    context: Arc<Context>,
    reader: InlineReader,
}

/// The status of a session's newest approval request.
#[derive(Debug, Clone)]
pub struct PushView {
    /// Its status; `Unverified` where none was sent.
    pub status: PushStatus,
    /// The provider's reference.
    pub reference: Option<String>,
    /// Until when it is open.
    pub expires_in: Duration,
}

impl StatusReader {
    /// A reader for one worker.
    #[must_use]
    pub fn new(context: Arc<Context>) -> Self {
        let reader = InlineReader::new(context.store.clone());
        Self { context, reader }
    }

    /// The status of the token's live session.
    ///
    /// # Errors
    /// [`Refusal::NoSession`], or that the database fails.
    pub async fn status(&self, token: &Token, carrier: Carrier) -> Result<StatusAnswer> {
        let (row, now) = self.read(token, carrier).await?;
        let status = status_of(row.push.as_ref(), now);
        let age = row.push.as_ref().map_or(Duration::ZERO, |push| now.since(push.created_at));
        let factor_passed = row.factor.is_some();
        Ok(StatusAnswer {
            status,
            poll_after_ms: poll_after_ms(status, age),
            phone: row.phone.masked(),
            last_channel: row.last_method.map(Into::into),
            approval_request: row.push.and_then(|push| shown(push, factor_passed, now)),
        })
    }

    /// The newest approval request of the token's live session.
    ///
    /// # Errors
    /// [`Refusal::NoSession`], or that the database fails.
    pub async fn push(&self, token: &Token, carrier: Carrier) -> Result<PushView> {
        let (row, now) = self.read(token, carrier).await?;
        let expires_in = row.push.as_ref().map_or(Duration::ZERO, |push| push.expires_at.since(now));
        Ok(PushView {
            status: status_of(row.push.as_ref(), now),
            reference: row.push.and_then(|push| push.reference),
            expires_in,
        })
    }

    async fn read(&self, token: &Token, carrier: Carrier) -> Result<(sessions::StatusRow, Timestamp)> {
        let credential = Credential { token_hash: token.hash(), carrier };
        let (now, lifetimes) = (self.context.now(), self.context.lifetimes());
        let row = self
            .reader
            .read(move |db| Ok::<_, ServiceError>(sessions::status(db, &credential, now, lifetimes)?))
            .await?;
        Ok((row.ok_or(Refusal::NoSession)?, now))
    }
}

fn status_of(push: Option<&Push>, now: Timestamp) -> PushStatus {
    push.map_or(PushStatus::Unverified, |push| push.status.status_at(now, push.expires_at))
}

/// What a client is shown of a request. The provider's id of the user, which the phone shows to clients
/// of the cookie API, is shown to nobody who has not passed a factor.
fn shown(push: Push, factor_passed: bool, now: Timestamp) -> Option<ApprovalRequest> {
    let mut details: BTreeMap<String, String> = serde_json::from_str(&push.details).unwrap_or_default();
    if !factor_passed {
        details.remove(PROVIDER_USER_LABEL);
    }
    Some(ApprovalRequest {
        uuid: push.reference?,
        message: push.message,
        details,
        expires_at: push.expires_at.to_rfc3339(),
        expires_in_ms: milliseconds(push.expires_at.since(now)),
        lifetime_ms: milliseconds(push.expires_at.since(push.created_at)),
    })
}

/// For the wire.
#[must_use]
pub fn milliseconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}
