//! Codes by text and by call.

use serde_json::Value;
use shared::{Via, phone::PhoneNumber};

use super::Verify;
use crate::{
    domain::code::Code,
    provider::{CodeCheck, CodePurpose, PhoneFacts, ProviderError, Reference},
};

/// A code as Verify has sent it.
#[derive(Debug, Clone)]
pub struct Sent {
    /// Service and verification.
    pub reference: Reference,
    /// How often it was sent in all, whoever has asked.
    pub sends: usize,
    /// What Verify knows about the phone.
    pub facts: PhoneFacts,
}

/// What a check of a code that is over is answered with: it was used, expired, cancelled or tried too often.
const NOT_FOUND: &str = "20404";

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
        let service = self.service(purpose);
        let channel = match via {
            Via::Sms => "sms",
            Via::Call => "call",
        };
        let form = [("To", phone.e164()), ("Channel", channel.to_owned())];
        let url = self.url(&format!("/Services/{service}/Verifications"));
        let answer = self.call(self.http.post(url).form(&form)).await?;
        let sid = answer["sid"].as_str().and_then(Reference::of_push);
        let sid = sid.ok_or(ProviderError::UnexpectedResponse { status: 201 })?;
        let carrier = &answer["lookup"]["carrier"];
        Ok(Sent {
            reference: Reference(format!("{service}/{}", sid.0)),
            sends: answer["send_code_attempts"].as_array().map_or(1, Vec::len),
            facts: PhoneFacts {
                carrier: carrier["name"].as_str().map(str::to_owned),
                is_cellphone: carrier["type"].as_str().map(|kind| kind == "mobile"),
            },
        })
    }

    /// A check that cannot be understood is no.
    pub(in crate::provider) async fn check(
        &self,
        reference: &Reference,
        code: &Code,
    ) -> Result<CodeCheck, ProviderError> {
        let Some((service, verification)) = reference.0.split_once('/') else { return Ok(CodeCheck::Wrong) };
        self.check_by(service, ("VerificationSid", verification), code).await
    }

    /// The same of a number nobody is enrolled with.
    pub(in crate::provider) async fn check_number(
        &self,
        phone: &PhoneNumber,
        code: &Code,
    ) -> Result<bool, ProviderError> {
        let checked = self.check_by(&self.services.numbers, ("To", &phone.e164()), code).await?;
        Ok(checked == CodeCheck::SentCode)
    }

    async fn check_by(
        &self,
        service: &str,
        of: (&str, &str),
        code: &Code,
    ) -> Result<CodeCheck, ProviderError> {
        let form = [of, ("Code", code.digits())];
        let url = self.url(&format!("/Services/{service}/VerificationCheck"));
        match self.call(self.http.post(url).form(&form)).await {
            // HTTP 200 alone says nothing: a wrong code is 200 and pending.
            Ok(answer) if answer["status"] == "approved" && answer["valid"] == Value::Bool(true) => {
                Ok(CodeCheck::SentCode)
            }
            Ok(_) | Err(ProviderError::Limited) => Ok(CodeCheck::Wrong),
            Err(ProviderError::Refused { code, .. }) if code == NOT_FOUND => Ok(CodeCheck::Wrong),
            Err(error) => Err(error),
        }
    }

    /// Ends what was begun for a number, if anything was.
    pub(in crate::provider) async fn cancel(
        &self,
        purpose: CodePurpose,
        phone: &PhoneNumber,
    ) -> Result<(), ProviderError> {
        let url = self.url(&format!("/Services/{}/Verifications/{}", self.service(purpose), phone.e164()));
        match self.call(self.http.post(url).form(&[("Status", "canceled")])).await {
            Ok(_) => Ok(()),
            Err(ProviderError::Refused { code, .. }) if code == NOT_FOUND => Ok(()),
            Err(error) => Err(error),
        }
    }
}
