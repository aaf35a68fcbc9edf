//! A session's life as one table of states and events.
//!
//! ```text
//!             factor passed   token rotated   verified elsewhere   ended
//! anonymous   –               anonymous       –                    ended
//! pending     verified        –               –                    ended
//! verified    verified        signed in       –                    ended
//! signed in   signed in       signed in       pending (1)          ended
//! ended       –               –               –                    –
//! ```
//!
//! (1) Only a session that a sign-up began and in which no factor has passed: it was signed in because
//! its account had no verified phone, and that has changed.
//!
//! The store repeats each guard in a `WHERE`, so that the table holds under a race as well.

use super::{clock::Timestamp, factor::Method};

/// How far a session has come. An ended session has no row.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub enum State {
    /// A browser without an account, which may have verified a phone. It opens nothing.
    Anonymous,
    /// The password was right; the second factor is missing.
    Pending,
    /// The second factor passed; the token is still the one from before it.
    Verified,
    /// Signed in under a token of its own.
    SignedIn,
}

/// How a session began.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub enum Origin {
    /// The account was made in it. Signed in at once, until a phone of the account is verified.
    SignUp,
    /// A password was right, or an account was made by the cookie API.
    Password,
    /// A phone number was to be verified without an account.
    NumberVerification,
}

/// What happens to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A second factor passed in this session.
    FactorPassed(Method),
    /// The session got a new token; the old one is dead.
    TokenRotated,
    /// Another session of the same user has verified the account's phone.
    PhoneVerifiedElsewhere,
    /// Signed out, expired, or removed.
    Ended,
}

/// What a session records about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// How far it has come.
    pub state: State,
    /// How it began.
    pub origin: Origin,
    /// The factor that passed last, and when.
    pub factor: Option<(Method, Timestamp)>,
}

/// What an event leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The session goes on.
    Session(Progress),
    /// The session is over.
    Ended,
    /// The event is refused, or changes nothing.
    Unchanged,
}

/// How a client carries its token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// `X-API-TOKEN`.
    Header,
    /// The browser's cookie.
    Cookie,
}

/// Whether header tokens change with the second factor, as cookies always do (OWASP ASVS 5.0,
/// 7.2.4). Off, clients that keep the token of their login continue to work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenRotation(pub bool);

/// Which approvals at a sign-in need the number that the phone shows (NIST SP 800-63B-4 §3.1.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushMatch {
    /// None: the number is shown on the page too, for comparing.
    Off,
    /// Those of sessions that the cookie alone carries. Accounts that have signed in so get no plain approval requests
    /// in other sessions any more.
    Page,
    /// All.
    Always,
}

/// What a session may do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It is signed in.
    SignedIn,
    /// It can only complete its second factor.
    SecondFactor,
    /// It belongs to no user.
    Anonymous,
}

impl Progress {
    /// A new session of this origin: a sign-up is signed in at once, a password makes it pending.
    #[must_use]
    pub fn begin(origin: Origin) -> Self {
        let state = match origin {
            Origin::SignUp => State::SignedIn,
            Origin::Password => State::Pending,
            Origin::NumberVerification => State::Anonymous,
        };
        Self { state, origin, factor: None }
    }

    /// The table above.
    #[must_use]
    pub fn after(self, event: Event, now: Timestamp) -> Next {
        match (self.state, event) {
            (_, Event::Ended) => Next::Ended,
            (State::Pending, Event::FactorPassed(method)) => {
                Next::Session(Self { state: State::Verified, factor: Some((method, now)), ..self })
            }
            (State::Verified | State::SignedIn, Event::FactorPassed(method)) => {
                Next::Session(Self { factor: Some((method, now)), ..self })
            }
            (State::Verified | State::SignedIn, Event::TokenRotated) => {
                Next::Session(Self { state: State::SignedIn, ..self })
            }
            (State::Anonymous, Event::TokenRotated) => Next::Session(self),
            (State::SignedIn, Event::PhoneVerifiedElsewhere)
                if self.origin == Origin::SignUp && self.factor.is_none() =>
            {
                Next::Session(Self { state: State::Pending, ..self })
            }
            (State::Anonymous, Event::FactorPassed(_))
            | (State::Pending, Event::TokenRotated)
            | (_, Event::PhoneVerifiedElsewhere) => Next::Unchanged,
        }
    }

    /// What the session may do when its token comes by `carrier`.
    #[must_use]
    pub fn access(self, carrier: Carrier, rotation: TokenRotation) -> Access {
        match self.state {
            State::Anonymous => Access::Anonymous,
            State::Pending => Access::SecondFactor,
            State::Verified if rotation.applies_to(carrier) => Access::SecondFactor,
            State::Verified | State::SignedIn => Access::SignedIn,
        }
    }

    /// Whether being signed in is justified: a factor passed in this session, or it made an account
    /// whose phone is unverified.
    #[must_use]
    pub fn is_justified(self, phone_verified: bool) -> bool {
        match self.state {
            State::Anonymous | State::Pending => true,
            State::Verified | State::SignedIn => {
                self.factor.is_some() || (self.origin == Origin::SignUp && !phone_verified)
            }
        }
    }
}

impl TokenRotation {
    /// Whether a session that comes by `carrier` gets a new token with its second factor.
    #[must_use]
    pub fn applies_to(self, carrier: Carrier) -> bool {
        self.0 || carrier == Carrier::Cookie
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_event() -> impl Strategy<Value = Event> {
        prop_oneof![
            Just(Event::FactorPassed(Method::Push)),
            Just(Event::FactorPassed(Method::Sms)),
            Just(Event::FactorPassed(Method::Authenticator)),
            Just(Event::TokenRotated),
            Just(Event::PhoneVerifiedElsewhere),
            Just(Event::Ended),
        ]
    }

    fn any_origin() -> impl Strategy<Value = Origin> {
        prop_oneof![Just(Origin::SignUp), Just(Origin::Password), Just(Origin::NumberVerification)]
    }

    proptest! {
        #[test]
        fn signed_in_always_implies_a_factor_or_a_sign_up_with_an_unverified_phone(
            origin in any_origin(), events in prop::collection::vec(any_event(), 0..40),
        ) {
            let (mut session, mut phone_verified) = (Progress::begin(origin), false);
            for (at, event) in (0..).zip(events) {
                phone_verified |= match event {
                    Event::FactorPassed(_) => session.state != State::Anonymous,
                    Event::PhoneVerifiedElsewhere => true,
                    Event::TokenRotated | Event::Ended => false,
                };
                match session.after(event, Timestamp(at)) {
                    Next::Session(next) => session = next,
                    Next::Unchanged => {}
                    Next::Ended => break,
                }
                prop_assert!(session.is_justified(phone_verified), "{event:?} led to {session:?}");
                prop_assert!(origin != Origin::NumberVerification || session.state == State::Anonymous);
            }
        }
    }

    #[test]
    fn a_cookie_opens_nothing_before_its_token_was_rotated() {
        let pending = Progress::begin(Origin::Password);
        let Next::Session(verified) = pending.after(Event::FactorPassed(Method::Push), Timestamp(0)) else {
            panic!("a factor passes in a pending session");
        };
        let Next::Session(rotated) = verified.after(Event::TokenRotated, Timestamp(0)) else {
            panic!("a verified session gets a new token");
        };
        for rotation in [TokenRotation(false), TokenRotation(true)] {
            assert_eq!(pending.access(Carrier::Cookie, rotation), Access::SecondFactor);
            assert_eq!(verified.access(Carrier::Cookie, rotation), Access::SecondFactor);
            assert_eq!(rotated.access(Carrier::Cookie, rotation), Access::SignedIn);
        }
        assert_eq!(verified.access(Carrier::Header, TokenRotation(false)), Access::SignedIn);
        assert_eq!(verified.access(Carrier::Header, TokenRotation(true)), Access::SecondFactor);
    }
}
