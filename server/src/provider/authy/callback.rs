//! Authy's webhook: its signature, its fields, the dashboard's test call.

use serde_json::Value;
use signature::authy::{Params, SignedCall};
use thiserror::Error;

use crate::{
    domain::{
        approval::Answer,
        factor::{ProviderAccount, ProviderUser},
        ids::digest,
    },
    provider::{Provider, Providers},
};

/// The user of the test call Authy's dashboard makes when the address is saved there.
const DASHBOARD_USER: &str = "1234";
const LONGEST_NONCE: usize = 200;
const LONGEST_FIELD: usize = 200;

/// A callback as received.
#[derive(Debug, Clone, Copy)]
pub struct SignedRequest<'a> {
    /// HTTP method.
    pub method: &'a str,
    /// The address as the provider knows it.
    pub url: &'a str,
    /// `X-Authy-Signature-Nonce`, any UTF-8 text; empty when missing.
    pub nonce: &'a str,
    /// `X-Authy-Signature`; empty when missing.
    pub signature: &'a str,
    /// What the signature covers beside them.
    pub params: Params<'a>,
    /// The fields.
    pub fields: &'a Value,
}

/// A callback whose signature is right.
#[derive(Debug, Clone)]
pub struct Callback {
    /// The provider account whose key signed it.
    pub account: ProviderAccount,
    /// Who has answered, by the provider's id.
    pub user: ProviderUser,
    /// Which request.
    pub reference: String,
    /// What the person did; `None` for other statuses, which change nothing.
    pub answer: Option<Answer>,
    /// Digest of nonce and signature: the same again is a replay.
    pub digest: String,
    /// Whether it may be the dashboard's test call, which names no user of ours.
    pub may_be_test: bool,
}

/// Why a callback is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CallbackError {
    /// The signature is missing or wrong.
    #[error("wrong signature")]
    Signature,
    /// A field is missing or of the wrong type; names it.
    #[error("unreadable field {0}")]
    Field(&'static str),
}

impl SignedRequest<'_> {
    /// Checks the signature with the keys of all Authy accounts and reads the fields.
    ///
    /// # Errors
    /// [`CallbackError`].
    pub fn read(&self, providers: &Providers) -> Result<Callback, CallbackError> {
        let Self { method, url, nonce, signature, params, fields } = *self;
        if nonce.is_empty() || nonce.chars().count() > LONGEST_NONCE || signature.is_empty() {
            return Err(CallbackError::Signature);
        }
        let call = SignedCall { nonce, method, url, params };
        let signed_by = providers.all().find_map(|provider| match provider.as_ref() {
            Provider::Authy(authy) => {
                call.verify(authy.key.reveal(), signature).then(|| authy.account.clone())
            }
        });
        let account = signed_by.ok_or(CallbackError::Signature)?;
        let text = |name: &'static str| match &fields[name] {
            Value::String(text) if !text.is_empty() && text.len() <= LONGEST_FIELD => Ok(text.clone()),
            Value::Number(number) => Ok(number.to_string()),
            _ => Err(CallbackError::Field(name)),
        };
        let (user, reference) = (text("authy_id")?, text("uuid")?);
        let answer = match text("status")?.as_str() {
            "approved" => Some(Answer::Approved),
            "denied" => Some(Answer::Denied),
            _ => None,
        };
        Ok(Callback {
            account,
            may_be_test: user == DASHBOARD_USER,
            user: ProviderUser::from_text(user),
            reference,
            answer,
            digest: digest(&[nonce, signature]),
        })
    }
}
