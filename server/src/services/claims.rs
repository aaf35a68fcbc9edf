//! Codes of a provider that knows them by service and number alone: whose they are is decided here.

use shared::Via;

use super::{Context, Result, ServiceError, codes::CODE_LIFETIME};
use crate::{
    domain::{clock::Timestamp, code::Code},
    provider::{ClaimedCheck, CodeCheck, CodePurpose, Provider, ProviderError, SentCode},
    store::claims::{self, Claimed, Own, Place},
};

/// A code that was sent so often is not sent again: the provider refuses. The next one is a new one.
const MOST_SENDS: i32 = 5;

/// Whose code, for what.
#[derive(Debug, Clone, Copy)]
pub(super) struct CodeFor<'a> {
    /// The account, or the session of a number nobody is enrolled with.
    pub(super) owner: &'a str,
    pub(super) purpose: CodePurpose,
    /// A number in E.164, or an e-mail.
    pub(super) to: &'a str,
}

/// A place that is claimed, at its provider.
struct Claim<'a> {
    context: &'a Context,
    provider: &'a Provider,
    place: Place,
    code: CodeFor<'a>,
}

impl Context {
    /// Sends a code that only its owner can use. Another owner's code to the same number is cancelled first.
    ///
    /// # Errors
    /// The provider's. Where something was sent or cancelled before it, [`ProviderError::PartlyDone`], so that it stays
    /// counted.
    pub(super) async fn send_claimed(
        &self,
        provider: &Provider,
        service: &str,
        code: CodeFor<'_>,
        via: Via,
    ) -> Result<SentCode> {
        let place = Place { service: service.to_owned(), to: code.to.to_owned() };
        Claim { context: self, provider, place, code }.send(via).await
    }

    /// Checks a code of whoever owns it; that of another owner is not even sent to the provider.
    pub(super) async fn check_claimed(
        &self,
        provider: &Provider,
        service: &str,
        code: CodeFor<'_>,
        typed: &Code,
    ) -> Result<CodeCheck> {
        let place = Place { service: service.to_owned(), to: code.to.to_owned() };
        Claim { context: self, provider, place, code }.check(typed).await
    }
}

impl Claim<'_> {
    async fn send(&self, via: Via) -> Result<SentCode> {
        let (place, owner, now) = (self.place.clone(), self.code.owner.to_owned(), self.context.now());
        let claimed = self
            .context
            .store
            .write(move |db| Ok::<_, ServiceError>(claims::claim(db, &place, &owner, now, CODE_LIFETIME)?))
            .await?;
        let mut own = None;
        let mut was_sent_or_cancelled = false;
        match claimed {
            Claimed::Free => {}
            Claimed::FromAnother => {
                self.provider.cancel_code(self.code.purpose, self.code.to).await?;
                was_sent_or_cancelled = true;
            }
            Claimed::Own(Own { verification: Some(verification), sends, claimed_at }) => {
                if sends >= MOST_SENDS {
                    self.provider.cancel_code(self.code.purpose, &verification).await?;
                    was_sent_or_cancelled = true;
                } else {
                    own = Some((verification, claimed_at));
                }
            }
            Claimed::Own(_) => {}
        }
        let sent = self
            .send_own(via, own.as_ref().map(|(verification, _)| verification), &mut was_sent_or_cancelled)
            .await;
        let noted = match sent {
            Ok(sent) => {
                was_sent_or_cancelled = true;
                let since = own.filter(|_| !sent.is_new()).map_or(now, |(_, claimed_at)| claimed_at);
                self.note(sent, since).await
            }
            Err(error) => Err(error),
        };
        noted.map_err(|error| if was_sent_or_cancelled { partly_done(error) } else { error })
    }

    /// Sends, until it is this owner's own code: a new one, or the one that was sent before.
    async fn send_own(
        &self,
        via: Via,
        own: Option<&String>,
        was_sent_or_cancelled: &mut bool,
    ) -> Result<SentCode> {
        let (purpose, to) = (self.code.purpose, self.code.to);
        let sent = self.provider.send_claimed_code(purpose, to, via).await?;
        *was_sent_or_cancelled = true;
        if sent.is_new() || own == Some(&sent.verification) {
            return Ok(sent);
        }
        // Somebody's code was sent once more. It may be this owner's, begun in another session meanwhile.
        match self.held().await? {
            Some(held) if held.verification.as_ref() == Some(&sent.verification) => return Ok(sent),
            Some(_) => {}
            // Another owner has claimed the place: what lives there is theirs.
            None => return Err(ProviderError::Limited.into()),
        }
        self.provider.cancel_code(purpose, &sent.verification).await?;
        let sent = self.provider.send_claimed_code(purpose, to, via).await?;
        if sent.is_new() { Ok(sent) } else { Err(ProviderError::Limited.into()) }
    }

    /// Notes whose code it is. Where another owner has claimed the place meanwhile, a new one is cancelled.
    async fn note(&self, sent: SentCode, claimed_at: Timestamp) -> Result<SentCode> {
        let (place, owner) = (self.place.clone(), self.code.owner.to_owned());
        let own = Own {
            verification: Some(sent.verification.clone()),
            sends: i32::try_from(sent.sends).unwrap_or(i32::MAX),
            claimed_at,
        };
        let is_own = self
            .context
            .store
            .write(move |db| Ok::<_, ServiceError>(claims::sent(db, &place, &owner, &own)?))
            .await?;
        if is_own {
            return Ok(sent);
        }
        if sent.is_new() {
            self.provider.cancel_code(self.code.purpose, &sent.verification).await?;
        }
        Err(ProviderError::Limited.into())
    }

    async fn held(&self) -> Result<Option<Own>> {
        let (place, owner, now) = (self.place.clone(), self.code.owner.to_owned(), self.context.now());
        let held = self
            .context
            .store
            .read(move |db| Ok::<_, ServiceError>(claims::held(db, &place, &owner, now, CODE_LIFETIME)?));
        held.await
    }

    async fn check(&self, typed: &Code) -> Result<CodeCheck> {
        let held = self.held().await?.and_then(|own| Some((own.verification?, own.claimed_at)));
        let Some((verification, claimed_at)) = held else {
            // It has expired, or another owner's code has taken its place.
            return Ok(CodeCheck::Over);
        };
        let checked = self.provider.check_claimed_code(self.code.purpose, &verification, typed).await?;
        if checked != ClaimedCheck::Wrong {
            // What stays behind where this fails is harmless: the verification is over.
            let (place, owner) = (self.place.clone(), self.code.owner.to_owned());
            let released = self
                .context
                .store
                .write(move |db| Ok::<_, ServiceError>(claims::release(db, &place, &owner, &verification)?));
            if let Err(error) = released.await {
                tracing::warn!(%error, "releasing the claim of a code");
            }
        }
        Ok(match checked {
            ClaimedCheck::Right => CodeCheck::SentCode,
            ClaimedCheck::Wrong => CodeCheck::Wrong,
            ClaimedCheck::Over => CodeCheck::Over,
            ClaimedCheck::TooOften => {
                let wait = claimed_at.plus(CODE_LIFETIME).since(self.context.now());
                CodeCheck::TooOften { wait }
            }
        })
    }
}

/// Something was sent or cancelled before it failed: whatever counts it keeps it counted.
fn partly_done(error: ServiceError) -> ServiceError {
    match error {
        ServiceError::Provider(error) => ProviderError::PartlyDone(Box::new(error)).into(),
        other => {
            tracing::warn!(error = %other, "noting whose code was sent");
            ProviderError::PartlyDone(Box::new(ProviderError::Limited)).into()
        }
    }
}
