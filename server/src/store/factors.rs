//! Factors: a user's phone, authenticator apps, and devices.

use std::time::Duration;

use diesel::{
    dsl::{case_when, exists, not},
    prelude::*,
    sql_types::{BigInt, Nullable, Text},
};

use super::{
    db::{Db, on_its_own},
    schema::factors::{self, dsl},
};
use crate::domain::{
    clock::Timestamp,
    factor::{Enrolment, FactorKind, FactorState, Method, ProviderAccount, ProviderUser},
    ids::{FactorId, UserId},
};

/// A factor as inserted.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = factors)]
pub struct NewFactor {
    /// 128 random bits.
    pub id: FactorId,
    /// Whose.
    pub user_id: UserId,
    /// What it is.
    pub kind: FactorKind,
    /// Its state.
    pub state: FactorState,
    /// What its owner calls it.
    pub name: Option<String>,
    /// Where a phone is enrolled.
    pub provider_account: Option<ProviderAccount>,
    /// The provider's id of the user.
    pub provider_user: Option<ProviderUser>,
    /// An authenticator's secret, encrypted.
    pub secret: Option<String>,
    /// Now.
    pub created_at: Timestamp,
    /// When it was confirmed.
    pub confirmed_at: Option<Timestamp>,
    /// The provider's id of a device.
    pub reference: Option<String>,
}

impl NewFactor {
    /// A phone at its provider.
    #[must_use]
    pub fn phone(
        id: FactorId,
        user_id: UserId,
        at: Enrolment,
        verified_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Self {
        let state = if verified_at.is_some() { FactorState::Active } else { FactorState::Unconfirmed };
        Self {
            id,
            user_id,
            kind: FactorKind::Phone,
            state,
            name: None,
            provider_account: Some(at.account),
            provider_user: Some(at.user),
            secret: None,
            created_at: now,
            confirmed_at: verified_at,
            reference: None,
        }
    }
}

/// An authenticator app.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = factors)]
pub struct AuthenticatorRow {
    /// Its id.
    pub id: FactorId,
    /// Its state.
    pub state: FactorState,
    /// The secret, encrypted.
    #[diesel(select_expression = dsl::secret.assume_not_null())]
    pub secret: String,
    /// The last time step it was used for.
    pub last_step: Option<i64>,
    /// When it was enrolled.
    pub created_at: Timestamp,
}

/// A factor as its owner sees it, and where its provider has it.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = factors)]
pub struct FactorRow {
    /// Its id.
    pub id: FactorId,
    /// What it is.
    pub kind: FactorKind,
    /// Its state.
    pub state: FactorState,
    /// What its owner calls it.
    pub name: Option<String>,
    /// The provider account that has it.
    pub provider_account: Option<ProviderAccount>,
    /// The provider's id of the user.
    pub provider_user: Option<ProviderUser>,
    /// The provider's id of a device.
    pub reference: Option<String>,
    /// When it was enrolled.
    pub created_at: Timestamp,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
}

/// A user's factors, oldest first, without authenticators that nobody has confirmed.
///
/// # Errors
/// When the query fails.
pub fn of_user(db: &mut Db, user: &UserId) -> QueryResult<Vec<FactorRow>> {
    let is_listed = dsl::state.eq(FactorState::Active).or(dsl::kind.eq(FactorKind::Phone));
    dsl::factors
        .filter(dsl::user_id.eq(user))
        .filter(dsl::state.ne(FactorState::Removed))
        .filter(is_listed)
        .order((dsl::created_at, dsl::id))
        .select(FactorRow::as_select())
        .load(db)
}

/// A user's factor, also one that nobody has confirmed; `None` where there is no such one.
///
/// # Errors
/// When the query fails.
pub fn find(db: &mut Db, user: &UserId, id: &FactorId) -> QueryResult<Option<FactorRow>> {
    let own = dsl::factors.find(id).filter(dsl::user_id.eq(user)).filter(dsl::state.ne(FactorState::Removed));
    own.select(FactorRow::as_select()).get_result(db).optional()
}

/// Names a user's factor; `false` when there is no such one.
///
/// # Errors
/// When the statement fails.
pub fn rename(db: &mut Db, user: &UserId, id: &FactorId, name: Option<&str>) -> QueryResult<bool> {
    let own = dsl::factors.find(id).filter(dsl::user_id.eq(user)).filter(dsl::state.ne(FactorState::Removed));
    Ok(diesel::update(own).set(dsl::name.eq(name)).execute(db)? == 1)
}

/// Stores a factor.
///
/// # Errors
/// When the statement fails.
pub fn insert(db: &mut Db, factor: &NewFactor) -> QueryResult<()> {
    diesel::insert_into(factors::table).values(factor).execute(db).map(drop)
}

/// The phones of these users have answered; those of `verified` ones are active from now on.
///
/// # Errors
/// When a statement fails.
pub fn phones_used(
    db: &mut Db,
    users: &[&UserId],
    verified: &[&UserId],
    method: Method,
    now: Timestamp,
) -> QueryResult<()> {
    let phones = dsl::factors
        .filter(dsl::user_id.eq_any(users))
        .filter(dsl::kind.eq(FactorKind::Phone))
        .filter(dsl::state.ne(FactorState::Removed));
    let is_confirmed =
        || dsl::state.eq(FactorState::Unconfirmed).and(dsl::user_id.eq_any(verified).assume_not_null());
    let push = (method == Method::Push).then_some(dsl::last_push_at.eq(now));
    let app_code = (method == Method::App).then_some(dsl::last_app_code_at.eq(now));
    let used = diesel::update(phones).set((
        push,
        app_code,
        dsl::last_used_at.eq(now),
        dsl::state
            .eq(case_when(is_confirmed(), FactorState::Active.into_sql::<Text>()).otherwise(dsl::state)),
        dsl::confirmed_at
            .eq(case_when(is_confirmed(), now.into_sql::<Nullable<BigInt>>()).otherwise(dsl::confirmed_at)),
    ));
    on_its_own!(db, connection => used.execute(connection)).map(drop)
}

/// A user's authenticator in this state.
///
/// # Errors
/// When the query fails.
pub fn authenticator(
    db: &mut Db,
    user: &UserId,
    state: FactorState,
) -> QueryResult<Option<AuthenticatorRow>> {
    dsl::factors
        .filter(dsl::user_id.eq(user))
        .filter(dsl::kind.eq(FactorKind::Authenticator))
        .filter(dsl::state.eq(state))
        .select(AuthenticatorRow::as_select())
        .get_result(db)
        .optional()
}

/// Whether a user has an active authenticator app.
///
/// # Errors
/// When the query fails.
pub fn has_authenticator(db: &mut Db, user: &UserId) -> QueryResult<bool> {
    let count: i64 = dsl::factors
        .filter(dsl::user_id.eq(user))
        .filter(dsl::kind.eq(FactorKind::Authenticator))
        .filter(dsl::state.eq(FactorState::Active))
        .count()
        .get_result(db)?;
    Ok(count > 0)
}

/// Uses a time step of an authenticator; `false` when this or a later step was used before.
///
/// # Errors
/// When the statement fails.
pub fn use_step(db: &mut Db, id: &FactorId, step: i64, now: Timestamp) -> QueryResult<bool> {
    let unused = dsl::factors
        .find(id)
        .filter(dsl::state.ne(FactorState::Removed))
        .filter(dsl::last_step.is_null().or(dsl::last_step.lt(step)));
    let used =
        diesel::update(unused).set((dsl::last_step.eq(step), dsl::last_used_at.eq(now))).execute(db)?;
    Ok(used == 1)
}

/// Makes an unconfirmed authenticator the active one; the one before it is removed, and so is one
/// enrolled at the provider. `false` when it is not waiting for confirmation.
///
/// # Errors
/// When a statement fails.
pub fn confirm_authenticator(db: &mut Db, user: &UserId, id: &FactorId, now: Timestamp) -> QueryResult<bool> {
    let replaced = dsl::factors
        .filter(dsl::user_id.eq(user))
        .filter(dsl::kind.eq_any([FactorKind::Authenticator, FactorKind::ProviderAuthenticator]))
        .filter(dsl::state.eq(FactorState::Active));
    diesel::update(replaced).set(removed(now)).execute(db)?;
    let waiting =
        dsl::factors.find(id).filter(dsl::user_id.eq(user)).filter(dsl::state.eq(FactorState::Unconfirmed));
    let confirmed = diesel::update(waiting)
        .set((dsl::state.eq(FactorState::Active), dsl::confirmed_at.eq(now)))
        .execute(db)?;
    Ok(confirmed == 1)
}

/// What removing a factor writes: its secret goes at once.
#[expect(clippy::type_complexity, reason = "diesel's changeset types spell out every column")]
fn removed(
    now: Timestamp,
) -> (
    diesel::dsl::Eq<dsl::state, FactorState>,
    diesel::dsl::Eq<dsl::removed_at, Timestamp>,
    diesel::dsl::Eq<dsl::secret, Option<String>>,
) {
    (dsl::state.eq(FactorState::Removed), dsl::removed_at.eq(now), dsl::secret.eq(None))
}

/// Removes a user's authenticator or device; `false` when there is no such one.
///
/// # Errors
/// When the statement fails.
pub fn remove(db: &mut Db, user: &UserId, id: &FactorId, now: Timestamp) -> QueryResult<bool> {
    let own = dsl::factors
        .find(id)
        .filter(dsl::user_id.eq(user))
        .filter(dsl::kind.ne(FactorKind::Phone))
        .filter(dsl::state.ne(FactorState::Removed));
    Ok(diesel::update(own).set(removed(now)).execute(db)? == 1)
}

/// Removes a user's unconfirmed authenticator, if there is one.
///
/// # Errors
/// When the statement fails.
pub fn discard_unconfirmed(db: &mut Db, user: &UserId, now: Timestamp) -> QueryResult<()> {
    let waiting = dsl::factors
        .filter(dsl::user_id.eq(user))
        .filter(dsl::kind.eq(FactorKind::Authenticator))
        .filter(dsl::state.eq(FactorState::Unconfirmed));
    diesel::update(waiting).set(removed(now)).execute(db).map(drop)
}

/// All encrypted secrets, for sealing them again under another key.
///
/// # Errors
/// When the query fails.
pub fn secrets(db: &mut Db) -> QueryResult<Vec<(FactorId, String)>> {
    dsl::factors.filter(dsl::secret.is_not_null()).select((dsl::id, dsl::secret.assume_not_null())).load(db)
}

/// Replaces an encrypted secret, unless it has changed since it was read.
///
/// # Errors
/// When the statement fails.
pub fn replace_secret(db: &mut Db, id: &FactorId, old: &str, new: &str) -> QueryResult<()> {
    diesel::update(dsl::factors.find(id).filter(dsl::secret.eq(old)))
        .set(dsl::secret.eq(new))
        .execute(db)
        .map(drop)
}

/// Forgets at most so many factors that were removed long ago. Who has had an authenticator at a provider is remembered
/// as long as somebody uses the same user there.
///
/// # Errors
/// When a statement fails.
pub fn sweep(db: &mut Db, now: Timestamp, keep: Duration, most: i64) -> QueryResult<usize> {
    let others = diesel::alias!(factors as others);
    let is_used = others
        .filter(others.field(dsl::provider_account).eq(dsl::provider_account))
        .filter(others.field(dsl::provider_user).eq(dsl::provider_user))
        .filter(others.field(dsl::state).ne(FactorState::Removed));
    let forgotten = dsl::factors
        .filter(dsl::state.eq(FactorState::Removed))
        .filter(dsl::removed_at.le(now.minus(keep)))
        .filter(dsl::kind.ne(FactorKind::ProviderAuthenticator).or(not(exists(is_used))));
    let ids: Vec<FactorId> = forgotten.select(dsl::id).limit(most).load(db)?;
    diesel::delete(dsl::factors.filter(dsl::id.eq_any(ids))).execute(db)
}

/// Removes all factors of a user who is about to be removed.
///
/// # Errors
/// When the statement fails.
pub fn remove_all(db: &mut Db, user: &UserId, now: Timestamp) -> QueryResult<()> {
    let all = dsl::factors.filter(dsl::user_id.eq(user)).filter(dsl::state.ne(FactorState::Removed));
    diesel::update(all).set(removed(now)).execute(db).map(drop)
}
