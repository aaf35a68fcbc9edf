//! Codes on their way and codes that were tried.

use std::time::Duration;

use diesel::prelude::*;
use shared::Via;

use super::{
    columns::ViaColumn,
    db::Db,
    schema::{checks, sends},
};
use crate::domain::clock::Timestamp;

/// What became of a code somebody typed.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub enum Outcome {
    /// Handed to the provider, no answer yet.
    Asked,
    /// Right.
    Right,
    /// Wrong.
    Wrong,
    /// The provider could not say.
    Failed,
}

/// Whose code, asked for or typed in which session.
#[derive(Debug, Clone, Copy)]
pub struct Owner<'a> {
    /// The user.
    pub user_id: &'a str,
    /// The session.
    pub session_id: &'a str,
}

/// When codes were sent to a user since a moment, oldest first.
///
/// # Errors
/// When the query fails.
pub fn sends_since(db: &mut Db, user_id: &str, since: Timestamp) -> QueryResult<Vec<Timestamp>> {
    sends::table
        .filter(sends::user_id.eq(user_id))
        .filter(sends::at.gt(since))
        .order(sends::at)
        .select(sends::at)
        .load(db)
}

/// When this session last had a code sent.
///
/// # Errors
/// When the query fails.
pub fn last_send(db: &mut Db, session_id: &str) -> QueryResult<Option<Timestamp>> {
    sends::table
        .filter(sends::session_id.eq(session_id))
        .order(sends::at.desc())
        .select(sends::at)
        .first(db)
        .optional()
}

/// Reserves a send before the provider is called.
///
/// # Errors
/// When the statement fails.
pub fn reserve_send(db: &mut Db, id: &str, owner: Owner<'_>, via: Via, now: Timestamp) -> QueryResult<()> {
    diesel::insert_into(sends::table)
        .values((
            sends::id.eq(id),
            sends::user_id.eq(owner.user_id),
            sends::session_id.eq(owner.session_id),
            sends::via.eq(ViaColumn(via)),
            sends::at.eq(now),
        ))
        .execute(db)
        .map(drop)
}

/// The provider took it, by this way in the end; its reference is what a check will name.
///
/// # Errors
/// When the statement fails.
pub fn sent(db: &mut Db, id: &str, reference: &str, via: Via) -> QueryResult<()> {
    diesel::update(sends::table.find(id))
        .set((sends::reference.eq(reference), sends::via.eq(ViaColumn(via))))
        .execute(db)
        .map(drop)
}

/// The provider did not take it: it never happened.
///
/// # Errors
/// When the statement fails.
pub fn cancel_send(db: &mut Db, id: &str) -> QueryResult<()> {
    diesel::delete(sends::table.find(id)).execute(db).map(drop)
}

/// The code this session was sent last: the provider's reference, and how it travelled.
///
/// # Errors
/// When the query fails.
pub fn last_sent(db: &mut Db, session_id: &str) -> QueryResult<Option<(String, Via)>> {
    sends::table
        .filter(sends::session_id.eq(session_id))
        .filter(sends::reference.is_not_null())
        .order(sends::at.desc())
        .select((sends::reference.assume_not_null(), sends::via))
        .first::<(String, ViaColumn)>(db)
        .optional()
        .map(|sent| sent.map(|(reference, ViaColumn(via))| (reference, via)))
}

/// Notes a code that is about to be checked.
///
/// # Errors
/// When the statement fails.
pub fn insert_check(db: &mut Db, id: &str, owner: Owner<'_>, now: Timestamp) -> QueryResult<()> {
    diesel::insert_into(checks::table)
        .values((
            checks::id.eq(id),
            checks::user_id.eq(owner.user_id),
            checks::session_id.eq(owner.session_id),
            checks::outcome.eq(Outcome::Asked),
            checks::at.eq(now),
        ))
        .execute(db)
        .map(drop)
}

/// Notes what became of it.
///
/// # Errors
/// When the statement fails.
pub fn finish_check(db: &mut Db, id: &str, outcome: Outcome) -> QueryResult<()> {
    diesel::update(checks::table.find(id)).set(checks::outcome.eq(outcome)).execute(db).map(drop)
}

/// Removes what no limit counts any more.
///
/// # Errors
/// When a statement fails.
pub fn sweep(db: &mut Db, now: Timestamp, keep: Duration) -> QueryResult<usize> {
    let before = now.minus(keep);
    let sends = diesel::delete(sends::table.filter(sends::at.le(before))).execute(db)?;
    let checks = diesel::delete(checks::table.filter(checks::at.le(before))).execute(db)?;
    Ok(sends + checks)
}
