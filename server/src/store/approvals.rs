//! Approval requests, found by provider account and reference, and bound to the session that asked.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use diesel::prelude::*;

use super::{
    changes,
    db::{Db, on_its_own},
    schema::approvals::{self, dsl},
    schema::sessions,
};
use crate::domain::{
    approval::{Answer, ApprovalPurpose, ApprovalState},
    clock::Timestamp,
    factor::{ProviderAccount, ProviderUser},
    ids::{ApprovalId, DeviceId, SessionId, UserId},
    phone::Phone,
};

/// A new request, before the provider has accepted it.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = approvals)]
pub struct NewApproval {
    /// 128 random bits.
    pub id: ApprovalId,
    /// Who is asked.
    pub user_id: UserId,
    /// Which session asks.
    pub session_id: Option<SessionId>,
    /// The message.
    pub message: String,
    /// Details as JSON.
    pub details: String,
    /// [`ApprovalState::Asking`].
    pub status: ApprovalState,
    /// Now.
    pub created_at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
    /// What an approval is for.
    pub purpose: ApprovalPurpose,
    /// Of an action: digest of its data.
    pub data_digest: Option<String>,
    /// The provider account that will hold it.
    pub provider_account: ProviderAccount,
    /// The provider's id of the user.
    pub provider_user: ProviderUser,
    /// The phone it goes to.
    pub phone: Phone,
    /// Whether the account's phone is unverified.
    pub stranger: bool,
    /// The known device whose own budget it uses.
    pub device_id: Option<DeviceId>,
    /// The number that the phone shows and the page has to be given.
    pub number: Option<i32>,
}

/// A request that was just settled.
#[derive(Debug, Clone)]
pub struct Settled {
    /// The provider account that holds it.
    pub account: ProviderAccount,
    /// The provider's reference.
    pub reference: String,
    /// Whose phone answered.
    pub user: UserId,
    /// Which session had asked; absent when it has ended, and for actions.
    pub session: Option<SessionId>,
    /// What the person did.
    pub answer: Answer,
    /// Whether an approval alone signs nobody in.
    pub needs_number: bool,
}

/// Names a request at its provider.
#[derive(Debug, Clone)]
pub struct AtProvider {
    /// The account that holds it.
    pub account: ProviderAccount,
    /// The provider's reference.
    pub reference: String,
    /// Who has answered, by the provider's id; `None` when the provider was polled.
    pub user: Option<ProviderUser>,
}

/// Reserves a request before the provider is called.
///
/// # Errors
/// When the statement fails.
pub fn insert(db: &mut Db, approval: &NewApproval) -> QueryResult<()> {
    diesel::insert_into(approvals::table).values(approval).execute(db).map(drop)
}

/// Whether a request is open: on the phone, or being sent.
///
/// # Errors
/// When the query fails.
pub fn is_open(db: &mut Db, id: &ApprovalId, now: Timestamp) -> QueryResult<bool> {
    let open: i64 = dsl::approvals
        .find(id)
        .filter(dsl::status.eq_any([ApprovalState::Asking, ApprovalState::Pending]))
        .filter(dsl::expires_at.gt(now))
        .count()
        .get_result(db)?;
    Ok(open > 0)
}

/// Whether the newest request of a session was approved.
///
/// # Errors
/// When the query fails.
pub fn is_newest_approved(db: &mut Db, session_id: &SessionId) -> QueryResult<bool> {
    let approved: i64 = dsl::approvals
        .inner_join(sessions::table.on(sessions::push_id.eq(dsl::id.nullable())))
        .filter(sessions::id.eq(session_id))
        .filter(dsl::status.eq(ApprovalState::Approved))
        .filter(dsl::number.is_null().or(dsl::matched_at.is_not_null()))
        .count()
        .get_result(db)?;
    Ok(approved > 0)
}

/// Whose requests are counted.
#[derive(Debug, Clone, Copy)]
pub enum CountedFor<'a> {
    /// One account's, apart from those of known devices.
    Account(&'a UserId),
    /// All accounts' of a phone, verified ones or strangers.
    Phone {
        /// The phone.
        phone: &'a Phone,
        /// Strangers, or accounts that have verified it.
        strangers: bool,
    },
    /// One known device's for one account.
    Device(&'a UserId, &'a DeviceId),
    /// All known devices' of one account.
    Devices(&'a UserId),
}

/// When requests were sent that were not approved since a moment, oldest first.
///
/// # Errors
/// When the query fails.
pub fn not_approved_since(
    db: &mut Db,
    whose: CountedFor<'_>,
    since: Timestamp,
) -> QueryResult<Vec<Timestamp>> {
    // An approval without its number is none.
    let unmatched =
        dsl::status.eq(ApprovalState::Approved).and(dsl::number.is_not_null()).and(dsl::matched_at.is_null());
    let not_approved = dsl::status
        .eq_any([ApprovalState::Asking, ApprovalState::Pending, ApprovalState::Denied])
        .or(unmatched);
    let recent = dsl::approvals
        .filter(dsl::created_at.gt(since))
        .filter(not_approved)
        .order(dsl::created_at)
        .select(dsl::created_at);
    match whose {
        CountedFor::Account(user) => {
            recent.filter(dsl::user_id.eq(user)).filter(dsl::device_id.is_null()).load(db)
        }
        CountedFor::Phone { phone, strangers } => recent
            .filter(dsl::phone.eq(phone))
            .filter(dsl::stranger.eq(strangers))
            .filter(dsl::device_id.is_null())
            .load(db),
        CountedFor::Device(user, device) => {
            recent.filter(dsl::user_id.eq(user)).filter(dsl::device_id.eq(device)).load(db)
        }
        CountedFor::Devices(user) => {
            recent.filter(dsl::user_id.eq(user)).filter(dsl::device_id.is_not_null()).load(db)
        }
    }
}

/// When an account's requests failed since a moment, oldest first.
///
/// # Errors
/// When the query fails.
pub fn failed_since(db: &mut Db, user: &UserId, since: Timestamp) -> QueryResult<Vec<Timestamp>> {
    dsl::approvals
        .filter(dsl::user_id.eq(user))
        .filter(dsl::created_at.gt(since))
        .filter(dsl::status.eq(ApprovalState::Failed))
        .order(dsl::created_at)
        .select(dsl::created_at)
        .load(db)
}

/// When an account's requests were denied since a moment, newest first.
///
/// # Errors
/// When the query fails.
pub fn denied_since(db: &mut Db, user: &UserId, since: Timestamp) -> QueryResult<Vec<Timestamp>> {
    dsl::approvals
        .filter(dsl::user_id.eq(user))
        .filter(dsl::status.eq(ApprovalState::Denied))
        .filter(dsl::settled_at.gt(since))
        .order(dsl::settled_at.desc())
        .select(dsl::settled_at.assume_not_null())
        .load(db)
}

/// The provider has accepted the request: it is on the phone now.
///
/// # Errors
/// When the statement fails.
pub fn sent(db: &mut Db, id: &ApprovalId, at: &AtProvider) -> QueryResult<()> {
    let asked: Option<Option<SessionId>> = diesel::update(dsl::approvals.find(id))
        .set((
            dsl::status.eq(ApprovalState::Pending),
            dsl::reference.eq(&at.reference),
            dsl::provider_account.eq(&at.account),
        ))
        .returning(dsl::session_id)
        .get_result(db)
        .optional()?;
    match asked.flatten() {
        Some(session) => changes::note(db, &session),
        None => Ok(()),
    }
}

/// The provider did not accept it.
///
/// # Errors
/// When the statement fails.
pub fn failed(db: &mut Db, id: &ApprovalId) -> QueryResult<()> {
    diesel::update(dsl::approvals.find(id)).set(dsl::status.eq(ApprovalState::Failed)).execute(db).map(drop)
}

/// Corrects the provider's id of the user, where the phone was enrolled again before the request
/// was sent.
///
/// # Errors
/// When the statement fails.
pub fn set_provider_user(db: &mut Db, id: &ApprovalId, user: &ProviderUser) -> QueryResult<()> {
    diesel::update(dsl::approvals.find(id)).set(dsl::provider_user.eq(user)).execute(db).map(drop)
}

/// A request that waits for an answer. Its row is locked until the transaction ends.
#[derive(Debug, Queryable)]
pub struct Open {
    id: ApprovalId,
    reference: Option<String>,
    provider_account: ProviderAccount,
    provider_user: ProviderUser,
    expires_at: Timestamp,
}

impl Open {
    /// Whether it went to this user of a provider account.
    #[must_use]
    pub fn is_of(&self, account: &ProviderAccount, user: &ProviderUser) -> bool {
        self.provider_account == *account && self.provider_user == *user
    }

    fn is_meant_by(&self, Answered { at, came_at, .. }: &Answered) -> bool {
        self.reference.as_ref() == Some(&at.reference)
            && self.provider_account == at.account
            && at.user.as_ref().is_none_or(|named| *named == self.provider_user)
            && self.expires_at > *came_at
    }
}

/// What somebody has answered.
#[derive(Debug, Clone)]
pub struct Answered {
    /// To which request.
    pub at: AtProvider,
    /// What.
    pub answer: Answer,
    /// When it came: by then the request must not have expired.
    pub came_at: Timestamp,
    /// The provider's id of the device that has answered, where it tells.
    pub device: Option<String>,
}

/// The requests that wait for an answer with these references.
///
/// # Errors
/// When the query fails.
pub fn open(db: &mut Db, references: &BTreeSet<&str>) -> QueryResult<Vec<Open>> {
    let open = dsl::approvals
        .filter(dsl::reference.eq_any(references))
        .filter(dsl::status.eq(ApprovalState::Pending))
        .order(dsl::id)
        .select((dsl::id, dsl::reference, dsl::provider_account, dsl::provider_user, dsl::expires_at));
    match db {
        Db::Sqlite(db) => open.load(db),
        // In the order of their ids: two transactions that settle the same ones wait for each other in turn.
        Db::Postgres(db) => open.for_update().load(db),
    }
}

/// Settles open requests of the users the provider names; of several answers to one the first counts. An answer
/// changes nothing where there is no such request: unknown, another user's, expired or settled before.
///
/// # Errors
/// When a statement fails.
pub fn settle(db: &mut Db, open: &[Open], answers: &[Answered], now: Timestamp) -> QueryResult<Vec<Settled>> {
    let mut decided: BTreeMap<&ApprovalId, Answer> = BTreeMap::new();
    for answered in answers {
        if let Some(request) = open.iter().find(|request| request.is_meant_by(answered)) {
            decided.entry(&request.id).or_insert(answered.answer);
        }
    }
    let mut settled = Vec::with_capacity(decided.len());
    for (answer, status) in
        [(Answer::Approved, ApprovalState::Approved), (Answer::Denied, ApprovalState::Denied)]
    {
        let ids: Vec<_> = decided.iter().filter(|(_, given)| **given == answer).map(|(id, _)| *id).collect();
        if ids.is_empty() {
            continue;
        }
        let open = dsl::approvals.filter(dsl::id.eq_any(ids)).filter(dsl::status.eq(ApprovalState::Pending));
        let moved = diesel::update(open).set((dsl::status.eq(status), dsl::settled_at.eq(now))).returning((
            dsl::provider_account,
            dsl::reference,
            dsl::user_id,
            dsl::session_id,
            dsl::number.is_not_null(),
        ));
        type Moved = (ProviderAccount, Option<String>, UserId, Option<SessionId>, bool);
        let moved: Vec<Moved> = on_its_own!(db, connection => moved.get_results(connection))?;
        settled.extend(moved.into_iter().map(|(account, reference, user, session, needs_number)| Settled {
            account,
            reference: reference.unwrap_or_default(),
            user,
            session,
            answer,
            needs_number,
        }));
    }
    changes::note_all(db, settled.iter().filter_map(|settled| settled.session.as_ref()))?;
    Ok(settled)
}

/// Removes at most so many old requests.
///
/// # Errors
/// When a statement fails.
pub fn sweep(db: &mut Db, now: Timestamp, keep: Duration, most: i64) -> QueryResult<usize> {
    let old = dsl::approvals.filter(dsl::expires_at.le(now.minus(keep)));
    let ids: Vec<ApprovalId> = old.select(dsl::id).limit(most).load(db)?;
    diesel::delete(dsl::approvals.filter(dsl::id.eq_any(ids))).execute(db)
}
