//! Devices that are registered at a provider and answer approval requests, as factors of their users.

use std::collections::BTreeSet;

use diesel::prelude::*;

use super::{
    db::Db,
    enrolments,
    factors::{self, NewFactor},
    schema::factors::dsl,
};
use crate::domain::{
    clock::Timestamp,
    factor::{Enrolment, FactorKind, FactorState, ProviderAccount, PushDevice},
    ids::{FactorId, Random, UserId},
};

/// What a list of the provider has changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Changed {
    /// Devices that were not known before.
    pub added: usize,
    /// Devices the provider no longer has.
    pub removed: usize,
}

/// A list of the provider.
#[derive(Debug, Clone, Copy)]
pub struct Listed<'a> {
    /// What was listed.
    pub devices: &'a [PushDevice],
    /// When it was asked for.
    pub asked_at: Timestamp,
}

/// Whether a device may have been registered for a user: an app has had a token for it.
///
/// # Errors
/// When the query fails.
pub fn may_exist(db: &mut Db, user: &UserId) -> QueryResult<bool> {
    let phones: i64 = dsl::factors
        .filter(dsl::user_id.eq(user))
        .filter(dsl::kind.eq(FactorKind::Phone))
        .filter(dsl::state.ne(FactorState::Removed))
        .filter(dsl::device_token_at.is_not_null())
        .count()
        .get_result(db)?;
    Ok(phones > 0)
}

/// An app is about to get a token that registers a device.
///
/// # Errors
/// When the statement fails.
pub fn note_token(db: &mut Db, user: &UserId, now: Timestamp) -> QueryResult<()> {
    let phone = dsl::factors
        .filter(dsl::user_id.eq(user))
        .filter(dsl::kind.eq(FactorKind::Phone))
        .filter(dsl::state.ne(FactorState::Removed));
    diesel::update(phone).set(dsl::device_token_at.eq(now)).execute(db).map(drop)
}

/// Whose devices a provider's user has; `None` where nobody is enrolled so any more.
///
/// # Errors
/// When the query fails.
pub fn owner(db: &mut Db, at: &Enrolment) -> QueryResult<Option<UserId>> {
    let owner: Option<Option<UserId>> = dsl::factors
        .filter(dsl::provider_account.eq(&at.account))
        .filter(dsl::provider_user.eq(&at.user))
        .filter(dsl::kind.eq(FactorKind::Phone))
        .filter(dsl::state.ne(FactorState::Removed))
        .select(dsl::user_id)
        .get_result(db)
        .optional()?;
    Ok(owner.flatten())
}

/// Makes a user's devices those that the provider has listed: new ones are factors from now on, others are removed.
/// Nothing where they have changed here since the list was asked for: it is perhaps an older one.
///
/// # Errors
/// When a statement fails.
pub fn sync(
    db: &mut Db,
    user: &UserId,
    at: &Enrolment,
    listed: Listed<'_>,
    random: Random,
    now: Timestamp,
) -> QueryResult<Changed> {
    let Listed { devices: listed, asked_at } = listed;
    super::lock(db, user.as_str())?;
    // Enrolled elsewhere meanwhile: these devices are nobody's.
    if enrolments::current(db, user)?.as_ref() != Some(at) {
        return Ok(Changed::default());
    }
    let changed_since: i64 = dsl::factors
        .filter(dsl::user_id.eq(user))
        .filter(dsl::kind.eq(FactorKind::Push))
        .filter(dsl::created_at.gt(asked_at).or(dsl::removed_at.gt(asked_at).assume_not_null()))
        .count()
        .get_result(db)?;
    if changed_since > 0 {
        return Ok(Changed::default());
    }
    let known: Vec<(FactorId, Option<String>)> = dsl::factors
        .filter(dsl::user_id.eq(user))
        .filter(dsl::kind.eq(FactorKind::Push))
        .filter(dsl::state.ne(FactorState::Removed))
        .select((dsl::id, dsl::reference))
        .load(db)?;
    let is_listed = |reference: &Option<String>| {
        listed.iter().any(|device| Some(&device.reference) == reference.as_ref())
    };
    let gone: Vec<FactorId> =
        known.iter().filter(|(_, reference)| !is_listed(reference)).map(|(id, _)| id.clone()).collect();
    let mut changed = Changed { added: 0, removed: gone.len() };
    if !gone.is_empty() {
        let gone = dsl::factors.filter(dsl::id.eq_any(gone));
        diesel::update(gone)
            .set((dsl::state.eq(FactorState::Removed), dsl::removed_at.eq(now)))
            .execute(db)?;
    }
    let known: BTreeSet<&str> = known.iter().filter_map(|(_, reference)| reference.as_deref()).collect();
    for device in listed.iter().filter(|device| !known.contains(device.reference.as_str())) {
        changed.added += 1;
        factors::insert(
            db,
            &NewFactor {
                id: FactorId::new(random),
                user_id: user.clone(),
                kind: FactorKind::Push,
                state: FactorState::Active,
                name: Some(device.name.clone()).filter(|name| !name.is_empty()),
                provider_account: Some(at.account.clone()),
                provider_user: Some(at.user.clone()),
                secret: None,
                created_at: now,
                confirmed_at: Some(now),
                reference: Some(device.reference.clone()),
            },
        )?;
    }
    Ok(changed)
}

/// A device has answered.
///
/// # Errors
/// When the statement fails.
pub fn used(db: &mut Db, account: &ProviderAccount, device: &str, now: Timestamp) -> QueryResult<()> {
    let device = dsl::factors
        .filter(dsl::provider_account.eq(account))
        .filter(dsl::reference.eq(device))
        .filter(dsl::state.ne(FactorState::Removed));
    diesel::update(device).set(dsl::last_used_at.eq(now)).execute(db).map(drop)
}
