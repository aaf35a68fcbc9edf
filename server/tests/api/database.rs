//! Each test has its own database, copied from a template that is migrated once.

use std::{fs, path::PathBuf, time::Duration};

use diesel::{Connection, PgConnection, RunQueryDsl, SqliteConnection, connection::SimpleConnection};
use server::{domain::ids::Random, store::Store};
use tempfile::TempDir;
use tokio::sync::OnceCell;

/// The template: a file for SQLite, the name of a database for PostgreSQL.
static TEMPLATE: OnceCell<String> = OnceCell::const_new();

/// Creates a database in `folder`, or on the server of `TEST_DATABASE_URL`. Returns its URL.
pub async fn create(folder: &TempDir) -> String {
    match std::env::var("TEST_DATABASE_URL") {
        Ok(server) => {
            let template = TEMPLATE.get_or_init(|| postgres_template(&server)).await;
            let name = format!("test_{}", Random::system().id());
            execute(&server, &format!("CREATE DATABASE {name} TEMPLATE {template}"));
            database_url_on(&server, &name)
        }
        Err(_) => {
            let template = TEMPLATE.get_or_init(sqlite_template).await;
            let file = folder.path().join("test.db");
            fs::copy(template, &file).expect("the template can be copied");
            format!("sqlite://{}", file.display())
        }
    }
}

async fn migrate(url: &str) {
    let store = Store::new(url, 1, Duration::from_secs(30)).expect("the database URL is valid");
    store.migrate().await.expect("the migrations run");
}

async fn sqlite_template() -> String {
    let file = format!("template-{}.db", Random::system().id());
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(file).display().to_string();
    migrate(&format!("sqlite://{file}")).await;
    let mut db = SqliteConnection::establish(&file).expect("the template exists");
    db.batch_execute(
        "PRAGMA busy_timeout = 60000; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE",
    )
    .expect("the template is one file");
    file
}

async fn postgres_template(server: &str) -> String {
    let name = format!("template_{}", Random::system().id());
    execute(server, &format!("CREATE DATABASE {name}"));
    migrate(&database_url_on(server, &name)).await;
    // PostgreSQL copies a template only while nobody is connected to it.
    execute(server, &format!("ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false"));
    let others = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
    execute(server, &others);
    name
}

fn execute(server: &str, statement: &str) {
    let mut db = PgConnection::establish(server).expect("TEST_DATABASE_URL names a PostgreSQL server");
    diesel::sql_query(statement).execute(&mut db).expect("the statement is valid");
}

fn database_url_on(server: &str, name: &str) -> String {
    let (base, _) = server.rsplit_once('/').expect("the URL ends with a database name");
    format!("{base}/{name}")
}
