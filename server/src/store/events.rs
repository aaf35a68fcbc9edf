//! What has happened to accounts. Rows are only added; of a removed account kinds and times alone remain.

use std::{collections::BTreeSet, time::Duration};

use diesel::prelude::*;

use super::{
    db::{Db, on_its_own},
    schema::events::{self, dsl},
    schema::users,
};
use crate::domain::{
    clock::Timestamp,
    event::{Act, Outcome},
    factor::Method,
    ids::{EventId, UserId},
};

/// An event.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = events)]
pub struct EventRow {
    /// Names it.
    pub id: EventId,
    /// Whose account it concerns; `None` where that was removed.
    pub user_id: Option<UserId>,
    /// When.
    pub at: Timestamp,
    /// What was done.
    pub act: Act,
    /// How it ended.
    pub outcome: Outcome,
    /// By which factor.
    pub factor: Option<Method>,
    /// Browser or program, in words; empty if nobody's.
    pub browser: String,
    /// The client's address; empty if nobody's.
    pub address: String,
}

/// Adds events. Of accounts that were removed meanwhile kinds and times alone are kept.
///
/// # Errors
/// When a statement fails.
pub fn insert(db: &mut Db, mut new: Vec<EventRow>) -> QueryResult<()> {
    let named: BTreeSet<&UserId> = new.iter().filter_map(|event| event.user_id.as_ref()).collect();
    let found = users::table.filter(users::id.eq_any(named)).select(users::id);
    let there: BTreeSet<UserId> =
        on_its_own!(db, connection => found.load::<UserId>(connection))?.into_iter().collect();
    for event in &mut new {
        if event.user_id.as_ref().is_none_or(|user| !there.contains(user)) {
            event.user_id = None;
            event.factor = None;
            event.browser.clear();
            event.address.clear();
        }
    }
    for event in &new {
        diesel::insert_into(events::table).values(event).execute(db)?;
    }
    Ok(())
}

/// Where a page of events ends: the newest that is older comes next.
pub type Place = (Timestamp, EventId);

/// An account's events before a place, the newest first, at most so many; all kinds, or those of `acts` or without them.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Whose.
    pub user: &'a UserId,
    /// Older than this.
    pub before: Option<&'a Place>,
    /// At most so many.
    pub most: i64,
    /// These kinds.
    pub only: Option<&'a [Act]>,
    /// Not these kinds.
    pub without: &'a [Act],
}

/// Reads events of an account.
///
/// # Errors
/// When the query fails.
pub fn of_user(db: &mut Db, wanted: Wanted<'_>) -> QueryResult<Vec<EventRow>> {
    macro_rules! read {
        ($connection:expr) => {{
            let mut query = dsl::events
                .filter(dsl::user_id.eq(wanted.user))
                .order((dsl::at.desc(), dsl::id.desc()))
                .limit(wanted.most)
                .select(EventRow::as_select())
                .into_boxed();
            if let Some((at, id)) = wanted.before {
                query = query.filter(dsl::at.lt(at).or(dsl::at.eq(at).and(dsl::id.lt(id))));
            }
            if let Some(only) = wanted.only {
                query = query.filter(dsl::act.eq_any(only));
            }
            if !wanted.without.is_empty() {
                query = query.filter(dsl::act.ne_all(wanted.without));
            }
            query.load($connection)
        }};
    }
    match db {
        Db::Sqlite(connection) => read!(connection),
        Db::Postgres(connection) => read!(connection),
    }
}

/// Whether a user has completed a sign-in in such a browser at such an address since a moment.
///
/// # Errors
/// When the query fails.
pub fn has_signed_in(
    db: &mut Db,
    user: &UserId,
    browser: &str,
    address: &str,
    since: Timestamp,
) -> QueryResult<bool> {
    let found: i64 = dsl::events
        .filter(dsl::user_id.eq(user))
        .filter(dsl::at.gt(since))
        .filter(dsl::act.eq(Act::SignedIn))
        .filter(dsl::browser.eq(browser))
        .filter(dsl::address.eq(address))
        .count()
        .get_result(db)?;
    Ok(found > 0)
}

/// Whether an event of this id is kept with a user.
///
/// # Errors
/// When the query fails.
pub fn is_kept(db: &mut Db, user: &UserId, id: &EventId) -> QueryResult<bool> {
    let found: i64 = dsl::events.find(id).filter(dsl::user_id.eq(user)).count().get_result(db)?;
    Ok(found > 0)
}

/// Events of accounts that were removed, for tests.
///
/// # Errors
/// When the query fails.
pub fn of_nobody(db: &mut Db) -> QueryResult<Vec<EventRow>> {
    dsl::events.filter(dsl::user_id.is_null()).select(EventRow::as_select()).load(db)
}

/// Keeps kinds and times alone of a user's events.
///
/// # Errors
/// When the statement fails.
pub fn forget_user(db: &mut Db, user: &UserId) -> QueryResult<()> {
    diesel::update(dsl::events.filter(dsl::user_id.eq(user)))
        .set((
            dsl::user_id.eq(None::<UserId>),
            dsl::factor.eq(None::<Method>),
            dsl::browser.eq(""),
            dsl::address.eq(""),
        ))
        .execute(db)
        .map(drop)
}

/// Removes at most so many that are older than `keep`.
///
/// # Errors
/// When a statement fails.
pub fn sweep(db: &mut Db, now: Timestamp, keep: Duration, most: i64) -> QueryResult<usize> {
    let old = dsl::events.filter(dsl::at.le(now.minus(keep)));
    let ids: Vec<EventId> = old.select(dsl::id).limit(most).load(db)?;
    diesel::delete(dsl::events.filter(dsl::id.eq_any(ids))).execute(db)
}
