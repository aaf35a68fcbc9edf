//! Accounts.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use diesel::prelude::*;

use super::{
    db::{Db, on_its_own},
    factors,
    schema::users::{self, dsl},
};
use crate::domain::{
    account::key,
    clock::Timestamp,
    factor::{LossReason, Method},
    ids::UserId,
    phone::Phone,
    text::nfc,
};

/// An account that has not been used for this long does not count for its phone.
const UNUSED_AFTER: Duration = Duration::from_secs(365 * 24 * 3600);

/// An account as stored.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = users)]
pub struct UserRow {
    /// Its id.
    pub id: UserId,
    /// As given, in NFC.
    pub full_name: String,
    /// As given.
    pub username: Option<String>,
    /// As given, in NFC.
    pub email: String,
    /// See [`password`](crate::domain::password).
    pub password_hash: String,
    /// Changes with the password.
    pub password_version: i32,
    /// The phone.
    pub phone: Phone,
    /// When a code or an approval from the phone first succeeded.
    pub phone_verified_at: Option<Timestamp>,
    /// When the account was made.
    pub created_at: Timestamp,
    /// Why its authenticator stayed behind at another provider; until it is set up again, or the user has read that.
    pub authenticator_lost: Option<LossReason>,
    /// When the e-mail was verified by a link.
    pub email_verified_at: Option<Timestamp>,
    /// Since when an operator has disabled the account.
    pub disabled_at: Option<Timestamp>,
    /// When the password was last changed.
    pub password_changed_at: Option<Timestamp>,
    /// Whether anybody has signed in on the page: then a plain approval signs nobody in any more.
    pub uses_page: bool,
    /// When a factor last passed.
    pub last_sign_in_at: Option<Timestamp>,
    /// Since when the phone of an account that was made by a sign-up waits to be verified.
    pub unverified_since: Option<Timestamp>,
}

impl UserRow {
    /// Whether the e-mail is verified.
    #[must_use]
    pub fn is_email_verified(&self) -> bool {
        self.email_verified_at.is_some()
    }

    /// Whether the phone is verified.
    #[must_use]
    pub fn is_phone_verified(&self) -> bool {
        self.phone_verified_at.is_some()
    }
}

/// A new account.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = users)]
pub struct NewUserRow {
    /// See [`UserRow`].
    pub id: UserId,
    /// See [`UserRow`].
    pub full_name: String,
    /// See [`UserRow`].
    pub username: Option<String>,
    /// What usernames are compared by.
    pub username_key: Option<String>,
    /// See [`UserRow`].
    pub email: String,
    /// What e-mails are compared by.
    pub email_key: String,
    /// See [`UserRow`].
    pub password_hash: String,
    /// See [`UserRow`].
    pub phone: Phone,
    /// See [`UserRow`].
    pub created_at: Timestamp,
    /// Since when the phone waits to be verified: now.
    pub unverified_since: Option<Timestamp>,
}

/// The user with this id.
///
/// # Errors
/// When the query fails.
pub fn by_id(db: &mut Db, id: &UserId) -> QueryResult<Option<UserRow>> {
    dsl::users.find(id).select(UserRow::as_select()).get_result(db).optional()
}

/// When a user last passed a factor.
///
/// # Errors
/// When the query fails.
pub fn last_sign_in(db: &mut Db, id: &UserId) -> QueryResult<Option<Timestamp>> {
    dsl::users.find(id).select(dsl::last_sign_in_at).get_result(db)
}

/// The user with this e-mail or username: as typed first, for accounts made before texts were
/// normalized, then in NFC.
///
/// # Errors
/// When a query fails.
pub fn by_login(db: &mut Db, typed: &str) -> QueryResult<Option<UserRow>> {
    let (typed, normalized) = (key(typed), key(&nfc(typed)));
    let found = by_key(db, &typed)?;
    if found.is_some() || typed == normalized { Ok(found) } else { by_key(db, &normalized) }
}

fn by_key(db: &mut Db, key: &str) -> QueryResult<Option<UserRow>> {
    dsl::users
        .filter(dsl::email_key.eq(key).or(dsl::username_key.eq(key)))
        .select(UserRow::as_select())
        .get_result(db)
        .optional()
}

/// Which of the two is taken already, by its name on the wire.
///
/// # Errors
/// When the query fails.
pub fn taken_field(
    db: &mut Db,
    email_key: &str,
    username_key: Option<&str>,
) -> QueryResult<Option<&'static str>> {
    if dsl::users.filter(dsl::email_key.eq(email_key)).count().get_result::<i64>(db)? > 0 {
        return Ok(Some("email"));
    }
    let Some(username_key) = username_key else { return Ok(None) };
    let others: i64 = dsl::users.filter(dsl::username_key.eq(username_key)).count().get_result(db)?;
    Ok((others > 0).then_some("username"))
}

/// Stores a new account.
///
/// # Errors
/// When e-mail or username are taken, or the statement fails.
pub fn insert(db: &mut Db, user: &NewUserRow) -> QueryResult<()> {
    diesel::insert_into(users::table).values(user).execute(db).map(drop)
}

/// Replaces a hash, unless it has changed since it was read.
///
/// # Errors
/// When the statement fails.
pub fn replace_hash(db: &mut Db, id: &UserId, old: &str, new: &str) -> QueryResult<()> {
    diesel::update(dsl::users.find(id).filter(dsl::password_hash.eq(old)))
        .set(dsl::password_hash.eq(new))
        .execute(db)
        .map(drop)
}

/// What a passed factor means for the account's phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhoneVerification {
    /// It was verified before, or the factor does not verify it.
    Unchanged,
    /// It is verified from now on.
    First,
    /// It stays unverified: enough other accounts have verified the same number.
    InUse,
}

/// What to do when a factor has passed.
#[derive(Debug, Clone, Copy)]
pub struct FactorPassed<'a> {
    /// Whose.
    pub users: &'a [&'a UserId],
    /// Which factor.
    pub method: Method,
    /// Whether a lock for wrong codes ends.
    pub clears_lock: bool,
    /// Whether it shows that the phones are with their users.
    pub verifies_phone: bool,
    /// Accounts that may have verified one phone; 0 for no limit.
    pub accounts_per_phone: u32,
}

/// A factor has passed: the accounts were used, wrong codes are forgotten, and the phones are verified if
/// the factor shows that they are with their users. Returns what became of phones that were unverified.
///
/// # Errors
/// When a statement fails.
pub fn factor_passed(
    db: &mut Db,
    passed: FactorPassed<'_>,
    now: Timestamp,
) -> QueryResult<BTreeMap<UserId, PhoneVerification>> {
    let FactorPassed { users, method, clears_lock, verifies_phone, accounts_per_phone } = passed;
    let used = diesel::update(dsl::users.filter(dsl::id.eq_any(users)));
    let noted = (dsl::last_channel.eq(method), dsl::last_sign_in_at.eq(now));
    let after = (dsl::phone, dsl::id, dsl::phone_verified_at);
    let rows: Vec<(Phone, UserId, Option<Timestamp>)> = if clears_lock {
        let used = used.set((noted, WrongCodes::default())).returning(after);
        on_its_own!(db, connection => used.get_results(connection))?
    } else {
        let used = used.set(noted).returning(after);
        on_its_own!(db, connection => used.get_results(connection))?
    };
    let mut verifications = BTreeMap::new();
    if !verifies_phone {
        return Ok(verifications);
    }
    // In their order: two transactions that verify the same phones wait for each other in turn.
    let unverified: BTreeSet<(String, UserId)> = rows
        .into_iter()
        .filter(|(_, _, verified_at)| verified_at.is_none())
        .map(|(phone, user, _)| (phone.e164().to_owned(), user))
        .collect();
    for (phone, user) in unverified {
        let verification = verify_phone(db, &user, &phone, accounts_per_phone, now)?;
        verifications.insert(user, verification);
    }
    let is_verified = |user: &UserId| verifications.get(user) != Some(&PhoneVerification::InUse);
    let verified: Vec<&UserId> = users.iter().copied().filter(|user| is_verified(user)).collect();
    factors::phones_used(db, users, &verified, method, now)?;
    Ok(verifications)
}

fn verify_phone(
    db: &mut Db,
    user: &UserId,
    phone: &str,
    accounts_per_phone: u32,
    now: Timestamp,
) -> QueryResult<PhoneVerification> {
    if is_phone_used_up(db, phone, accounts_per_phone, now)? {
        return Ok(PhoneVerification::InUse);
    }
    let first = diesel::update(dsl::users.find(user).filter(dsl::phone_verified_at.is_null()))
        .set((dsl::phone_verified_at.eq(now), dsl::unverified_since.eq(None::<Timestamp>)))
        .execute(db)?;
    Ok(if first == 1 { PhoneVerification::First } else { PhoneVerification::Unchanged })
}

/// Whether enough accounts have verified a number. The number is locked until the transaction ends.
///
/// # Errors
/// When a statement fails.
pub fn is_phone_used_up(
    db: &mut Db,
    phone: &str,
    accounts_per_phone: u32,
    now: Timestamp,
) -> QueryResult<bool> {
    super::lock(db, phone)?;
    if accounts_per_phone > 0 {
        let year_ago = now.minus(UNUSED_AFTER);
        let used = dsl::last_sign_in_at.gt(year_ago).or(dsl::created_at.gt(year_ago));
        let others: i64 = dsl::users
            .filter(dsl::phone.eq(phone))
            .filter(dsl::phone_verified_at.is_not_null())
            .filter(used.assume_not_null())
            .count()
            .get_result(db)?;
        if others >= i64::from(accounts_per_phone) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// These accounts were used on the page.
///
/// # Errors
/// When the statement fails.
pub fn note_page_use(db: &mut Db, users: &[&UserId]) -> QueryResult<()> {
    let used = diesel::update(dsl::users.filter(dsl::id.eq_any(users))).set(dsl::uses_page.eq(true));
    on_its_own!(db, connection => used.execute(connection)).map(drop)
}

/// Notes that a user has signed in without a challenge, in a remembered browser.
///
/// # Errors
/// When the statement fails.
pub fn note_sign_in(db: &mut Db, id: &UserId, now: Timestamp) -> QueryResult<()> {
    diesel::update(dsl::users.find(id)).set(dsl::last_sign_in_at.eq(now)).execute(db).map(drop)
}

/// Wrong codes of an account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Queryable, AsChangeset)]
#[diesel(table_name = users, treat_none_as_null = true)]
pub struct WrongCodes {
    /// In a row.
    #[diesel(column_name = wrong_codes)]
    pub count: i32,
    /// Until when they lock the account.
    #[diesel(column_name = codes_locked_until)]
    pub locked_until: Option<Timestamp>,
    /// Locks in a row.
    #[diesel(column_name = code_locks)]
    pub locks: i32,
}

/// Wrong codes of an account.
///
/// # Errors
/// When the query fails.
pub fn wrong_codes(db: &mut Db, id: &UserId) -> QueryResult<WrongCodes> {
    dsl::users.find(id).select((dsl::wrong_codes, dsl::codes_locked_until, dsl::code_locks)).get_result(db)
}

/// Notes wrong codes of an account.
///
/// # Errors
/// When the statement fails.
pub fn set_wrong_codes(db: &mut Db, id: &UserId, codes: WrongCodes) -> QueryResult<()> {
    diesel::update(dsl::users.find(id)).set(codes).execute(db).map(drop)
}

/// Notes that a user's authenticator stayed behind at another provider, or that this is over.
///
/// # Errors
/// When the statement fails.
pub fn set_authenticator_lost(db: &mut Db, id: &UserId, why: Option<LossReason>) -> QueryResult<()> {
    diesel::update(dsl::users.find(id)).set(dsl::authenticator_lost.eq(why)).execute(db).map(drop)
}

/// Hashes of all accounts, for counting what is left under an old key.
///
/// # Errors
/// When the query fails.
pub fn password_hashes(db: &mut Db) -> QueryResult<Vec<(UserId, String)>> {
    dsl::users.select((dsl::id, dsl::password_hash)).load(db)
}

/// Accounts made since this can be told whose phone was never verified and that were not used since
/// `before`; at most `most` of them.
///
/// # Errors
/// When the query fails.
pub fn never_verified(db: &mut Db, before: Timestamp, most: i64) -> QueryResult<Vec<UserId>> {
    let unused = dsl::last_sign_in_at.is_null().or(dsl::last_sign_in_at.le(before));
    dsl::users
        .filter(dsl::phone_verified_at.is_null())
        .filter(dsl::unverified_since.le(before))
        .filter(unused.assume_not_null())
        .select(dsl::id)
        .limit(most)
        .load(db)
}

/// Locks the row of an account that has still not verified its phone; `false` where it has.
///
/// # Errors
/// When the statement fails.
pub fn claim_unverified(db: &mut Db, id: &UserId, before: Timestamp) -> QueryResult<bool> {
    let unverified = dsl::users
        .find(id)
        .filter(dsl::phone_verified_at.is_null())
        .filter(dsl::last_sign_in_at.is_null().or(dsl::last_sign_in_at.le(before)).assume_not_null());
    // Any update locks the row until the transaction ends.
    let claimed = diesel::update(unverified).set(dsl::unverified_since.eq(None::<Timestamp>)).execute(db)?;
    Ok(claimed == 1)
}

/// Removes an account; its sessions and factors are removed before.
///
/// # Errors
/// When the statement fails.
pub fn delete(db: &mut Db, id: &UserId) -> QueryResult<usize> {
    diesel::delete(dsl::users.find(id)).execute(db)
}
