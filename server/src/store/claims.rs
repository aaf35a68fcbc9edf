//! Whose code a service of a provider has sent to a number, where the provider knows service and number alone.

use std::time::Duration;

use diesel::prelude::*;

use super::{
    db::Db,
    schema::verification_claims::{self, dsl},
};
use crate::domain::clock::Timestamp;

/// What codes of a provider are known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The provider's service.
    pub service: String,
    /// The number, in E.164.
    pub phone: String,
}

/// How a claim was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claimed {
    /// Whether another owner's code may still be valid there.
    pub from_another: bool,
    /// Codes this owner has had sent there before.
    pub sends: i32,
}

/// Claims a place for an owner, whoever had it. A claim is forgotten after the lifetime of a code.
///
/// # Errors
/// When a statement fails.
pub fn claim(
    db: &mut Db,
    place: &Place,
    owner: &str,
    now: Timestamp,
    lifetime: Duration,
) -> QueryResult<Claimed> {
    super::lock(db, &format!("claim {} {}", place.service, place.phone))?;
    let row = dsl::verification_claims.find((&place.service, &place.phone));
    let held: Option<(String, i32, Timestamp)> =
        row.select((dsl::owner, dsl::sends, dsl::claimed_at)).get_result(db).optional()?;
    let live = held.as_ref().filter(|(_, _, claimed_at)| claimed_at.plus(lifetime) > now);
    match live {
        Some((holder, sends, _)) if holder == owner => {
            return Ok(Claimed { from_another: false, sends: *sends });
        }
        _ => {}
    }
    let from_another = live.is_some();
    if held.is_some() {
        let new = (dsl::owner.eq(owner), dsl::sends.eq(0), dsl::claimed_at.eq(now));
        diesel::update(row).set(new).execute(db)?;
    } else {
        let new = (
            dsl::service.eq(&place.service),
            dsl::phone.eq(&place.phone),
            dsl::owner.eq(owner),
            dsl::claimed_at.eq(now),
        );
        diesel::insert_into(verification_claims::table).values(new).execute(db)?;
    }
    Ok(Claimed { from_another, sends: 0 })
}

/// A code was sent. `false` when another owner has claimed the place meanwhile.
///
/// # Errors
/// When the statement fails.
pub fn sent(db: &mut Db, place: &Place, owner: &str, sends: i32) -> QueryResult<bool> {
    let own = dsl::verification_claims.find((&place.service, &place.phone)).filter(dsl::owner.eq(owner));
    Ok(diesel::update(own).set(dsl::sends.eq(sends)).execute(db)? == 1)
}

/// Whether the place is this owner's, and a code was sent there.
///
/// # Errors
/// When the query fails.
pub fn is_held(
    db: &mut Db,
    place: &Place,
    owner: &str,
    now: Timestamp,
    lifetime: Duration,
) -> QueryResult<bool> {
    let held: i64 = dsl::verification_claims
        .find((&place.service, &place.phone))
        .filter(dsl::owner.eq(owner))
        .filter(dsl::sends.gt(0))
        .filter(dsl::claimed_at.gt(now.minus(lifetime)))
        .count()
        .get_result(db)?;
    Ok(held > 0)
}

/// The code there was used: the next one is a new one.
///
/// # Errors
/// When the statement fails.
pub fn release(db: &mut Db, place: &Place, owner: &str) -> QueryResult<()> {
    let own = dsl::verification_claims.find((&place.service, &place.phone)).filter(dsl::owner.eq(owner));
    diesel::delete(own).execute(db).map(drop)
}

/// Removes at most so many old ones.
///
/// # Errors
/// When a statement fails.
pub fn sweep(db: &mut Db, now: Timestamp, keep: Duration, most: i64) -> QueryResult<usize> {
    let old = dsl::verification_claims.filter(dsl::claimed_at.le(now.minus(keep)));
    let places: Vec<(String, String)> = old.select((dsl::service, dsl::phone)).limit(most).load(db)?;
    let mut removed = 0;
    for place in &places {
        removed += diesel::delete(dsl::verification_claims.find((&place.0, &place.1))).execute(db)?;
    }
    Ok(removed)
}
