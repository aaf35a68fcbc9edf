//! What is counted per subject: passwords and codes in a row, sign-ups and sends in a window.

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
    /// A code sent without an account.
    Verification,
    /// A code tried without an account.
    VerificationCode,
}

/// Who does it, and which of it.
pub type Subject<'a> = (Kind, &'a str);

/// Counts one more unless there are `most` already in a row, none further from the last than
/// `window`; then says how long to wait: a whole window from the last of them.
///
/// # Errors
/// When a statement fails.
pub fn in_a_row(
    db: &mut Db,
    id: &str,
    subject: Subject<'_>,
    (most, window): (u32, Duration),
    now: Timestamp,
) -> QueryResult<Result<(), Duration>> {
    let seen = newest(db, subject, most, now.minus(window).minus(window))?;
    if let (Some(newest), Some(oldest), true) = (seen.first(), seen.last(), seen.len() >= most as usize) {
        let free = newest.plus(window);
        if newest.since(*oldest) <= window && free > now {
            return Ok(Err(free.since(now)));
        }
    }
    insert(db, id, subject, now).map(Ok)
}

/// Counts one more unless there are `most` already within `window`; then says how long to wait:
/// until the oldest of them has left it.
///
/// # Errors
/// When a statement fails.
pub fn in_window(
    db: &mut Db,
    id: &str,
    subject: Subject<'_>,
    (most, window): (u32, Duration),
    now: Timestamp,
) -> QueryResult<Result<(), Duration>> {
    let seen = newest(db, subject, most, now.minus(window))?;
    match seen.last() {
        Some(oldest) if seen.len() >= most as usize => Ok(Err(oldest.plus(window).since(now))),
        _ => insert(db, id, subject, now).map(Ok),
    }
}

/// When the last `most` were, newest first; decides about them alone until the transaction ends.
fn newest(
    db: &mut Db,
    (kind, subject): Subject<'_>,
    most: u32,
    since: Timestamp,
) -> QueryResult<Vec<Timestamp>> {
    super::lock(db, subject)?;
    dsl::attempts
        .filter(dsl::kind.eq(kind))
        .filter(dsl::subject.eq(subject))
        .filter(dsl::at.gt(since))
        .order(dsl::at.desc())
        .limit(i64::from(most))
        .select(dsl::at)
        .load(db)
}

fn insert(db: &mut Db, id: &str, (kind, subject): Subject<'_>, now: Timestamp) -> QueryResult<()> {
    diesel::insert_into(attempts::table)
        .values((dsl::id.eq(id), dsl::kind.eq(kind), dsl::subject.eq(subject), dsl::at.eq(now)))
        .execute(db)
        .map(drop)
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
pub fn forget(db: &mut Db, (kind, subject): Subject<'_>) -> QueryResult<()> {
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
