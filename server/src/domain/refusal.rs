//! Refusals: the failures a client can expect, each with its reason.

use std::{collections::BTreeMap, time::Duration};

use thiserror::Error;

/// A request that was understood and is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Fields by their name on the wire, each with what is wrong with it.
    #[error("invalid fields")]
    InvalidFields(BTreeMap<&'static str, String>),
    /// Another account has this e-mail or username; names the field.
    #[error("{0} is taken")]
    Taken(&'static str),
    /// Unknown account or wrong password.
    #[error("wrong credentials")]
    WrongCredentials,
    /// There is no session, or it has ended.
    #[error("no session")]
    NoSession,
    /// The same, where being signed in was required.
    #[error("not signed in")]
    NotSignedIn,
    /// The second factor of this session is missing.
    #[error("second factor required")]
    SecondFactorRequired,
    /// The account's phone was never verified.
    #[error("phone not verified")]
    PhoneUnverified,
    /// The phone number is verified for as many accounts as are allowed.
    #[error("phone in use")]
    PhoneInUse,
    /// No factor has passed in this session for a while.
    #[error("step-up required")]
    StepUpRequired,
    /// An unconfirmed authenticator was enrolled a moment ago.
    #[error("an authenticator was enrolled a moment ago")]
    AlreadyEnrolled,
    /// Approval requests cannot reach the phone.
    #[error("push unavailable")]
    PushUnavailable,
    /// No approval request was sent in this session.
    #[error("no approval request was sent")]
    NoPush,
    /// No such thing, or another user's.
    #[error("not found")]
    NotFound,
    /// The data differs from what was approved.
    #[error("other data was approved")]
    OtherData,
    /// The approval was used before.
    #[error("already redeemed")]
    AlreadyRedeemed,
    /// The approval request was not approved.
    #[error("not approved")]
    NotApproved,
    /// An approval request is open in this session.
    #[error("an approval request is open")]
    PushOpen,
    /// Not the code, or one that was used before.
    #[error("wrong code")]
    WrongCode {
        /// Tries before the lock; `None` where they are not counted.
        left: Option<u32>,
    },
    /// A code that was sent can't be used any more: used, expired, tried too often, or replaced.
    #[error("the code has expired or was used")]
    CodeExpired,
    /// Not the number that the phone shows.
    #[error("wrong number")]
    WrongNumber {
        /// Tries before the request is denied.
        left: u32,
    },
    /// No approval request of the session waits for a number.
    #[error("no number is asked for")]
    NoMatch,
    /// Not the current password.
    #[error("wrong current password")]
    WrongPassword,
    /// A link that has expired, was used, or is another account's.
    #[error("the link has expired or was used")]
    LinkExpired,
    /// This server sends no e-mail.
    #[error("e-mail is off")]
    EmailOff,
    /// A limit is reached.
    #[error("too many {what}")]
    TooMany {
        /// What was counted.
        what: Counted,
        /// Until it may be tried again.
        wait: Duration,
    },
    /// Too much password work is waiting.
    #[error("too much password work is waiting")]
    Busy {
        /// Until it may be tried again.
        wait: Duration,
    },
    /// Too many clients wait for a change.
    #[error("too many clients are waiting")]
    TooManyWaiting {
        /// Until it may be tried again.
        wait: Duration,
    },
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Counted {
    /// Codes sent in one session, too soon after each other.
    #[error("codes sent in a row")]
    Resends,
    /// Codes sent without an account.
    #[error("phone verifications")]
    Verifications,
    /// Codes sent.
    #[error("codes sent")]
    Sends,
    /// Approval requests that were not approved.
    #[error("approval requests")]
    Pushes,
    /// The same, where an action was to be approved.
    #[error("approval requests for actions")]
    Approvals,
    /// Wrong codes.
    #[error("wrong codes")]
    Codes,
    /// Wrong passwords.
    #[error("wrong passwords")]
    Passwords,
    /// Streams of one session.
    #[error("streams")]
    Streams,
    /// Tries of one code.
    #[error("tries of one code")]
    CodeTries,
    /// Tokens that register devices.
    #[error("device tokens")]
    DeviceTokens,
    /// New accounts from one address.
    #[error("sign-ups")]
    SignUps,
    /// Links sent by e-mail.
    #[error("links by e-mail")]
    Mails,
}
