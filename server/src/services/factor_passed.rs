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

/// A factor that has passed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Passed<'a> {
    pub(super) user: &'a UserId,
    /// The session it passed in; `None` for the approval of an action.
    pub(super) session: Option<&'a SessionId>,
    pub(super) method: Method,
}

impl Context {
    /// Notes a passed factor with user and session; answers whether the phone was verified for the
    /// first time.
    pub(super) fn factor_passed(
        &self,
        db: &mut Db,
        passed: Passed<'_>,
        clears_lock: bool,
        now: Timestamp,
    ) -> Result<bool> {
        let Passed { user, session, method } = passed;
        let accounts_per_phone = self.limits().accounts_per_phone;
        let noted = FactorPassed { user, method, clears_lock, accounts_per_phone };
        let first = users::factor_passed(db, noted, now)? == PhoneVerification::First;
        let lifetimes = self.lifetimes();
        if let Some(session) = session {
            sessions::factor_passed(db, session, method, now.plus(lifetimes.absolute), now)?;
        }
        if first {
            sessions::phone_verified_elsewhere(db, user, session, now.plus(lifetimes.pending))?;
        }
        Ok(first)
    }
}
