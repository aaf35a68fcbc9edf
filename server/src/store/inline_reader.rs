//! Reads on the caller's own thread.
//!
//! A query of an embedded database takes microseconds; handing it to another thread takes several
//! times as long. So each worker keeps a read-only SQLite connection and queries on it directly. That
//! connection never waits: where the database is locked, it fails, and the query is to run on a
//! blocking thread as usual.

use std::cell::RefCell;

use diesel::{Connection, SqliteConnection, connection::SimpleConnection};

use super::{
    Store,
    db::{Backend, Db},
};

/// One worker's own connection.
pub struct InlineReader {
    store: Store,
    own: RefCell<Option<Db>>,
}

impl std::fmt::Debug for InlineReader {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("InlineReader")
    }
}

impl InlineReader {
    /// Reads from `store`; belongs to one thread.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store, own: RefCell::new(None) }
    }

    /// Runs a query here. `None` where that cannot be done, or fails.
    pub fn read<T, E>(&self, query: impl FnOnce(&mut Db) -> Result<T, E>) -> Option<T> {
        let Backend::Sqlite(file) = &self.store.backend else { return None };
        let mut own = self.own.borrow_mut();
        if own.is_none() {
            *own = open(file);
        }
        let result = query(own.as_mut()?);
        if result.is_err() {
            *own = None;
        }
        result.ok()
    }
}

fn open(file: &str) -> Option<Db> {
    let mut db = SqliteConnection::establish(file).ok()?;
    db.batch_execute("PRAGMA busy_timeout = 0; PRAGMA query_only = ON;").ok()?;
    Some(Db::Sqlite(db))
}
