//! Reading at a glance: what clients ask for again and again.
//!
//! A question to an embedded database takes microseconds, handing it to another thread takes
//! several times as long. So each worker keeps a connection of its own and asks right where it
//! stands. The connection never waits: where somebody holds the database, and on any other
//! failure, the question goes the usual way.

use std::cell::RefCell;

use diesel::{Connection, SqliteConnection, connection::SimpleConnection};

use super::{
    Store, StoreError,
    db::{Backend, Db},
};

/// One worker's way to read.
pub struct Glance {
    store: Store,
    own: RefCell<Option<Db>>,
}

impl std::fmt::Debug for Glance {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Glance")
    }
}

impl Glance {
    /// Reads from `store`; belongs to one thread.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store, own: RefCell::new(None) }
    }

    /// Asks, here or on a blocking thread; in the second case perhaps for the second time.
    ///
    /// # Errors
    /// What `ask` answers, or that there is no connection.
    pub async fn read<T, E>(&self, ask: impl Fn(&mut Db) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        match self.ask_here(&ask) {
            Some(answer) => Ok(answer),
            None => self.store.read(ask).await,
        }
    }

    fn ask_here<T, E>(&self, ask: &impl Fn(&mut Db) -> Result<T, E>) -> Option<T> {
        let Backend::Sqlite(file) = &self.store.backend else { return None };
        let mut own = self.own.borrow_mut();
        if own.is_none() {
            *own = open(file);
        }
        let answer = ask(own.as_mut()?);
        if answer.is_err() {
            *own = None;
        }
        answer.ok()
    }
}

fn open(file: &str) -> Option<Db> {
    let mut db = SqliteConnection::establish(file).ok()?;
    db.batch_execute("PRAGMA busy_timeout = 0; PRAGMA query_only = ON;").ok()?;
    Some(Db::Sqlite(db))
}
