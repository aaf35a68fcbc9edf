//! Callbacks that were accepted, so that a replay changes nothing.

use std::time::Duration;

use diesel::prelude::*;

use super::{
    db::Db,
    schema::nonces::{self, dsl},
};
use crate::domain::clock::Timestamp;

/// Notes a callback; `false` when it was accepted before.
///
/// # Errors
/// When a statement fails, also when another transaction notes the same one at this moment.
pub fn insert(db: &mut Db, digest: &str, now: Timestamp) -> QueryResult<bool> {
    super::lock(db, digest)?;
    let seen: i64 = dsl::nonces.find(digest).count().get_result(db)?;
    if seen > 0 {
        return Ok(false);
    }
    diesel::insert_into(nonces::table).values((dsl::digest.eq(digest), dsl::at.eq(now))).execute(db)?;
    Ok(true)
}

/// Removes at most so many old ones; a replay of such a callback finds its request settled or expired.
///
/// # Errors
/// When a statement fails.
pub fn sweep(db: &mut Db, now: Timestamp, keep: Duration, most: i64) -> QueryResult<usize> {
    let old = dsl::nonces.filter(dsl::at.le(now.minus(keep)));
    let digests: Vec<String> = old.select(dsl::digest).limit(most).load(db)?;
    diesel::delete(dsl::nonces.filter(dsl::digest.eq_any(digests))).execute(db)
}
