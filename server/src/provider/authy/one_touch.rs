//! The push.

use std::time::Duration;

use serde_json::json;

use super::Authy;
use crate::{
    domain::push::{Question, Verdict},
    provider::{ProviderError, ProviderUser, Reference},
};

impl Authy {
    pub(in crate::provider) async fn push(
        &self,
        user: &ProviderUser,
        question: &Question,
        life: Duration,
    ) -> Result<Reference, ProviderError> {
        let body = json!({
            "message": question.message,
            "details": question.details,
            "hidden_details": question.hidden_details,
            "logos": question.logos,
            "seconds_to_expire": life.as_secs(),
        });
        let path = format!("/onetouch/json/users/{}/approval_requests", user.0);
        let answer = self.call(self.http.post(self.url(&path)).json(&body)).await?;
        let uuid = answer["approval_request"]["uuid"].as_str().and_then(Reference::of_push);
        uuid.ok_or(ProviderError::Nonsense { status: 200 })
    }

    pub(in crate::provider) async fn ask(
        &self,
        reference: &Reference,
    ) -> Result<Option<Verdict>, ProviderError> {
        let path = format!("/onetouch/json/approval_requests/{}", reference.0);
        let answer = self.call(self.http.get(self.url(&path))).await?;
        match answer["approval_request"]["status"].as_str() {
            Some("approved") => Ok(Some(Verdict::Approved)),
            Some("denied") => Ok(Some(Verdict::Denied)),
            Some("pending" | "expired") => Ok(None),
            _ => Err(ProviderError::Nonsense { status: 200 }),
        }
    }
}
