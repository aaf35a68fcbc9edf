//! The schema in code is the schema in the database, on both, also after going down and up again.

use diesel::{Connection, PgConnection, QueryDsl, RunQueryDsl, SqliteConnection, backend::Backend};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness};
use tempfile::TempDir;

use super::{
    db::{Db, MIGRATIONS_POSTGRES, MIGRATIONS_SQLITE},
    schema::{
        approval_challenges, approval_polls, approvals, attempts, checks, events, factors, half_sign_ins,
        links, mails, messages, nonces, phone_changes, recovery_codes, remembered_devices, sends, sessions,
        users, verification_claims,
    },
};
use crate::domain::ids::Random;

fn walk_every_table(db: &mut Db) {
    macro_rules! walk {
        ($($table:ident),+) => {$(
            let walked = $table::table.select($table::all_columns).execute(db);
            walked.unwrap_or_else(|error| panic!("{}: {error}", stringify!($table)));
        )+};
    }
    walk!(
        users,
        factors,
        sessions,
        approvals,
        approval_polls,
        approval_challenges,
        sends,
        checks,
        attempts,
        nonces,
        messages,
        verification_claims,
        recovery_codes,
        remembered_devices,
        links,
        mails,
        half_sign_ins,
        phone_changes,
        events
    );
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

/// What a database of the first version holds when somebody was waiting for their phone.
const BEFORE: &str = "
    INSERT INTO users (id, full_name, email, email_key, password_hash, calling_code, national_number,
        provider_account, provider_user, created_at)
        VALUES ('u', 'Ada', 'a@example.com', 'a@example.com', 'x', '44', '7700900123', 'p', '1', 1);
    INSERT INTO sessions (id, token_hash, user_id, rights, push_id, created_at, seen_at, expires_at)
        VALUES ('s', 't', 'u', 'pending', 'a', 1, 1, 9);
    INSERT INTO approvals (id, reference, user_id, session_id, message, details, status, created_at, expires_at)
        VALUES ('a', 'r', 'u', 's', 'm', '{}', 'pending', 1, 9);";

#[test]
fn what_was_there_before_a_migration_is_there_after_it() {
    use diesel::{ExpressionMethods, connection::SimpleConnection};
    let folder = TempDir::new().expect("a temporary folder");
    let mut db = empty_database(&folder);
    match &mut db {
        Db::Sqlite(db) => {
            db.batch_execute("PRAGMA foreign_keys = ON").expect("a setting");
            db.run_next_migration(MIGRATIONS_SQLITE).map(drop)
        }
        Db::Postgres(db) => db.run_next_migration(MIGRATIONS_POSTGRES).map(drop),
    }
    .expect("the first version");
    db.batch_execute(BEFORE).expect("rows of the first version");
    match &mut db {
        Db::Sqlite(db) => db.run_pending_migrations(MIGRATIONS_SQLITE).map(drop),
        Db::Postgres(db) => db.run_pending_migrations(MIGRATIONS_POSTGRES).map(drop),
    }
    .expect("the rest");
    let kept: (Option<String>, String) = approvals::table
        .select((approvals::session_id, approvals::purpose))
        .get_result(&mut db)
        .expect("the request is there");
    assert_eq!(kept, (Some("s".to_owned()), "sign_in".to_owned()));
    let owner: Option<String> = sessions::table
        .filter(sessions::push_id.eq("a"))
        .select(sessions::user_id)
        .get_result(&mut db)
        .expect("the session is there");
    assert_eq!(owner.as_deref(), Some("u"));
    // And the tables still belong together.
    diesel::delete(users::table).execute(&mut db).expect("the account can go");
    let left: i64 = sessions::table.count().get_result(&mut db).expect("a count");
    assert_eq!(left, 0);
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
