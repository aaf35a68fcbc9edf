//! What an account is signed in with and reached by: password, e-mail and phone.

use diesel::prelude::*;

use super::{db::Db, schema::users::dsl, users::UserRow};
use crate::domain::{clock::Timestamp, ids::UserId, phone::Phone};

/// Sets a new password, if its version is still the one that was read; everything signed with that version is void.
///
/// # Errors
/// When the statement fails.
pub fn set_password(db: &mut Db, user: &UserRow, hash: &str, now: Timestamp) -> QueryResult<bool> {
    let unchanged = dsl::users.find(&user.id).filter(dsl::password_version.eq(user.password_version));
    let changed = diesel::update(unchanged)
        .set((
            dsl::password_hash.eq(hash),
            dsl::password_version.eq(user.password_version + 1),
            dsl::password_changed_at.eq(now),
        ))
        .execute(db)?;
    Ok(changed == 1)
}

/// Voids everything that is signed with the password's version: known devices, and links.
///
/// # Errors
/// When the statement fails.
pub fn next_password_version(db: &mut Db, id: &UserId, hash: Option<&str>) -> QueryResult<()> {
    diesel::update(dsl::users.find(id))
        .set((
            dsl::password_version.eq(dsl::password_version + 1),
            hash.map(|hash| dsl::password_hash.eq(hash)),
        ))
        .execute(db)
        .map(drop)
}

/// The account with this e-mail, by what e-mails are compared by.
///
/// # Errors
/// When the query fails.
pub fn by_email(db: &mut Db, email_key: &str) -> QueryResult<Option<UserRow>> {
    dsl::users.filter(dsl::email_key.eq(email_key)).select(UserRow::as_select()).get_result(db).optional()
}

/// The accounts with this phone, the oldest first.
///
/// # Errors
/// When the query fails.
pub fn by_phone(db: &mut Db, phone: &Phone) -> QueryResult<Vec<UserRow>> {
    dsl::users
        .filter(dsl::phone.eq(phone))
        .order((dsl::created_at, dsl::id))
        .select(UserRow::as_select())
        .load(db)
}

/// Sets an account's e-mail, which is verified since `verified_at`.
///
/// # Errors
/// When another account has it, or the statement fails.
pub fn set_email(
    db: &mut Db,
    id: &UserId,
    email: &str,
    email_key: &str,
    verified_at: Option<Timestamp>,
) -> QueryResult<()> {
    diesel::update(dsl::users.find(id))
        .set((dsl::email.eq(email), dsl::email_key.eq(email_key), dsl::email_verified_at.eq(verified_at)))
        .execute(db)
        .map(drop)
}

/// Takes its e-mail from an account that has verified neither it nor a phone.
///
/// # Errors
/// When the statement fails.
pub fn take_email(db: &mut Db, id: &UserId) -> QueryResult<()> {
    // No e-mail has a control character: nobody can have this key.
    set_email(db, id, "", &format!("\u{1}{id}"), None)
}

/// Sets an account's phone, which is verified since now.
///
/// # Errors
/// When the statement fails.
pub fn set_phone(db: &mut Db, id: &UserId, phone: &Phone, now: Timestamp) -> QueryResult<()> {
    diesel::update(dsl::users.find(id))
        .set((
            dsl::phone.eq(phone),
            dsl::phone_verified_at.eq(now),
            dsl::unverified_since.eq(None::<Timestamp>),
        ))
        .execute(db)
        .map(drop)
}

/// Disables an account, or enables it again.
///
/// # Errors
/// When the statement fails.
pub fn set_disabled(db: &mut Db, id: &UserId, since: Option<Timestamp>) -> QueryResult<()> {
    diesel::update(dsl::users.find(id)).set(dsl::disabled_at.eq(since)).execute(db).map(drop)
}
