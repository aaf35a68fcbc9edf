//! The only place that calls other people's servers.
//!
//! A provider has capabilities: it enrols phones, sends approval requests and is polled about them,
//! sends and checks codes, and verifies numbers nobody is enrolled with. [`Providers`] keeps them by
//! account, so that users of two accounts can be served side by side.

pub mod authy;
mod callback;
mod claimed_codes;
mod error;
mod http;
pub mod mailer;
mod messages;
mod pushes;
pub mod verify;

use std::{sync::Arc, time::Duration};

use shared::{Via, phone::PhoneNumber};

pub use authy::Authy;
pub use callback::{Callback, CallbackError};
pub use claimed_codes::ClaimedCheck;
pub use error::ProviderError;
pub use mailer::{MailError, Mailer};
pub use messages::{Messages, Queued};
pub use pushes::{DeviceAnswer, PushTo, SentPush};
pub use verify::{PushToken, Sent as SentCode, Verify};

use crate::domain::{
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

    /// Whether users may be enrolled elsewhere than at the current one.
    #[must_use]
    pub fn has_others(&self) -> bool {
        !self.others.is_empty()
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

/// Which provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderKind {
    /// The Authy API.
    Authy,
    /// Twilio Verify.
    Verify,
}

impl std::fmt::Display for ProviderKind {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Authy => "authy",
            Self::Verify => "verify",
        })
    }
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
    /// Wrong; at Authy also expired, or used before.
    Wrong,
    /// There is no such code any more: used, expired, or another one took its place.
    Over,
    /// It was tried so often that it is judged no more, until it would have expired. Another one can be sent.
    TooOften {
        /// Until then.
        wait: Duration,
    },
}

/// What the provider knows about a phone it sent a code to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhoneFacts {
    /// Name of the carrier.
    pub carrier: Option<String>,
    /// Whether it is a mobile phone.
    pub is_cellphone: Option<bool>,
}

/// The secret of an authenticator that the provider has kept.
#[derive(Clone)]
pub struct ExportedSecret {
    /// In base32.
    pub secret: String,
    /// The code it shows now.
    pub code: String,
}

/// A person to enrol.
#[derive(Debug, Clone, Copy)]
pub struct Person<'a> {
    /// E-mail.
    pub email: &'a str,
    /// Phone.
    pub phone: &'a PhoneNumber,
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

    /// Which provider it is, as the settings call it.
    #[must_use]
    pub fn kind(&self) -> ProviderKind {
        match self {
            Self::Authy(_) => ProviderKind::Authy,
            Self::Verify(_) => ProviderKind::Verify,
        }
    }

    /// Whether the provider has an app of its own that shows codes.
    #[must_use]
    pub fn has_app(&self) -> bool {
        matches!(self, Self::Authy(_))
    }

    /// Whether the provider sends codes this way.
    #[must_use]
    pub fn sends_by(&self, via: Via) -> bool {
        matches!(self, Self::Verify(_)) || matches!(via, Via::Sms | Via::Call)
    }

    /// Enrols a person. At Authy the same phone again is the same user.
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

/// Authenticators whose secret the provider keeps.
impl Provider {
    /// The secret of a user's authenticator, so that it can be kept here; `None` where the provider has none, or
    /// keeps it to itself.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn export_secret(&self, user: &ProviderUser) -> Result<Option<ExportedSecret>, ProviderError> {
        match self {
            Self::Authy(authy) => authy.export_secret(user).await,
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
