//! Numbers that are to become accounts' phones.

use diesel::prelude::*;

use super::{
    columns::ViaColumn,
    db::Db,
    schema::phone_changes::{self, dsl},
};
use crate::domain::{
    clock::Timestamp,
    factor::{ProviderAccount, ProviderUser},
    ids::{SessionId, UserId},
    phone::Phone,
};

/// A number a code was sent to.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = phone_changes)]
pub struct PhoneChange {
    /// Whose phone it is to become.
    pub user_id: UserId,
    /// The session that asked; no other can verify it.
    pub session_id: SessionId,
    /// The number.
    pub phone: Phone,
    /// Where it is enrolled.
    pub provider_account: ProviderAccount,
    /// The provider's id of the user with this number.
    pub provider_user: ProviderUser,
    /// The provider's reference of the code.
    pub reference: String,
    /// How the code was sent.
    pub via: ViaColumn,
    /// Until when the code can be used.
    pub expires_at: Timestamp,
}

/// Notes the newest change of an account.
///
/// # Errors
/// When a statement fails.
pub fn replace(db: &mut Db, change: &PhoneChange) -> QueryResult<()> {
    delete(db, &change.user_id)?;
    diesel::insert_into(phone_changes::table).values(change).execute(db).map(drop)
}

/// The change a session has begun; `None` where there is none, or its code has expired.
///
/// # Errors
/// When the query fails.
pub fn of_session(
    db: &mut Db,
    user: &UserId,
    session: &SessionId,
    now: Timestamp,
) -> QueryResult<Option<PhoneChange>> {
    let own =
        dsl::phone_changes.find(user).filter(dsl::session_id.eq(session)).filter(dsl::expires_at.gt(now));
    own.select(PhoneChange::as_select()).get_result(db).optional()
}

/// Forgets an account's change; `false` where there is none.
///
/// # Errors
/// When the statement fails.
pub fn delete(db: &mut Db, user: &UserId) -> QueryResult<bool> {
    Ok(diesel::delete(dsl::phone_changes.find(user)).execute(db)? == 1)
}

/// Removes at most so many whose codes have expired.
///
/// # Errors
/// When a statement fails.
pub fn sweep(db: &mut Db, now: Timestamp, most: i64) -> QueryResult<usize> {
    let over = dsl::phone_changes.filter(dsl::expires_at.le(now));
    let users: Vec<UserId> = over.select(dsl::user_id).limit(most).load(db)?;
    diesel::delete(dsl::phone_changes.filter(dsl::user_id.eq_any(users))).execute(db)
}
