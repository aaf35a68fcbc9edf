//! Where users are enrolled: at which provider account, and under which id there.

use std::collections::BTreeSet;

use diesel::prelude::*;

use super::{
    db::{Db, on_its_own},
    factors::{NewFactor, insert},
    schema::factors::dsl,
};
use crate::domain::{
    clock::Timestamp,
    factor::{Enrolment, FactorKind, FactorState, ProviderAccount, ProviderUser},
    ids::UserId,
};

/// Where a user's phone is enrolled now.
///
/// # Errors
/// When the query fails.
pub fn current(db: &mut Db, user: &UserId) -> QueryResult<Option<Enrolment>> {
    dsl::factors
        .filter(dsl::user_id.eq(user))
        .filter(dsl::kind.eq(FactorKind::Phone))
        .filter(dsl::state.ne(FactorState::Removed))
        .select((dsl::provider_account.assume_not_null(), dsl::provider_user.assume_not_null()))
        .get_result::<(ProviderAccount, ProviderUser)>(db)
        .optional()
        .map(|found| found.map(|(account, user)| Enrolment { account, user }))
}

/// Enrols a user's phone elsewhere: the enrolment in use before is removed, and with it what only
/// its provider knew.
///
/// # Errors
/// When a statement fails.
pub fn replace(db: &mut Db, factor: &NewFactor, now: Timestamp) -> QueryResult<()> {
    end(db, &factor.user_id, now)?;
    insert(db, factor)
}

/// Ends the enrolment of a user's phone: it is enrolled again before its next use.
///
/// # Errors
/// When the statement fails.
pub fn end(db: &mut Db, user: &UserId, now: Timestamp) -> QueryResult<()> {
    let at_provider = dsl::factors
        .filter(dsl::user_id.eq(user))
        .filter(dsl::kind.eq_any([FactorKind::Phone, FactorKind::ProviderAuthenticator, FactorKind::Push]))
        .filter(dsl::state.ne(FactorState::Removed));
    diesel::update(at_provider)
        .set((dsl::state.eq(FactorState::Removed), dsl::removed_at.eq(now)))
        .execute(db)
        .map(drop)
}

/// Who of these is or was, until `since`, enrolled under such an id at such a provider account.
///
/// # Errors
/// When the query fails.
pub fn known(
    db: &mut Db,
    enrolled: &BTreeSet<(&ProviderAccount, &ProviderUser)>,
    since: Timestamp,
) -> QueryResult<BTreeSet<(ProviderAccount, ProviderUser)>> {
    if enrolled.is_empty() {
        return Ok(BTreeSet::new());
    }
    let in_use = dsl::state.ne(FactorState::Removed).or(dsl::removed_at.gt(since));
    // Each once: PostgreSQL looks up every account with every user, and reads the whole table instead of that.
    let accounts: BTreeSet<_> = enrolled.iter().map(|(account, _)| *account).collect();
    let found = dsl::factors
        .filter(dsl::provider_account.eq_any(accounts))
        .filter(dsl::provider_user.eq_any(enrolled.iter().map(|(_, user)| *user)))
        .filter(in_use.assume_not_null())
        .select((dsl::provider_account, dsl::provider_user));
    let found: Vec<(Option<ProviderAccount>, Option<ProviderUser>)> =
        on_its_own!(db, connection => found.load(connection))?;
    Ok(found.into_iter().filter_map(|(account, user)| account.zip(user)).collect())
}

/// Where a user's phone was enrolled at a moment.
///
/// # Errors
/// When the query fails.
pub fn at_moment(db: &mut Db, user: &UserId, moment: Timestamp) -> QueryResult<Option<Enrolment>> {
    dsl::factors
        .filter(dsl::user_id.eq(user))
        .filter(dsl::kind.eq(FactorKind::Phone))
        .filter(dsl::created_at.le(moment))
        .filter(dsl::removed_at.is_null().or(dsl::removed_at.gt(moment)).assume_not_null())
        .order(dsl::created_at.desc())
        .select((dsl::provider_account.assume_not_null(), dsl::provider_user.assume_not_null()))
        .first::<(ProviderAccount, ProviderUser)>(db)
        .optional()
        .map(|found| found.map(|(account, user)| Enrolment { account, user }))
}

/// Which accounts count as sharing a provider's user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// Those that use it now, or have ever had an authenticator there: whose secret the provider keeps for it nobody
    /// knows then.
    Now,
    /// Those that use it, or have used it as long as is remembered. Which of them moves first makes no difference.
    Ever,
}

/// Whether another account shares the provider's user.
///
/// # Errors
/// When a query fails.
pub fn is_shared(db: &mut Db, user: &UserId, at: &Enrolment, sharing: Sharing) -> QueryResult<bool> {
    let counted = match sharing {
        Sharing::Now => vec![FactorState::Unconfirmed, FactorState::Active],
        Sharing::Ever => vec![FactorState::Unconfirmed, FactorState::Active, FactorState::Removed],
    };
    let counts = dsl::kind.eq(FactorKind::Phone).and(dsl::state.eq_any(counted));
    let others: i64 = dsl::factors
        .filter(dsl::provider_account.eq(&at.account))
        .filter(dsl::provider_user.eq(&at.user))
        .filter(dsl::user_id.is_null().or(dsl::user_id.ne(user)).assume_not_null())
        .filter(counts.or(dsl::kind.eq(FactorKind::ProviderAuthenticator)))
        .count()
        .get_result(db)?;
    Ok(others > 0)
}

/// Whether a user has an authenticator enrolled at the provider, or had it until the phone was enrolled elsewhere, and
/// nobody else can have the same one.
///
/// # Errors
/// When a query fails.
pub fn has_own_authenticator(db: &mut Db, user: &UserId, at: &Enrolment) -> QueryResult<bool> {
    let own = dsl::factors
        .filter(dsl::provider_account.eq(&at.account))
        .filter(dsl::provider_user.eq(&at.user))
        .filter(dsl::user_id.eq(user));
    // What its owner has removed is removed. What went with the phone went at the same moment.
    let moved_at: Option<Option<Timestamp>> = own
        .filter(dsl::kind.eq(FactorKind::Phone))
        .order(dsl::created_at.desc())
        .select(dsl::removed_at)
        .first(db)
        .optional()?;
    let authenticators = own.filter(dsl::kind.eq(FactorKind::ProviderAuthenticator));
    let own: i64 = match moved_at.flatten() {
        None => authenticators.filter(dsl::state.ne(FactorState::Removed)).count().get_result(db)?,
        Some(moved_at) => {
            // One that is here since, and was removed here, is the same app's.
            let here: i64 = dsl::factors
                .filter(dsl::user_id.eq(user))
                .filter(dsl::kind.eq(FactorKind::Authenticator))
                .filter(dsl::confirmed_at.ge(moved_at))
                .count()
                .get_result(db)?;
            if here > 0 {
                return Ok(false);
            }
            authenticators.filter(dsl::removed_at.eq(moved_at)).count().get_result(db)?
        }
    };
    Ok(own > 0 && !is_shared(db, user, at, Sharing::Now)?)
}
