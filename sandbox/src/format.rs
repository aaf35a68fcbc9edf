//! Times and phone numbers as text.

use jiff::Timestamp;
use shared::phone::{self, PhoneNumber};

/// RFC 3339 in UTC, to the millisecond.
pub(crate) fn milliseconds(unix_ms: i64) -> String {
    Timestamp::from_millisecond(unix_ms).map(|at| format!("{at:.3}")).unwrap_or_default()
}

/// RFC 3339 in UTC, whole seconds, as the provider writes it.
pub(crate) fn seconds(unix_ms: i64) -> String {
    Timestamp::from_second(unix_ms / 1000).map(|at| at.to_string()).unwrap_or_default()
}

/// A number grouped as people write it: `+44 7700 900123`.
pub(crate) fn grouped(number: &PhoneNumber) -> String {
    phone::written(number.calling_code(), number.national())
}
