//! Enrolment, and the secret for other authenticator apps.

use reqwest::StatusCode;
use serde_json::{Value, json};
use url::Url;

use super::Authy;
use crate::provider::{
    LARGEST_ANSWER, Person, ProviderError, ProviderUser, picture, read_at_most, unreachable,
};

impl Authy {
    pub(in crate::provider) async fn enrol(&self, person: Person<'_>) -> Result<ProviderUser, ProviderError> {
        let body = json!({
            "user": {
                "email": person.email,
                "cellphone": person.phone.national(),
                "country_code": person.phone.calling_code(),
            },
            // The person gets one text at most: the code they ask for.
            "send_install_link_via_sms": false,
        });
        let answer = self.call(self.http.post(self.url("/protected/json/users/new")).json(&body)).await?;
        let id = match &answer["user"]["id"] {
            Value::Number(id) => id.to_string(),
            Value::String(id) => id.clone(),
            _ => return Err(ProviderError::Nonsense { status: 200 }),
        };
        if id.is_empty() || !id.bytes().all(|c| c.is_ascii_digit()) {
            return Err(ProviderError::Nonsense { status: 200 });
        }
        Ok(ProviderUser(id))
    }

    /// The `otpauth` address of a new secret. The provider answers with the address of a picture
    /// and nothing else, so the picture is fetched and read.
    pub(in crate::provider) async fn secret(
        &self,
        user: &ProviderUser,
        label: &str,
    ) -> Result<String, ProviderError> {
        let path = format!("/protected/json/users/{}/secret", user.0);
        let body = json!({"label": label, "qr_size": 400});
        let answer = self.call(self.http.post(self.url(&path)).json(&body)).await?;
        let nonsense = || ProviderError::Nonsense { status: 200 };
        let link = answer["qr_code"].as_str().and_then(|link| self.picture_url(link)).ok_or_else(nonsense)?;
        // Without the key: the picture may lie on another host.
        let answer = self.http.get(link).send().await.map_err(unreachable)?;
        let status = answer.status();
        if status != StatusCode::OK {
            return Err(ProviderError::Nonsense { status: status.as_u16() });
        }
        let bytes = read_at_most(answer, LARGEST_ANSWER).await?;
        picture::read_qr(&bytes).ok_or_else(nonsense)
    }

    /// Only `https`, or the provider's own origin: no answer makes this server call another one of
    /// its network.
    fn picture_url(&self, link: &str) -> Option<Url> {
        let (base, link) = (Url::parse(&self.base).ok()?, Url::parse(link).ok()?);
        let domain = link.scheme() == "https" && link.domain().is_some_and(|host| host.contains('.'));
        (domain || link.origin() == base.origin()).then_some(link)
    }
}
