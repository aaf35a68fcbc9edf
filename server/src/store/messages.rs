//! Text messages and their delivery.

use std::time::Duration;

use diesel::prelude::*;

use super::{
    db::Db,
    schema::messages::{self, dsl},
};
use crate::domain::{
    clock::Timestamp,
    ids::{MessageId, UserId},
};

/// A text's delivery.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = messages)]
pub struct MessageRow {
    /// The provider's status.
    pub status: String,
    /// The provider's error code, when it was not delivered.
    pub error_code: Option<i32>,
    /// When that was reported.
    pub updated_at: Timestamp,
}

/// Reserves a text before the provider is called.
///
/// # Errors
/// When the statement fails.
pub fn insert(
    db: &mut Db,
    id: &MessageId,
    user_id: &UserId,
    status: &str,
    now: Timestamp,
) -> QueryResult<()> {
    diesel::insert_into(messages::table)
        .values((
            dsl::id.eq(id),
            dsl::user_id.eq(user_id),
            dsl::status.eq(status),
            dsl::created_at.eq(now),
            dsl::updated_at.eq(now),
        ))
        .execute(db)
        .map(drop)
}

/// The provider has accepted it under this name.
///
/// # Errors
/// When the statement fails.
pub fn set_sid(db: &mut Db, id: &MessageId, sid: &str) -> QueryResult<()> {
    diesel::update(dsl::messages.find(id)).set(dsl::sid.eq(sid)).execute(db).map(drop)
}

/// A report on a text.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// Our own id of the text.
    pub id: &'a MessageId,
    /// The provider's, which may be reported before it was noted.
    pub sid: &'a str,
    /// The provider's status.
    pub status: &'a str,
    /// The provider's error code.
    pub error_code: Option<i32>,
}

/// Moves a text from one of the statuses `from` to the reported one; `false` when it is past them,
/// or unknown.
///
/// # Errors
/// When the statement fails.
pub fn advance(db: &mut Db, report: Report<'_>, from: &[&str], now: Timestamp) -> QueryResult<bool> {
    let earlier = dsl::messages
        .find(report.id)
        .filter(dsl::sid.is_null().or(dsl::sid.eq(report.sid)))
        .filter(dsl::status.eq_any(from.to_vec()));
    let moved = diesel::update(earlier)
        .set((dsl::status.eq(report.status), dsl::error_code.eq(report.error_code), dsl::updated_at.eq(now)))
        .execute(db)?;
    Ok(moved == 1)
}

/// The newest text to a user.
///
/// # Errors
/// When the query fails.
pub fn newest(db: &mut Db, user_id: &UserId) -> QueryResult<Option<MessageRow>> {
    dsl::messages
        .filter(dsl::user_id.eq(user_id))
        .order(dsl::created_at.desc())
        .select(MessageRow::as_select())
        .first(db)
        .optional()
}

/// Removes at most so many old texts.
///
/// # Errors
/// When a statement fails.
pub fn sweep(db: &mut Db, now: Timestamp, keep: Duration, most: i64) -> QueryResult<usize> {
    let old = dsl::messages.filter(dsl::created_at.le(now.minus(keep)));
    let ids: Vec<MessageId> = old.select(dsl::id).limit(most).load(db)?;
    diesel::delete(dsl::messages.filter(dsl::id.eq_any(ids))).execute(db)
}
