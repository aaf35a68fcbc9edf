//! The clock: the system clock in production; with a sandbox it can be moved forward.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::sync::watch;

/// A point in time, in milliseconds since the Unix epoch. Both databases store it without rounding.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::BigInt)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The point in time `by` later.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(millis(by)))
    }

    /// The point in time `by` earlier.
    #[must_use]
    pub fn minus(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(millis(by)))
    }

    /// The duration from `earlier` to this; zero if `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0 - earlier.0).unwrap_or_default())
    }

    /// A point in time in RFC 3339, or a date as `2026-03-02`, whose beginning in UTC it is.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let at = if text.len() == "2026-03-02".len() {
            let day: jiff::civil::Date = text.parse().ok()?;
            day.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp()
        } else {
            text.parse().ok()?
        };
        Some(Self(at.as_millisecond()))
    }

    /// RFC 3339 in UTC, whole seconds.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        jiff::Timestamp::from_second(self.0.div_euclid(1000)).map(|at| at.to_string()).unwrap_or_default()
    }

    /// Date and time in UTC, as written to people: `2 March 2026, 14:02 UTC`.
    #[must_use]
    pub fn to_words(self) -> String {
        let at = jiff::Timestamp::from_second(self.0.div_euclid(1000)).unwrap_or_default();
        format!("{} UTC", at.strftime("%-d %B %Y, %H:%M"))
    }

    /// Time of day in UTC, as shown to people: `14:02:31 UTC`.
    #[must_use]
    pub fn time_of_day(self) -> String {
        let at = jiff::Timestamp::from_second(self.0.div_euclid(1000)).unwrap_or_default();
        format!("{} UTC", at.strftime("%H:%M:%S"))
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// A duration for the wire, in milliseconds.
#[must_use]
pub fn milliseconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

/// The source of the current time.
#[derive(Debug)]
pub struct Clock {
    /// The fixed time, in milliseconds; `None` for the system clock.
    frozen: Option<i64>,
    ahead: AtomicI64,
    moved: watch::Sender<()>,
}

impl Clock {
    /// The system clock.
    #[must_use]
    pub fn machine() -> Self {
        Self { frozen: None, ahead: AtomicI64::new(0), moved: watch::Sender::new(()) }
    }

    /// A clock that stays at `at` until it is advanced.
    #[must_use]
    pub fn frozen_at(at: Timestamp) -> Self {
        Self { frozen: Some(at.0), ..Self::machine() }
    }

    /// The current time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let base = self.frozen.unwrap_or_else(|| {
            #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
            let real = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            millis(real)
        });
        Timestamp(base + self.ahead.load(Ordering::Relaxed))
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.ahead.fetch_add(millis(by), Ordering::Relaxed);
        self.moved.send_replace(());
    }

    /// Is told whenever the clock is moved from now on.
    #[must_use]
    pub fn moves(&self) -> watch::Receiver<()> {
        self.moved.subscribe()
    }
}

#[cfg(feature = "emulator")]
impl sandbox::Clock for Clock {
    fn now_ms(&self) -> i64 {
        self.now().0
    }

    fn advance(&self, by: Duration) {
        Self::advance(self, by);
    }

    fn reset(&self) {
        self.ahead.store(0, Ordering::Relaxed);
        self.moved.send_replace(());
    }
}
