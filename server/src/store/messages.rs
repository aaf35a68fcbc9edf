//! Texts that were sent, and what became of them.

use diesel::prelude::*;

use super::{
    db::Db,
    schema::messages::{self, dsl},
};
use crate::domain::clock::Timestamp;

/// How a text stands.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = messages)]
pub struct MessageRow {
    /// The provider's word.
    pub status: String,
    /// Why it did not arrive.
    pub error_code: Option<i32>,
    /// When that was known.
    pub updated_at: Timestamp,
}

/// Reserves a text before the provider is called.
///
/// # Errors
/// When the statement fails.
pub fn insert(db: &mut Db, id: &str, user_id: &str, status: &str, now: Timestamp) -> QueryResult<()> {
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

/// The provider took it under this name.
///
/// # Errors
/// When the statement fails.
pub fn set_sid(db: &mut Db, id: &str, sid: &str) -> QueryResult<()> {
    diesel::update(dsl::messages.find(id)).set(dsl::sid.eq(sid)).execute(db).map(drop)
}

/// Moves a text from one of `from` to `status`; `false` when it is past them, or unknown. `id` is
/// our own name for it, `sid` the provider's, which may be reported before it was noted.
///
/// # Errors
/// When the statement fails.
pub fn advance(
    db: &mut Db,
    (id, sid): (&str, &str),
    from: &[&str],
    (status, error_code): (&str, Option<i32>),
    now: Timestamp,
) -> QueryResult<bool> {
    let earlier = dsl::messages
        .find(id)
        .filter(dsl::sid.is_null().or(dsl::sid.eq(sid)))
        .filter(dsl::status.eq_any(from.to_vec()));
    let moved = diesel::update(earlier)
        .set((dsl::status.eq(status), dsl::error_code.eq(error_code), dsl::updated_at.eq(now)))
        .execute(db)?;
    Ok(moved == 1)
}

/// The newest text to a user.
///
/// # Errors
/// When the query fails.
pub fn newest(db: &mut Db, user_id: &str) -> QueryResult<Option<MessageRow>> {
    dsl::messages
        .filter(dsl::user_id.eq(user_id))
        .order(dsl::created_at.desc())
        .select(MessageRow::as_select())
        .first(db)
        .optional()
}
