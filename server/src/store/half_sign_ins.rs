//! Right passwords after which no factor has passed yet.

use diesel::prelude::*;

use super::{
    db::{Db, on_its_own},
    schema::half_sign_ins::{self, dsl},
    schema::users,
    users::UserRow,
};
use crate::domain::{
    clock::Timestamp,
    ids::{SessionId, UserId},
};

/// A sign-in that stopped halfway.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = half_sign_ins)]
pub struct HalfSignIn {
    /// Its session, which may have ended.
    pub session_id: SessionId,
    /// Whose password it was.
    pub user_id: UserId,
    /// When its owner is told.
    pub due_at: Timestamp,
    /// Browser or program, in words.
    pub browser: String,
    /// The client's address.
    pub address: String,
}

/// Notes a right password.
///
/// # Errors
/// When the statement fails.
pub fn insert(db: &mut Db, begun: &HalfSignIn) -> QueryResult<()> {
    diesel::insert_into(half_sign_ins::table).values(begun).execute(db).map(drop)
}

/// A factor has passed in these sessions.
///
/// # Errors
/// When the statement fails.
pub fn completed(db: &mut Db, sessions: &[&SessionId]) -> QueryResult<()> {
    let completed = diesel::delete(dsl::half_sign_ins.filter(dsl::session_id.eq_any(sessions)));
    on_its_own!(db, connection => completed.execute(connection)).map(drop)
}

/// A user has completed a sign-in from an address: what they had begun there before was theirs.
///
/// # Errors
/// When the statement fails.
pub fn completed_from(db: &mut Db, user: &UserId, address: &str) -> QueryResult<()> {
    let begun = dsl::half_sign_ins.filter(dsl::user_id.eq(user)).filter(dsl::address.eq(address));
    diesel::delete(begun).execute(db).map(drop)
}

/// Those whose owners are to be told by now, with their accounts.
///
/// # Errors
/// When the query fails.
pub fn due(db: &mut Db, now: Timestamp, most: i64) -> QueryResult<Vec<(HalfSignIn, UserRow)>> {
    dsl::half_sign_ins
        .inner_join(users::table)
        .filter(dsl::due_at.le(now))
        .order(dsl::due_at)
        .limit(most)
        .select((HalfSignIn::as_select(), UserRow::as_select()))
        .load(db)
}

/// When the next owner is to be told.
///
/// # Errors
/// When the query fails.
pub fn next_due(db: &mut Db) -> QueryResult<Option<Timestamp>> {
    dsl::half_sign_ins.order(dsl::due_at).select(dsl::due_at).limit(1).get_result(db).optional()
}

/// Takes one to tell its owner; `false` where another server was faster, or a factor has passed.
///
/// # Errors
/// When the statement fails.
pub fn claim(db: &mut Db, session: &SessionId) -> QueryResult<bool> {
    Ok(diesel::delete(dsl::half_sign_ins.find(session)).execute(db)? == 1)
}
