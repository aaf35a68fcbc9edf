//! A user's own sessions, as their owner lists and ends them.

use diesel::prelude::*;

use super::{
    changes,
    db::Db,
    schema::sessions::{self, dsl},
    sessions::{delete, delete_all, live},
};
use crate::domain::{
    clock::Timestamp,
    factor::Method,
    ids::{SessionId, UserId},
    limits::Lifetimes,
    session::State,
};

/// A user's signed-in sessions, the newest first.
///
/// # Errors
/// When the query fails.
pub fn signed_in(
    db: &mut Db,
    user: &UserId,
    now: Timestamp,
    lifetimes: Lifetimes,
) -> QueryResult<Vec<SignedInSession>> {
    dsl::sessions
        .filter(dsl::user_id.eq(user))
        .filter(dsl::state.eq_any([State::Verified, State::SignedIn]))
        .filter(live!(now, lifetimes))
        .order((dsl::created_at.desc(), dsl::id))
        .select(SignedInSession::as_select())
        .load(db)
}

/// A signed-in session, as its owner sees it.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = sessions)]
pub struct SignedInSession {
    /// Its id.
    pub id: SessionId,
    /// Browser or program, in words.
    pub browser: String,
    /// The client's address.
    pub address: String,
    /// The factor that passed last.
    pub factor: Option<Method>,
    /// When it began.
    pub created_at: Timestamp,
    /// Last request of a signed-in client.
    pub seen_at: Timestamp,
}

/// Ends a session of a user; `false` when there is no such one.
///
/// # Errors
/// When a statement fails.
pub fn delete_own(db: &mut Db, user: &UserId, id: &SessionId) -> QueryResult<bool> {
    let own: i64 = dsl::sessions.find(id).filter(dsl::user_id.eq(user)).count().get_result(db)?;
    if own == 0 {
        return Ok(false);
    }
    delete(db, id).map(|()| true)
}

/// Ends all sessions of a user but one, pending ones as well; answers how many signed-in ones that were.
///
/// # Errors
/// When a statement fails.
pub fn delete_others(db: &mut Db, user: &UserId, kept: &SessionId) -> QueryResult<usize> {
    let others: Vec<(SessionId, State)> = dsl::sessions
        .filter(dsl::user_id.eq(user))
        .filter(dsl::id.ne(kept))
        .select((dsl::id, dsl::state))
        .load(db)?;
    let signed_in = others.iter().filter(|(_, state)| matches!(state, State::Verified | State::SignedIn));
    let (signed_in, ids) = (signed_in.count(), others.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>());
    changes::note_all(db, &ids)?;
    delete_all(db, &ids)?;
    Ok(signed_in)
}
