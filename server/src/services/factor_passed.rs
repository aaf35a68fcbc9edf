//! What a passed factor changes, whichever it was.

use super::{Context, Result};
use crate::{
    domain::{
        clock::Timestamp,
        factor::Method,
        ids::{SessionId, UserId},
    },
    store::{
        Db, sessions,
        users::{self, FactorPassed, PhoneVerification},
    },
};

/// A factor that has passed, for one person or several.
#[derive(Debug, Clone, Copy)]
pub(super) struct Passed<'a> {
    pub(super) users: &'a [&'a UserId],
    /// The sessions it passed in; none for the approval of an action.
    pub(super) sessions: &'a [&'a SessionId],
    pub(super) method: Method,
    /// Whether it shows that the phones are with their users.
    pub(super) verifies_phone: bool,
}

impl Context {
    /// Notes a passed factor with users and sessions; returns whose phone was verified for the first time.
    pub(super) fn factor_passed(
        &self,
        db: &mut Db,
        passed: Passed<'_>,
        clears_lock: bool,
        now: Timestamp,
    ) -> Result<Vec<UserId>> {
        let Passed { users, sessions, method, verifies_phone } = passed;
        let accounts_per_phone = self.limits().accounts_per_phone;
        let noted = FactorPassed { users, method, clears_lock, verifies_phone, accounts_per_phone };
        let verifications = users::factor_passed(db, noted, now)?;
        let first = verifications.into_iter().filter(|(_, phone)| *phone == PhoneVerification::First);
        let first: Vec<UserId> = first.map(|(user, _)| user).collect();
        let lifetimes = self.lifetimes();
        if !sessions.is_empty() {
            sessions::factor_passed(db, sessions, method, now.plus(lifetimes.absolute), now)?;
        }
        for user in &first {
            sessions::phone_verified_elsewhere(db, user, now.plus(lifetimes.pending))?;
        }
        Ok(first)
    }
}
