//! Approval requests (OneTouch).

use std::time::Duration;

use serde_json::json;

use super::Authy;
use crate::{
    domain::{
        approval::{Answer, RequestContent},
        factor::ProviderUser,
    },
    provider::{ProviderError, Reference},
};

impl Authy {
    pub(in crate::provider) async fn send_push(
        &self,
        user: &ProviderUser,
        content: &RequestContent,
        lifetime: Duration,
    ) -> Result<Reference, ProviderError> {
        let body = json!({
            "message": content.message,
            "details": content.details,
            "hidden_details": content.hidden_details,
            "logos": content.logos,
            "seconds_to_expire": lifetime.as_secs(),
        });
        let path = format!("/onetouch/json/users/{user}/approval_requests");
        let answer = self.call(self.http.post(self.url(&path)).json(&body)).await?;
        let uuid = answer["approval_request"]["uuid"].as_str().and_then(Reference::of_push);
        uuid.ok_or(ProviderError::UnexpectedResponse { status: 200 })
    }

    pub(in crate::provider) async fn push_answer(
        &self,
        reference: &Reference,
    ) -> Result<Option<Answer>, ProviderError> {
        let path = format!("/onetouch/json/approval_requests/{}", reference.0);
        let answer = self.call(self.http.get(self.url(&path))).await?;
        match answer["approval_request"]["status"].as_str() {
            Some("approved") => Ok(Some(Answer::Approved)),
            Some("denied") => Ok(Some(Answer::Denied)),
            Some("pending" | "expired") => Ok(None),
            _ => Err(ProviderError::UnexpectedResponse { status: 200 }),
        }
    }
}
