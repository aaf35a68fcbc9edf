//! What a session may do, and by which carrier it came.

/// How far a session has come.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub enum Rights {
    /// A browser without an account, which may have proven a phone. It opens nothing.
    Anonymous,
    /// The password was right; the second factor is missing.
    Pending,
    /// The second factor succeeded under the id the session had before it. A cookie opens nothing
    /// in this state until the id has been changed.
    Proven,
    /// Signed in under an id of its own.
    SignedIn,
}

/// How a client showed its token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// `X-API-TOKEN`.
    Header,
    /// The browser's cookie.
    Cookie,
}

/// Whether header tokens change with the second factor, as cookies always do
/// (OWASP ASVS 5.0, 7.2.4). Off, an unmodified tutorial client keeps working.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenRotation(pub bool);

impl Rights {
    /// Whether a session in this state is signed in for the carrier it came by.
    #[must_use]
    pub fn opens(self, carrier: Carrier, rotation: TokenRotation) -> bool {
        match self {
            Self::Anonymous | Self::Pending => false,
            Self::Proven => !rotation.changes(carrier),
            Self::SignedIn => true,
        }
    }
}

impl TokenRotation {
    /// Whether a session shown by `carrier` gets a new token with its second factor.
    #[must_use]
    pub fn changes(self, carrier: Carrier) -> bool {
        self.0 || carrier == Carrier::Cookie
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_opens_nothing_before_its_id_has_changed() {
        for rotation in [TokenRotation(false), TokenRotation(true)] {
            assert!(!Rights::Pending.opens(Carrier::Cookie, rotation));
            assert!(!Rights::Proven.opens(Carrier::Cookie, rotation));
            assert!(Rights::SignedIn.opens(Carrier::Cookie, rotation));
        }
    }

    #[test]
    fn a_header_token_survives_the_second_factor_only_without_rotation() {
        assert!(Rights::Proven.opens(Carrier::Header, TokenRotation(false)));
        assert!(!Rights::Proven.opens(Carrier::Header, TokenRotation(true)));
        assert!(!Rights::Pending.opens(Carrier::Header, TokenRotation(false)));
    }
}
