//! The schema in code is the schema in the database, on both, also after going down and up again.

use diesel::{Connection, PgConnection, QueryDsl, RunQueryDsl, SqliteConnection, backend::Backend};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness};
use tempfile::TempDir;

use super::{
    db::{Db, MIGRATIONS_POSTGRES, MIGRATIONS_SQLITE},
    schema::{approvals, attempts, checks, messages, nonces, sends, sessions, users},
};
use crate::domain::ids::Random;

fn walk_every_table(db: &mut Db) {
    macro_rules! walk {
        ($($table:ident),+) => {$(
            let walked = $table::table.select($table::all_columns).execute(db);
            walked.unwrap_or_else(|error| panic!("{}: {error}", stringify!($table)));
        )+};
    }
    walk!(users, sessions, approvals, sends, checks, attempts, nonces, messages);
}

/// An empty database: SQLite, or PostgreSQL where `TEST_DATABASE_URL` names a server.
fn empty_database(folder: &TempDir) -> Db {
    let Ok(server) = std::env::var("TEST_DATABASE_URL") else {
        let file = folder.path().join("schema.db").display().to_string();
        return Db::Sqlite(SqliteConnection::establish(&file).expect("a file can be made"));
    };
    let name = format!("schema_{}", Random::system().id());
    let mut maintenance = PgConnection::establish(&server).expect("TEST_DATABASE_URL names a server");
    diesel::sql_query(format!("CREATE DATABASE {name}"))
        .execute(&mut maintenance)
        .expect("a database can be made");
    let (base, _) = server.rsplit_once('/').expect("the address ends in a database");
    Db::Postgres(PgConnection::establish(&format!("{base}/{name}")).expect("the new database is there"))
}

fn up_down_up<DB: Backend>(db: &mut impl MigrationHarness<DB>, migrations: fn() -> EmbeddedMigrations) {
    db.run_pending_migrations(migrations()).expect("up");
    db.revert_all_migrations(migrations()).expect("down");
    db.run_pending_migrations(migrations()).expect("up again");
}

#[test]
fn every_table_has_the_columns_the_code_knows_after_up_down_up() {
    let folder = TempDir::new().expect("a temporary folder");
    let mut db = empty_database(&folder);
    match &mut db {
        Db::Sqlite(db) => up_down_up(db, || MIGRATIONS_SQLITE),
        Db::Postgres(db) => up_down_up(db, || MIGRATIONS_POSTGRES),
    }
    walk_every_table(&mut db);
}
