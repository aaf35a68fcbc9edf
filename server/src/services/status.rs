//! The status of sessions, which waiting clients poll.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use shared::{PushStatus, Way};
use tokio::time::{Instant, sleep_until};

use super::{
    Context, Result, ServiceError,
    hub::{Waiting, Watch, Woken},
    number_match::NumberRule,
    session_status::{KnownStatus, SessionStatus},
    together::Together,
};
use crate::{
    domain::{
        clock::Timestamp,
        ids::{Token, TokenHash},
        refusal::Refusal,
        session::{Access, Carrier},
    },
    store::{
        InlineReader,
        status::{self, StatusRow},
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

impl StatusReader {
    /// A reader for one worker.
    #[must_use]
    pub fn new(context: Arc<Context>) -> Self {
        let reader = InlineReader::new(context.store.clone());
        Self { context, reader, together: Together::new(1) }
    }

    /// The status of the token's live session.
    ///
    /// # Errors
    /// [`Refusal::NoSession`], or that the database fails.
    pub async fn status(&self, token: &Token, carrier: Carrier) -> Result<SessionStatus> {
        self.read(token, carrier).await
    }

    /// The status of the token's live session, if it was read a moment ago and the carrier may have it.
    #[must_use]
    pub fn held(&self, token: &Token, carrier: Carrier) -> Option<SessionStatus> {
        self.held_at(&token.hash(), carrier, self.context.now())?.ok()
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
    ) -> Result<SessionStatus> {
        let latest = Instant::now() + longest;
        let is_awaited = |seen: &SessionStatus| match since {
            Some(version) => seen.version() != version,
            None => seen.status() != PushStatus::Pending,
        };
        let first = self.read(token, carrier).await?;
        if is_awaited(&first) {
            return Ok(first);
        }
        let Ok(mut watch) = self.context.hub.watch(&first.known.row.session, Waiting::Once) else {
            return Ok(first);
        };
        loop {
            let seen = self.read(token, carrier).await?;
            if is_awaited(&seen) {
                return Ok(seen);
            }
            let changes_at = seen.changes_at(self.context.lifetimes());
            if matches!(self.wait(&mut watch, changes_at, latest).await, Woken::InVain | Woken::Closed) {
                return Ok(SessionStatus { now: self.context.now(), ..seen });
            }
        }
    }

    /// The newest approval request of the token's live session.
    ///
    /// # Errors
    /// [`Refusal::NoSession`], or that the database fails.
    pub async fn push(&self, token: &Token, carrier: Carrier) -> Result<PushView> {
        Ok(self.read(token, carrier).await?.push_view())
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

    fn is_over(&self, seen: &SessionStatus, carrier: Carrier) -> bool {
        let access = seen.progress().access(carrier, self.context.settings.rotation);
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

    async fn read(&self, token: &Token, carrier: Carrier) -> Result<SessionStatus> {
        let (hub, now, lifetimes) = (&self.context.hub, self.context.now(), self.context.lifetimes());
        let token_hash = token.hash();
        if let Some(held) = self.held_at(&token_hash, carrier, now) {
            return Ok(held?);
        }
        let began = hub.moment();
        let here = self.reader.read(|db| status::read(db, &[&token_hash], now, lifetimes));
        let row = match here {
            Some(rows) => rows.into_iter().next().map(|(_, row)| row),
            // On the heap, because it is rare and large: every poll would carry it along.
            None => Box::pin(self.read_together(token_hash.clone())).await?,
        };
        let row = row.filter(|row| !row.is_refused(carrier)).ok_or(Refusal::NoSession)?;
        let ways = self.context.ways(&row);
        let known = Arc::new(KnownStatus::of(row, &ways));
        hub.hold(token_hash, &known, began);
        Ok(SessionStatus { known, now })
    }

    /// What was read a moment ago.
    fn held_at(
        &self,
        token: &TokenHash,
        carrier: Carrier,
        now: Timestamp,
    ) -> Option<std::result::Result<SessionStatus, Refusal>> {
        let known = self.context.hub.held(token)?;
        // One that seems to have ended may have been used meanwhile: the database knows.
        if known.row.ends_at(self.context.lifetimes()) <= now {
            return None;
        }
        Some(if known.row.is_refused(carrier) {
            Err(Refusal::NoSession)
        } else {
            Ok(SessionStatus { known, now })
        })
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

impl Context {
    /// The ways by which a session can be completed now. Limits are not among what is looked at: they end.
    fn ways(&self, row: &StatusRow) -> Vec<Way> {
        // Whose account is not configured any more is enrolled at the current one before use.
        let enrolled = row.enrolled_at.as_ref().and_then(|account| self.providers.get(account));
        let provider = enrolled.unwrap_or_else(|| self.providers.current());
        let mut ways = Vec::with_capacity(7);
        let has_push = row.has_device || !provider.asks_devices();
        if has_push && self.number_rule(row.cookie_only, row.uses_page) != NumberRule::NoPush {
            ways.push(Way::Push);
        }
        if provider.has_app() {
            ways.push(Way::App);
        }
        if row.has_authenticator {
            ways.push(Way::Authenticator);
        }
        ways.extend(self.channels_for(provider, row.is_phone_verified).into_iter().map(Way::from));
        if row.has_recovery_code {
            ways.push(Way::Recovery);
        }
        ways
    }
}

/// What a client is told that follows a session.
#[derive(Debug, Clone)]
pub enum News {
    /// The status now.
    Status(SessionStatus),
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
    /// The next news: the status at once, then each change. Nothing is read while nothing happens, but on SQLite with
    /// each sign of life: a command, which is another process, can tell the hub nothing there.
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
                        if self.reader.context.store.is_shared() {
                            return News::StillHere;
                        }
                        must_write = true;
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
            let changes_at = seen.changes_at(self.reader.context.lifetimes());
            self.told = Some(Told { version, changes_at });
            if is_news {
                return News::Status(seen);
            }
            if must_write {
                return News::StillHere;
            }
        }
    }
}
