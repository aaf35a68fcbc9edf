//! Codes of enrolled users: by text, by call, from the app.

use serde_json::Value;
use shared::Via;

use super::Authy;
use crate::{
    domain::{code::Code, factor::ProviderUser},
    provider::{CodeCheck, ProviderError, Reference},
};

impl Authy {
    pub(in crate::provider) async fn send_code(
        &self,
        user: &ProviderUser,
        via: Via,
        action: &str,
    ) -> Result<Reference, ProviderError> {
        if !matches!(via, Via::Sms | Via::Call) {
            return Err(ProviderError::ChannelRefused);
        }
        let path = format!("/protected/json/{via}/{user}");
        let query = [("force", "true"), ("action", action)];
        let answer = self.call(self.http.get(self.url(&path)).query(&query)).await?;
        // With force a code is always sent; if it was not, there is none to wait for.
        if answer["ignored"] == Value::Bool(true) {
            return Err(ProviderError::UnexpectedResponse { status: 200 });
        }
        Ok(Reference(user.as_str().to_owned()))
    }

    pub(in crate::provider) async fn check_code(
        &self,
        reference: &Reference,
        code: &Code,
        action: Option<&str>,
    ) -> Result<CodeCheck, ProviderError> {
        let path = format!("/protected/json/verify/{}/{}", code.digits(), reference.0);
        // Without force the provider calls any code valid for a user who never confirmed one.
        let mut query = vec![("force", "true")];
        query.extend(action.map(|action| ("action", action)));
        match self.call(self.http.get(self.url(&path)).query(&query)).await {
            Ok(answer) if answer["token"] == "is valid" => Ok(match answer["device"]["os_type"].as_str() {
                None => CodeCheck::UnspecifiedCode,
                Some("sms") => CodeCheck::SentCode,
                Some(_) => CodeCheck::AppCode,
            }),
            Ok(_) => Ok(CodeCheck::Wrong),
            Err(ProviderError::Refused { status: 401, code })
                if matches!(code.as_str(), "60019" | "60020") =>
            {
                Ok(CodeCheck::Wrong)
            }
            Err(error) => Err(error),
        }
    }
}
