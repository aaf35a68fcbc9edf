//! The time codes and approval requests live by.

use std::{
    fmt::Debug,
    sync::atomic::{AtomicI64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// A clock that can be moved ahead. A server that starts a sandbox lends it its own, so that both
/// live in the same minute.
pub trait Clock: Debug + Send + Sync {
    /// Milliseconds since the Unix epoch.
    fn now_ms(&self) -> i64;
    /// Moves the clock ahead.
    fn advance(&self, by: Duration);
    /// Takes back every [`advance`](Self::advance).
    fn reset(&self);
}

/// The machine's clock, and how far it was moved.
#[derive(Debug, Default)]
pub struct MachineClock {
    ahead_ms: AtomicI64,
}

impl Clock for MachineClock {
    fn now_ms(&self) -> i64 {
        #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clock")]
        let real = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(real.as_millis()).unwrap_or(i64::MAX) + self.ahead_ms.load(Ordering::Relaxed)
    }

    fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.ahead_ms.fetch_add(by, Ordering::Relaxed);
    }

    fn reset(&self) {
        self.ahead_ms.store(0, Ordering::Relaxed);
    }
}
