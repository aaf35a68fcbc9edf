//! Codes that were sent and codes that were checked.

use std::time::Duration;

use diesel::prelude::*;
use shared::Via;

use super::{
    columns::ViaColumn,
    db::Db,
    schema::{checks, sends},
};
use crate::domain::{
    clock::Timestamp,
    code::CheckOutcome,
    factor::ProviderAccount,
    ids::{CheckId, SendId, SessionId, UserId},
};

/// Whose code, sent or typed in which session.
#[derive(Debug, Clone, Copy)]
pub struct Owner<'a> {
    /// The user.
    pub user_id: &'a UserId,
    /// The session.
    pub session_id: &'a SessionId,
}

/// When this session last had a code sent to it.
///
/// # Errors
/// When the query fails.
pub fn last_send(db: &mut Db, session_id: &SessionId) -> QueryResult<Option<Timestamp>> {
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
pub fn reserve_send(db: &mut Db, id: &SendId, owner: Owner<'_>, via: Via, now: Timestamp) -> QueryResult<()> {
    diesel::insert_into(sends::table)
        .values((
            sends::id.eq(id),
            sends::user_id.eq(owner.user_id),
            sends::session_id.eq(owner.session_id),
            sends::via.eq(ViaColumn(via)),
            sends::at.eq(now),
            sends::provider_account.eq(""),
        ))
        .execute(db)
        .map(drop)
}

/// A code as the provider has sent it.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The provider account it was sent by.
    pub account: ProviderAccount,
    /// The provider's reference; a check names it.
    pub reference: String,
    /// How it was sent in the end.
    pub via: Via,
}

/// The provider has sent it.
///
/// # Errors
/// When the statement fails.
pub fn sent(db: &mut Db, id: &SendId, sent: &Sent) -> QueryResult<()> {
    diesel::update(sends::table.find(id))
        .set((
            sends::reference.eq(&sent.reference),
            sends::via.eq(ViaColumn(sent.via)),
            sends::provider_account.eq(&sent.account),
        ))
        .execute(db)
        .map(drop)
}

/// The provider did not send it: the reservation is dropped.
///
/// # Errors
/// When the statement fails.
pub fn cancel_send(db: &mut Db, id: &SendId) -> QueryResult<()> {
    diesel::delete(sends::table.find(id)).execute(db).map(drop)
}

/// The code this session was sent last, since a moment.
///
/// # Errors
/// When the query fails.
pub fn last_sent(db: &mut Db, session_id: &SessionId, since: Timestamp) -> QueryResult<Option<Sent>> {
    sends::table
        .filter(sends::session_id.eq(session_id))
        .filter(sends::reference.is_not_null())
        .filter(sends::at.gt(since))
        .order(sends::at.desc())
        .select((sends::provider_account, sends::reference.assume_not_null(), sends::via))
        .first::<(ProviderAccount, String, ViaColumn)>(db)
        .optional()
        .map(|sent| sent.map(|(account, reference, ViaColumn(via))| Sent { account, reference, via }))
}

/// Notes a code that is about to be checked.
///
/// # Errors
/// When the statement fails.
pub fn insert_check(db: &mut Db, id: &CheckId, owner: Owner<'_>, now: Timestamp) -> QueryResult<()> {
    diesel::insert_into(checks::table)
        .values((
            checks::id.eq(id),
            checks::user_id.eq(owner.user_id),
            checks::session_id.eq(owner.session_id),
            checks::outcome.eq(CheckOutcome::Asked),
            checks::at.eq(now),
        ))
        .execute(db)
        .map(drop)
}

/// Notes a check's outcome.
///
/// # Errors
/// When the statement fails.
pub fn finish_check(db: &mut Db, id: &CheckId, outcome: CheckOutcome) -> QueryResult<()> {
    diesel::update(checks::table.find(id)).set(checks::outcome.eq(outcome)).execute(db).map(drop)
}

/// Removes at most so many codes that were sent long ago.
///
/// # Errors
/// When a statement fails.
pub fn sweep_sends(db: &mut Db, now: Timestamp, keep: Duration, most: i64) -> QueryResult<usize> {
    let old = sends::table.filter(sends::at.le(now.minus(keep)));
    let ids: Vec<SendId> = old.select(sends::id).limit(most).load(db)?;
    diesel::delete(sends::table.filter(sends::id.eq_any(ids))).execute(db)
}

/// Removes at most so many codes that were checked long ago.
///
/// # Errors
/// When a statement fails.
pub fn sweep_checks(db: &mut Db, now: Timestamp, keep: Duration, most: i64) -> QueryResult<usize> {
    let old = checks::table.filter(checks::at.le(now.minus(keep)));
    let ids: Vec<CheckId> = old.select(checks::id).limit(most).load(db)?;
    diesel::delete(checks::table.filter(checks::id.eq_any(ids))).execute(db)
}
