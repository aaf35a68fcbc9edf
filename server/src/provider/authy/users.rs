//! Enrolment.

use serde_json::{Value, json};

use super::Authy;
use crate::{
    domain::factor::ProviderUser,
    provider::{Person, ProviderError},
};

impl Authy {
    pub(in crate::provider) async fn enrol(&self, person: Person<'_>) -> Result<ProviderUser, ProviderError> {
        let body = json!({
            "user": {
                "email": person.email,
                "cellphone": person.phone.national(),
                "country_code": person.phone.calling_code(),
            },
            // The person gets no text they have not asked for.
            "send_install_link_via_sms": false,
        });
        let answer = self.call(self.http.post(self.url("/protected/json/users/new")).json(&body)).await?;
        let id = match &answer["user"]["id"] {
            Value::Number(id) => id.to_string(),
            Value::String(id) => id.clone(),
            _ => return Err(ProviderError::UnexpectedResponse { status: 200 }),
        };
        if id.is_empty() || !id.bytes().all(|c| c.is_ascii_digit()) {
            return Err(ProviderError::UnexpectedResponse { status: 200 });
        }
        Ok(ProviderUser::from_text(id))
    }
}
