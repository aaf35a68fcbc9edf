//! Phones that sessions verify, with or without an account.

use diesel::prelude::*;

use super::{
    db::Db,
    schema::sessions::{self, dsl},
};
use crate::domain::{
    clock::Timestamp,
    ids::{SessionId, TokenHash},
    session::State,
};

/// A code was sent to a phone. The first code's lifetime counts, since a second send brings the same code, unless it
/// is a new one.
///
/// # Errors
/// When the statement fails.
pub fn begin(
    db: &mut Db,
    id: &SessionId,
    phone: &str,
    until: Timestamp,
    is_new: bool,
    now: Timestamp,
) -> QueryResult<()> {
    let since = if is_new { until } else { now };
    let running = dsl::verifying_phone.eq(phone).and(dsl::verifying_until.gt(since));
    let begun = dsl::sessions.find(id).filter(running.is_null().or(diesel::dsl::not(running)));
    diesel::update(begun)
        .set((dsl::verifying_phone.eq(phone), dsl::verifying_until.eq(until), dsl::seen_at.eq(now)))
        .execute(db)
        .map(drop)
}

/// The code was right: the session has verified this phone. `false` when the session has ended
/// meanwhile, or another code was sent to another phone.
///
/// # Errors
/// When the statement fails.
pub fn complete(db: &mut Db, id: &SessionId, phone: &str, now: Timestamp) -> QueryResult<bool> {
    let asked = dsl::sessions.find(id).filter(dsl::verifying_phone.eq(phone));
    let verified = diesel::update(asked)
        .set((
            dsl::verified_phone.eq(phone),
            dsl::verifying_phone.eq(None::<String>),
            dsl::verifying_until.eq(None::<Timestamp>),
            dsl::seen_at.eq(now),
        ))
        .execute(db)?;
    Ok(verified == 1)
}

/// Gives a session without an account a new token, so that whoever knew the old one does not share
/// what it has verified. `false` when the old token is not that session's any more.
///
/// # Errors
/// When the statement fails.
pub fn rotate(db: &mut Db, id: &SessionId, old: &TokenHash, new: &TokenHash) -> QueryResult<bool> {
    let own =
        sessions::table.find(id).filter(dsl::token_hash.eq(old)).filter(dsl::state.eq(State::Anonymous));
    Ok(diesel::update(own).set(dsl::token_hash.eq(new)).execute(db)? == 1)
}
