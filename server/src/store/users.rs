//! Accounts.

use diesel::prelude::*;
use shared::Channel;

use super::{
    columns::ChannelColumn,
    db::Db,
    schema::users::{self, dsl},
};
use crate::domain::clock::Timestamp;

/// An account as stored.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = users)]
pub struct UserRow {
    /// 128 random bits as text.
    pub id: String,
    /// As given.
    pub full_name: String,
    /// As given.
    pub username: Option<String>,
    /// As given.
    pub email: String,
    /// See [`password`](crate::domain::password).
    pub password_hash: String,
    /// Digits.
    pub calling_code: String,
    /// Digits.
    pub national_number: String,
    /// When a code or push from the phone first succeeded.
    pub phone_proven_at: Option<Timestamp>,
    /// The provider's account the user is enrolled at: base address and key fingerprint.
    pub provider_account: String,
    /// The provider's id for the user.
    pub provider_user: String,
    /// When the account was made.
    pub created_at: Timestamp,
    /// When an authenticator app was shown its secret.
    pub authenticator_at: Option<Timestamp>,
}

impl UserRow {
    /// The number, as may be shown before its owner has signed in.
    #[must_use]
    pub fn masked_phone(&self) -> String {
        shared::phone::mask(&self.calling_code, &self.national_number)
    }
}

/// A new account.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = users)]
pub struct NewUserRow {
    /// See [`UserRow`].
    pub id: String,
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
    pub calling_code: String,
    /// See [`UserRow`].
    pub national_number: String,
    /// See [`UserRow`].
    pub provider_account: String,
    /// See [`UserRow`].
    pub provider_user: String,
    /// See [`UserRow`].
    pub created_at: Timestamp,
}

/// The user with this id.
///
/// # Errors
/// When the query fails.
pub fn by_id(db: &mut Db, id: &str) -> QueryResult<Option<UserRow>> {
    dsl::users.find(id).select(UserRow::as_select()).get_result(db).optional()
}

/// The user with this e-mail or this username; the key is lower case.
///
/// # Errors
/// When the query fails.
pub fn by_login(db: &mut Db, key: &str) -> QueryResult<Option<UserRow>> {
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
pub fn taken(db: &mut Db, email_key: &str, username_key: Option<&str>) -> QueryResult<Option<&'static str>> {
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

/// Whether anybody is enrolled under this id of the provider's.
///
/// # Errors
/// When the query fails.
pub fn is_enrolled(db: &mut Db, provider_user: &str) -> QueryResult<bool> {
    let count: i64 = dsl::users.filter(dsl::provider_user.eq(provider_user)).count().get_result(db)?;
    Ok(count > 0)
}

/// Notes a new enrolment.
///
/// # Errors
/// When the statement fails.
pub fn set_enrolment(db: &mut Db, id: &str, account: &str, provider_user: &str) -> QueryResult<()> {
    diesel::update(dsl::users.find(id))
        .set((
            dsl::provider_account.eq(account),
            dsl::provider_user.eq(provider_user),
            // The secret of the old enrolment opens nothing at the new one.
            dsl::authenticator_at.eq(None::<Timestamp>),
        ))
        .execute(db)
        .map(drop)
}

/// Replaces a hash, unless somebody else has replaced it since.
///
/// # Errors
/// When the statement fails.
pub fn replace_hash(db: &mut Db, id: &str, old: &str, new: &str) -> QueryResult<()> {
    diesel::update(dsl::users.find(id).filter(dsl::password_hash.eq(old)))
        .set(dsl::password_hash.eq(new))
        .execute(db)
        .map(drop)
}

/// The phone has answered: it is proven from now on, and wrong codes are forgotten. Answers whether
/// it was the first time.
///
/// # Errors
/// When a statement fails.
pub fn phone_answered(db: &mut Db, id: &str, by: Channel, now: Timestamp) -> QueryResult<bool> {
    diesel::update(dsl::users.find(id))
        .set((
            dsl::wrong_codes.eq(0),
            dsl::codes_locked_until.eq(None::<Timestamp>),
            dsl::last_channel.eq(ChannelColumn(by)),
        ))
        .execute(db)?;
    let proven = diesel::update(dsl::users.find(id).filter(dsl::phone_proven_at.is_null()))
        .set(dsl::phone_proven_at.eq(now))
        .execute(db)?;
    Ok(proven == 1)
}

/// Notes that an authenticator app is shown its secret; `false` when one was shown before and is
/// not to be replaced.
///
/// # Errors
/// When the statement fails.
pub fn show_authenticator(db: &mut Db, id: &str, replace: bool, now: Timestamp) -> QueryResult<bool> {
    let mut user = diesel::update(dsl::users.find(id)).into_boxed();
    if !replace {
        user = user.filter(dsl::authenticator_at.is_null());
    }
    Ok(user.set(dsl::authenticator_at.eq(now)).execute(db)? == 1)
}

/// Takes that back: nothing was shown at that moment. Somebody else's later showing stays.
///
/// # Errors
/// When the statement fails.
pub fn hide_authenticator(
    db: &mut Db,
    id: &str,
    shown: Timestamp,
    before: Option<Timestamp>,
) -> QueryResult<()> {
    diesel::update(dsl::users.find(id).filter(dsl::authenticator_at.eq(shown)))
        .set(dsl::authenticator_at.eq(before))
        .execute(db)
        .map(drop)
}

/// Wrong codes in a row, and until when they lock the user out.
///
/// # Errors
/// When the query fails.
pub fn wrong_codes(db: &mut Db, id: &str) -> QueryResult<(i32, Option<Timestamp>)> {
    dsl::users.find(id).select((dsl::wrong_codes, dsl::codes_locked_until)).get_result(db)
}

/// Notes wrong codes in a row, and until when they lock the user out.
///
/// # Errors
/// When the statement fails.
pub fn set_wrong_codes(
    db: &mut Db,
    id: &str,
    count: i32,
    locked_until: Option<Timestamp>,
) -> QueryResult<()> {
    diesel::update(dsl::users.find(id))
        .set((dsl::wrong_codes.eq(count), dsl::codes_locked_until.eq(locked_until)))
        .execute(db)
        .map(drop)
}
