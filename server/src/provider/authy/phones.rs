//! Phone verification, for phones nobody is enrolled with.

use serde_json::json;
use shared::{Via, phone::PhoneNumber};

use super::Authy;
use crate::{
    domain::code::Code,
    provider::{PhoneFacts, ProviderError},
};

/// Digits of such a code: 20 bits, the least a code sent to a phone should have (NIST SP 800-63B-4
/// §5.1.3.2).
const DIGITS: u8 = 6;

impl Authy {
    pub(in crate::provider) async fn start_verification(
        &self,
        phone: &PhoneNumber,
        via: Via,
    ) -> Result<PhoneFacts, ProviderError> {
        if !matches!(via, Via::Sms | Via::Call) {
            return Err(ProviderError::ChannelRefused);
        }
        let body = json!({
            "via": via,
            "country_code": phone.calling_code(),
            "phone_number": phone.national(),
            "code_length": DIGITS,
        });
        let request = self.http.post(self.url("/protected/json/phones/verification/start")).json(&body);
        let answer = self.call(request).await?;
        Ok(PhoneFacts {
            carrier: answer["carrier"].as_str().map(str::to_owned),
            is_cellphone: answer["is_cellphone"].as_bool(),
        })
    }

    pub(in crate::provider) async fn check_verification(
        &self,
        phone: &PhoneNumber,
        code: &Code,
    ) -> Result<bool, ProviderError> {
        let request = self.http.get(self.url("/protected/json/phones/verification/check")).query(&[
            ("country_code", phone.calling_code()),
            ("phone_number", phone.national()),
            ("verification_code", code.digits()),
        ]);
        match self.call(request).await {
            Ok(_) => Ok(true),
            Err(ProviderError::Refused { status: 401, code }) if code == "60022" => Ok(false),
            // Expired, used, or never sent.
            Err(ProviderError::Refused { status: 404, code }) if code == "60023" => Ok(false),
            Err(error) => Err(error),
        }
    }
}
