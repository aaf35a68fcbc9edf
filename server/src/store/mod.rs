//! The only place that knows SQL.
//!
//! [`Store::read`] and [`Store::write`] run a unit of work on a blocking thread. It is made of the
//! queries and commands of the modules below, so that several share one thread hop and one
//! transaction. What must hold under a race is in a `WHERE`, in a constraint, or behind [`lock`].
//!
//! Lookups by a unique column use `get_result`: `first` adds a limit, and a statement with a limit is
//! parsed anew at every call through [`Db`].

pub mod actions;
pub mod approval_challenges;
pub mod approval_numbers;
pub mod approval_polls;
pub mod approvals;
pub mod attempts;
pub mod changes;
pub mod claims;
pub mod codes;
pub mod columns;
pub mod credentials;
mod db;
pub mod enrolments;
pub mod events;
pub mod factors;
pub mod half_sign_ins;
pub mod imports;
mod inline_reader;
pub mod links;
pub mod mails;
pub mod messages;
pub mod moves;
pub mod nonces;
mod notifications;
pub mod number_verifications;
pub mod own_sessions;
pub mod phone_changes;
mod postgres_tls;
pub mod push_devices;
pub mod recovery_codes;
pub mod remembered_devices;
mod schema;
#[cfg(test)]
mod schema_test;
pub mod session_factors;
#[cfg(test)]
mod session_test;
pub mod sessions;
pub mod status;
pub mod users;

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use diesel::{
    Connection, RunQueryDsl,
    connection::{AnsiTransactionManager, SimpleConnection, TransactionManager},
    r2d2::Pool,
    sql_types::Text,
};
use diesel_migrations::MigrationHarness;
use thiserror::Error;
use tokio::sync::Semaphore;
use tracing::Span;

pub use db::{Backend, Db};
use db::{MIGRATIONS_POSTGRES, MIGRATIONS_SQLITE, Manager};
pub use inline_reader::InlineReader;
pub use notifications::Notifications;

/// The database cannot do what it was asked.
#[derive(Debug, Error)]
pub enum StoreError {
    /// No connection was available in time.
    #[error("no database connection")]
    Connection(#[source] diesel::r2d2::PoolError),
    /// All connections were in use for too long.
    #[error("all database connections are in use")]
    Busy,
    /// A statement failed.
    #[error("database statement")]
    Statement(#[from] diesel::result::Error),
    /// Bringing the schema up to date failed.
    #[error("database migration")]
    Migration(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The cookie's middleware could not reach the database; its text of the cause.
    #[error("session: {0}")]
    Session(String),
    /// An encrypted value cannot be decrypted, most likely because `APP_SECRET` was replaced.
    #[error("encrypted value: {0}")]
    Sealed(String),
    /// Changes of other servers cannot be listened for.
    #[error("notifications of the database")]
    Notifications(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What was done for several has failed.
    #[error(transparent)]
    Together(#[from] Arc<StoreError>),
    /// `DATABASE_URL` has an unknown scheme.
    #[error("DATABASE_URL: write sqlite://path, a path, or postgres://…")]
    UnknownKind,
}

impl StoreError {
    /// Whether a constraint against duplicates refused a row.
    #[must_use]
    pub fn is_duplicate(&self) -> bool {
        use diesel::result::{DatabaseErrorKind::UniqueViolation, Error::DatabaseError};
        matches!(self, Self::Statement(DatabaseError(UniqueViolation, _)))
    }
}

/// The database: a pool of connections and as many permits.
#[derive(Clone)]
pub struct Store {
    backend: Backend,
    pool: Pool<Manager>,
    permits: Arc<Semaphore>,
    timeout: Duration,
    on_change: Arc<OnceLock<OnChange>>,
}

/// Told what was changed, after the commit.
type OnChange = Box<dyn Fn(changes::Committed) + Send + Sync>;

impl std::fmt::Debug for Store {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Store")
    }
}

impl Store {
    /// Prepares a pool of at most `connections`. A statement waits for a lock, and a request for a
    /// connection, no longer than `timeout`.
    ///
    /// # Errors
    /// When the address has an unknown scheme.
    pub fn new(url: &str, connections: u32, timeout: Duration) -> Result<Self, StoreError> {
        let backend = Backend::of(url).ok_or(StoreError::UnknownKind)?;
        let pool = Pool::builder()
            .max_size(connections)
            .min_idle(Some(0))
            .connection_timeout(timeout)
            // PostgreSQL may have gone and come back since the last use. A file cannot.
            .test_on_check_out(matches!(backend, Backend::Postgres(_)))
            .error_handler(Box::new(db::QuietHandler))
            .build_unchecked(Manager::new(backend.clone(), timeout));
        let permits = Arc::new(Semaphore::new(connections as usize));
        Ok(Self { backend, pool, permits, timeout, on_change: Arc::default() })
    }

    /// Tells `listener` from now on what a transaction has changed, after its commit. There is
    /// one listener: a second one is told nothing.
    pub fn on_change(&self, listener: impl Fn(changes::Committed) + Send + Sync + 'static) {
        // It fails only for the second one.
        let _ = self.on_change.set(Box::new(listener));
    }

    /// Whether the database is a file that does not exist yet.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(&self.backend, Backend::Sqlite(file) if !std::path::Path::new(file).exists())
    }

    /// Whether other servers may use the database at the same time.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        matches!(self.backend, Backend::Postgres(_))
    }

    /// See [`Backend::is_exposed`].
    #[must_use]
    pub fn is_exposed(&self) -> bool {
        self.backend.is_exposed()
    }

    /// Brings the schema up to date.
    ///
    /// # Errors
    /// When there is no database, or a migration fails.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        let timeout = self.timeout.as_millis();
        self.blocking(move |db| {
            let done = match db {
                Db::Sqlite(db) => db.run_pending_migrations(MIGRATIONS_SQLITE).map(drop),
                Db::Postgres(db) => {
                    // Migrating takes as long as it takes, and so does waiting for another server that
                    // does. The lock goes with the connection.
                    db.batch_execute(
                        "SET statement_timeout = 0; SET lock_timeout = 0; \
                         SELECT pg_advisory_lock(hashtextextended('countersign migrations', 0))",
                    )?;
                    let done = db.run_pending_migrations(MIGRATIONS_POSTGRES).map(drop);
                    db.batch_execute(&format!(
                        "SELECT pg_advisory_unlock_all(); \
                         SET statement_timeout = {timeout}; SET lock_timeout = {timeout}"
                    ))?;
                    done
                }
            };
            done.map_err(StoreError::Migration)
        })
        .await
    }

    /// Whether the database answers and has every migration.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn is_ready(&self) -> Result<bool, StoreError> {
        self.blocking(|db| {
            let pending = match db {
                Db::Sqlite(db) => db.has_pending_migration(MIGRATIONS_SQLITE),
                Db::Postgres(db) => db.has_pending_migration(MIGRATIONS_POSTGRES),
            };
            pending.map(|pending| !pending).map_err(StoreError::Migration)
        })
        .await
    }

    /// Whether no migration was ever run on the database.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn is_empty(&self) -> Result<bool, StoreError> {
        self.blocking(|db| {
            let applied = match db {
                Db::Sqlite(db) => db.applied_migrations().map(|applied| applied.is_empty()),
                Db::Postgres(db) => db.applied_migrations().map(|applied| applied.is_empty()),
            };
            applied.map_err(StoreError::Migration)
        })
        .await
    }

    /// Runs queries.
    ///
    /// # Errors
    /// The query's own, or that there is no connection.
    pub async fn read<T, E>(
        &self,
        query: impl FnOnce(&mut Db) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.blocking(query).await
    }

    /// Runs commands in one transaction; an error rolls it back. On SQLite it holds the write lock
    /// from its beginning: a transaction that reads first would fail when it comes to write.
    ///
    /// # Errors
    /// The command's own, or the database's.
    pub async fn write<T, E>(
        &self,
        command: impl FnOnce(&mut Db) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let on_change = Arc::clone(&self.on_change);
        self.blocking(move |db| {
            let failed = |error| E::from(StoreError::Statement(error));
            // Those of a transaction that panicked.
            drop(changes::take());
            match db {
                Db::Sqlite(db) => AnsiTransactionManager::begin_transaction_sql(db, "BEGIN IMMEDIATE"),
                Db::Postgres(db) => AnsiTransactionManager::begin_transaction(db),
            }
            .map_err(failed)?;
            let result = command(db);
            match &result {
                Ok(_) => <Db as Connection>::TransactionManager::commit_transaction(db).map_err(failed)?,
                Err(_) => {
                    drop(changes::take());
                    <Db as Connection>::TransactionManager::rollback_transaction(db).map_err(failed)?;
                }
            }
            let changed = changes::take();
            if let Some(listener) = on_change.get().filter(|_| !changed.is_empty()) {
                listener(changed);
            }
            result
        })
        .await
    }

    async fn blocking<T, E>(
        &self,
        work: impl FnOnce(&mut Db) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let permit = tokio::time::timeout(self.timeout, self.permits.acquire()).await;
        let _permit = permit.map_err(|_| StoreError::Busy)?.expect("the semaphore is never closed");
        let (pool, span) = (self.pool.clone(), Span::current());
        let done = tokio::task::spawn_blocking(move || {
            let _entered = span.enter();
            let mut connection = pool.get().map_err(StoreError::Connection)?;
            let done = work(&mut connection.db);
            connection.used(done.is_ok());
            done
        });
        match done.await {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        }
    }
}

/// Lets one transaction at a time decide about `subject`, so that counting and then inserting is safe
/// under a race. SQLite has one writer; PostgreSQL holds an advisory lock until the transaction ends.
///
/// # Errors
/// When the statement fails.
pub fn lock(db: &mut Db, subject: &str) -> diesel::QueryResult<()> {
    match db {
        Db::Sqlite(_) => Ok(()),
        Db::Postgres(db) => diesel::sql_query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
            .bind::<Text, _>(subject)
            .execute(db)
            .map(drop),
    }
}
