//! The status of sessions, which waiting clients poll.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use sha2::{Digest, Sha256};
use shared::{ApprovalRequest, PushStatus, StatusAnswer};
use tokio::time::{Instant, sleep_until};

use super::{
    Context, Result, ServiceError,
    hub::{Waiting, Watch, Woken},
    together::Together,
};
use crate::{
    domain::{
        approval::{PROVIDER_USER_LABEL, poll_after_ms},
        clock::Timestamp,
        ids::{Token, TokenHash},
        limits::Lifetimes,
        refusal::Refusal,
        session::{Access, Carrier},
    },
    store::{
        InlineReader,
        status::{self, Push, StatusRow},
    },
};

/// Between two signs of life on a stream.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Reads the status of sessions, on the worker's own thread where the database allows it.
#[derive(Debug)]
pub struct StatusReader {
    context: Arc<Context>,
    reader: InlineReader,
    together: Together<TokenHash, Option<StatusRow>>,
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

/// A session's status as it was read, with what answers to it have in common.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) row: StatusRow,
    /// What the client is shown of the request's details.
    details: BTreeMap<String, String>,
    /// Of what was read, the same at every server.
    digest: String,
}

/// A session's status at a moment.
#[derive(Debug, Clone)]
struct Seen {
    known: Arc<Known>,
    now: Timestamp,
}

impl StatusReader {
    /// A reader for one worker.
    #[must_use]
    pub fn new(context: Arc<Context>) -> Self {
        let reader = InlineReader::new(context.store.clone());
        Self { context, reader, together: Together::default() }
    }

    /// The status of the token's live session.
    ///
    /// # Errors
    /// [`Refusal::NoSession`], or that the database fails.
    pub async fn status(&self, token: &Token, carrier: Carrier) -> Result<StatusAnswer> {
        Ok(self.read(token, carrier).await?.answer())
    }

    /// The status as soon as it differs from that of the version `since`, or is not pending any more where
    /// there is none; at the latest after `longest`. Where too many wait, at once.
    ///
    /// # Errors
    /// [`Refusal::NoSession`], also where the session ends meanwhile, or that the database fails.
    pub async fn status_after(
        &self,
        token: &Token,
        carrier: Carrier,
        since: Option<&str>,
        longest: Duration,
    ) -> Result<StatusAnswer> {
        let latest = Instant::now() + longest;
        let is_awaited = |seen: &Seen| match since {
            Some(version) => seen.version() != version,
            None => seen.status() != PushStatus::Pending,
        };
        let first = self.read(token, carrier).await?;
        if is_awaited(&first) {
            return Ok(first.answer());
        }
        let Ok(mut watch) = self.context.hub.watch(&first.known.row.session, Waiting::Once) else {
            return Ok(first.answer());
        };
        loop {
            let seen = self.read(token, carrier).await?;
            if is_awaited(&seen) {
                return Ok(seen.answer());
            }
            let changes_at = seen.changes_at(self.context.lifetimes());
            if matches!(self.wait(&mut watch, changes_at, latest).await, Woken::InVain | Woken::Closed) {
                return Ok(Seen { now: self.context.now(), ..seen }.answer());
            }
        }
    }

    /// The newest approval request of the token's live session.
    ///
    /// # Errors
    /// [`Refusal::NoSession`], or that the database fails.
    pub async fn push(&self, token: &Token, carrier: Carrier) -> Result<PushView> {
        let seen = self.read(token, carrier).await?;
        let push = seen.known.row.push.as_ref();
        Ok(PushView {
            status: seen.status(),
            reference: push.and_then(|push| push.reference.clone()),
            expires_in: push.map_or(Duration::ZERO, |push| push.expires_at.since(seen.now)),
        })
    }

    /// Follows the status of the token's live session.
    ///
    /// # Errors
    /// [`Refusal::NoSession`]; [`Refusal::TooMany`] where the session has its streams;
    /// [`Refusal::TooManyWaiting`]; or that the database fails.
    pub async fn follow(self: Arc<Self>, token: Token, carrier: Carrier) -> Result<Follower> {
        let seen = self.read(&token, carrier).await?;
        let watch = self.context.hub.watch(&seen.known.row.session, Waiting::Stream)?;
        let heartbeat = Instant::now() + HEARTBEAT;
        Ok(Follower { reader: self, token, carrier, watch, told: None, is_over: false, heartbeat })
    }

    /// Whether the token's live session is signed in and waits for nothing, so that there is nothing to follow.
    ///
    /// # Errors
    /// [`Refusal::NoSession`], or that the database fails.
    pub async fn is_settled(&self, token: &Token, carrier: Carrier) -> Result<bool> {
        let seen = self.read(token, carrier).await?;
        Ok(self.is_over(&seen, carrier))
    }

    fn is_over(&self, seen: &Seen, carrier: Carrier) -> bool {
        let access = seen.known.row.progress().access(carrier, self.context.settings.rotation);
        access == Access::SignedIn && seen.status() != PushStatus::Pending
    }

    /// Until the status may have changed: when somebody says so, or at a time. At the latest until `latest`.
    async fn wait(&self, watch: &mut Watch, changes_at: Timestamp, latest: Instant) -> Woken {
        let mut moves = self.context.clock.moves();
        let changes_by_itself = Instant::now() + changes_at.since(self.context.now());
        tokio::select! {
            woken = watch.woken() => woken,
            () = sleep_until(changes_by_itself) => Woken::Changed,
            () = sleep_until(latest) => Woken::InVain,
            _ = moves.changed() => Woken::Changed,
        }
    }

    async fn read(&self, token: &Token, carrier: Carrier) -> Result<Seen> {
        let (hub, now, lifetimes) = (&self.context.hub, self.context.now(), self.context.lifetimes());
        let token_hash = token.hash();
        // One that seems to have ended may have been used meanwhile: the database knows.
        if let Some(known) = hub.held(&token_hash).filter(|known| known.row.ends_at(lifetimes) > now) {
            let refused = known.row.cookie_only && carrier == Carrier::Header;
            return if refused { Err(Refusal::NoSession.into()) } else { Ok(Seen { known, now }) };
        }
        let began = hub.moment();
        let here = self.reader.read(|db| status::read(db, &[&token_hash], now, lifetimes));
        let row = match here {
            Some(rows) => rows.into_iter().next().map(|(_, row)| row),
            // On the heap, because it is rare and large: every poll would carry it along.
            None => Box::pin(self.read_together(token_hash.clone())).await?,
        };
        let refused = |row: &StatusRow| row.cookie_only && carrier == Carrier::Header;
        let row = row.filter(|row| !refused(row)).ok_or(Refusal::NoSession)?;
        let known = Arc::new(Known::of(row));
        hub.hold(token_hash, &known, began);
        Ok(Seen { known, now })
    }

    /// Reads with others who ask at this moment.
    async fn read_together(&self, token: TokenHash) -> Result<Option<StatusRow>> {
        let context = Arc::clone(&self.context);
        let read = move |tokens: Vec<TokenHash>| {
            let (context, now) = (Arc::clone(&context), context.now());
            let lifetimes = context.lifetimes();
            async move {
                let read = context.store.read(move |db| {
                    let asked: BTreeSet<&TokenHash> = tokens.iter().collect();
                    let rows = status::read(db, &Vec::from_iter(asked), now, lifetimes)?;
                    let rows: BTreeMap<TokenHash, StatusRow> = rows.into_iter().collect();
                    Ok::<_, ServiceError>(tokens.iter().map(|token| rows.get(token).cloned()).collect())
                });
                read.await
            }
        };
        self.together.run(token, read).await
    }
}

impl Known {
    pub(super) fn of(row: StatusRow) -> Self {
        let push = row.push.as_ref();
        let details = push.and_then(|push| serde_json::from_str(&push.details).ok());
        let mut details: BTreeMap<String, String> = details.unwrap_or_default();
        // The provider's id of the user, which the phone shows to clients of the cookie API, is shown to nobody
        // who has not passed a factor.
        if row.factor.is_none() {
            details.remove(PROVIDER_USER_LABEL);
        }
        let reference = push.and_then(|push| push.reference.as_deref()).unwrap_or_default();
        let sent = push.map_or(0, |push| push.created_at.0);
        let read = (row.state as u8, row.factor_at.map(|at| at.0), sent);
        let digest = Sha256::digest(format!("{}\n{reference}\n{read:?}", row.session));
        Self { details, digest: hex::encode(&digest[..8]), row }
    }
}

impl Seen {
    fn status(&self) -> PushStatus {
        let push = self.known.row.push.as_ref();
        push.map_or(PushStatus::Unverified, |push| push.status.status_at(self.now, push.expires_at))
    }

    /// Differs whenever the answer says something else, apart from the time that is left; the same at every
    /// server.
    fn version(&self) -> String {
        let mut version = String::with_capacity(self.known.digest.len() + 1);
        version.push_str(&self.known.digest);
        version.push(char::from(b'0' + self.status() as u8));
        version
    }

    fn answer(&self) -> StatusAnswer {
        let (row, status) = (&self.known.row, self.status());
        let age = row.push.as_ref().map_or(Duration::ZERO, |push| self.now.since(push.created_at));
        StatusAnswer {
            status,
            poll_after_ms: poll_after_ms(status, age),
            phone: row.phone.masked(),
            last_channel: row.last_method.map(Into::into),
            version: self.version(),
            approval_request: row.push.as_ref().and_then(|push| self.shown(push)),
        }
    }

    /// What a client is shown of a request.
    fn shown(&self, push: &Push) -> Option<ApprovalRequest> {
        Some(ApprovalRequest {
            uuid: push.reference.clone()?,
            message: push.message.clone(),
            details: self.known.details.clone(),
            expires_at: push.expires_at.to_rfc3339(),
            expires_in_ms: milliseconds(push.expires_at.since(self.now)),
            lifetime_ms: milliseconds(push.expires_at.since(push.created_at)),
        })
    }

    /// When time alone changes the status: the request expires, or the session.
    fn changes_at(&self, lifetimes: Lifetimes) -> Timestamp {
        let session = self.known.row.ends_at(lifetimes);
        let open = self.known.row.push.as_ref().filter(|_| self.status() == PushStatus::Pending);
        open.map_or(session, |push| push.expires_at.min(session))
    }
}

/// What a client is told that follows a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// The status now.
    Status(Box<StatusAnswer>),
    /// Nothing; so that the connection is not taken for dead.
    StillHere,
    /// The session is signed in or has ended: there is nothing more to follow.
    Over,
    /// The server stops, or its database fails: the client is to ask again.
    Reconnect,
}

/// What has to be kept of a status while nothing happens: less than all of it, for thousands of clients.
#[derive(Debug)]
struct Told {
    version: String,
    /// When time alone changes it.
    changes_at: Timestamp,
}

/// Follows a session for one client.
#[derive(Debug)]
pub struct Follower {
    reader: Arc<StatusReader>,
    token: Token,
    carrier: Carrier,
    watch: Watch,
    /// What the client was told last.
    told: Option<Told>,
    is_over: bool,
    heartbeat: Instant,
}

impl Follower {
    /// The next news: the status at once, then each change. Nothing is read while nothing happens.
    pub async fn next(&mut self) -> News {
        if self.is_over {
            return News::Over;
        }
        loop {
            let mut must_write = false;
            if let Some(told) = &self.told {
                match self.reader.wait(&mut self.watch, told.changes_at, self.heartbeat).await {
                    Woken::Changed => {}
                    Woken::Write => must_write = true,
                    Woken::InVain => {
                        self.heartbeat = Instant::now() + HEARTBEAT;
                        return News::StillHere;
                    }
                    Woken::Closed => return News::Reconnect,
                }
            }
            let seen = match self.reader.read(&self.token, self.carrier).await {
                Ok(seen) => seen,
                Err(ServiceError::Refused(_)) => return News::Over,
                Err(error) => {
                    tracing::warn!(%error, "following a session");
                    return News::Reconnect;
                }
            };
            let version = seen.version();
            let is_news = self.told.as_ref().is_none_or(|told| told.version != version);
            self.is_over = is_news && self.reader.is_over(&seen, self.carrier);
            let answer = is_news.then(|| Box::new(seen.answer()));
            let changes_at = seen.changes_at(self.reader.context.lifetimes());
            self.told = Some(Told { version, changes_at });
            match answer {
                Some(answer) => return News::Status(answer),
                None if must_write => return News::StillHere,
                None => {}
            }
        }
    }
}

/// For the wire.
#[must_use]
pub fn milliseconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}
