//! Sessions. The table of [`session`](crate::domain::session) is repeated here in each `WHERE`.

use diesel::prelude::*;

use super::{
    changes,
    db::{Db, on_its_own},
    schema::sessions::{self, dsl},
    schema::{approvals, checks, sends, users},
    users::UserRow,
};
use crate::domain::{
    clock::Timestamp,
    factor::Method,
    ids::{ApprovalId, DeviceId, SessionId, TokenHash, UserId},
    limits::{Lifetimes, PENDING_SESSIONS},
    session::{Carrier, Origin, Progress, State},
};

/// A live session.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = sessions)]
pub struct SessionRow {
    /// Its own id, which outlives the token.
    pub id: SessionId,
    /// How far it has come.
    pub state: State,
    /// How it began.
    pub origin: Origin,
    /// When it began.
    pub created_at: Timestamp,
    /// Last request of a signed-in client.
    pub seen_at: Timestamp,
    /// The factor that passed last.
    pub factor: Option<Method>,
    /// When that was.
    pub factor_at: Option<Timestamp>,
    /// Whether no answer to it holds a token.
    pub cookie_only: bool,
    /// The number a code was sent to without an account, in E.164.
    pub verifying_phone: Option<String>,
    /// Until when that code can be used.
    pub verifying_until: Option<Timestamp>,
    /// The number that was verified without an account.
    pub verified_phone: Option<String>,
}

impl SessionRow {
    /// Its place in the state machine.
    #[must_use]
    pub fn progress(&self) -> Progress {
        Progress { state: self.state, origin: self.origin, factor: self.factor.zip(self.factor_at) }
    }
}

/// A new session.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = sessions)]
pub struct NewSession {
    /// 128 random bits.
    pub id: SessionId,
    /// Digest of the token.
    pub token_hash: TokenHash,
    /// Whose; `None` for a browser without an account.
    pub user_id: Option<UserId>,
    /// How far it has come.
    pub state: State,
    /// How it began.
    pub origin: Origin,
    /// Now.
    pub created_at: Timestamp,
    /// Now.
    pub seen_at: Timestamp,
    /// When it ends in any case.
    pub expires_at: Timestamp,
    /// Whether no answer to it holds a token.
    pub cookie_only: bool,
    /// Keyed digest of the client's address.
    pub address_key: String,
    /// The known device it came from.
    pub device_id: Option<DeviceId>,
    /// Browser or program, in words.
    pub browser: String,
    /// The client's address.
    pub address: String,
    /// The factor that passed at its beginning: only that the browser is remembered.
    pub factor: Option<Method>,
    /// When that was.
    pub factor_at: Option<Timestamp>,
}

/// What a request authenticates with.
#[derive(Debug, Clone)]
pub struct Credential {
    /// Digest of the token.
    pub token_hash: TokenHash,
    /// How it came.
    pub carrier: Carrier,
}

/// Sessions that have not ended: before their end, and not idle for too long.
macro_rules! live {
    ($now:expr, $lifetimes:expr) => {
        dsl::expires_at.gt($now).and(dsl::seen_at.gt($now.minus($lifetimes.idle)))
    };
}

/// The session of this token; one that is carried by the cookie alone is not found by a header.
macro_rules! of_credential {
    ($credential:expr) => {
        // False is less than true.
        dsl::token_hash
            .eq(&$credential.token_hash)
            .and(dsl::cookie_only.le($credential.carrier == Carrier::Cookie))
    };
}

pub(super) use live;

/// The live session of a credential, and its user. Those of disabled users are none: a sign-in that had begun before may
/// end after it.
///
/// # Errors
/// When the query fails.
pub fn by_credential(
    db: &mut Db,
    credential: &Credential,
    now: Timestamp,
    lifetimes: Lifetimes,
) -> QueryResult<Option<(SessionRow, Option<UserRow>)>> {
    on_its_own!(db, connection => dsl::sessions
        .left_join(users::table)
        .filter(of_credential!(credential))
        .filter(live!(now, lifetimes))
        .filter(users::disabled_at.nullable().is_null())
        .select((SessionRow::as_select(), Option::<UserRow>::as_select()))
        .get_result(connection)
        .optional())
}

/// Starts a session.
///
/// # Errors
/// When the statement fails.
pub fn insert(db: &mut Db, session: &NewSession) -> QueryResult<()> {
    diesel::insert_into(sessions::table).values(session).execute(db).map(drop)
}

/// A pending session that may have to make room for another one.
#[derive(Debug, Clone, Queryable)]
struct PendingSession {
    id: SessionId,
    address_key: String,
    device_id: Option<DeviceId>,
}

/// Ends one pending session of the user that a password began, if there are as many as are allowed: the
/// oldest one of the address that has most. Sessions of known devices stay, except for an older one of the same device.
///
/// # Errors
/// When a statement fails.
pub fn make_room(db: &mut Db, new: &NewSession, now: Timestamp) -> QueryResult<()> {
    let Some(user) = &new.user_id else { return Ok(()) };
    super::lock(db, user.as_str())?;
    let pending: Vec<PendingSession> = dsl::sessions
        .filter(dsl::user_id.eq(user))
        .filter(dsl::state.eq(State::Pending))
        .filter(dsl::origin.eq(Origin::Password))
        .filter(dsl::expires_at.gt(now))
        .order((dsl::created_at, dsl::id))
        .select((dsl::id, dsl::address_key, dsl::device_id))
        .load(db)?;
    if pending.len() < PENDING_SESSIONS {
        return Ok(());
    }
    let strangers: Vec<&PendingSession> =
        pending.iter().filter(|session| session.device_id.is_none()).collect();
    let of_address = |key: &str| strangers.iter().filter(|session| session.address_key == key).count();
    // Of several with the same count the first is the oldest.
    let fullest = strangers.iter().rev().max_by_key(|session| of_address(&session.address_key));
    let ends = match fullest {
        Some(fullest) => strangers.iter().find(|session| session.address_key == fullest.address_key).copied(),
        None => pending.iter().find(|session| session.device_id == new.device_id),
    };
    match ends {
        Some(session) => delete(db, &session.id),
        None => Ok(()),
    }
}

/// Ends a session.
///
/// # Errors
/// When the statement fails.
pub fn delete(db: &mut Db, id: &SessionId) -> QueryResult<()> {
    changes::note(db, id)?;
    delete_all(db, std::slice::from_ref(id)).map(drop)
}

/// Ends all sessions of a user; answers how many.
///
/// # Errors
/// When a statement fails.
pub fn delete_of_user(db: &mut Db, user: &UserId) -> QueryResult<usize> {
    let ids: Vec<SessionId> = dsl::sessions.filter(dsl::user_id.eq(user)).select(dsl::id).load(db)?;
    changes::note_all(db, &ids)?;
    delete_all(db, &ids)
}

/// Ends sessions. Rows that point to them first, in the order in which an answer of the phone locks
/// its rows (approvals, checks, sessions), so that the two never deadlock.
pub(super) fn delete_all(db: &mut Db, ids: &[SessionId]) -> QueryResult<usize> {
    let nobody = None::<SessionId>;
    let of_sessions = || approvals::table.filter(approvals::session_id.eq_any(ids));
    if let Db::Postgres(db) = db {
        // In the order of their ids, as answers of phones lock them.
        of_sessions().order(approvals::id).select(approvals::id).for_update().execute(db)?;
    }
    diesel::update(of_sessions()).set(approvals::session_id.eq(&nobody)).execute(db)?;
    diesel::update(checks::table.filter(checks::session_id.eq_any(ids)))
        .set(checks::session_id.eq(&nobody))
        .execute(db)?;
    diesel::update(sends::table.filter(sends::session_id.eq_any(ids)))
        .set(sends::session_id.eq(&nobody))
        .execute(db)?;
    diesel::delete(dsl::sessions.filter(dsl::id.eq_any(ids))).execute(db)
}

/// Ends the session of a credential; answers whose it was.
///
/// # Errors
/// When the statement fails.
pub fn delete_by_credential(db: &mut Db, credential: &Credential) -> QueryResult<Option<UserId>> {
    let found = dsl::sessions.filter(of_credential!(credential)).select((dsl::id, dsl::user_id));
    match found.get_result::<(SessionId, Option<UserId>)>(db).optional()? {
        Some((id, user)) => delete(db, &id).map(|()| user),
        None => Ok(None),
    }
}

/// Gives a verified or signed-in session a new token: it is signed in, and the old token is dead.
/// `false` when the old token is not that session's any more.
///
/// # Errors
/// When the statement fails.
pub fn rotate(db: &mut Db, id: &SessionId, old: &TokenHash, new: &TokenHash) -> QueryResult<bool> {
    changes::note(db, id)?;
    let open = dsl::sessions
        .find(id)
        .filter(dsl::token_hash.eq(old))
        .filter(dsl::state.eq_any([State::Verified, State::SignedIn]));
    let rotated =
        diesel::update(open).set((dsl::state.eq(State::SignedIn), dsl::token_hash.eq(new))).execute(db)?;
    Ok(rotated == 1)
}

/// The state of a session by now; `None` when it has ended.
///
/// # Errors
/// When the query fails.
pub fn state(db: &mut Db, id: &SessionId) -> QueryResult<Option<State>> {
    dsl::sessions.find(id).select(dsl::state).get_result(db).optional()
}

/// A session's place in the state machine by now; `None` when it has ended.
///
/// # Errors
/// When the query fails.
pub fn progress(db: &mut Db, id: &SessionId) -> QueryResult<Option<Progress>> {
    let row = dsl::sessions.find(id).select(SessionRow::as_select()).get_result(db).optional()?;
    Ok(row.map(|row| row.progress()))
}

/// Notes that a signed-in client was here.
///
/// # Errors
/// When the statement fails.
pub fn touch(db: &mut Db, id: &SessionId, now: Timestamp) -> QueryResult<()> {
    diesel::update(dsl::sessions.find(id)).set(dsl::seen_at.eq(now)).execute(db).map(drop)
}

/// Makes an approval request the newest one of its session.
///
/// # Errors
/// When the statement fails.
pub fn set_push(db: &mut Db, id: &SessionId, push_id: Option<&ApprovalId>) -> QueryResult<()> {
    changes::note(db, id)?;
    diesel::update(dsl::sessions.find(id)).set(dsl::push_id.eq(push_id)).execute(db).map(drop)
}

/// The newest approval request of a session.
///
/// # Errors
/// When the query fails.
pub fn push_id(db: &mut Db, id: &SessionId) -> QueryResult<Option<ApprovalId>> {
    dsl::sessions.find(id).select(dsl::push_id).get_result(db).optional().map(Option::flatten)
}

/// Where a walk through all sessions has come to.
pub type Place = (Timestamp, SessionId);

/// Removes those that have ended of the next sessions in the order in which they were made, at most so many.
/// Answers how many, and where to go on; `None` at the end.
///
/// # Errors
/// When a statement fails.
pub fn sweep(
    db: &mut Db,
    after: Option<&Place>,
    now: Timestamp,
    lifetimes: Lifetimes,
    most: i64,
) -> QueryResult<(usize, Option<Place>)> {
    let all = dsl::sessions.order((dsl::created_at, dsl::id)).limit(most).select((
        dsl::created_at,
        dsl::id,
        dsl::expires_at,
        dsl::seen_at,
    ));
    type Walked = (Timestamp, SessionId, Timestamp, Timestamp);
    let walked: Vec<Walked> = match after {
        None => all.load(db)?,
        Some((made_at, id)) => all
            .filter(dsl::created_at.ge(made_at))
            .filter(dsl::created_at.gt(made_at).or(dsl::id.gt(id)))
            .load(db)?,
    };
    let next = walked.last().map(|(made_at, id, ..)| (*made_at, id.clone()));
    let has_ended =
        |(_, _, expires_at, seen_at): &Walked| (*expires_at).min(seen_at.plus(lifetimes.idle)) <= now;
    let ended: Vec<SessionId> = walked.into_iter().filter(has_ended).map(|(_, id, ..)| id).collect();
    let removed = if ended.is_empty() { 0 } else { delete_all(db, &ended)? };
    Ok((removed, next))
}
