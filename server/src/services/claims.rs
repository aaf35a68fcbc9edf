//! Codes of a provider that knows them by service and number alone: whose they are is decided here.

use std::time::Duration;

use shared::{Via, phone::PhoneNumber};

use super::{Context, Result, ServiceError, codes::CODE_LIFETIME};
use crate::{
    provider::{CodePurpose, Provider, ProviderError, SentCode},
    store::claims::{self, Place},
};

/// For so long a code can be used after it was sent first.
const LIFETIME: Duration = CODE_LIFETIME;

/// Whose code, for what.
#[derive(Debug, Clone, Copy)]
pub(super) struct CodeFor<'a> {
    /// The account, or the session of a number nobody is enrolled with.
    pub(super) owner: &'a str,
    pub(super) purpose: CodePurpose,
    pub(super) phone: &'a PhoneNumber,
}

impl CodeFor<'_> {
    fn place(&self, service: &str) -> Place {
        Place { service: service.to_owned(), phone: self.phone.e164() }
    }
}

impl Context {
    /// Sends a code that only its owner can use. Another owner's code to the same number is cancelled first.
    pub(super) async fn send_claimed(
        &self,
        provider: &Provider,
        service: &str,
        code: CodeFor<'_>,
        via: Via,
    ) -> Result<SentCode> {
        let (place, owner, now) = (code.place(service), code.owner.to_owned(), self.now());
        let claimed = {
            let (place, owner) = (place.clone(), owner.clone());
            self.store
                .write(move |db| Ok::<_, ServiceError>(claims::claim(db, &place, &owner, now, LIFETIME)?))
                .await?
        };
        if claimed.from_another {
            provider.cancel_code(code.purpose, code.phone).await?;
        }
        let before = usize::try_from(claimed.sends).unwrap_or_default();
        let mut sent = provider.send_claimed_code(code.purpose, code.phone, via).await?;
        if sent.sends > before + 1 {
            // Somebody else's code, which was begun meanwhile or elsewhere, would have been sent once more.
            provider.cancel_code(code.purpose, code.phone).await?;
            sent = provider.send_claimed_code(code.purpose, code.phone, via).await?;
            if sent.sends > 1 {
                return Err(ProviderError::Limited.into());
            }
        }
        let sends = i32::try_from(sent.sends).unwrap_or(i32::MAX);
        let is_own = self
            .store
            .write(move |db| Ok::<_, ServiceError>(claims::sent(db, &place, &owner, sends)?))
            .await?;
        if is_own { Ok(sent) } else { Err(ProviderError::Limited.into()) }
    }

    /// Whether a code that was sent to this number is its owner's. One that is not is not even checked.
    pub(super) async fn holds_claim(&self, service: &str, code: CodeFor<'_>) -> Result<bool> {
        let (place, owner, now) = (code.place(service), code.owner.to_owned(), self.now());
        let held = self
            .store
            .read(move |db| Ok::<_, ServiceError>(claims::is_held(db, &place, &owner, now, LIFETIME)?));
        held.await
    }

    /// A code was used.
    pub(super) async fn release_claim(&self, service: &str, code: CodeFor<'_>) -> Result<()> {
        let (place, owner) = (code.place(service), code.owner.to_owned());
        let released =
            self.store.write(move |db| Ok::<_, ServiceError>(claims::release(db, &place, &owner)?));
        released.await
    }
}
