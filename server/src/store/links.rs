//! Links that were sent by e-mail, by the digest of their token.

use diesel::prelude::*;

use super::{
    db::Db,
    schema::links::{self, dsl},
};
use crate::domain::{
    clock::Timestamp,
    ids::{TokenHash, UserId},
    link::LinkKind,
};

/// A link.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = links)]
pub struct LinkRow {
    /// Digest of its token.
    pub digest: TokenHash,
    /// What it is for.
    pub kind: LinkKind,
    /// Whose account it is about.
    pub user_id: UserId,
    /// The e-mail it verifies, or brings back.
    pub email: Option<String>,
    /// The phone it brings back, in E.164.
    pub phone: Option<String>,
    /// Version of the account's password when it was sent.
    pub password_version: i32,
    /// When it was sent.
    pub created_at: Timestamp,
    /// Until when it works.
    pub expires_at: Timestamp,
    /// When it was used.
    pub used_at: Option<Timestamp>,
}

/// Stores a link.
///
/// # Errors
/// When the statement fails.
pub fn insert(db: &mut Db, link: &LinkRow) -> QueryResult<()> {
    diesel::insert_into(links::table).values(link).execute(db).map(drop)
}

/// The link with this token, if it still works.
///
/// # Errors
/// When the query fails.
pub fn find(db: &mut Db, digest: &TokenHash, kind: LinkKind, now: Timestamp) -> QueryResult<Option<LinkRow>> {
    dsl::links
        .find(digest)
        .filter(dsl::kind.eq(kind))
        .filter(dsl::used_at.is_null())
        .filter(dsl::expires_at.gt(now))
        .select(LinkRow::as_select())
        .get_result(db)
        .optional()
}

/// Uses a link; `false` when it was used before, or has expired.
///
/// # Errors
/// When the statement fails.
pub fn use_one(db: &mut Db, digest: &TokenHash, now: Timestamp) -> QueryResult<bool> {
    let unused = dsl::links.find(digest).filter(dsl::used_at.is_null()).filter(dsl::expires_at.gt(now));
    Ok(diesel::update(unused).set(dsl::used_at.eq(now)).execute(db)? == 1)
}

/// The e-mail and the phone that were an account's before the first change that a link can bring back, also one that was
/// just used.
///
/// # Errors
/// When a query fails.
pub fn first_restorable(
    db: &mut Db,
    user: &UserId,
    now: Timestamp,
) -> QueryResult<(Option<String>, Option<String>)> {
    let rows: Vec<(Option<String>, Option<String>)> = dsl::links
        .filter(dsl::user_id.eq(user))
        .filter(dsl::kind.eq(LinkKind::Secure))
        .filter(dsl::expires_at.gt(now))
        .order(dsl::created_at)
        .select((dsl::email, dsl::phone))
        .load(db)?;
    let email = rows.iter().find_map(|(email, _)| email.clone());
    let phone = rows.iter().find_map(|(_, phone)| phone.clone());
    Ok((email, phone))
}

/// Ends all links of this kind that were sent about an account.
///
/// # Errors
/// When the statement fails.
pub fn end_all(db: &mut Db, user: &UserId, kind: LinkKind) -> QueryResult<()> {
    let sent = dsl::links.filter(dsl::user_id.eq(user)).filter(dsl::kind.eq(kind));
    diesel::delete(sent).execute(db).map(drop)
}

/// Removes at most so many that have expired.
///
/// # Errors
/// When a statement fails.
pub fn sweep(db: &mut Db, now: Timestamp, most: i64) -> QueryResult<usize> {
    let over = dsl::links.filter(dsl::expires_at.le(now));
    let digests: Vec<TokenHash> = over.select(dsl::digest).limit(most).load(db)?;
    diesel::delete(dsl::links.filter(dsl::digest.eq_any(digests))).execute(db)
}
