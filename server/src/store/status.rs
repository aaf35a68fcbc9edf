//! The status of sessions, which clients poll: one query.

use diesel::{dsl::exists, prelude::*};
use shared::PushStatus;

use super::{
    db::Db,
    schema::sessions::dsl,
    schema::{approvals, factors, recovery_codes, users},
    sessions::live,
};
use crate::domain::{
    approval::{ApprovalState, NUMBER_LIFETIME},
    clock::Timestamp,
    factor::{FactorKind, FactorState, Method, ProviderAccount},
    ids::{SessionId, TokenHash},
    limits::Lifetimes,
    phone::Phone,
    session::{Carrier, Origin, Progress, State},
};

/// The newest approval request of a session, and whose phone it went to.
#[derive(Debug, Clone, Queryable)]
pub struct StatusRow {
    /// The session.
    pub session: SessionId,
    /// How far it has come.
    pub state: State,
    /// How it began.
    pub origin: Origin,
    /// Last request of a signed-in client.
    pub seen_at: Timestamp,
    /// When it ends in any case.
    pub expires_at: Timestamp,
    /// Whether it is refused by header.
    pub cookie_only: bool,
    /// The phone.
    pub phone: Phone,
    /// Whether the phone is verified.
    pub is_phone_verified: bool,
    /// The factor that passed last, in any session.
    pub last_method: Option<Method>,
    /// The provider account at which the phone is enrolled.
    pub enrolled_at: Option<ProviderAccount>,
    /// Whether a registered device answers approval requests.
    pub has_device: bool,
    /// Whether an authenticator app is active whose secret is kept here.
    pub has_authenticator: bool,
    /// Whether a recovery code is left.
    pub has_recovery_code: bool,
    /// Whether the account has signed in on the page.
    pub uses_page: bool,
    /// The factor that passed last in the session.
    pub factor: Option<Method>,
    /// When that was.
    pub factor_at: Option<Timestamp>,
    /// The request; absent when none was sent.
    pub push: Option<Push>,
}

/// An approval request as the client sees it.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = approvals)]
pub struct Push {
    /// The provider's reference; absent until the provider has accepted it.
    pub reference: Option<String>,
    /// The message.
    pub message: String,
    /// Details as JSON.
    pub details: String,
    /// As stored.
    pub status: ApprovalState,
    /// When it was sent.
    pub created_at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
    /// The number that has to be given, if one has.
    pub number: Option<i32>,
    /// When it was answered.
    pub settled_at: Option<Timestamp>,
    /// When the right number was given.
    pub matched_at: Option<Timestamp>,
}

impl Push {
    /// Whether it was approved and waits for its number at a moment; `None` where it needs none, or has been given it.
    #[must_use]
    pub fn number_is_due(&self, now: Timestamp) -> Option<bool> {
        self.number.filter(|_| self.matched_at.is_none())?;
        Some(self.status == ApprovalState::Approved && now < self.number_until())
    }

    /// Until when its number can be given.
    #[must_use]
    pub fn number_until(&self) -> Timestamp {
        self.settled_at.unwrap_or(self.expires_at).plus(NUMBER_LIFETIME)
    }

    /// What a client is told.
    #[must_use]
    pub fn status_at(&self, now: Timestamp) -> PushStatus {
        match (self.status, self.number_is_due(now)) {
            (ApprovalState::Approved, Some(true)) => PushStatus::Pending,
            (ApprovalState::Approved, Some(false)) => PushStatus::Expired,
            (status, _) => status.status_at(now, self.expires_at),
        }
    }
}

impl StatusRow {
    /// The session's place in the state machine.
    #[must_use]
    pub fn progress(&self) -> Progress {
        Progress { state: self.state, origin: self.origin, factor: self.factor.zip(self.factor_at) }
    }

    /// Whether the session is refused to clients that bring its token so.
    #[must_use]
    pub fn is_refused(&self, carrier: Carrier) -> bool {
        self.cookie_only && carrier == Carrier::Header
    }

    /// When the session ends, if nothing happens in it.
    #[must_use]
    pub fn ends_at(&self, lifetimes: Lifetimes) -> Timestamp {
        self.expires_at.min(self.seen_at.plus(lifetimes.idle))
    }
}

/// The newest approval requests of the live sessions with these tokens, in one query: clients poll them.
///
/// # Errors
/// When the query fails.
pub fn read(
    db: &mut Db,
    tokens: &[&TokenHash],
    now: Timestamp,
    lifetimes: Lifetimes,
) -> QueryResult<Vec<(TokenHash, StatusRow)>> {
    // Without lists of values: with them, SQLite would parse the statement anew at every call.
    macro_rules! factors_that {
        ($are_of_kind:expr) => {
            factors::table
                .filter(factors::user_id.eq(users::id.nullable()))
                .filter($are_of_kind)
                .filter(factors::state.ne(FactorState::Removed))
        };
    }
    macro_rules! statuses {
        ($of_tokens:expr) => {
            dsl::sessions
                .inner_join(users::table)
                .left_join(approvals::table.on(dsl::push_id.eq(approvals::id.nullable())))
                .filter($of_tokens)
                .filter(live!(now, lifetimes))
                .select((
                    dsl::token_hash,
                    (
                        dsl::id,
                        dsl::state,
                        dsl::origin,
                        dsl::seen_at,
                        dsl::expires_at,
                        dsl::cookie_only,
                        users::phone,
                        users::phone_verified_at.is_not_null(),
                        users::last_channel,
                        factors_that!(factors::kind.eq(FactorKind::Phone))
                            .select(factors::provider_account)
                            .single_value(),
                        exists(factors_that!(factors::kind.eq(FactorKind::Push))),
                        exists(
                            factors_that!(factors::kind.eq(FactorKind::Authenticator))
                                .filter(factors::state.eq(FactorState::Active)),
                        ),
                        exists(
                            recovery_codes::table
                                .filter(recovery_codes::user_id.eq(users::id))
                                .filter(recovery_codes::used_at.is_null()),
                        ),
                        users::uses_page,
                        dsl::factor,
                        dsl::factor_at,
                        Option::<Push>::as_select(),
                    ),
                ))
        };
    }
    match db {
        Db::Postgres(db) => statuses!(dsl::token_hash.eq_any(tokens)).load(db),
        // With a list of values the statement would be parsed anew at every call.
        Db::Sqlite(db) => {
            let one = |token: &&TokenHash| statuses!(dsl::token_hash.eq(*token)).get_result(db).optional();
            Ok(tokens.iter().map(one).collect::<QueryResult<Vec<_>>>()?.into_iter().flatten().collect())
        }
    }
}
