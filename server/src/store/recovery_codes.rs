//! Recovery codes, by their digests.

use diesel::prelude::*;

use super::{
    db::Db,
    schema::recovery_codes::{self, dsl},
};
use crate::domain::{clock::Timestamp, ids::UserId};

/// Replaces a user's codes by a new set.
///
/// # Errors
/// When a statement fails.
pub fn replace(db: &mut Db, user: &UserId, digests: &[String], now: Timestamp) -> QueryResult<()> {
    delete(db, user)?;
    for digest in digests {
        let code = (dsl::user_id.eq(user), dsl::digest.eq(digest), dsl::created_at.eq(now));
        diesel::insert_into(recovery_codes::table).values(code).execute(db)?;
    }
    Ok(())
}

/// Removes a user's codes; answers how many there were.
///
/// # Errors
/// When the statement fails.
pub fn delete(db: &mut Db, user: &UserId) -> QueryResult<usize> {
    diesel::delete(dsl::recovery_codes.filter(dsl::user_id.eq(user))).execute(db)
}

/// Uses a code; `false` when it is none of the user's, or was used before.
///
/// # Errors
/// When the statement fails.
pub fn use_one(db: &mut Db, user: &UserId, digest: &str, now: Timestamp) -> QueryResult<bool> {
    let unused = dsl::recovery_codes.find((user, digest)).filter(dsl::used_at.is_null());
    Ok(diesel::update(unused).set(dsl::used_at.eq(now)).execute(db)? == 1)
}

/// How many of a user's codes were not used yet, and when they were made; `None` without a set.
///
/// # Errors
/// When a query fails.
pub fn left(db: &mut Db, user: &UserId) -> QueryResult<Option<(u32, Timestamp)>> {
    let rows: Vec<(Option<Timestamp>, Timestamp)> =
        dsl::recovery_codes.filter(dsl::user_id.eq(user)).select((dsl::used_at, dsl::created_at)).load(db)?;
    let unused = rows.iter().filter(|(used_at, _)| used_at.is_none()).count();
    let made_at = rows.first().map(|(_, created_at)| *created_at);
    Ok(made_at.map(|made_at| (u32::try_from(unused).unwrap_or(u32::MAX), made_at)))
}
