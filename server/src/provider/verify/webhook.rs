//! Verify's webhook: its signature and its fields. It is a hint: what it tells is asked for before it is believed.

use signature::twilio::{self, Body};

use crate::{
    domain::factor::{Enrolment, ProviderAccount, ProviderUser},
    provider::{CallbackError, Provider, Providers, Reference},
};

const LONGEST_FIELD: usize = 200;

/// A webhook as received.
#[derive(Debug, Clone, Copy)]
pub struct SignedWebhook<'a> {
    /// The address as the provider knows it, with its query.
    pub url: &'a str,
    /// `X-Twilio-Signature`; empty when missing.
    pub signature: &'a str,
    /// What the signature covers beside the address.
    pub body: Body<'a>,
    /// The fields.
    pub fields: &'a [(String, String)],
}

/// What a webhook tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VerifyEvent {
    /// A device has answered this challenge.
    Answered {
        /// The account that holds it.
        account: ProviderAccount,
        /// The challenge.
        challenge: String,
    },
    /// The devices of a user have changed.
    Devices(Enrolment),
    /// Anything else.
    Other,
}

impl SignedWebhook<'_> {
    /// Checks the signature with the auth tokens of all Verify accounts and reads the fields.
    ///
    /// # Errors
    /// [`CallbackError`].
    pub fn read(&self, providers: &Providers) -> Result<VerifyEvent, CallbackError> {
        let signed_by = providers.all().find_map(|provider| match provider.as_ref() {
            Provider::Verify(verify) => verify
                .api
                .credentials
                .auth_token
                .as_ref()
                .filter(|token| twilio::verify(token.reveal(), self.url, self.body, self.signature))
                .map(|_| verify.account().clone()),
            Provider::Authy(_) => None,
        });
        let account = signed_by.ok_or(CallbackError::Signature)?;
        let text = |name: &'static str| {
            let value = self.fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
            value.filter(|text| (1..=LONGEST_FIELD).contains(&text.len())).ok_or(CallbackError::Field(name))
        };
        match text("type")?.as_str() {
            "challenge.approved" | "challenge.denied" => {
                let challenge = text("challenge_sid")?;
                let Reference(challenge) =
                    Reference::of_push(&challenge).ok_or(CallbackError::Field("challenge_sid"))?;
                Ok(VerifyEvent::Answered { account, challenge })
            }
            "factor.verified" | "factor.deleted" => {
                let user = ProviderUser::from_text(text("entity_identity")?);
                Ok(VerifyEvent::Devices(Enrolment { account, user }))
            }
            _ => Ok(VerifyEvent::Other),
        }
    }
}
