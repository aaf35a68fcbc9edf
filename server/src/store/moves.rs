//! Who is enrolled at another provider than the current one, and what would move with them.

use diesel::prelude::*;

use super::{db::Db, enrolments, schema::factors::dsl};
use crate::domain::{
    clock::Timestamp,
    factor::{Enrolment, FactorKind, FactorState, ProviderAccount, ProviderUser},
    ids::UserId,
};

/// Enrolled users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// All of them.
    pub all: i64,
    /// Those at one provider account.
    pub there: i64,
}

/// A user who may move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Where they are enrolled.
    pub at: Enrolment,
    /// When they last approved a request, or entered a code of the provider's app; without codes where the authenticator
    /// comes along.
    pub used_app_at: Option<Timestamp>,
    /// Whether they have registered devices, as far as is known here.
    pub has_devices: bool,
    /// Whether there may be devices that are not known yet.
    pub may_have_devices: bool,
    /// Whether they use an authenticator whose secret the provider keeps.
    pub has_provider_authenticator: bool,
    /// Whether another account uses the same user of the provider, or has used it.
    pub is_shared: bool,
}

/// Counts enrolled users, and those at `account`.
///
/// # Errors
/// When a query fails.
pub fn counts(db: &mut Db, account: &ProviderAccount) -> QueryResult<Counts> {
    let phones = dsl::factors
        .filter(dsl::kind.eq(FactorKind::Phone))
        .filter(dsl::state.ne(FactorState::Removed))
        .filter(dsl::user_id.is_not_null());
    let all = phones.count().get_result(db)?;
    let there = phones.filter(dsl::provider_account.eq(account)).count().get_result(db)?;
    Ok(Counts { all, there })
}

/// The next users enrolled elsewhere than at `account`, in the order of their ids.
///
/// # Errors
/// When the query fails.
pub fn elsewhere(
    db: &mut Db,
    account: &ProviderAccount,
    after: Option<&UserId>,
    most: i64,
) -> QueryResult<Vec<UserId>> {
    let first = UserId::from_text("");
    dsl::factors
        .filter(dsl::kind.eq(FactorKind::Phone))
        .filter(dsl::state.ne(FactorState::Removed))
        .filter(dsl::provider_account.ne(account))
        .filter(dsl::user_id.gt(after.unwrap_or(&first)))
        .order(dsl::user_id)
        .limit(most)
        .select(dsl::user_id.assume_not_null())
        .load(db)
}

/// What is known of a user who may move; `None` where they are enrolled nowhere.
///
/// # Errors
/// When a query fails.
pub fn candidate(db: &mut Db, user: &UserId) -> QueryResult<Option<Candidate>> {
    let in_use = dsl::factors.filter(dsl::state.ne(FactorState::Removed));
    type Times = (Option<Timestamp>, Option<Timestamp>, Option<Timestamp>);
    type Phone = (ProviderAccount, ProviderUser, Times);
    let phone: Option<Phone> = in_use
        .filter(dsl::user_id.eq(user))
        .filter(dsl::kind.eq(FactorKind::Phone))
        .select((
            dsl::provider_account.assume_not_null(),
            dsl::provider_user.assume_not_null(),
            (dsl::last_push_at, dsl::last_app_code_at, dsl::device_token_at),
        ))
        .get_result(db)
        .optional()?;
    let Some((account, provider_user, (last_push_at, last_app_code_at, device_token_at))) = phone else {
        return Ok(None);
    };
    let at = Enrolment { account, user: provider_user };
    let devices: i64 =
        in_use.filter(dsl::user_id.eq(user)).filter(dsl::kind.eq(FactorKind::Push)).count().get_result(db)?;
    let has_devices = devices > 0;
    let has_provider_authenticator = has_provider_authenticator(db, user)?;
    let is_shared = enrolments::is_shared(db, user, &at, enrolments::Sharing::Ever)?;
    // Its codes are such of the provider's app; they go on after the move.
    let comes_along = has_provider_authenticator && !is_shared;
    Ok(Some(Candidate {
        at,
        used_app_at: last_push_at.max(last_app_code_at.filter(|_| !comes_along)),
        has_devices,
        may_have_devices: device_token_at.is_some(),
        has_provider_authenticator,
        is_shared,
    }))
}

/// Whether a user has an authenticator whose secret the provider keeps.
///
/// # Errors
/// When the query fails.
pub fn has_provider_authenticator(db: &mut Db, user: &UserId) -> QueryResult<bool> {
    let authenticators: i64 = dsl::factors
        .filter(dsl::user_id.eq(user))
        .filter(dsl::kind.eq(FactorKind::ProviderAuthenticator))
        .filter(dsl::state.ne(FactorState::Removed))
        .count()
        .get_result(db)?;
    Ok(authenticators > 0)
}
