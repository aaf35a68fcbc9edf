//! Databases with many users and many rows, made by SQL: by the API they would take days.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use server::{
    domain::clock::Clock,
    store::{Db, Store, StoreError, enrolments, users},
};

use crate::{Result, programs::EMAIL};

const DAY_MS: i64 = 24 * 3_600_000;
/// Statements that make this many rows at a time.
const PER_STATEMENT: i64 = 250_000;

/// How many there are to be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) users: i64,
    /// Of sessions, approval requests, codes, counts and texts together.
    pub(crate) rows: i64,
    /// How old the newest of these is: after 25 hours the server removes them.
    pub(crate) age_ms: i64,
}

impl Size {
    /// Whether the server removes them.
    fn is_due(self) -> bool {
        self.age_ms > DAY_MS
    }
}

/// How many rows of each kind: as many as users, or a percentage of the rows.
#[derive(Debug, Clone, Copy)]
enum Share {
    Users,
    Percent(i64),
}

/// What is made, a row for each number of a series.
const TABLES: [(Share, &str); 9] = [
    (
        Share::Users,
        "INSERT INTO users (id, full_name, email, email_key, password_hash, phone, phone_verified_at, created_at)
         SELECT {id}, 'Ada Lovelace', 'user' || n || '@example.com', 'user' || n || '@example.com', '{hash}',
             '+447' || (100000000 + n), {now}, {now}",
    ),
    (
        Share::Users,
        "INSERT INTO factors (id, user_id, kind, state, provider_account, provider_user, created_at, confirmed_at)
         SELECT {id}, {id}, 'phone', 'active', '{account}', '' || (7000000000000 + n), {now}, {now}",
    ),
    (
        Share::Percent(10),
        "INSERT INTO sessions (id, token_hash, user_id, state, origin, created_at, seen_at, expires_at, factor, factor_at)
         SELECT {id}, {id}, {user}, 'signed_in', 'password', {seen} - n % 1800000, {seen} - n % 1800000,
             {end} - n % 1800000, 'push', {seen} - n % 1800000",
    ),
    (
        Share::Percent(30),
        r#"INSERT INTO approvals (id, reference, user_id, message, details, status, created_at, expires_at, settled_at,
             provider_account, provider_user, phone)
         SELECT {id}, {id}, {user}, 'Sign in to Countersign?',
             '{"Account":"ada@example.com","Browser":"Firefox on Linux","Number":"47"}',
             CASE WHEN n % 10 = 0 THEN 'denied' ELSE 'approved' END, {from} - n % 18000000,
             {from} + 120000 - n % 18000000, {from} + 9000 - n % 18000000, '{account}',
             '' || (7000000000000 + {user_number}), '+447' || (100000000 + {user_number})"#,
    ),
    (
        Share::Percent(10),
        "INSERT INTO sends (id, user_id, via, at, provider_account)
         SELECT {id}, {user}, 'sms', {from} - n % 18000000, '{account}'",
    ),
    (
        Share::Percent(10),
        "INSERT INTO checks (id, user_id, outcome, at) SELECT {id}, {user}, 'right', {from} - n % 18000000",
    ),
    (
        Share::Percent(20),
        "INSERT INTO attempts (id, kind, subject, at) SELECT {id}, 'password', {user}, {from} - n % 18000000",
    ),
    (Share::Percent(15), "INSERT INTO nonces (digest, at) SELECT {id}, {from} - n % 18000000"),
    (
        Share::Percent(5),
        "INSERT INTO messages (id, user_id, sid, status, created_at, updated_at)
         SELECT {id}, {user}, {id}, 'delivered', {from} - n % 18000000, {from} - n % 18000000",
    ),
];

/// Fills a database in which the account [`EMAIL`] is a model for all users.
pub(crate) async fn fill(database: &str, size: Size) -> Result<()> {
    let store = Store::new(database, 1, Duration::from_secs(3600))?;
    let found = store.read(|db| -> std::result::Result<_, StoreError> {
        let user = users::by_login(db, EMAIL)?.ok_or(StoreError::UnknownKind)?;
        let at = enrolments::current(db, &user.id)?.ok_or(StoreError::UnknownKind)?;
        Ok((user.password_hash, at.account.as_str().to_owned()))
    });
    let (hash, account) = found.await?;
    let is_sqlite = database.starts_with("sqlite");
    let (now, user_number) = (Clock::machine().now().0, format!("(1 + n % {})", size.users));
    let from = now - size.age_ms;
    let (seen, end) = if size.is_due() { (from, from) } else { (now, now + DAY_MS) };
    let values = [
        ("{id}", id("n", is_sqlite)),
        ("{user}", id(&user_number, is_sqlite)),
        ("{user_number}", user_number),
        ("{hash}", hash),
        ("{account}", account),
        ("{now}", now.to_string()),
        ("{from}", from.to_string()),
        ("{seen}", seen.to_string()),
        ("{end}", end.to_string()),
    ];
    run(&store, if is_sqlite { BEFORE_SQLITE } else { BEFORE_POSTGRES }.to_owned()).await?;
    for (share, insert) in TABLES {
        let insert = values.iter().fold(insert.to_owned(), |sql, (name, value)| sql.replace(name, value));
        let (head, select) = insert.split_once("SELECT").ok_or("an insert without a select")?;
        let count = match share {
            Share::Users => size.users,
            Share::Percent(percent) => size.rows * percent / 100,
        };
        for first in (1..=count).step_by(usize::try_from(PER_STATEMENT)?) {
            let last = count.min(first + PER_STATEMENT - 1);
            // Both databases know this.
            let series = format!(
                "WITH RECURSIVE series (n) AS \
                 (SELECT CAST({first} AS BIGINT) UNION ALL SELECT n + 1 FROM series WHERE n < {last})"
            );
            run(&store, format!("{head} {series} SELECT {select} FROM series")).await?;
        }
    }
    // One by one: what is sent together is a transaction, and `VACUUM` cannot be in one.
    for statement in if is_sqlite { AFTER_SQLITE } else { AFTER_POSTGRES } {
        run(&store, (*statement).to_owned()).await?;
    }
    Ok(())
}

/// As the server would have it, since it checks them at every insert: no key refers to nothing.
const BEFORE_SQLITE: &str =
    "PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -2000000;";
const BEFORE_POSTGRES: &str = "SET session_replication_role = replica; SET synchronous_commit = off;
    SET work_mem = '256MB'; SET maintenance_work_mem = '512MB';";
const AFTER_SQLITE: &[&str] = &["PRAGMA wal_checkpoint(TRUNCATE)"];
const AFTER_POSTGRES: &[&str] = &["VACUUM ANALYZE", "CHECKPOINT"];

/// An id of 32 hexadecimal digits in no order, the same for the same number: those of the server are random.
fn id(number: &str, is_sqlite: bool) -> String {
    let scattered = format!("({number} * 402653189) % 1000000007");
    if is_sqlite {
        format!("printf('%08x%024x', {scattered}, {number})")
    } else {
        format!("lpad(to_hex({scattered}), 8, '0') || lpad(to_hex({number}), 24, '0')")
    }
}

/// Not in a transaction of its own: settings last beyond it.
async fn run(store: &Store, sql: String) -> Result<()> {
    Ok(store.read(move |db: &mut Db| db.batch_execute(&sql).map_err(StoreError::from)).await?)
}

/// How many rows there are in these tables that the server removes.
pub(crate) async fn left(database: &str) -> Result<i64> {
    use diesel::{QueryableByName, RunQueryDsl, sql_query, sql_types::BigInt};
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let store = Store::new(database, 1, Duration::from_secs(600))?;
    let before = Clock::machine().now().0 - DAY_MS;
    let counted = store.read(move |db| {
        let mut left = 0;
        for (table, at) in [
            ("sessions", "expires_at"),
            ("approvals", "expires_at"),
            ("sends", "at"),
            ("checks", "at"),
            ("attempts", "at"),
            ("nonces", "at"),
        ] {
            let counted = sql_query(format!("SELECT COUNT(*) AS count FROM {table} WHERE {at} < {before}"));
            let Count { count } = counted.get_result(db)?;
            left += count;
        }
        Ok::<_, StoreError>(left)
    });
    Ok(counted.await?)
}
