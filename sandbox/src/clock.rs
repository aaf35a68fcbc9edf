//! The clock by which codes and approval requests expire.

use std::{
    fmt::Debug,
    sync::atomic::{AtomicI64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// A clock that can be advanced. A server that starts a sandbox passes its own clock, so that both
/// have the same time.
pub trait Clock: Debug + Send + Sync {
    /// Milliseconds since the Unix epoch.
    fn now_ms(&self) -> i64;
    /// Advances the clock.
    fn advance(&self, by: Duration);
    /// Undoes every [`advance`](Self::advance).
    fn reset(&self);
}

/// The system clock plus the time it was advanced.
#[derive(Debug, Default)]
pub struct MachineClock {
    offset_ms: AtomicI64,
}

impl Clock for MachineClock {
    fn now_ms(&self) -> i64 {
        #[expect(clippy::disallowed_methods, reason = "the only place that reads the system clock")]
        let system = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(system.as_millis()).unwrap_or(i64::MAX) + self.offset_ms.load(Ordering::Relaxed)
    }

    fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.offset_ms.fetch_add(by, Ordering::Relaxed);
    }

    fn reset(&self) {
        self.offset_ms.store(0, Ordering::Relaxed);
    }
}
