//! A text that is not printed by `Debug`.

use std::fmt;

/// A key, a password, or a URL that contains a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text so that logs do not contain it.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text. Call this only where the secret is used.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("(secret)")
    }
}
