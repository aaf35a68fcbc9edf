//! Wrong passwords and sign-ups, counted per subject in a sliding window.

use std::time::Duration;

use diesel::prelude::*;

use super::{
    db::Db,
    schema::attempts::{self, dsl},
};
use crate::domain::clock::Timestamp;

/// What is counted.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub enum Kind {
    /// A password that is being checked, or was wrong.
    Password,
    /// An account made.
    SignUp,
}

/// Counts one more unless there are `most` already within `window`; then says how long to wait. For
/// passwords that is a whole window from the last of them, for sign-ups until the oldest leaves it.
///
/// # Errors
/// When a statement fails.
pub fn count(
    db: &mut Db,
    id: &str,
    (kind, subject): (Kind, &str),
    (most, window): (u32, Duration),
    now: Timestamp,
) -> QueryResult<Result<(), Duration>> {
    super::lock(db, subject)?;
    let seen: Vec<Timestamp> = dsl::attempts
        .filter(dsl::kind.eq(kind))
        .filter(dsl::subject.eq(subject))
        .filter(dsl::at.gt(now.minus(window).minus(window)))
        .order(dsl::at.desc())
        .limit(i64::from(most))
        .select(dsl::at)
        .load(db)?;
    if let (Some(newest), Some(oldest), true) = (seen.first(), seen.last(), seen.len() >= most as usize) {
        let free = match kind {
            Kind::Password if newest.since(*oldest) <= window => newest.plus(window),
            Kind::Password => now,
            Kind::SignUp => oldest.plus(window),
        };
        if free > now {
            return Ok(Err(free.since(now)));
        }
    }
    diesel::insert_into(attempts::table)
        .values((dsl::id.eq(id), dsl::kind.eq(kind), dsl::subject.eq(subject), dsl::at.eq(now)))
        .execute(db)?;
    Ok(Ok(()))
}

/// Takes one back: it was no failure after all.
///
/// # Errors
/// When the statement fails.
pub fn take_back(db: &mut Db, id: &str) -> QueryResult<()> {
    diesel::delete(dsl::attempts.find(id)).execute(db).map(drop)
}

/// Forgets all of a subject.
///
/// # Errors
/// When the statement fails.
pub fn forget(db: &mut Db, kind: Kind, subject: &str) -> QueryResult<()> {
    diesel::delete(dsl::attempts.filter(dsl::kind.eq(kind)).filter(dsl::subject.eq(subject)))
        .execute(db)
        .map(drop)
}

/// Removes what no window reaches any more.
///
/// # Errors
/// When the statement fails.
pub fn sweep(db: &mut Db, now: Timestamp, keep: Duration) -> QueryResult<usize> {
    diesel::delete(dsl::attempts.filter(dsl::at.le(now.minus(keep)))).execute(db)
}
