//! Authy's webhook: its signature, its fields, the dashboard's test call.

use serde_json::Value;
use signature::authy::{Params, SignedCall};

use crate::{
    domain::{approval::Answer, factor::ProviderUser, ids::digest},
    provider::{Callback, CallbackError, Provider, Providers},
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
            Provider::Verify(_) => None,
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
