//! Callbacks that were accepted, so that a replay changes nothing.

use std::{collections::BTreeSet, time::Duration};

use diesel::{prelude::*, sql_types::BigInt};

use super::{
    db::{Db, unnest},
    schema::nonces::{self, dsl},
};
use crate::domain::clock::Timestamp;

/// Notes callbacks; returns those that were not accepted before.
///
/// # Errors
/// When a statement fails.
pub fn insert<'a>(
    db: &mut Db,
    digests: &BTreeSet<&'a str>,
    now: Timestamp,
) -> QueryResult<BTreeSet<&'a str>> {
    let row = |digest: &&'a str| (dsl::digest.eq(*digest), dsl::at.eq(now));
    match db {
        Db::Sqlite(db) => {
            let mut new = BTreeSet::new();
            for digest in digests {
                if diesel::insert_or_ignore_into(nonces::table).values(row(digest)).execute(db)? == 1 {
                    new.insert(*digest);
                }
            }
            Ok(new)
        }
        // In their order: two transactions that note the same ones wait for each other in turn.
        Db::Postgres(db) => {
            let rows = diesel::select((unnest(Vec::from_iter(digests)), now.into_sql::<BigInt>()));
            let inserted: Vec<String> = rows
                .insert_into(nonces::table)
                .into_columns((dsl::digest, dsl::at))
                .on_conflict_do_nothing()
                .returning(dsl::digest)
                .get_results(db)?;
            Ok(digests.iter().copied().filter(|digest| inserted.iter().any(|new| new == digest)).collect())
        }
    }
}

/// Removes at most so many old ones; a replay of such a callback finds its request settled or expired.
///
/// # Errors
/// When a statement fails.
pub fn sweep(db: &mut Db, now: Timestamp, keep: Duration, most: i64) -> QueryResult<usize> {
    let old = dsl::nonces.filter(dsl::at.le(now.minus(keep)));
    let digests: Vec<String> = old.select(dsl::digest).limit(most).load(db)?;
    diesel::delete(dsl::nonces.filter(dsl::digest.eq_any(digests))).execute(db)
}
