//! What may be refused, and why: the failures a client can expect.

use std::{collections::BTreeMap, time::Duration};

use thiserror::Error;

/// A request that was understood and is not granted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Fields by their name on the wire, each with what is wrong with it.
    #[error("fields need another look")]
    InvalidFields(BTreeMap<&'static str, String>),
    /// Somebody has this e-mail or username already; names the field.
    #[error("{0} is taken")]
    Taken(&'static str),
    /// Unknown account or wrong password.
    #[error("credentials do not match")]
    WrongCredentials,
    /// There is no session, or it has ended.
    #[error("no session")]
    NoSession,
    /// The same, where being signed in was required.
    #[error("not signed in")]
    NotSignedIn,
    /// The password was right, the phone has not answered.
    #[error("second factor required")]
    SecondFactorRequired,
    /// The account's phone has never answered.
    #[error("phone not proven")]
    PhoneUnverified,
    /// The phone has not answered in this session for a while.
    #[error("step-up required")]
    StepUpRequired,
    /// An authenticator app was shown its secret before.
    #[error("an authenticator app is enrolled")]
    AlreadyEnrolled,
    /// No push can reach the phone.
    #[error("no push is possible")]
    PushUnavailable,
    /// The phone has not been asked in this session.
    #[error("no push was sent")]
    NoPush,
    /// No such thing, or somebody else's.
    #[error("unknown")]
    Unknown,
    /// Something else was approved.
    #[error("other data")]
    OtherData,
    /// The answer has been used.
    #[error("already redeemed")]
    AlreadyRedeemed,
    /// The push has not been approved.
    #[error("not approved")]
    NotApproved,
    /// A push is still open in this session.
    #[error("a push is open")]
    PushOpen,
    /// Not the code, or one used before; so many tries are left.
    #[error("wrong code")]
    WrongCode {
        /// Tries before the lock.
        left: u32,
    },
    /// Too often; again after this time.
    #[error("too many {what}")]
    TooMany {
        /// Of what, for the message.
        what: Counted,
        /// Until it may be tried again.
        wait: Duration,
    },
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Counted {
    /// Codes sent, too fast one after the other.
    #[error("codes sent in a row")]
    Resends,
    /// Codes sent to one number, or from one address, without an account.
    #[error("phone verifications")]
    Verifications,
    /// Codes sent to one user.
    #[error("codes sent")]
    Sends,
    /// Pushes nobody answered.
    #[error("pushes")]
    Pushes,
    /// The same, where an action was to be approved.
    #[error("approval requests")]
    Approvals,
    /// Wrong codes.
    #[error("wrong codes")]
    Codes,
    /// Wrong passwords.
    #[error("wrong passwords")]
    Passwords,
    /// New accounts from one address.
    #[error("sign-ups")]
    SignUps,
}
