//! Browsers in which the password is enough to sign in.

use diesel::prelude::*;

use super::{
    db::Db,
    schema::remembered_devices::{self, dsl},
};
use crate::domain::{
    clock::Timestamp,
    ids::{RememberedId, TokenHash, UserId},
};

/// A remembered browser.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = remembered_devices)]
pub struct RememberedRow {
    /// Its id.
    pub id: RememberedId,
    /// Whose password is enough there.
    pub user_id: UserId,
    /// Digest of the token its cookie holds.
    pub token_hash: TokenHash,
    /// Digest of the token before that.
    pub previous_hash: Option<TokenHash>,
    /// When the token was last replaced.
    pub rotated_at: Timestamp,
    /// Browser or program, in words.
    pub browser: String,
    /// The client's address when it was last used.
    pub address: String,
    /// Since when it is remembered.
    pub created_at: Timestamp,
    /// When it was last used to sign in.
    pub seen_at: Timestamp,
    /// Until when it is remembered.
    pub expires_at: Timestamp,
}

/// Remembers a browser.
///
/// # Errors
/// When the statement fails.
pub fn insert(db: &mut Db, device: &RememberedRow) -> QueryResult<()> {
    diesel::insert_into(remembered_devices::table).values(device).execute(db).map(drop)
}

/// A user's remembered browser.
///
/// # Errors
/// When the query fails.
pub fn find(db: &mut Db, user: &UserId, id: &RememberedId) -> QueryResult<Option<RememberedRow>> {
    let own = dsl::remembered_devices.find(id).filter(dsl::user_id.eq(user));
    own.select(RememberedRow::as_select()).get_result(db).optional()
}

/// A user's remembered browsers, the newest first.
///
/// # Errors
/// When the query fails.
pub fn of_user(db: &mut Db, user: &UserId, now: Timestamp) -> QueryResult<Vec<RememberedRow>> {
    dsl::remembered_devices
        .filter(dsl::user_id.eq(user))
        .filter(dsl::expires_at.gt(now))
        .order((dsl::created_at.desc(), dsl::id))
        .select(RememberedRow::as_select())
        .load(db)
}

/// A browser's next token, and where it was used.
#[derive(Debug, Clone)]
pub struct Use<'a> {
    /// The token it was used with.
    pub token: &'a TokenHash,
    /// The next one.
    pub next: &'a TokenHash,
    /// Browser or program, in words.
    pub browser: &'a str,
    /// The client's address.
    pub address: &'a str,
}

/// Replaces a browser's token; `false` where another use was faster.
///
/// # Errors
/// When the statement fails.
pub fn rotate(db: &mut Db, id: &RememberedId, used: &Use<'_>, now: Timestamp) -> QueryResult<bool> {
    let current = dsl::remembered_devices.find(id).filter(dsl::token_hash.eq(used.token));
    let rotated = diesel::update(current)
        .set((
            dsl::token_hash.eq(used.next),
            dsl::previous_hash.eq(Some(used.token)),
            dsl::rotated_at.eq(now),
            dsl::seen_at.eq(now),
            dsl::browser.eq(used.browser),
            dsl::address.eq(used.address),
        ))
        .execute(db)?;
    Ok(rotated == 1)
}

/// Forgets a user's browser; `false` when there is no such one.
///
/// # Errors
/// When the statement fails.
pub fn delete(db: &mut Db, user: &UserId, id: &RememberedId) -> QueryResult<bool> {
    let own = dsl::remembered_devices.find(id).filter(dsl::user_id.eq(user));
    Ok(diesel::delete(own).execute(db)? == 1)
}

/// Forgets all of a user's browsers; answers how many.
///
/// # Errors
/// When the statement fails.
pub fn delete_all(db: &mut Db, user: &UserId) -> QueryResult<usize> {
    diesel::delete(dsl::remembered_devices.filter(dsl::user_id.eq(user))).execute(db)
}

/// Removes at most so many that are not remembered any more.
///
/// # Errors
/// When a statement fails.
pub fn sweep(db: &mut Db, now: Timestamp, most: i64) -> QueryResult<usize> {
    let over = dsl::remembered_devices.filter(dsl::expires_at.le(now));
    let ids: Vec<RememberedId> = over.select(dsl::id).limit(most).load(db)?;
    diesel::delete(dsl::remembered_devices.filter(dsl::id.eq_any(ids))).execute(db)
}
