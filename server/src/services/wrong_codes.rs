//! Counting wrong codes in a row: the last one locks, for longer each time.

use super::Context;
use crate::{
    domain::{clock::Timestamp, limits::Limits},
    store::users::WrongCodes,
};

impl Context {
    /// One wrong code more; the last one locks.
    pub(super) fn one_wrong_code_more(&self, before: WrongCodes, now: Timestamp) -> WrongCodes {
        one_more(before, self.limits(), now)
    }
}

/// One wrong code more; the last one locks.
fn one_more(before: WrongCodes, limits: &Limits, now: Timestamp) -> WrongCodes {
    // After a lock the codes are counted anew; how many locks there were is not forgotten.
    let count = if before.locked_until.is_some() { 1 } else { before.count.saturating_add(1) };
    if count.unsigned_abs() < limits.wrong_codes {
        return WrongCodes { count, locked_until: None, locks: before.locks };
    }
    let lock = limits.lock_after(before.locks.unsigned_abs());
    WrongCodes { count, locked_until: Some(now.plus(lock)), locks: before.locks.saturating_add(1) }
}

/// Takes one back. Others may have been counted meanwhile; a lock they caused stays.
pub(super) fn one_less(codes: WrongCodes, most: u32) -> WrongCodes {
    let count = (codes.count - 1).max(0);
    if codes.locked_until.is_some() && count.unsigned_abs() < most {
        return WrongCodes { count, locked_until: None, locks: (codes.locks - 1).max(0) };
    }
    WrongCodes { count, ..codes }
}
