//! Approval requests, by what a provider needs to know to send them and to look up their answers.

use std::time::Duration;

use super::{
    Provider, ProviderError, Reference,
    verify::{self, PushToken},
};
use crate::domain::{
    approval::{Answer, RequestContent},
    clock::Timestamp,
    factor::{Challenge, ProviderUser, PushDevice},
};

/// Whom an approval request goes to, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct PushTo<'a> {
    /// The provider's id of the user.
    pub user: &'a ProviderUser,
    /// The provider's ids of the user's devices, where each is asked on its own.
    pub devices: &'a [String],
    /// How long it is open.
    pub lifetime: Duration,
    /// When it expires.
    pub expires_at: Timestamp,
}

/// An approval request the provider has accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentPush {
    /// What the provider calls it.
    pub reference: Reference,
    /// Where each device is asked on its own: what each is asked by. The reference is that of the first.
    pub challenges: Vec<Challenge>,
}

/// The answer of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceAnswer {
    /// What the person did.
    pub answer: Answer,
    /// On which device, where the provider tells.
    pub device: Option<String>,
}

impl Provider {
    /// Whether each device is asked on its own, so that somebody has to know the devices.
    #[must_use]
    pub fn asks_devices(&self) -> bool {
        matches!(self, Self::Verify(_))
    }

    /// Whether an approval shows that the user has the phone: Authy's app belongs to a number, a device that an app
    /// of the product has registered does not.
    #[must_use]
    pub fn push_verifies_phone(&self) -> bool {
        matches!(self, Self::Authy(_))
    }

    /// Why a request cannot be shown: the field on the wire, and the problem.
    #[must_use]
    pub fn content_problem(&self, content: &RequestContent) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Authy(_) => None,
            Self::Verify(_) => verify::content_problem(content),
        }
    }

    /// Sends an approval request.
    ///
    /// # Errors
    /// [`ProviderError`]; [`ProviderError::NoPush`] where it can reach nobody.
    pub async fn send_push(
        &self,
        to: PushTo<'_>,
        content: &RequestContent,
    ) -> Result<SentPush, ProviderError> {
        match self {
            Self::Authy(authy) => {
                let reference = authy.send_push(to.user, content, to.lifetime).await?;
                Ok(SentPush { reference, challenges: Vec::new() })
            }
            Self::Verify(verify) => {
                let challenges = verify.ask_devices(to.user, to.devices, content, to.expires_at).await?;
                let first = challenges.first().ok_or(ProviderError::NoPush)?;
                Ok(SentPush { reference: Reference(first.reference.clone()), challenges })
            }
        }
    }

    /// The answer to an approval request; `None` while there is none, and when it has expired. Of several devices
    /// the first one's.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn push_answer(
        &self,
        user: &ProviderUser,
        sent: &SentPush,
    ) -> Result<Option<DeviceAnswer>, ProviderError> {
        match self {
            Self::Authy(authy) => {
                let answer = authy.push_answer(&sent.reference).await?;
                Ok(answer.map(|answer| DeviceAnswer { answer, device: None }))
            }
            Self::Verify(verify) => verify.device_answer(user, &sent.challenges).await,
        }
    }

    /// A token by which an app registers its device for a user.
    ///
    /// # Errors
    /// [`ProviderError`]; [`ProviderError::NoPush`] where devices are not registered so.
    pub async fn push_token(&self, user: &ProviderUser) -> Result<PushToken, ProviderError> {
        match self {
            Self::Authy(_) => Err(ProviderError::NoPush),
            Self::Verify(verify) => verify.push_token(user).await,
        }
    }

    /// The devices of a user that are asked one by one.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn push_devices(&self, user: &ProviderUser) -> Result<Vec<PushDevice>, ProviderError> {
        match self {
            Self::Authy(_) => Ok(Vec::new()),
            Self::Verify(verify) => verify.push_devices(user).await,
        }
    }

    /// Removes a device of a user; nothing where it is gone already.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn remove_device(&self, user: &ProviderUser, device: &str) -> Result<(), ProviderError> {
        match self {
            Self::Authy(_) => Ok(()),
            Self::Verify(verify) => verify.remove_device(user, device).await,
        }
    }
}
