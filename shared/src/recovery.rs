//! Recovery codes: shown once, each good for one sign-in without the phone.

use serde::{Deserialize, Serialize};

use crate::text::{flag, lenient};

/// How many there are in a set.
pub const RECOVERY_CODES: usize = 10;
/// Letters and digits of a code: 75 random bits.
pub const RECOVERY_CODE_LENGTH: usize = 15;
/// Digits and small letters without those that are mistaken for others (Crockford's base 32).
pub const RECOVERY_ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// `201` of `POST /user/recovery-codes`: a new set, returned once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecoveryCodes {
    /// Ten codes, `xxxxx-xxxxx-xxxxx`.
    pub codes: Vec<String>,
}

/// `200` of `GET /user/recovery-codes`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RecoveryCodesLeft {
    /// How many of the set were not used yet; 0 without a set.
    pub left: u32,
    /// When the set was made, RFC 3339 in UTC; absent without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
}

/// `POST /session/recover`.
#[derive(Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct Recover {
    /// A recovery code; capitals, blanks and dashes don't matter.
    #[serde(deserialize_with = "lenient")]
    pub code: String,
    /// Whether this browser is to be remembered for 30 days.
    #[serde(deserialize_with = "flag")]
    pub remember_device: bool,
}

/// A recovery code as it is compared: small letters and digits alone, with what is mistaken for a digit
/// read as one. `None` if it cannot be a code.
#[must_use]
pub fn normalized(typed: &str) -> Option<String> {
    let mut code = String::with_capacity(RECOVERY_CODE_LENGTH);
    for character in typed.chars() {
        let character = match character.to_ascii_lowercase() {
            ' ' | '-' | '\u{2010}'..='\u{2015}' | '\u{a0}' | '\t' => continue,
            'o' => '0',
            'i' | 'l' => '1',
            other => other,
        };
        let is_one = u8::try_from(character).is_ok_and(|byte| RECOVERY_ALPHABET.contains(&byte));
        if !is_one || code.len() == RECOVERY_CODE_LENGTH {
            return None;
        }
        code.push(character);
    }
    (code.len() == RECOVERY_CODE_LENGTH).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_was_written_down() {
        let code = "k7qm2xw4hd9fp01";
        for written in ["k7qm2-xw4hd-9fp01", " K7QM2 XW4HD 9FPOL", "k7qm2xw4hd9fpoi", "k7qm2–xw4hd–9fp01"]
        {
            assert_eq!(normalized(written).as_deref(), Some(code), "{written}");
        }
        for wrong in ["", "k7qm2", "k7qm2-xw4hd-9fp01-2", "k7qm2-xw4hd-9fpu1", "k7qm2-xw4hd-9fp0é", "123456"]
        {
            assert_eq!(normalized(wrong), None, "{wrong}");
        }
    }
}
