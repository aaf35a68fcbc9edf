//! What is counted per subject: passwords, codes, sends and sign-ups. A subject is a keyed digest.

use std::time::Duration;

use diesel::prelude::*;

use super::{
    db::Db,
    schema::attempts::{self, dsl},
};
use crate::domain::{
    clock::Timestamp,
    ids::AttemptId,
    limits::{AttemptKind, Quota},
    refusal::{Counted, Refusal},
};

/// One count to be made: of what, for whom, within which quota.
#[derive(Debug, Clone)]
pub struct Count {
    /// Names the count, so that it can be taken back.
    pub id: AttemptId,
    /// What is counted.
    pub kind: AttemptKind,
    /// For whom: a keyed digest.
    pub subject: String,
    /// How many are allowed.
    pub quota: Quota,
    /// What the refusal says.
    pub what: Counted,
}

/// Makes all counts, or none: refuses if any quota is used up. Subjects are locked in one order, so
/// that two transactions never wait for each other.
///
/// # Errors
/// When a statement fails.
pub fn count_all(
    db: &mut Db,
    mut counts: Vec<Count>,
    now: Timestamp,
) -> QueryResult<Result<Vec<AttemptId>, Refusal>> {
    counts.retain(|count| count.quota.is_limited());
    counts.sort_by(|one, other| (one.kind, &one.subject).cmp(&(other.kind, &other.subject)));
    for count in &counts {
        if let Err(wait) = room(db, count, now)? {
            return Ok(Err(Refusal::TooMany { what: count.what, wait }));
        }
    }
    for count in &counts {
        diesel::insert_into(attempts::table)
            .values((
                dsl::id.eq(&count.id),
                dsl::kind.eq(count.kind),
                dsl::subject.eq(&count.subject),
                dsl::at.eq(now),
            ))
            .execute(db)?;
    }
    Ok(Ok(counts.into_iter().map(|count| count.id).collect()))
}

/// Whether one more fits into the quota; otherwise how long until the oldest has left it.
fn room(db: &mut Db, count: &Count, now: Timestamp) -> QueryResult<Result<(), Duration>> {
    let Quota { most, per } = count.quota;
    super::lock(db, &count.subject)?;
    let oldest_allowed: Option<Timestamp> = dsl::attempts
        .filter(dsl::kind.eq(count.kind))
        .filter(dsl::subject.eq(&count.subject))
        .filter(dsl::at.gt(now.minus(per)))
        .order(dsl::at.desc())
        .offset(i64::from(most) - 1)
        .limit(1)
        .select(dsl::at)
        .get_result(db)
        .optional()?;
    Ok(oldest_allowed.map_or(Ok(()), |oldest| Err(oldest.plus(per).since(now))))
}

/// A count of attempts in a row.
#[derive(Debug, Clone)]
pub struct Run<'a> {
    /// What is counted, for whom.
    pub kind: AttemptKind,
    /// A keyed digest.
    pub subject: &'a str,
    /// So many in a row.
    pub most: u32,
    /// None of them further from the last than this; also how long the lock lasts after the last.
    pub window: Duration,
}

/// Counts one more, unless there are `most` in a row; then says how long to wait.
///
/// # Errors
/// When a statement fails.
pub fn count_in_a_row(
    db: &mut Db,
    id: &AttemptId,
    run: &Run<'_>,
    now: Timestamp,
) -> QueryResult<Result<(), Duration>> {
    if run.most == u32::MAX {
        return Ok(Ok(()));
    }
    super::lock(db, run.subject)?;
    let seen: Vec<Timestamp> = dsl::attempts
        .filter(dsl::kind.eq(run.kind))
        .filter(dsl::subject.eq(run.subject))
        .filter(dsl::at.gt(now.minus(run.window).minus(run.window)))
        .order(dsl::at.desc())
        .limit(i64::from(run.most))
        .select(dsl::at)
        .load(db)?;
    if let (Some(newest), Some(oldest), true) = (seen.first(), seen.last(), seen.len() >= run.most as usize) {
        let free = newest.plus(run.window);
        if newest.since(*oldest) <= run.window && free > now {
            return Ok(Err(free.since(now)));
        }
    }
    diesel::insert_into(attempts::table)
        .values((dsl::id.eq(id), dsl::kind.eq(run.kind), dsl::subject.eq(run.subject), dsl::at.eq(now)))
        .execute(db)
        .map(|_| Ok(()))
}

/// Takes counts back: what they counted did not happen.
///
/// # Errors
/// When the statement fails.
pub fn take_back(db: &mut Db, ids: &[AttemptId]) -> QueryResult<()> {
    if ids.is_empty() {
        return Ok(());
    }
    diesel::delete(dsl::attempts.filter(dsl::id.eq_any(ids))).execute(db).map(drop)
}

/// Forgets the counts of a subject up to a moment.
///
/// # Errors
/// When the statement fails.
pub fn forget_until(db: &mut Db, kind: AttemptKind, subject: &str, until: Timestamp) -> QueryResult<()> {
    let earlier =
        dsl::attempts.filter(dsl::kind.eq(kind)).filter(dsl::subject.eq(subject)).filter(dsl::at.le(until));
    diesel::delete(earlier).execute(db).map(drop)
}

/// Forgets all counts of a subject.
///
/// # Errors
/// When the statement fails.
pub fn forget(db: &mut Db, kind: AttemptKind, subject: &str) -> QueryResult<()> {
    diesel::delete(dsl::attempts.filter(dsl::kind.eq(kind)).filter(dsl::subject.eq(subject)))
        .execute(db)
        .map(drop)
}

/// Removes at most so many counts that no quota reaches back to.
///
/// # Errors
/// When a statement fails.
pub fn sweep(db: &mut Db, now: Timestamp, keep: Duration, most: i64) -> QueryResult<usize> {
    let old = dsl::attempts.filter(dsl::at.le(now.minus(keep)));
    let ids: Vec<AttemptId> = old.select(dsl::id).limit(most).load(db)?;
    diesel::delete(dsl::attempts.filter(dsl::id.eq_any(ids))).execute(db)
}
