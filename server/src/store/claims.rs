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
    /// A number in E.164, or an e-mail.
    pub to: String,
}

/// What an owner has had sent to a place.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Own {
    /// The provider's verification; `None` before a code was sent.
    pub verification: Option<String>,
    /// How often its code was sent.
    pub sends: i32,
    /// When the place was claimed.
    pub claimed_at: Timestamp,
}

/// How a place was claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// It was this owner's already.
    Own(Own),
    /// Nobody's code lives there.
    Free,
    /// Another owner's code may live there.
    FromAnother,
}

macro_rules! own {
    ($place:expr, $owner:expr) => {
        dsl::verification_claims.find((&$place.service, &$place.to)).filter(dsl::owner.eq($owner))
    };
}

/// Claims a place for an owner, whoever had it. A claim ends `lifetime` after it was made.
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
    super::lock(db, &format!("claim {} {}", place.service, place.to))?;
    let row = dsl::verification_claims.find((&place.service, &place.to));
    let held: Option<(String, Own)> = row
        .select((dsl::owner, (dsl::verification, dsl::sends, dsl::claimed_at)))
        .get_result(db)
        .optional()?;
    let new = (
        dsl::owner.eq(owner),
        dsl::verification.eq(None::<String>),
        dsl::sends.eq(0),
        dsl::claimed_at.eq(now),
    );
    let Some((holder, own)) = held else {
        let place = (dsl::service.eq(&place.service), dsl::phone.eq(&place.to));
        diesel::insert_into(verification_claims::table).values((place, new)).execute(db)?;
        return Ok(Claimed::Free);
    };
    let is_live = own.claimed_at.plus(lifetime) > now;
    if is_live && holder == owner {
        return Ok(Claimed::Own(own));
    }
    diesel::update(row).set(new).execute(db)?;
    Ok(if is_live { Claimed::FromAnother } else { Claimed::Free })
}

/// A code was sent. `false` when another owner has claimed the place meanwhile.
///
/// # Errors
/// When the statement fails.
pub fn sent(db: &mut Db, place: &Place, owner: &str, own: &Own) -> QueryResult<bool> {
    let noted = (
        dsl::verification.eq(&own.verification),
        dsl::sends.eq(own.sends),
        dsl::claimed_at.eq(own.claimed_at),
    );
    Ok(diesel::update(own!(place, owner)).set(noted).execute(db)? == 1)
}

/// What an owner has had sent to a place; `None` where it is not theirs, or not any more.
///
/// # Errors
/// When the query fails.
pub fn held(
    db: &mut Db,
    place: &Place,
    owner: &str,
    now: Timestamp,
    lifetime: Duration,
) -> QueryResult<Option<Own>> {
    own!(place, owner)
        .filter(dsl::claimed_at.gt(now.minus(lifetime)))
        .select((dsl::verification, dsl::sends, dsl::claimed_at))
        .get_result(db)
        .optional()
}

/// This code can be used no more: the next one is a new one.
///
/// # Errors
/// When the statement fails.
pub fn release(db: &mut Db, place: &Place, owner: &str, verification: &str) -> QueryResult<()> {
    let used = own!(place, owner).filter(dsl::verification.eq(verification));
    diesel::delete(used).execute(db).map(drop)
}

/// Removes at most so many old ones.
///
/// # Errors
/// When a statement fails.
pub fn sweep(db: &mut Db, now: Timestamp, keep: Duration, most: i64) -> QueryResult<usize> {
    let limit = now.minus(keep);
    let old = dsl::verification_claims.filter(dsl::claimed_at.le(limit));
    let places: Vec<(String, String)> = old.select((dsl::service, dsl::phone)).limit(most).load(db)?;
    let mut removed = 0;
    for place in &places {
        // It may have been claimed anew meanwhile.
        let still_old = dsl::verification_claims.find((&place.0, &place.1)).filter(dsl::claimed_at.le(limit));
        removed += diesel::delete(still_old).execute(db)?;
    }
    Ok(removed)
}
