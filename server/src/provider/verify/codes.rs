//! Codes by text and by call.

use serde_json::Value;
use shared::{Via, phone::PhoneNumber};

use super::Verify;
use crate::{
    domain::code::Code,
    provider::{CodePurpose, PhoneFacts, ProviderError, Reference, Unclaimed},
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

/// No such verification: it was used, cancelled, has expired, or was checked too often.
const NOT_FOUND: &str = "20404";
/// Checked too often; it is not answered any more.
const TOO_MANY_CHECKS: &str = "60202";

impl Verify {
    pub(in crate::provider) fn service(&self, purpose: CodePurpose) -> &str {
        match purpose {
            CodePurpose::SignIn => &self.services.sign_in,
            CodePurpose::Enrolment => &self.services.enrolment,
            CodePurpose::Number => &self.services.numbers,
        }
    }

    pub(in crate::provider) async fn send(
        &self,
        purpose: CodePurpose,
        phone: &PhoneNumber,
        via: Via,
    ) -> Result<Sent, ProviderError> {
        let channel = match via {
            Via::Sms => "sms",
            Via::Call => "call",
        };
        let form = [("To", phone.e164()), ("Channel", channel.to_owned())];
        let url = self.url(&format!("/Services/{}/Verifications", self.service(purpose)));
        let answer = self.call(self.http.post(url).form(&form)).await?;
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
    ) -> Result<Unclaimed, ProviderError> {
        let form = [("VerificationSid", verification), ("Code", code.digits())];
        let url = self.url(&format!("/Services/{}/VerificationCheck", self.service(purpose)));
        match self.call(self.http.post(url).form(&form)).await {
            // HTTP 200 alone says nothing: a wrong code is 200 and pending.
            Ok(answer) if answer["status"] == "approved" && answer["valid"] == Value::Bool(true) => {
                Ok(Unclaimed::Right)
            }
            Ok(_) => Ok(Unclaimed::Wrong),
            Err(ProviderError::Refused { code, .. }) if code == NOT_FOUND || code == TOO_MANY_CHECKS => {
                Ok(Unclaimed::Over)
            }
            Err(error) => Err(error),
        }
    }

    /// Ends a verification, or what was begun for a number; nothing where there is none.
    pub(in crate::provider) async fn cancel(
        &self,
        purpose: CodePurpose,
        name: &str,
    ) -> Result<(), ProviderError> {
        let url = self.url(&format!("/Services/{}/Verifications/{name}", self.service(purpose)));
        match self.call(self.http.post(url).form(&[("Status", "canceled")])).await {
            Ok(_) => Ok(()),
            Err(ProviderError::Refused { code, .. }) if code == NOT_FOUND => Ok(()),
            Err(error) => Err(error),
        }
    }
}
