//! Sessions. User, rights and expiry are columns of their own, which saving the cookie's state map
//! never writes: an answer still in flight cannot undo an approval or a logout.

use diesel::prelude::*;

use super::{
    columns::ChannelColumn,
    db::{Db, on_its_own},
    schema::sessions::{self, dsl},
    schema::{approvals, checks, sends, users},
    users::UserRow,
};
use crate::domain::{clock::Timestamp, limits::Lifetimes, push::ApprovalState, rights::Rights};

/// A session that lives.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = sessions)]
pub struct SessionRow {
    /// Its own id, which outlives the token.
    pub id: String,
    /// How far it has come.
    pub rights: Rights,
    /// Last request of a signed-in client.
    pub seen_at: Timestamp,
    /// When the phone last answered in it.
    pub factor_at: Option<Timestamp>,
}

/// A new session.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = sessions)]
pub struct NewSession {
    /// 128 random bits as text.
    pub id: String,
    /// Hash of the token.
    pub token_hash: String,
    /// Whose; nobody's where a browser has no account.
    pub user_id: Option<String>,
    /// How far it has come.
    pub rights: Rights,
    /// Now.
    pub created_at: Timestamp,
    /// Now.
    pub seen_at: Timestamp,
    /// When it ends whatever happens.
    pub expires_at: Timestamp,
}

/// How a session's newest push stands, and whose phone it went to.
#[derive(Debug, Clone, Queryable)]
pub struct PushView {
    /// Calling code and national number.
    pub phone: (String, String),
    /// The way by which the phone last answered.
    pub last_channel: Option<ChannelColumn>,
    /// The push; absent when none was asked.
    pub push: Option<Push>,
}

/// A push as the client sees it.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = approvals)]
pub struct Push {
    /// The provider's reference; absent while it is being asked.
    pub reference: Option<String>,
    /// The question.
    pub message: String,
    /// Details as JSON.
    pub details: String,
    /// As stored.
    pub status: ApprovalState,
    /// When it went out.
    pub created_at: Timestamp,
    /// When it closes by itself.
    pub expires_at: Timestamp,
}

/// Sessions that have not ended: before their end, and not idle for too long.
macro_rules! live {
    ($now:expr, $lifetimes:expr) => {
        dsl::expires_at.gt($now).and(dsl::seen_at.gt($now.minus($lifetimes.idle)))
    };
}

pub(super) use live;

/// The live session with this token, and whose it is.
///
/// # Errors
/// When the query fails.
pub fn by_token(
    db: &mut Db,
    token_hash: &str,
    now: Timestamp,
    lifetimes: Lifetimes,
) -> QueryResult<Option<(SessionRow, UserRow)>> {
    dsl::sessions
        .inner_join(users::table)
        .filter(dsl::token_hash.eq(token_hash))
        .filter(live!(now, lifetimes))
        .select((SessionRow::as_select(), UserRow::as_select()))
        .get_result(db)
        .optional()
}

/// The newest push of the live session with this token, in one query: clients poll it without pause.
///
/// # Errors
/// When the query fails.
pub fn push_by_token(
    db: &mut Db,
    token_hash: &str,
    now: Timestamp,
    lifetimes: Lifetimes,
) -> QueryResult<Option<PushView>> {
    on_its_own!(db, connection => dsl::sessions
        .inner_join(users::table)
        .left_join(approvals::table.on(dsl::push_id.eq(approvals::id.nullable())))
        .filter(dsl::token_hash.eq(token_hash))
        .filter(live!(now, lifetimes))
        .select((
            (users::calling_code, users::national_number),
            users::last_channel,
            Option::<Push>::as_select(),
        ))
        .get_result(connection)
        .optional())
}

/// The cookie's state map, as JSON.
///
/// # Errors
/// When the query fails.
pub fn state(
    db: &mut Db,
    token_hash: &str,
    now: Timestamp,
    lifetimes: Lifetimes,
) -> QueryResult<Option<String>> {
    dsl::sessions
        .filter(dsl::token_hash.eq(token_hash))
        .filter(live!(now, lifetimes))
        .select(dsl::state)
        .get_result(db)
        .optional()
}

/// Saves the cookie's state map and nothing else.
///
/// # Errors
/// When the statement fails.
pub fn set_state(db: &mut Db, token_hash: &str, state: &str) -> QueryResult<()> {
    diesel::update(dsl::sessions.filter(dsl::token_hash.eq(token_hash)))
        .set(dsl::state.eq(state))
        .execute(db)
        .map(drop)
}

/// Begins a session.
///
/// # Errors
/// When the statement fails.
pub fn insert(db: &mut Db, session: &NewSession) -> QueryResult<()> {
    diesel::insert_into(sessions::table).values(session).execute(db).map(drop)
}

/// Ends the session with this id.
///
/// # Errors
/// When the statement fails.
pub fn delete(db: &mut Db, id: &str) -> QueryResult<()> {
    delete_all(db, &[id.to_owned()]).map(drop)
}

/// Ends sessions. What points to them first, in the order in which an answer of the phone locks its
/// rows (approvals, checks, sessions): no deadlock between the two.
fn delete_all(db: &mut Db, ids: &[String]) -> QueryResult<usize> {
    let nobody = None::<String>;
    diesel::update(approvals::table.filter(approvals::session_id.eq_any(ids)))
        .set(approvals::session_id.eq(&nobody))
        .execute(db)?;
    diesel::update(checks::table.filter(checks::session_id.eq_any(ids)))
        .set(checks::session_id.eq(&nobody))
        .execute(db)?;
    diesel::update(sends::table.filter(sends::session_id.eq_any(ids)))
        .set(sends::session_id.eq(&nobody))
        .execute(db)?;
    diesel::delete(dsl::sessions.filter(dsl::id.eq_any(ids))).execute(db)
}

/// Ends the session with this token.
///
/// # Errors
/// When the statement fails.
pub fn delete_by_token(db: &mut Db, token_hash: &str) -> QueryResult<()> {
    let found = dsl::sessions.filter(dsl::token_hash.eq(token_hash)).select(dsl::id);
    match found.get_result::<String>(db).optional()? {
        Some(id) => delete(db, &id),
        None => Ok(()),
    }
}

/// The second factor succeeded: a pending session becomes a proven one and gets a full life; of any
/// other it is noted that the phone has just answered.
///
/// # Errors
/// When a statement fails.
pub fn prove(db: &mut Db, id: &str, now: Timestamp, expires_at: Timestamp) -> QueryResult<bool> {
    diesel::update(dsl::sessions.find(id)).set(dsl::factor_at.eq(now)).execute(db)?;
    let pending =
        dsl::sessions.find(id).filter(dsl::rights.eq(Rights::Pending)).filter(dsl::expires_at.gt(now));
    let proven = diesel::update(pending)
        .set((dsl::rights.eq(Rights::Proven), dsl::seen_at.eq(now), dsl::expires_at.eq(expires_at)))
        .execute(db)?;
    Ok(proven == 1)
}

/// Gives a proven or signed-in session a new token and full rights; the old token dies. `false`
/// when it is not that session's token any more.
///
/// # Errors
/// When the statement fails.
pub fn renew(db: &mut Db, id: &str, old_hash: &str, new_hash: &str) -> QueryResult<bool> {
    let open = dsl::sessions
        .find(id)
        .filter(dsl::token_hash.eq(old_hash))
        .filter(dsl::rights.eq_any([Rights::Proven, Rights::SignedIn]));
    let renewed = diesel::update(open)
        .set((dsl::rights.eq(Rights::SignedIn), dsl::token_hash.eq(new_hash)))
        .execute(db)?;
    Ok(renewed == 1)
}

/// How far a session has come by now; `None` when it has ended.
///
/// # Errors
/// When the query fails.
pub fn rights(db: &mut Db, id: &str) -> QueryResult<Option<Rights>> {
    dsl::sessions.find(id).select(dsl::rights).get_result(db).optional()
}

/// Whether a session has not been ended.
///
/// # Errors
/// When the query fails.
pub fn exists(db: &mut Db, id: &str) -> QueryResult<bool> {
    let count: i64 = dsl::sessions.find(id).count().get_result(db)?;
    Ok(count > 0)
}

/// Notes that a signed-in client was here.
///
/// # Errors
/// When the statement fails.
pub fn touch(db: &mut Db, id: &str, now: Timestamp) -> QueryResult<()> {
    diesel::update(dsl::sessions.find(id)).set(dsl::seen_at.eq(now)).execute(db).map(drop)
}

/// Makes a push the newest of its session.
///
/// # Errors
/// When the statement fails.
pub fn set_push(db: &mut Db, id: &str, push_id: Option<&str>) -> QueryResult<()> {
    diesel::update(dsl::sessions.find(id)).set(dsl::push_id.eq(push_id)).execute(db).map(drop)
}

/// The newest push of a session.
///
/// # Errors
/// When the query fails.
pub fn push_id(db: &mut Db, id: &str) -> QueryResult<Option<String>> {
    dsl::sessions.find(id).select(dsl::push_id).get_result(db).optional().map(Option::flatten)
}

/// Removes sessions that have ended.
///
/// # Errors
/// When the statement fails.
pub fn sweep(db: &mut Db, now: Timestamp, lifetimes: Lifetimes) -> QueryResult<usize> {
    const AT_ONCE: i64 = 500;
    let ended = dsl::expires_at.le(now).or(dsl::seen_at.le(now.minus(lifetimes.idle)));
    let mut gone = 0;
    loop {
        let ids: Vec<String> = dsl::sessions.filter(ended).select(dsl::id).limit(AT_ONCE).load(db)?;
        if ids.is_empty() {
            return Ok(gone);
        }
        gone += delete_all(db, &ids)?;
    }
}
