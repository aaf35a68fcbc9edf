//! Links that are sent by e-mail: what each is for, and how long it works.

use std::time::Duration;

/// What a link is for.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub enum LinkKind {
    /// Verifies the e-mail it was sent to.
    VerifyEmail,
    /// Sets a new password.
    ResetPassword,
    /// "This wasn't me": ends all sessions and asks for a new password.
    Secure,
}

impl LinkKind {
    /// How long it works.
    #[must_use]
    pub const fn lifetime(self) -> Duration {
        match self {
            Self::VerifyEmail | Self::ResetPassword => Duration::from_secs(30 * 60),
            Self::Secure => Duration::from_secs(7 * 24 * 3600),
        }
    }

    /// The page it opens.
    #[must_use]
    pub const fn page(self) -> &'static str {
        use shared::routes::page;
        match self {
            Self::VerifyEmail => page::CONFIRM_EMAIL,
            Self::ResetPassword => page::RESET,
            Self::Secure => page::SECURE,
        }
    }
}
