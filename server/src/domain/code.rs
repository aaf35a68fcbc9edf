//! A one-time code as a person types it, and how its check ends.

use std::fmt;

/// 4 to 10 ASCII digits; blanks and dashes are left out. Nothing else reaches a provider's address.
#[derive(Clone, PartialEq, Eq)]
pub struct Code(String);

/// Digits of an authenticator app's code.
const AUTHENTICATOR_DIGITS: usize = 6;

impl Code {
    /// Reads what was typed; `None` when it cannot be a code.
    #[must_use]
    pub fn read(typed: &str) -> Option<Self> {
        let code: String = typed.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
        let fits = (4..=10).contains(&code.len()) && code.bytes().all(|c| c.is_ascii_digit());
        fits.then_some(Self(code))
    }

    /// The digits.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.0
    }

    /// Whether it has the length of an authenticator app's code.
    #[must_use]
    pub fn is_of_authenticator(&self) -> bool {
        self.0.len() == AUTHENTICATOR_DIGITS
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Code")
    }
}

/// Outcome of a check.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub enum CheckOutcome {
    /// Being checked.
    Asked,
    /// Right.
    Right,
    /// Wrong.
    Wrong,
    /// The provider could not say.
    Failed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ascii_digits_of_legal_length_are_a_code() {
        for good in ["1234", "0123456789", "482 9176", "482-9176"] {
            assert!(Code::read(good).is_some(), "{good}");
        }
        let long = "1".repeat(200);
        for bad in [
            "",
            "123",
            "12345678901",
            "../sms",
            "1/2#",
            "%2e%2e",
            "１２３４５６",
            "12a4",
            "1234\n",
            "+1234",
            &long,
        ] {
            assert!(Code::read(bad).is_none(), "{bad}");
        }
    }
}
