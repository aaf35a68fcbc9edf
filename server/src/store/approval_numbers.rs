//! The numbers that phones show with approval requests, and sign-ins that were denied.

use diesel::prelude::*;

use super::{changes, db::Db, schema::approvals::dsl, schema::sessions};
use crate::domain::{
    approval::{ApprovalPurpose, ApprovalState},
    clock::Timestamp,
    factor::ProviderAccount,
    ids::{ApprovalId, SessionId, UserId},
};

/// A session's newest request whose number is to be given.
#[derive(Debug, Clone, Queryable)]
pub struct NumberAsked {
    /// The request.
    pub id: ApprovalId,
    /// As stored.
    pub status: ApprovalState,
    /// The number.
    pub number: i32,
    /// Wrong numbers that were given.
    pub wrong: i32,
    /// When it was answered.
    pub settled_at: Option<Timestamp>,
    /// When it expires.
    pub expires_at: Timestamp,
    /// The provider account that holds it.
    pub account: ProviderAccount,
}

/// The newest request of a session, if it waits for its number. `None` where none does.
///
/// # Errors
/// When the query fails.
pub fn number_asked(db: &mut Db, session: &SessionId) -> QueryResult<Option<NumberAsked>> {
    dsl::approvals
        .inner_join(sessions::table.on(sessions::push_id.eq(dsl::id.nullable())))
        .filter(sessions::id.eq(session))
        .filter(dsl::number.is_not_null())
        .filter(dsl::matched_at.is_null())
        .select((
            dsl::id,
            dsl::status,
            dsl::number.assume_not_null(),
            dsl::wrong_numbers,
            dsl::settled_at,
            dsl::expires_at,
            dsl::provider_account,
        ))
        .get_result(db)
        .optional()
}

/// The right number was given; `false` where that was done before.
///
/// # Errors
/// When the statement fails.
pub fn matched(db: &mut Db, id: &ApprovalId, now: Timestamp) -> QueryResult<bool> {
    let unmatched = dsl::approvals
        .find(id)
        .filter(dsl::status.eq(ApprovalState::Approved))
        .filter(dsl::matched_at.is_null());
    Ok(diesel::update(unmatched).set(dsl::matched_at.eq(now)).execute(db)? == 1)
}

/// A wrong number was given; with the last one the request is denied.
///
/// # Errors
/// When a statement fails.
pub fn wrong_number(
    db: &mut Db,
    id: &ApprovalId,
    session: &SessionId,
    is_last: bool,
    now: Timestamp,
) -> QueryResult<()> {
    changes::note(db, session)?;
    let denied = is_last.then(|| (dsl::status.eq(ApprovalState::Denied), dsl::settled_at.eq(now)));
    diesel::update(dsl::approvals.find(id))
        .set((dsl::wrong_numbers.eq(dsl::wrong_numbers + 1), denied))
        .execute(db)
        .map(drop)
}

/// A sign-in that was denied on the phone.
#[derive(Debug, Clone, Queryable)]
pub struct Denied {
    /// The request.
    pub id: ApprovalId,
    /// When it was denied.
    pub at: Timestamp,
    /// Details as JSON.
    pub details: String,
}

/// The newest sign-in that was denied since a moment, if its owner was not asked about it yet.
///
/// # Errors
/// When the query fails.
pub fn denied_sign_in(db: &mut Db, user: &UserId, since: Timestamp) -> QueryResult<Option<Denied>> {
    dsl::approvals
        .filter(dsl::user_id.eq(user))
        .filter(dsl::status.eq(ApprovalState::Denied))
        .filter(dsl::purpose.eq(ApprovalPurpose::SignIn))
        .filter(dsl::settled_at.gt(since))
        .filter(dsl::owner_answered_at.is_null())
        .order(dsl::settled_at.desc())
        .limit(1)
        .select((dsl::id, dsl::settled_at.assume_not_null(), dsl::details))
        .get_result(db)
        .optional()
}

/// The owner has answered about a denied sign-in, and with it about those before; `false` where there is no such one.
///
/// # Errors
/// When a statement fails.
pub fn owner_answered(db: &mut Db, user: &UserId, id: &ApprovalId, now: Timestamp) -> QueryResult<bool> {
    let denied_at: Option<Option<Timestamp>> = dsl::approvals
        .find(id)
        .filter(dsl::user_id.eq(user))
        .filter(dsl::status.eq(ApprovalState::Denied))
        .filter(dsl::owner_answered_at.is_null())
        .select(dsl::settled_at)
        .get_result(db)
        .optional()?;
    let Some(denied_at) = denied_at.flatten() else { return Ok(false) };
    let until_then = dsl::approvals
        .filter(dsl::user_id.eq(user))
        .filter(dsl::status.eq(ApprovalState::Denied))
        .filter(dsl::settled_at.le(denied_at));
    diesel::update(until_then).set(dsl::owner_answered_at.eq(now)).execute(db)?;
    Ok(true)
}
