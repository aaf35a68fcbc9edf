//! Approval requests where the provider asks each device on its own: one challenge for each.

use diesel::prelude::*;

use super::{
    db::Db,
    schema::approval_challenges::{self, dsl},
    schema::approvals,
};
use crate::domain::{
    approval::ApprovalState,
    factor::{Challenge, ProviderAccount, ProviderUser},
    ids::ApprovalId,
};

/// An open request to be looked up at its provider.
#[derive(Debug, Clone, Queryable)]
pub struct OpenRequest {
    /// The request.
    pub id: ApprovalId,
    /// The provider's reference.
    pub reference: String,
    /// The provider account that holds it.
    pub account: ProviderAccount,
    /// Whose devices are asked.
    pub user: ProviderUser,
}

/// Notes what a request has become at the provider.
///
/// # Errors
/// When the statement fails.
pub fn insert(db: &mut Db, approval: &ApprovalId, challenges: &[Challenge]) -> QueryResult<()> {
    for Challenge { reference, device } in challenges {
        diesel::insert_into(approval_challenges::table)
            .values((dsl::reference.eq(reference), dsl::approval_id.eq(approval), dsl::device.eq(device)))
            .execute(db)?;
    }
    Ok(())
}

/// The challenges of a request; none where the provider asks all devices at once.
///
/// # Errors
/// When the query fails.
pub fn of(db: &mut Db, approval: &ApprovalId) -> QueryResult<Vec<Challenge>> {
    let challenges: Vec<(String, String)> = dsl::approval_challenges
        .filter(dsl::approval_id.eq(approval))
        .order(dsl::reference)
        .select((dsl::reference, dsl::device))
        .load(db)?;
    Ok(challenges.into_iter().map(|(reference, device)| Challenge { reference, device }).collect())
}

/// The open request that a challenge belongs to; `None` where it is unknown or settled.
///
/// # Errors
/// When the query fails.
pub fn open_request(
    db: &mut Db,
    account: &ProviderAccount,
    challenge: &str,
) -> QueryResult<Option<OpenRequest>> {
    dsl::approval_challenges
        .inner_join(approvals::table)
        .filter(dsl::reference.eq(challenge))
        .filter(approvals::provider_account.eq(account))
        .filter(approvals::status.eq(ApprovalState::Pending))
        .select((
            approvals::id,
            approvals::reference.assume_not_null(),
            approvals::provider_account,
            approvals::provider_user,
        ))
        .get_result(db)
        .optional()
}
