//! What a passed factor changes in sessions.

use diesel::{
    dsl::case_when,
    prelude::*,
    sql_types::{BigInt, Text},
};

use super::{
    changes,
    db::{Db, on_its_own},
    schema::sessions::dsl,
    schema::users,
};
use crate::domain::{
    clock::Timestamp,
    factor::Method,
    ids::{SessionId, UserId},
    session::{Origin, State},
};

/// A session in which a factor passes.
#[derive(Debug, Clone, Queryable)]
pub struct Completing {
    /// Its id.
    pub id: SessionId,
    /// Whose.
    pub user: UserId,
    /// How far it had come.
    pub state: State,
    /// How it began.
    pub origin: Origin,
    /// Browser or program, in words.
    pub browser: String,
    /// The client's address.
    pub address: String,
    /// Whether it came from a known device.
    pub has_device: bool,
    /// Whether no answer to it holds a token.
    pub cookie_only: bool,
    /// Whether its user's e-mail is verified.
    pub email_verified: bool,
    /// Whether its user has signed in on the page before.
    pub uses_page: bool,
}

/// The live ones of these sessions, before a factor is noted with them.
///
/// # Errors
/// When the query fails.
pub fn completing(db: &mut Db, ids: &[&SessionId], now: Timestamp) -> QueryResult<Vec<Completing>> {
    let found = dsl::sessions
        .inner_join(users::table)
        .filter(dsl::id.eq_any(ids))
        .filter(dsl::expires_at.gt(now))
        .select((
            dsl::id,
            users::id,
            dsl::state,
            dsl::origin,
            dsl::browser,
            dsl::address,
            dsl::device_id.is_not_null(),
            dsl::cookie_only,
            users::email_verified_at.is_not_null(),
            users::uses_page,
        ));
    on_its_own!(db, connection => found.load(connection))
}

/// A factor has passed in these sessions: pending ones become verified and get a full lifetime.
///
/// # Errors
/// When a statement fails.
pub fn factor_passed(
    db: &mut Db,
    ids: &[&SessionId],
    method: Method,
    expires_at: Timestamp,
    now: Timestamp,
) -> QueryResult<()> {
    changes::note_all(db, ids.iter().copied())?;
    let is_pending = || dsl::state.eq(State::Pending).and(dsl::expires_at.gt(now));
    let of_users = dsl::sessions.filter(dsl::id.eq_any(ids)).filter(dsl::state.ne(State::Anonymous));
    let passed = diesel::update(of_users).set((
        dsl::factor.eq(method),
        dsl::factor_at.eq(now),
        dsl::state.eq(case_when(is_pending(), State::Verified.into_sql::<Text>()).otherwise(dsl::state)),
        dsl::seen_at.eq(case_when(is_pending(), now.into_sql::<BigInt>()).otherwise(dsl::seen_at)),
        dsl::expires_at
            .eq(case_when(is_pending(), expires_at.into_sql::<BigInt>()).otherwise(dsl::expires_at)),
    ));
    on_its_own!(db, connection => passed.execute(connection)).map(drop)
}

/// The phone was verified in one session: other sign-up sessions of the user in which no factor has
/// passed need one now.
///
/// # Errors
/// When the statement fails.
pub fn phone_verified_elsewhere(db: &mut Db, user: &UserId, expires_at: Timestamp) -> QueryResult<()> {
    let others = dsl::sessions
        .filter(dsl::user_id.eq(user))
        .filter(dsl::origin.eq(Origin::SignUp))
        .filter(dsl::state.eq(State::SignedIn))
        .filter(dsl::factor_at.is_null());
    let ids: Vec<SessionId> = others.select(dsl::id).load(db)?;
    changes::note_all(db, &ids)?;
    // The same condition once more: a factor may have passed in one of them meanwhile.
    diesel::update(others)
        .set((dsl::state.eq(State::Pending), dsl::expires_at.eq(expires_at)))
        .execute(db)
        .map(drop)
}
