//! The only place that calls other people's servers. A provider speaks our words: enrol, push,
//! send, check, ask.

mod authy;
mod messages;
mod picture;

use std::{fmt, time::Duration};

use reqwest::{Client, Response, redirect};
use shared::{Via, phone::PhoneNumber};
use thiserror::Error;

pub use authy::Authy;
pub use messages::{Messages, Queued};

use crate::domain::push::{Question, Verdict};

/// An answer larger than this is none of a provider's.
const LARGEST_ANSWER: usize = 256 * 1024;

fn http_client(patience: Duration) -> Client {
    Client::builder()
        .user_agent(concat!("Countersign/", env!("CARGO_PKG_VERSION")))
        .timeout(patience)
        .connect_timeout(patience.min(Duration::from_secs(3)))
        .redirect(redirect::Policy::none())
        .build()
        .expect("the client has no setting that can fail")
}

async fn read_at_most(mut answer: Response, most: usize) -> Result<Vec<u8>, ProviderError> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > most {
            return Err(ProviderError::Nonsense { status: answer.status().as_u16() });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The address may hold a code; the log must not.
fn unreachable(error: reqwest::Error) -> ProviderError {
    ProviderError::Unreachable(error.without_url())
}

/// Who talks to the phone.
#[derive(Debug)]
pub enum Provider {
    /// The Authy API, or the sandbox by the same client.
    Authy(Authy),
}

/// A user's id at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderUser(pub String);

/// What a provider calls a push, or a code it sent; a later question names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference(pub String);

impl Reference {
    /// A text that can name a push; `None` where it cannot. It goes into addresses, and not every
    /// database takes every text.
    #[must_use]
    pub fn of_push(text: &str) -> Option<Self> {
        let fits =
            (8..=64).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-');
        fits.then(|| Self(text.to_owned()))
    }
}

/// What the provider says of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checked {
    /// Right; it was sent, or nothing says that it was not.
    Sent,
    /// Right; an app showed it.
    Shown,
    /// Wrong, expired, or used before.
    Wrong,
}

/// What the provider knows of a phone it sent a code to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhoneFacts {
    /// Name of the carrier.
    pub carrier: Option<String>,
    /// Whether it is a mobile phone.
    pub is_cellphone: Option<bool>,
}

/// A person as the provider wants to know them.
#[derive(Debug, Clone, Copy)]
pub struct Person<'a> {
    /// E-mail.
    pub email: &'a str,
    /// Phone.
    pub phone: &'a PhoneNumber,
}

/// Why the provider did not do it.
#[derive(Debug, Error)]
pub enum ProviderError {
    /// No answer: down, too slow, cut off.
    #[error("the provider cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    /// An answer that is none of the documented ones.
    #[error("the provider's answer makes no sense (HTTP {status})")]
    Nonsense {
        /// Its HTTP status.
        status: u16,
    },
    /// It refuses, for a reason of ours to mend: key, account, suspension.
    #[error("the provider refuses (HTTP {status}, code {code})")]
    Refused {
        /// Its HTTP status.
        status: u16,
        /// Its own code.
        code: String,
    },
    /// It does not know the user: another key, or a sandbox that forgot.
    #[error("the provider does not know this user")]
    UnknownUser,
    /// No push can reach this user: no app, or pushes are not enabled.
    #[error("no push can reach this user")]
    NoPush,
    /// This phone cannot be reached this way: no texts to a landline, calls switched off.
    #[error("the phone cannot be reached this way")]
    ChannelRefused,
    /// It sends no more to this user for now.
    #[error("the provider's limit is reached")]
    Limited,
    /// It does not take this phone number.
    #[error("the provider does not take this phone number")]
    BadPhone,
    /// It does not take this e-mail.
    #[error("the provider does not take this e-mail")]
    BadEmail,
}

impl Provider {
    /// Names the account users are enrolled at: kind, address and fingerprint of the key. Where it
    /// changes, users are enrolled again.
    #[must_use]
    pub fn account(&self) -> &str {
        match self {
            Self::Authy(authy) => authy.account(),
        }
    }

    /// Enrols a person; the same phone again is the same user.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn enrol(&self, person: Person<'_>) -> Result<ProviderUser, ProviderError> {
        match self {
            Self::Authy(authy) => authy.enrol(person).await,
        }
    }

    /// Puts a question on the user's phone for so long.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn push(
        &self,
        user: &ProviderUser,
        question: &Question,
        life: Duration,
    ) -> Result<Reference, ProviderError> {
        match self {
            Self::Authy(authy) => authy.push(user, question, life).await,
        }
    }

    /// Sends the user a code, whatever apps they have.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn send(&self, user: &ProviderUser, via: Via) -> Result<Reference, ProviderError> {
        match self {
            Self::Authy(authy) => authy.send(user, via).await,
        }
    }

    /// The reference a code is checked by when none was sent: codes an app shows.
    #[must_use]
    pub fn standing_reference(&self, user: &ProviderUser) -> Reference {
        match self {
            Self::Authy(_) => Reference(user.0.clone()),
        }
    }

    /// What a code is. A right one is used up by that.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn check(&self, reference: &Reference, code: &Code) -> Result<Checked, ProviderError> {
        match self {
            Self::Authy(authy) => authy.check(reference, code).await,
        }
    }

    /// Sends a code to a phone nobody is enrolled with.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn start_verification(
        &self,
        phone: &PhoneNumber,
        via: Via,
    ) -> Result<PhoneFacts, ProviderError> {
        match self {
            Self::Authy(authy) => authy.start_verification(phone, via).await,
        }
    }

    /// Whether that code is right. It is used up by that.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn check_verification(&self, phone: &PhoneNumber, code: &Code) -> Result<bool, ProviderError> {
        match self {
            Self::Authy(authy) => authy.check_verification(phone, code).await,
        }
    }

    /// Makes a secret for the user's own authenticator app and answers its `otpauth` address.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn secret(&self, user: &ProviderUser, label: &str) -> Result<String, ProviderError> {
        match self {
            Self::Authy(authy) => authy.secret(user, label).await,
        }
    }

    /// How a push stands; `None` while nobody has answered, and when it has expired.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn ask(&self, reference: &Reference) -> Result<Option<Verdict>, ProviderError> {
        match self {
            Self::Authy(authy) => authy.ask(reference).await,
        }
    }

    /// The key that signs the provider's webhooks.
    #[must_use]
    pub fn webhook_key(&self) -> &str {
        match self {
            Self::Authy(authy) => authy.key(),
        }
    }
}

/// What somebody typed as a code: 4 to 10 ASCII digits, blanks and dashes left out. Nothing else
/// ever reaches a provider's address.
#[derive(Clone, PartialEq, Eq)]
pub struct Code(String);

impl Code {
    /// Reads what was typed; `None` when it cannot be a code.
    #[must_use]
    pub fn read(typed: &str) -> Option<Self> {
        let code: String = typed.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
        let fits = (4..=10).contains(&code.len()) && code.bytes().all(|c| c.is_ascii_digit());
        fits.then_some(Self(code))
    }

    pub(super) fn digits(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Code")
    }
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
