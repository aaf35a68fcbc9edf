//! TOTP factors: RFC 6238 with the parameters of a factor.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha512};

/// The hash of a factor's codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    Sha1,
    Sha256,
    Sha512,
}

/// A shared secret and its parameters.
#[derive(Debug, Clone)]
pub(super) struct Totp {
    pub(super) secret: Vec<u8>,
    pub(super) algorithm: Algorithm,
    /// Seconds.
    pub(super) time_step: u32,
    pub(super) code_length: u32,
    /// Steps before and after the present one.
    pub(super) skew: u32,
}

impl Algorithm {
    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "sha1" => Self::Sha1,
            "sha256" => Self::Sha256,
            "sha512" => Self::Sha512,
            _ => return None,
        })
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }
}

fn hash<M: Mac + KeyInit>(secret: &[u8], step: u64) -> Vec<u8> {
    let mut mac = <M as KeyInit>::new_from_slice(secret).expect("HMAC accepts a key of any length");
    mac.update(&step.to_be_bytes());
    mac.finalize().into_bytes().to_vec()
}

impl Totp {
    /// The code of a step (RFC 4226 §5.3).
    pub(super) fn code(&self, step: u64) -> String {
        let hash = match self.algorithm {
            Algorithm::Sha1 => hash::<Hmac<Sha1>>(&self.secret, step),
            Algorithm::Sha256 => hash::<Hmac<Sha256>>(&self.secret, step),
            Algorithm::Sha512 => hash::<Hmac<Sha512>>(&self.secret, step),
        };
        let at = usize::from(hash[hash.len() - 1] & 15);
        let word = u32::from_be_bytes([hash[at] & 0x7f, hash[at + 1], hash[at + 2], hash[at + 3]]);
        let width = self.code_length as usize;
        format!("{:0width$}", word % 10_u32.pow(self.code_length))
    }

    /// The step that a code belongs to: the present one, or one so near.
    pub(super) fn step_of(&self, code: &str, now_ms: i64) -> Option<u64> {
        let now = u64::try_from(now_ms).unwrap_or_default() / (u64::from(self.time_step) * 1000);
        let skew = u64::from(self.skew);
        (now.saturating_sub(skew)..=now + skew).find(|step| self.code(*step) == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_match_rfc_6238_appendix_b() {
        for (algorithm, secret, code) in [
            (Algorithm::Sha1, "12345678901234567890", "94287082"),
            (Algorithm::Sha256, "12345678901234567890123456789012", "46119246"),
            (
                Algorithm::Sha512,
                "1234567890123456789012345678901234567890123456789012345678901234",
                "90693936",
            ),
        ] {
            let secret = secret.as_bytes().to_vec();
            let totp = Totp { secret, algorithm, time_step: 30, code_length: 8, skew: 0 };
            assert_eq!(totp.step_of(code, 59_000), Some(1));
            assert_eq!(totp.step_of(code, 60_000), None);
        }
    }
}
