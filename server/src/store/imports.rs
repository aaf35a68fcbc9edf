//! Accounts that come from another system.

use diesel::prelude::*;

use super::{
    db::{Db, on_its_own},
    schema::users,
};
use crate::domain::{clock::Timestamp, ids::UserId, phone::Phone};

/// An account as imported. Its phone does not wait to be verified: such accounts are not removed for that.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = users)]
pub struct ImportedUser {
    /// 128 random bits.
    pub id: UserId,
    /// In NFC.
    pub full_name: String,
    /// As given.
    pub username: Option<String>,
    /// What usernames are compared by.
    pub username_key: Option<String>,
    /// In NFC.
    pub email: String,
    /// What e-mails are compared by.
    pub email_key: String,
    /// Plain bcrypt.
    pub password_hash: String,
    /// The phone, which is enrolled nowhere yet.
    pub phone: Phone,
    /// When the account was made, or imported.
    pub created_at: Timestamp,
    /// When it was imported, if the phone was verified before.
    pub phone_verified_at: Option<Timestamp>,
    /// When it was imported, if the e-mail was verified before.
    pub email_verified_at: Option<Timestamp>,
}

/// Stores an account; `false` where e-mail or username are taken.
///
/// # Errors
/// When the statement fails.
pub fn insert(db: &mut Db, user: &ImportedUser) -> QueryResult<bool> {
    let new = diesel::insert_into(users::table).values(user).on_conflict_do_nothing();
    Ok(on_its_own!(db, connection => new.execute(connection))? == 1)
}
