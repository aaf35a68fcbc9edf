//! When providers are to be polled about approval requests.
//!
//! A table of its own: a request is settled without a word to this one, and its row goes when it is next due.

use diesel::prelude::*;

use super::{
    db::Db,
    schema::approval_polls::{self, dsl},
    schema::approvals,
};
use crate::domain::{
    approval::{ApprovalState, MOST_POLLS, poll_interval},
    clock::Timestamp,
    factor::{ProviderAccount, ProviderUser},
    ids::ApprovalId,
};

/// An open request the provider is to be polled about.
#[derive(Debug, Clone, Queryable)]
pub struct Due {
    /// The request.
    pub id: ApprovalId,
    /// When it was due.
    pub due_at: Timestamp,
    /// How often it was polled already.
    pub polls: i32,
    /// The provider account that holds it.
    pub account: ProviderAccount,
    /// The provider's id of the user.
    pub user: ProviderUser,
    /// The provider's reference.
    pub reference: String,
    /// When it was sent.
    pub created_at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
}

/// Begins to poll about a request.
///
/// # Errors
/// When the statement fails.
pub fn begin(db: &mut Db, id: &ApprovalId, first: Timestamp) -> QueryResult<()> {
    let row = (dsl::approval_id.eq(id), dsl::due_at.eq(first));
    diesel::insert_into(approval_polls::table).values(row).execute(db).map(drop)
}

/// The oldest that is due now: open requests, and the rows of those that are open no more.
///
/// # Errors
/// When the query fails.
pub fn due(db: &mut Db, now: Timestamp, most: i64) -> QueryResult<(Vec<Due>, Vec<ApprovalId>)> {
    let open = approvals::status.eq(ApprovalState::Pending).and(approvals::expires_at.gt(now));
    let request = (
        approvals::provider_account,
        approvals::provider_user,
        approvals::reference.assume_not_null(),
        approvals::created_at,
        approvals::expires_at,
    );
    type Request = (ProviderAccount, ProviderUser, String, Timestamp, Timestamp);
    let rows: Vec<(ApprovalId, Timestamp, i32, Option<Request>)> = dsl::approval_polls
        .left_join(approvals::table.on(approvals::id.eq(dsl::approval_id).and(open)))
        .filter(dsl::due_at.le(now))
        .order((dsl::due_at, dsl::approval_id))
        .limit(most)
        .select((dsl::approval_id, dsl::due_at, dsl::polls, request.nullable()))
        .load(db)?;
    let (mut due, mut over) = (Vec::new(), Vec::new());
    for (id, due_at, polls, request) in rows {
        match request {
            Some((account, user, reference, created_at, expires_at)) => {
                due.push(Due { id, due_at, polls, account, user, reference, created_at, expires_at });
            }
            None => over.push(id),
        }
    }
    // In the order of their ids: servers that change the same rows wait for each other in turn.
    due.sort_by(|one, other| one.id.cmp(&other.id));
    over.sort();
    Ok((due, over))
}

/// Claims the next poll of a request, so that one of several servers makes it.
///
/// # Errors
/// When a statement fails.
pub fn claim(db: &mut Db, due: &Due, now: Timestamp) -> QueryResult<bool> {
    let unclaimed = dsl::approval_polls.find(&due.id).filter(dsl::due_at.eq(due.due_at));
    let claimed = if due.polls + 1 < MOST_POLLS {
        let next = now.plus(poll_interval(due.expires_at.since(due.created_at)));
        diesel::update(unclaimed).set((dsl::due_at.eq(next), dsl::polls.eq(due.polls + 1))).execute(db)?
    } else {
        diesel::delete(unclaimed).execute(db)?
    };
    Ok(claimed == 1)
}

/// Polls about these requests no more.
///
/// # Errors
/// When the statement fails.
pub fn end(db: &mut Db, over: &[ApprovalId]) -> QueryResult<()> {
    if over.is_empty() {
        return Ok(());
    }
    diesel::delete(dsl::approval_polls.filter(dsl::approval_id.eq_any(over))).execute(db).map(drop)
}

/// When the next poll of any request is due.
///
/// # Errors
/// When the query fails.
pub fn next_due(db: &mut Db) -> QueryResult<Option<Timestamp>> {
    dsl::approval_polls.order(dsl::due_at).select(dsl::due_at).first(db).optional()
}
