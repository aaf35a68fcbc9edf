//! Which sessions a transaction has changed, for those who wait for them.
//!
//! The commands of [`sessions`](super::sessions) and [`approvals`](super::approvals) note it, and
//! [`Store::write`](super::Store::write) hands it on after the commit: whoever is told before that would read
//! the old row and wait on. On PostgreSQL each change is a row as well, in the same transaction: other servers
//! find it there whatever becomes of the notification.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
};

use diesel::{dsl::sql, prelude::*, sql_types::BigInt};

use super::{
    db::{Db, unnest},
    schema::session_changes::{self, dsl},
};
use crate::domain::ids::SessionId;

/// A change that is committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The session.
    pub session: SessionId,
    /// The number of its row, which other servers know it by; `None` on SQLite.
    pub number: Option<i64>,
}

impl Change {
    fn of_row((number, session): (i64, SessionId)) -> Self {
        Self { session, number: Some(number) }
    }
}

/// What a transaction has changed that somebody waits for.
#[derive(Debug, Default)]
pub struct Committed {
    /// Sessions whose status says something else.
    pub sessions: Vec<Change>,
    /// Whether an e-mail is to be sent.
    pub has_mail: bool,
}

impl Committed {
    pub(super) fn is_empty(&self) -> bool {
        self.sessions.is_empty() && !self.has_mail
    }
}

thread_local! {
    /// What the transaction that runs on this thread has changed. A transaction stays on its thread.
    static NOTED: RefCell<Vec<Change>> = const { RefCell::new(Vec::new()) };
    static HAS_MAIL: Cell<bool> = const { Cell::new(false) };
}

/// Notes that this transaction stores an e-mail that is to be sent.
pub(super) fn note_mail() {
    HAS_MAIL.set(true);
}

/// Notes that this transaction changes what a session's status says.
///
/// # Errors
/// When the statement fails.
pub(super) fn note(db: &mut Db, session: &SessionId) -> QueryResult<()> {
    note_all(db, [session])
}

/// The same of several sessions.
///
/// # Errors
/// When the statement fails.
pub(super) fn note_all<'a>(
    db: &mut Db,
    sessions: impl IntoIterator<Item = &'a SessionId>,
) -> QueryResult<()> {
    let is_noted = |session: &SessionId| {
        NOTED.with_borrow(|noted| noted.iter().any(|change| change.session == *session))
    };
    let new: BTreeSet<&SessionId> = sessions.into_iter().filter(|session| !is_noted(session)).collect();
    if new.is_empty() {
        return Ok(());
    }
    let changes: Vec<Change> = match db {
        Db::Sqlite(_) => {
            new.into_iter().map(|session| Change { session: session.clone(), number: None }).collect()
        }
        Db::Postgres(db) => {
            let sessions: Vec<&str> = new.into_iter().map(SessionId::as_str).collect();
            let noted = diesel::select(unnest(sessions))
                .insert_into(session_changes::table)
                .into_columns(dsl::session_id)
                .returning((dsl::id, dsl::session_id));
            noted.get_results(db)?.into_iter().map(Change::of_row).collect()
        }
    };
    NOTED.with_borrow_mut(|noted| noted.extend(changes));
    Ok(())
}

/// What was noted since it was taken last.
pub(super) fn take() -> Committed {
    Committed { sessions: NOTED.take(), has_mail: HAS_MAIL.take() }
}

/// How the database tells the time, in milliseconds since the Unix epoch: the clocks of servers differ. The same
/// for a whole statement, or the index would be of no use.
const NOW: &str = "(EXTRACT(EPOCH FROM statement_timestamp()) * 1000)::BIGINT";

/// The changes of the last seconds, by the database's clock. Numbers are given before the commit: one may
/// appear after a higher one.
///
/// # Errors
/// When the query fails.
pub fn recent(db: &mut Db, seconds: u32) -> QueryResult<Vec<Change>> {
    let Db::Postgres(db) = db else { return Ok(Vec::new()) };
    let since = sql::<BigInt>(&format!("{NOW} - {seconds} * 1000"));
    let rows = dsl::session_changes.filter(dsl::changed_at.gt(since)).select((dsl::id, dsl::session_id));
    let rows: Vec<(i64, SessionId)> = rows.load(db)?;
    Ok(rows.into_iter().map(Change::of_row).collect())
}

/// Removes at most so many changes that every server has seen.
///
/// # Errors
/// When a statement fails.
pub fn sweep(db: &mut Db, most: i64) -> QueryResult<usize> {
    const KEPT_SECONDS: u32 = 60;
    let Db::Postgres(db) = db else { return Ok(0) };
    let before = sql::<BigInt>(&format!("{NOW} - {KEPT_SECONDS} * 1000"));
    let old = dsl::session_changes.filter(dsl::changed_at.le(before)).select(dsl::id).limit(most);
    let ids: Vec<i64> = old.load(db)?;
    diesel::delete(dsl::session_changes.filter(dsl::id.eq_any(ids))).execute(db)
}
