//! What a browser session has proven of phones, with or without an account.

use diesel::prelude::*;

use super::{
    db::Db,
    schema::sessions::{self, dsl},
    sessions::live,
};
use crate::domain::{clock::Timestamp, limits::Lifetimes, rights::Rights};

/// A live session, whoever's it is.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = sessions)]
pub struct Visit {
    /// Its own id, which outlives the token.
    pub id: String,
    /// How far it has come.
    pub rights: Rights,
    /// The number a code was sent to, `+` and digits.
    pub verifying_phone: Option<String>,
    /// Until when that code lives.
    pub verifying_until: Option<Timestamp>,
    /// The number that was proven.
    pub proven_phone: Option<String>,
}

/// The live session with this token.
///
/// # Errors
/// When the query fails.
pub fn by_token(
    db: &mut Db,
    token_hash: &str,
    now: Timestamp,
    lifetimes: Lifetimes,
) -> QueryResult<Option<Visit>> {
    dsl::sessions
        .filter(dsl::token_hash.eq(token_hash))
        .filter(live!(now, lifetimes))
        .select(Visit::as_select())
        .get_result(db)
        .optional()
}

/// A code is on its way to a phone. The first one's life counts: a second send brings the same code.
///
/// # Errors
/// When the statement fails.
pub fn begin(db: &mut Db, id: &str, phone: &str, until: Timestamp, now: Timestamp) -> QueryResult<()> {
    let running = dsl::verifying_phone.eq(phone).and(dsl::verifying_until.gt(now));
    let begun = dsl::sessions.find(id).filter(running.is_null().or(diesel::dsl::not(running)));
    diesel::update(begun)
        .set((dsl::verifying_phone.eq(phone), dsl::verifying_until.eq(until), dsl::seen_at.eq(now)))
        .execute(db)
        .map(drop)
}

/// The code was right: the session has proven this phone. `false` when it has ended meanwhile, or
/// another code was sent to another phone.
///
/// # Errors
/// When the statement fails.
pub fn prove(db: &mut Db, id: &str, phone: &str, now: Timestamp) -> QueryResult<bool> {
    let asked = dsl::sessions.find(id).filter(dsl::verifying_phone.eq(phone));
    let proven = diesel::update(asked)
        .set((
            dsl::proven_phone.eq(phone),
            dsl::verifying_phone.eq(None::<String>),
            dsl::verifying_until.eq(None::<Timestamp>),
            dsl::seen_at.eq(now),
        ))
        .execute(db)?;
    Ok(proven == 1)
}

/// Gives a browser without an account a new token: what it has proven must not be known to whoever
/// knew the old one. `false` when it is not that session's token any more.
///
/// # Errors
/// When the statement fails.
pub fn renew(db: &mut Db, id: &str, old_hash: &str, new_hash: &str) -> QueryResult<bool> {
    let own =
        dsl::sessions.find(id).filter(dsl::token_hash.eq(old_hash)).filter(dsl::rights.eq(Rights::Anonymous));
    Ok(diesel::update(own).set(dsl::token_hash.eq(new_hash)).execute(db)? == 1)
}
