//! The only place that calls other people's servers.
//!
//! A provider has capabilities: it enrols phones, sends approval requests and is polled about them,
//! sends and checks codes, and verifies numbers nobody is enrolled with. [`Providers`] keeps them by
//! account, so that users of two accounts can be served side by side.

pub mod authy;
mod callback;
mod http;
mod messages;
pub mod verify;

use std::{sync::Arc, time::Duration};

use shared::{Via, phone::PhoneNumber};
use thiserror::Error;

pub use authy::Authy;
pub use callback::{Callback, CallbackError};
pub use messages::{Messages, Queued};
pub use verify::{Sent as SentCode, Verify};

use crate::domain::{
    approval::{Answer, RequestContent},
    code::Code,
    factor::{ProviderAccount, ProviderUser},
};

/// The providers in use, by account.
#[derive(Debug, Clone)]
pub struct Providers {
    current: Arc<Provider>,
    others: Vec<Arc<Provider>>,
}

impl Providers {
    /// New users, and users whose account is not among `others`, are enrolled at `current`.
    #[must_use]
    pub fn new(current: Provider, others: Vec<Provider>) -> Self {
        Self { current: Arc::new(current), others: others.into_iter().map(Arc::new).collect() }
    }

    /// Where new users are enrolled.
    #[must_use]
    pub fn current(&self) -> &Arc<Provider> {
        &self.current
    }

    /// The provider of an account; `None` when it is no longer configured.
    #[must_use]
    pub fn get(&self, account: &ProviderAccount) -> Option<&Arc<Provider>> {
        self.all().find(|provider| provider.account() == account)
    }

    /// All of them, the current one first.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Provider>> {
        std::iter::once(&self.current).chain(&self.others)
    }
}

/// A provider account.
#[derive(Debug)]
pub enum Provider {
    /// The Authy API, or the sandbox by the same client.
    Authy(Authy),
    /// Twilio Verify, or the sandbox by the same client.
    Verify(Verify),
}

/// What a code is for. Where codes are known by service and number alone, each purpose has a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodePurpose {
    /// A sign-in by a phone that is verified.
    SignIn,
    /// The first code of a phone.
    Enrolment,
    /// A number nobody is enrolled with.
    Number,
}

/// What a provider calls an approval request or a code it sent; later calls name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference(pub String);

impl Reference {
    /// Reads the name of an approval request; `None` where the text cannot be one. It goes into
    /// addresses, and not every database stores every text.
    #[must_use]
    pub fn of_push(text: &str) -> Option<Self> {
        let fits =
            (8..=64).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-');
        fits.then(|| Self(text.to_owned()))
    }
}

/// The provider's judgement of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeCheck {
    /// Right; it was sent.
    SentCode,
    /// Right; the provider does not say whether it was sent or shown by an app.
    UnspecifiedCode,
    /// Right; an app showed it.
    AppCode,
    /// Wrong, expired, or used before.
    Wrong,
}

/// The judgement of a code by a provider that does not know whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unclaimed {
    /// Right; it was used up.
    Right,
    /// Wrong.
    Wrong,
    /// There is no such code any more, or it may be tried no more.
    Over,
}

/// What the provider knows about a phone it sent a code to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhoneFacts {
    /// Name of the carrier.
    pub carrier: Option<String>,
    /// Whether it is a mobile phone.
    pub is_cellphone: Option<bool>,
}

/// A person to enrol.
#[derive(Debug, Clone, Copy)]
pub struct Person<'a> {
    /// E-mail.
    pub email: &'a str,
    /// Phone.
    pub phone: &'a PhoneNumber,
}

/// Why a call to the provider failed.
#[derive(Debug, Error)]
pub enum ProviderError {
    /// No response: down, too slow, cut off.
    #[error("the provider cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    /// A response that is none of the documented ones.
    #[error("unexpected response of the provider (HTTP {status})")]
    UnexpectedResponse {
        /// Its HTTP status.
        status: u16,
    },
    /// It refuses, because of something the operator has to mend: key, account, suspension.
    #[error("the provider refuses (HTTP {status}, code {code})")]
    Refused {
        /// Its HTTP status.
        status: u16,
        /// Its own code.
        code: String,
    },
    /// It does not know the user: another key, or a sandbox that was reset.
    #[error("the provider does not know this user")]
    UnknownUser,
    /// Approval requests cannot reach this user: no app, or they are not enabled.
    #[error("approval requests cannot reach this user")]
    NoPush,
    /// The phone cannot be reached this way: no texts to a landline, calls switched off.
    #[error("the phone cannot be reached this way")]
    ChannelRefused,
    /// The provider sends no more to this user for now.
    #[error("the provider's limit is reached")]
    Limited,
    /// It does not accept this phone number.
    #[error("the provider does not accept this phone number")]
    BadPhone,
    /// It does not accept this e-mail.
    #[error("the provider does not accept this e-mail")]
    BadEmail,
    /// Something was sent or cancelled before this failure.
    #[error("after something was done: {0}")]
    Halfway(Box<ProviderError>),
}

impl ProviderError {
    /// Whether the provider may have done what it was asked although no response of its own came: it
    /// was connected, and then it, or a gateway before it, was too slow or cut the connection.
    #[must_use]
    pub fn may_have_been_done(&self) -> bool {
        match self {
            Self::Unreachable(error) => !error.is_connect(),
            Self::UnexpectedResponse { status } => matches!(status, 502 | 504),
            Self::Halfway(_) => true,
            _ => false,
        }
    }

    /// What has failed, whatever was done before.
    #[must_use]
    pub fn cause(&self) -> &Self {
        match self {
            Self::Halfway(error) => error.cause(),
            other => other,
        }
    }
}

/// Enrolment.
impl Provider {
    /// Names the account users are enrolled at.
    #[must_use]
    pub fn account(&self) -> &ProviderAccount {
        match self {
            Self::Authy(authy) => authy.account(),
            Self::Verify(verify) => verify.account(),
        }
    }

    /// Enrols a person; the same phone again is the same user.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn enrol(&self, person: Person<'_>) -> Result<ProviderUser, ProviderError> {
        match self {
            Self::Authy(authy) => authy.enrol(person).await,
            Self::Verify(verify) => Ok(verify.enrol()),
        }
    }
}

/// Approval requests.
impl Provider {
    /// Sends an approval request that is open for `lifetime`.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn send_push(
        &self,
        user: &ProviderUser,
        content: &RequestContent,
        lifetime: Duration,
    ) -> Result<Reference, ProviderError> {
        match self {
            Self::Authy(authy) => authy.send_push(user, content, lifetime).await,
            Self::Verify(_) => Err(ProviderError::NoPush),
        }
    }

    /// The answer to an approval request; `None` while there is none, and when it has expired.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn push_answer(&self, reference: &Reference) -> Result<Option<Answer>, ProviderError> {
        match self {
            Self::Authy(authy) => authy.push_answer(reference).await,
            Self::Verify(_) => Ok(None),
        }
    }
}

/// Codes of enrolled users.
impl Provider {
    /// Sends a code, also to users who have the app. `action` binds the code: only a check with the
    /// same action accepts it.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn send_code(
        &self,
        user: &ProviderUser,
        via: Via,
        action: &str,
    ) -> Result<Reference, ProviderError> {
        match self {
            Self::Authy(authy) => authy.send_code(user, via, action).await,
            Self::Verify(_) => Err(ProviderError::ChannelRefused),
        }
    }

    /// The reference by which a code of the provider's app is checked; `None` where it has no app.
    #[must_use]
    pub fn app_reference(&self, user: &ProviderUser) -> Option<Reference> {
        match self {
            Self::Authy(_) => Some(Reference(user.as_str().to_owned())),
            Self::Verify(_) => None,
        }
    }

    /// Checks a code; a right one is used up. `action` is that of the code that was sent; `None` for
    /// codes of an app.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn check_code(
        &self,
        reference: &Reference,
        code: &Code,
        action: Option<&str>,
    ) -> Result<CodeCheck, ProviderError> {
        match self {
            Self::Authy(authy) => authy.check_code(reference, code, action).await,
            Self::Verify(_) => Ok(CodeCheck::Wrong),
        }
    }
}

/// Codes that are known by service and number alone.
impl Provider {
    /// The service that sends codes of this purpose, which has to be claimed; `None` where a code is bound to its
    /// user and action.
    #[must_use]
    pub fn claimed_service(&self, purpose: CodePurpose) -> Option<&str> {
        match self {
            Self::Authy(_) => None,
            Self::Verify(verify) => Some(verify.service(purpose)),
        }
    }

    /// Sends a code to a number whose place is claimed.
    ///
    /// # Errors
    /// [`ProviderError`]; [`ProviderError::ChannelRefused`] where nothing has to be claimed.
    pub async fn send_claimed_code(
        &self,
        purpose: CodePurpose,
        phone: &PhoneNumber,
        via: Via,
    ) -> Result<SentCode, ProviderError> {
        match self {
            Self::Authy(_) => Err(ProviderError::ChannelRefused),
            Self::Verify(verify) => verify.send(purpose, phone, via).await,
        }
    }

    /// Checks a code of a verification that is claimed.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn check_claimed_code(
        &self,
        purpose: CodePurpose,
        verification: &str,
        code: &Code,
    ) -> Result<Unclaimed, ProviderError> {
        match self {
            Self::Authy(_) => Ok(Unclaimed::Wrong),
            Self::Verify(verify) => verify.check(purpose, verification, code).await,
        }
    }

    /// Ends whatever was begun for a number.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn cancel_codes(&self, purpose: CodePurpose, phone: &PhoneNumber) -> Result<(), ProviderError> {
        self.cancel_code(purpose, &phone.e164()).await
    }

    /// Ends a verification, if it lives.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn cancel_code(&self, purpose: CodePurpose, verification: &str) -> Result<(), ProviderError> {
        match self {
            Self::Authy(_) => Ok(()),
            Self::Verify(verify) => verify.cancel(purpose, verification).await,
        }
    }
}

/// Numbers nobody is enrolled with, where nothing has to be claimed.
impl Provider {
    /// Sends a code to a phone.
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
            Self::Verify(_) => Err(ProviderError::ChannelRefused),
        }
    }

    /// Whether that code is right; a right one is used up.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn check_verification(&self, phone: &PhoneNumber, code: &Code) -> Result<bool, ProviderError> {
        match self {
            Self::Authy(authy) => authy.check_verification(phone, code).await,
            Self::Verify(_) => Ok(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::secret::Secret;

    fn authy(key: &str) -> Provider {
        let _ = rustls::crypto::ring::default_provider().install_default();
        Provider::Authy(Authy::new(
            "https://api.example.com",
            Secret::new(key.into()),
            Duration::from_secs(1),
        ))
    }

    #[test]
    fn users_of_two_accounts_are_each_served_by_their_own() {
        let (first, second) = (authy("one key"), authy("another key"));
        let accounts = [first.account().clone(), second.account().clone()];
        assert_ne!(accounts[0], accounts[1], "the key is part of the account");
        let providers = Providers::new(second, vec![first]);
        assert_eq!(providers.current().account(), &accounts[1]);
        for account in &accounts {
            assert_eq!(providers.get(account).map(|provider| provider.account()), Some(account));
        }
        assert!(providers.get(authy("a third key").account()).is_none());
    }
}
