//! Approval requests about actions, each redeemed once.

use diesel::prelude::*;

use super::{
    db::Db,
    schema::approvals::{self, dsl},
};
use crate::domain::{
    approval::{ApprovalPurpose, ApprovalState},
    clock::Timestamp,
    ids::{ApprovalId, UserId},
};

/// An action's request, as its owner sees it.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = approvals)]
pub struct ActionRow {
    /// Its own id.
    pub id: ApprovalId,
    /// The message.
    pub message: String,
    /// Details as JSON.
    pub details: String,
    /// As stored.
    pub status: ApprovalState,
    /// When it was sent.
    pub created_at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
    /// When it was answered.
    pub settled_at: Option<Timestamp>,
    /// Digest of its data.
    pub data_digest: Option<String>,
    /// When the approval was used.
    pub redeemed_at: Option<Timestamp>,
}

/// A user's request about an action; `None` when there is none, or it is another user's.
///
/// # Errors
/// When the query fails.
pub fn find(db: &mut Db, user_id: &UserId, reference: &str) -> QueryResult<Option<ActionRow>> {
    dsl::approvals
        .filter(dsl::reference.eq(reference))
        .filter(dsl::user_id.eq(user_id))
        .filter(dsl::purpose.eq(ApprovalPurpose::Action))
        .select(ActionRow::as_select())
        .get_result(db)
        .optional()
}

/// Uses an approval; `false` when it was used before.
///
/// # Errors
/// When the statement fails.
pub fn redeem(db: &mut Db, id: &ApprovalId, now: Timestamp) -> QueryResult<bool> {
    let unused = dsl::approvals.find(id).filter(dsl::redeemed_at.is_null());
    Ok(diesel::update(unused).set(dsl::redeemed_at.eq(now)).execute(db)? == 1)
}
