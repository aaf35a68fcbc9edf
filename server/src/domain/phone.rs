//! A user's phone number, as stored: one column in E.164.

use std::fmt;

use shared::phone::PhoneNumber;

/// A phone number; in the database `+` and digits.
#[derive(Clone, PartialEq, Eq, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub struct Phone {
    number: PhoneNumber,
    e164: String,
}

impl Phone {
    /// A user's phone.
    #[must_use]
    pub fn new(number: PhoneNumber) -> Self {
        let e164 = number.e164();
        Self { number, e164 }
    }

    /// Its parts.
    #[must_use]
    pub fn number(&self) -> &PhoneNumber {
        &self.number
    }

    /// `+` and all digits (ITU-T E.164).
    #[must_use]
    pub fn e164(&self) -> &str {
        &self.e164
    }

    /// Calling code, digits.
    #[must_use]
    pub fn calling_code(&self) -> &str {
        self.number.calling_code()
    }

    /// National number, digits.
    #[must_use]
    pub fn national(&self) -> &str {
        self.number.national()
    }

    /// What may be shown of the number before its owner has signed in.
    #[must_use]
    pub fn masked(&self) -> String {
        shared::phone::mask(self.calling_code(), self.national())
    }
}

/// A log line must not hold a whole number.
impl fmt::Debug for Phone {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.masked())
    }
}
