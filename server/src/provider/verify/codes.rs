//! Codes by text and by call.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use shared::Via;

use super::{
    Verify,
    api::{NOT_FOUND, is_not_found},
};
use crate::{
    domain::code::Code,
    provider::{ClaimedCheck, CodePurpose, PhoneFacts, ProviderError, Reference},
};

/// A code as Verify has sent it.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The verification it belongs to.
    pub verification: String,
    /// How often its code was sent in all, whoever has asked.
    pub sends: usize,
    /// What Verify knows about the phone.
    pub facts: PhoneFacts,
}

impl Sent {
    /// Whether this send began the verification: then nobody else has a part in it.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.sends == 1
    }
}

/// What stands in a path as it is: a number's `+`, and what names and numbers are made of.
const IN_PATH: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'+').remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'@');
/// Checked too often; it is not answered any more.
const TOO_MANY_CHECKS: &str = "60202";

impl Verify {
    pub(in crate::provider) async fn send(
        &self,
        purpose: CodePurpose,
        to: &str,
        via: Via,
    ) -> Result<Sent, ProviderError> {
        let form = [("To", to), ("Channel", via.as_str())];
        let url = self.api.url(&format!("/Services/{}/Verifications", self.services.of(purpose)));
        let answer = self.api.call(self.api.http.post(url).form(&form)).await?;
        let verification = answer["sid"].as_str().and_then(Reference::of_push);
        // Without them nobody could tell whose code was sent.
        let sends = answer["send_code_attempts"].as_array().map(Vec::len).filter(|sends| *sends > 0);
        let (Some(Reference(verification)), Some(sends)) = (verification, sends) else {
            return Err(ProviderError::UnexpectedResponse { status: 201 });
        };
        let carrier = &answer["lookup"]["carrier"];
        let facts = PhoneFacts {
            carrier: carrier["name"].as_str().map(str::to_owned),
            is_cellphone: carrier["type"].as_str().map(|kind| kind == "mobile"),
        };
        Ok(Sent { verification, sends, facts })
    }

    /// A check that cannot be understood is no.
    pub(in crate::provider) async fn check(
        &self,
        purpose: CodePurpose,
        verification: &str,
        code: &Code,
    ) -> Result<ClaimedCheck, ProviderError> {
        let form = [("VerificationSid", verification), ("Code", code.digits())];
        let url = self.api.url(&format!("/Services/{}/VerificationCheck", self.services.of(purpose)));
        match self.api.call(self.api.http.post(url).form(&form)).await {
            // HTTP 200 alone says nothing: a wrong code is 200 and pending.
            Ok(answer) if answer["status"] == "approved" && answer["valid"] == Value::Bool(true) => {
                Ok(ClaimedCheck::Right)
            }
            Ok(_) => Ok(ClaimedCheck::Wrong),
            Err(ProviderError::Refused { code, .. }) if code == NOT_FOUND => Ok(ClaimedCheck::Over),
            Err(ProviderError::Refused { code, .. }) if code == TOO_MANY_CHECKS => Ok(ClaimedCheck::TooOften),
            Err(error) => Err(error),
        }
    }

    /// Ends a verification, or what was begun for a number; nothing where there is none.
    pub(in crate::provider) async fn cancel(
        &self,
        purpose: CodePurpose,
        name: &str,
    ) -> Result<(), ProviderError> {
        // An e-mail may hold what a path must not.
        let name = utf8_percent_encode(name, IN_PATH);
        let url = self.api.url(&format!("/Services/{}/Verifications/{name}", self.services.of(purpose)));
        match self.api.call(self.api.http.post(url).form(&[("Status", "canceled")])).await {
            Ok(_) => Ok(()),
            Err(error) if is_not_found(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
