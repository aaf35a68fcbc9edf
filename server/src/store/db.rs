//! The two databases behind one connection type.

use std::{
    fs, io,
    net::IpAddr,
    path::Path,
    time::{Duration, Instant},
};

use diesel::{
    Connection, ConnectionError, PgConnection, RunQueryDsl, SqliteConnection,
    connection::SimpleConnection,
    r2d2::{self, ManageConnection, R2D2Connection},
};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
// Linked so that both client libraries are built in, not asked of the machine.
use libsqlite3_sys as _;
use pq_sys as _;
use url::Url;

pub(super) const MIGRATIONS_SQLITE: EmbeddedMigrations = embed_migrations!("../migrations/sqlite");
pub(super) const MIGRATIONS_POSTGRES: EmbeddedMigrations = embed_migrations!("../migrations/postgres");

/// A connection to either database; queries are written once for both.
#[derive(diesel::MultiConnection)]
pub enum Db {
    /// PostgreSQL.
    Postgres(PgConnection),
    /// SQLite.
    Sqlite(SqliteConnection),
}

/// Runs a query on the database's own connection type. Through [`Db`] its SQL is built anew at every
/// call; on its own type it is cached. Worth it for what every request or poll asks.
macro_rules! on_its_own {
    ($db:expr, $connection:ident => $query:expr) => {
        match $db {
            Db::Sqlite($connection) => $query,
            Db::Postgres($connection) => $query,
        }
    };
}
pub(super) use on_its_own;

diesel::define_sql_function! {
    /// PostgreSQL's: a row for each value. A statement with a value list is parsed anew for each length of it.
    fn unnest(values: diesel::sql_types::Array<diesel::sql_types::Text>) -> diesel::sql_types::Text;
}

/// Which database, and its address.
#[derive(Clone)]
pub enum Backend {
    /// A `postgres://` address.
    Postgres(String),
    /// A file.
    Sqlite(String),
}

impl Backend {
    /// Chooses by the scheme alone; an unknown one is none of them.
    #[must_use]
    pub fn of(url: &str) -> Option<Self> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Some(Self::Postgres(url.to_owned()));
        }
        let file = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:")).unwrap_or(url);
        (!file.is_empty() && !file.contains("://")).then(|| Self::Sqlite(file.to_owned()))
    }

    /// Whether what is stored goes over a network that others may listen to: to PostgreSQL on another machine,
    /// with an `sslmode` that does not insist on TLS.
    #[must_use]
    pub fn is_exposed(&self) -> bool {
        let Self::Postgres(address) = self else { return false };
        // Whatever cannot be read here is refused when it is used.
        let Ok(url) = Url::parse(address) else { return false };
        let parameter = |name: &str| {
            let found = url.query_pairs().find(|(given, _)| given == name);
            found.map(|(_, value)| value.into_owned())
        };
        let insists =
            matches!(parameter("sslmode").as_deref(), Some("require" | "verify-ca" | "verify-full"));
        let host = parameter("hostaddr")
            .or_else(|| parameter("host"))
            .or_else(|| url.host_str().map(str::to_owned))
            .unwrap_or_default();
        let host = host.trim_matches(['[', ']']);
        let is_loopback = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        // Without a host, or with the path of one, it is a socket.
        let is_local = host.is_empty() || host.starts_with('/') || host.starts_with("%2F") || is_loopback;
        !insists && !is_local
    }
}

/// A connection that worked so short a time ago is not asked whether it still does.
const TRUSTED: Duration = Duration::from_secs(1);

/// Opens and checks connections.
pub(super) struct Manager {
    backend: Backend,
    timeout: Duration,
}

impl Manager {
    pub(super) fn new(backend: Backend, timeout: Duration) -> Self {
        Self { backend, timeout }
    }

    /// A new connection.
    fn open(&self) -> Result<Db, r2d2::Error> {
        let timeout = self.timeout.as_millis();
        let opened = match &self.backend {
            Backend::Postgres(url) => PgConnection::establish(url).and_then(|mut db| {
                db.batch_execute(&format!(
                    "SET statement_timeout = {timeout}; SET lock_timeout = {timeout}; SET TIME ZONE 'UTC'"
                ))
                .map_err(ConnectionError::CouldntSetupConfiguration)?;
                Ok(Db::Postgres(db))
            }),
            Backend::Sqlite(file) => {
                make_private(Path::new(file))
                    .map_err(|error| ConnectionError::BadConnection(error.to_string()))
                    .map_err(r2d2::Error::ConnectionError)?;
                SqliteConnection::establish(file).and_then(|mut db| {
                    // FULL: a logout or a used code must survive a power cut.
                    db.batch_execute(&format!(
                        "PRAGMA busy_timeout = {timeout}; PRAGMA journal_mode = WAL; \
                         PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
                    ))
                    .map_err(ConnectionError::CouldntSetupConfiguration)?;
                    Ok(Db::Sqlite(db))
                })
            }
        };
        opened.map_err(r2d2::Error::ConnectionError)
    }
}

/// Makes the database's folder (0700) and file (0600) where they are missing, and takes other users'
/// rights to an existing file away. SQLite gives its `-wal` and `-shm` files the same mode.
fn make_private(file: &Path) -> io::Result<()> {
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists()) {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::DirBuilderExt;
            builder.mode(0o700);
        }
        builder.create(folder)?;
    }
    let mut options = fs::OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
        options.mode(0o600);
        let file = options.open(file)?;
        if file.metadata()?.permissions().mode() & 0o077 != 0 {
            file.set_permissions(fs::Permissions::from_mode(0o600))?;
        }
        Ok(())
    }
    #[cfg(not(unix))]
    options.open(file).map(drop)
}

/// A connection of the pool.
pub(super) struct Pooled {
    pub(super) db: Db,
    /// `None` after a failure.
    worked_at: Option<Instant>,
}

impl Pooled {
    /// To be called after each use.
    pub(super) fn used(&mut self, without_failure: bool) {
        self.worked_at = without_failure.then(Instant::now);
    }
}

impl ManageConnection for Manager {
    type Connection = Pooled;
    type Error = r2d2::Error;

    fn connect(&self) -> Result<Pooled, r2d2::Error> {
        Ok(Pooled { db: self.open()?, worked_at: Some(Instant::now()) })
    }

    /// A question of its own, unless the connection worked a moment ago: under load it would double the
    /// round trips.
    fn is_valid(&self, pooled: &mut Pooled) -> Result<(), r2d2::Error> {
        if pooled.worked_at.is_some_and(|at| at.elapsed() < TRUSTED) {
            return Ok(());
        }
        diesel::sql_query("SELECT 1").execute(&mut pooled.db).map(drop).map_err(r2d2::Error::QueryError)
    }

    fn has_broken(&self, pooled: &mut Pooled) -> bool {
        std::thread::panicking() || pooled.db.is_broken()
    }
}

/// The pool's own report of a failed connection; the request that needed it reports it too.
#[derive(Debug)]
pub(super) struct QuietHandler;

impl r2d2::HandleError<r2d2::Error> for QuietHandler {
    fn handle_error(&self, error: r2d2::Error) {
        tracing::debug!(%error, "database connection");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_over_a_network_is_exposed_unless_it_insists_on_tls() {
        let exposed = |url: &str| Backend::of(url).expect("a database").is_exposed();
        for url in [
            "postgres://db.example/c",
            "postgres://10.0.0.7/c?sslmode=prefer",
            "postgres:///c?host=10.0.0.7",
            "postgres:///c?hostaddr=10.0.0.7",
        ] {
            assert!(exposed(url), "{url}");
        }
        for url in [
            "postgres://db.example/c?sslmode=require",
            "postgres://db.example/c?sslmode=verify-full&sslrootcert=/etc/ca.pem",
            "postgres://localhost/c",
            "postgres://127.0.0.1:5432/c",
            "postgres://[::1]/c",
            "postgres:///c",
            "postgres:///c?host=/run/postgresql",
            "postgres://%2Frun%2Fpostgresql/c",
            "sqlite://data/a.db",
        ] {
            assert!(!exposed(url), "{url}");
        }
    }

    #[test]
    fn the_scheme_alone_chooses_and_an_unknown_one_is_refused() {
        assert!(matches!(Backend::of("postgres://h/d"), Some(Backend::Postgres(_))));
        assert!(matches!(Backend::of("postgresql://h/d"), Some(Backend::Postgres(_))));
        assert!(
            matches!(Backend::of("sqlite://data/a.db"), Some(Backend::Sqlite(file)) if file == "data/a.db")
        );
        assert!(matches!(Backend::of("/var/lib/a.db"), Some(Backend::Sqlite(_))));
        assert!(Backend::of("mysql://h/d").is_none());
        assert!(Backend::of("postgre://h/d").is_none());
        assert!(Backend::of("").is_none());
    }
}
