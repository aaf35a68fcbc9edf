//! Codes of enrolled users: by text, by voice, from an app.

use serde_json::Value;
use shared::Via;

use super::Authy;
use crate::provider::{Checked, Code, ProviderError, ProviderUser, Reference};

impl Authy {
    pub(in crate::provider) async fn send(
        &self,
        user: &ProviderUser,
        via: Via,
    ) -> Result<Reference, ProviderError> {
        let path = format!("/protected/json/{via}/{}", user.0);
        let answer = self.call(self.http.get(self.url(&path)).query(&[("force", "true")])).await?;
        // With force nothing is ever left unsent; should it be after all, there is no code to wait for.
        if answer["ignored"] == Value::Bool(true) {
            return Err(ProviderError::Nonsense { status: 200 });
        }
        Ok(Reference(user.0.clone()))
    }

    pub(in crate::provider) async fn check(
        &self,
        reference: &Reference,
        code: &Code,
    ) -> Result<Checked, ProviderError> {
        let path = format!("/protected/json/verify/{}/{}", code.digits(), reference.0);
        // Without force the provider calls any code valid for a user who never confirmed one.
        let request = self.http.get(self.url(&path)).query(&[("force", "true")]);
        match self.call(request).await {
            Ok(answer) if answer["token"] == "is valid" => Ok(match answer["device"]["os_type"].as_str() {
                None | Some("sms") => Checked::Sent,
                Some(_) => Checked::Shown,
            }),
            Ok(_) => Ok(Checked::Wrong),
            Err(ProviderError::Refused { status: 401, code })
                if matches!(code.as_str(), "60019" | "60020") =>
            {
                Ok(Checked::Wrong)
            }
            Err(error) => Err(error),
        }
    }
}
