//! Codes of authenticator apps: RFC 6238 with a secret per user.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// Parameters of an authenticator app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scheme {
    /// Seconds for which a code is shown.
    pub(crate) period: u32,
    /// Length of a code.
    pub(crate) digits: u32,
}

/// The provider's own app: seven digits, a new code every 20 seconds.
pub(crate) const OWN_APP: Scheme = Scheme { period: 20, digits: 7 };
/// Any other app, enrolled by QR code: six digits, a new code every 30 seconds.
pub(crate) const OTHER_APP: Scheme = Scheme { period: 30, digits: 6 };

impl Scheme {
    /// The time step of a point in time.
    pub(crate) fn step(self, now_ms: i64) -> u64 {
        u64::try_from(now_ms).unwrap_or_default() / (u64::from(self.period) * 1000)
    }

    /// The code of a step (RFC 4226 §5.3).
    pub(crate) fn code(self, secret: &[u8], step: u64) -> String {
        let mut mac = Hmac::<Sha1>::new_from_slice(secret).expect("HMAC accepts a key of any length");
        mac.update(&step.to_be_bytes());
        let hash = mac.finalize().into_bytes();
        let at = usize::from(hash[hash.len() - 1] & 15);
        let word = u32::from_be_bytes([hash[at] & 0x7f, hash[at + 1], hash[at + 2], hash[at + 3]]);
        let width = self.digits as usize;
        format!("{:0width$}", word % 10_u32.pow(self.digits))
    }

    /// The step that a code belongs to: the current one, the previous or the next.
    pub(crate) fn step_of(self, secret: &[u8], code: &str, now_ms: i64) -> Option<u64> {
        let now = self.step(now_ms);
        [now, now.saturating_sub(1), now + 1].into_iter().find(|step| self.code(secret, *step) == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_match_rfc_6238_appendix_b() {
        let scheme = Scheme { period: 30, digits: 8 };
        for (seconds, code) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            assert_eq!(scheme.code(b"12345678901234567890", scheme.step(seconds * 1000)), code);
        }
    }
}
