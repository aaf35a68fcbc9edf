//! Enrolment.

use serde_json::{Value, json};

use super::Authy;
use crate::{
    domain::factor::ProviderUser,
    provider::{ExportedSecret, Person, ProviderError},
};

/// The application's migration tools are switched off.
const TOOLS_DISABLED: &str = "60154";

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

    /// The secret of an authenticator for other apps than Authy's; `None` where the user has none, or the
    /// application's migration tools are switched off.
    pub(in crate::provider) async fn export_secret(
        &self,
        user: &ProviderUser,
    ) -> Result<Option<ExportedSecret>, ProviderError> {
        let path = format!("/protected/json/users/{user}/secret/export");
        match self.call(self.http.get(self.url(&path))).await {
            Ok(answer) => {
                let text =
                    |name: &str| answer[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
                let exported = text("secret").zip(text("otp"));
                let (secret, code) = exported.ok_or(ProviderError::UnexpectedResponse { status: 200 })?;
                Ok(Some(ExportedSecret { secret, code }))
            }
            Err(ProviderError::Refused { code, .. }) if code == TOOLS_DISABLED => Ok(None),
            Err(ProviderError::UnknownUser) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
