//! Approval requests, found by the provider's reference and bound to the session that asked.

use std::time::Duration;

use diesel::prelude::*;

use super::{
    db::Db,
    schema::approvals::{self, dsl},
    schema::{sessions, users},
};
use crate::domain::{
    clock::Timestamp,
    push::{ApprovalState, MOST_ASKS, Purpose, Verdict, ask_every},
};

/// A new request, not yet handed to the provider.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = approvals)]
pub struct NewApproval {
    /// 128 random bits as text.
    pub id: String,
    /// Who is asked.
    pub user_id: String,
    /// Which session asks.
    pub session_id: Option<String>,
    /// The question.
    pub message: String,
    /// Details as JSON.
    pub details: String,
    /// [`ApprovalState::Asking`].
    pub status: ApprovalState,
    /// Now.
    pub created_at: Timestamp,
    /// When it closes by itself.
    pub expires_at: Timestamp,
    /// What an approval opens.
    pub purpose: Purpose,
    /// Of an action: what tells its data from any other.
    pub data_digest: Option<String>,
}

/// An action's request, as its owner sees it.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = approvals)]
pub struct ActionRow {
    /// Its own id.
    pub id: String,
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
    /// When it was answered.
    pub settled_at: Option<Timestamp>,
    /// What tells its data from any other.
    pub data_digest: Option<String>,
    /// When the answer was used.
    pub redeemed_at: Option<Timestamp>,
}

/// An open request whose answer is to be asked for.
#[derive(Debug, Clone, Queryable)]
pub struct Due {
    /// The request.
    pub id: String,
    /// The provider's reference.
    pub reference: String,
    /// When it was to be asked.
    pub next_ask_at: Timestamp,
    /// How often it was asked already.
    pub asks: i32,
    /// When it went out.
    pub created_at: Timestamp,
    /// When it closes by itself.
    pub expires_at: Timestamp,
}

/// What an approval changes.
#[derive(Debug, Clone, Queryable)]
pub struct Settled {
    /// Whose phone answered.
    pub user_id: String,
    /// Which session had asked; absent when it has ended.
    pub session_id: Option<String>,
}

/// Reserves a request before the provider is called.
///
/// # Errors
/// When the statement fails.
pub fn insert(db: &mut Db, approval: &NewApproval) -> QueryResult<()> {
    diesel::insert_into(approvals::table).values(approval).execute(db).map(drop)
}

/// Whether a request is open: on the phone or on its way there.
///
/// # Errors
/// When the query fails.
pub fn is_open(db: &mut Db, id: &str, now: Timestamp) -> QueryResult<bool> {
    let open: i64 = dsl::approvals
        .find(id)
        .filter(dsl::status.eq_any([ApprovalState::Asking, ApprovalState::Pending]))
        .filter(dsl::expires_at.gt(now))
        .count()
        .get_result(db)?;
    Ok(open > 0)
}

/// Whether the newest request of a session was approved.
///
/// # Errors
/// When the query fails.
pub fn is_newest_approved(db: &mut Db, session_id: &str) -> QueryResult<bool> {
    let approved: i64 = dsl::approvals
        .inner_join(sessions::table.on(sessions::push_id.eq(dsl::id.nullable())))
        .filter(sessions::id.eq(session_id))
        .filter(dsl::status.eq(ApprovalState::Approved))
        .count()
        .get_result(db)?;
    Ok(approved > 0)
}

/// When the requests went out that a user has left unanswered since a moment, oldest first.
///
/// # Errors
/// When the query fails.
pub fn unanswered_since(db: &mut Db, user_id: &str, since: Timestamp) -> QueryResult<Vec<Timestamp>> {
    dsl::approvals
        .filter(dsl::user_id.eq(user_id))
        .filter(dsl::created_at.gt(since))
        .filter(dsl::status.eq_any([ApprovalState::Asking, ApprovalState::Pending]))
        .order(dsl::created_at)
        .select(dsl::created_at)
        .load(db)
}

/// The provider took the request: it is on the phone now.
///
/// # Errors
/// When the statement fails.
pub fn sent(db: &mut Db, id: &str, reference: &str, first_ask: Timestamp) -> QueryResult<()> {
    diesel::update(dsl::approvals.find(id))
        .set((
            dsl::status.eq(ApprovalState::Pending),
            dsl::reference.eq(reference),
            dsl::next_ask_at.eq(first_ask),
        ))
        .execute(db)
        .map(drop)
}

/// The provider did not take it.
///
/// # Errors
/// When the statement fails.
pub fn failed(db: &mut Db, id: &str) -> QueryResult<()> {
    diesel::update(dsl::approvals.find(id)).set(dsl::status.eq(ApprovalState::Failed)).execute(db).map(drop)
}

/// Settles an open request of the user the provider names; `None` when there is no such request:
/// unknown, another user's, expired or settled before.
///
/// # Errors
/// When a statement fails.
pub fn settle(
    db: &mut Db,
    reference: &str,
    provider_user: Option<&str>,
    verdict: Verdict,
    now: Timestamp,
) -> QueryResult<Option<Settled>> {
    let found: Option<(String, String, Option<String>, String)> = dsl::approvals
        .inner_join(users::table)
        .filter(dsl::reference.eq(reference))
        .select((dsl::id, dsl::user_id, dsl::session_id, users::provider_user))
        .get_result(db)
        .optional()?;
    let Some((id, user_id, session_id, enrolled)) = found else { return Ok(None) };
    if provider_user.is_some_and(|named| named != enrolled) {
        return Ok(None);
    }
    let status = match verdict {
        Verdict::Approved => ApprovalState::Approved,
        Verdict::Denied => ApprovalState::Denied,
    };
    let open = dsl::approvals
        .find(id)
        .filter(dsl::status.eq(ApprovalState::Pending))
        .filter(dsl::expires_at.gt(now));
    let moved = diesel::update(open)
        .set((dsl::status.eq(status), dsl::settled_at.eq(now), dsl::next_ask_at.eq(None::<Timestamp>)))
        .execute(db)?;
    Ok((moved == 1).then_some(Settled { user_id, session_id }))
}

/// A user's request about an action; `None` when it is none, or somebody else's.
///
/// # Errors
/// When the query fails.
pub fn action(db: &mut Db, user_id: &str, reference: &str) -> QueryResult<Option<ActionRow>> {
    dsl::approvals
        .filter(dsl::reference.eq(reference))
        .filter(dsl::user_id.eq(user_id))
        .filter(dsl::purpose.eq(Purpose::Action))
        .select(ActionRow::as_select())
        .get_result(db)
        .optional()
}

/// Uses an answer; `false` when somebody was faster.
///
/// # Errors
/// When the statement fails.
pub fn redeem(db: &mut Db, id: &str, now: Timestamp) -> QueryResult<bool> {
    let unused = dsl::approvals.find(id).filter(dsl::redeemed_at.is_null());
    Ok(diesel::update(unused).set(dsl::redeemed_at.eq(now)).execute(db)? == 1)
}

/// Requests whose answer is to be asked for now, oldest first.
///
/// # Errors
/// When the query fails.
pub fn due(db: &mut Db, now: Timestamp, most: i64) -> QueryResult<Vec<Due>> {
    dsl::approvals
        .filter(dsl::next_ask_at.le(now))
        .filter(dsl::status.eq(ApprovalState::Pending))
        .filter(dsl::expires_at.gt(now))
        .order(dsl::next_ask_at)
        .limit(most)
        .select((
            dsl::id,
            dsl::reference.assume_not_null(),
            dsl::next_ask_at.assume_not_null(),
            dsl::asks,
            dsl::created_at,
            dsl::expires_at,
        ))
        .load(db)
}

/// Claims the next question about a request, so that of several servers one asks it.
///
/// # Errors
/// When the statement fails.
pub fn claim(db: &mut Db, due: &Due, now: Timestamp) -> QueryResult<bool> {
    let pause = ask_every(due.expires_at.since(due.created_at));
    let next = (due.asks + 1 < MOST_ASKS).then(|| now.plus(pause));
    let unclaimed = dsl::approvals.find(&due.id).filter(dsl::next_ask_at.eq(due.next_ask_at));
    let claimed =
        diesel::update(unclaimed).set((dsl::next_ask_at.eq(next), dsl::asks.eq(due.asks + 1))).execute(db)?;
    Ok(claimed == 1)
}

/// When the next question is due, of any request.
///
/// # Errors
/// When the query fails.
pub fn next_due(db: &mut Db, now: Timestamp) -> QueryResult<Option<Timestamp>> {
    dsl::approvals
        .filter(dsl::status.eq(ApprovalState::Pending))
        .filter(dsl::expires_at.gt(now))
        .filter(dsl::next_ask_at.is_not_null())
        .order(dsl::next_ask_at)
        .select(dsl::next_ask_at.assume_not_null())
        .first(db)
        .optional()
}

/// Removes requests nobody will ask about again.
///
/// # Errors
/// When the statement fails.
pub fn sweep(db: &mut Db, now: Timestamp, keep: Duration) -> QueryResult<usize> {
    diesel::delete(dsl::approvals.filter(dsl::expires_at.le(now.minus(keep)))).execute(db)
}
