//! Approval requests: a challenge for each device (push factor) of a user's identity.
//!
//! Entities, factors and challenges live at the service of sign-ins.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use serde_json::{Map, Value};

use super::{Verify, api::is_not_found};
use crate::{
    domain::{
        approval::{Answer, RequestContent},
        clock::Timestamp,
        factor::{Challenge, ProviderUser, PushDevice},
    },
    provider::{DeviceAnswer, ProviderError, Reference},
};

/// Characters of a detail's value.
const LONGEST_VALUE: usize = 128;
/// Characters of all hidden details, as JSON.
const LONGEST_HIDDEN: usize = 1024;
/// Seconds a token for a device is valid: long enough for the app to use it at once.
const TOKEN_LIFETIME: &str = "60";

/// What an app needs to register its device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushToken {
    /// Opaque; it creates one factor.
    pub token: String,
    /// The user's identity.
    pub identity: String,
    /// The service.
    pub service: String,
}

impl Verify {
    fn of_user(&self, user: &ProviderUser, path: &str) -> String {
        format!("/Services/{}/Entities/{user}{path}", self.services.sign_in)
    }

    pub(in crate::provider) async fn push_token(
        &self,
        user: &ProviderUser,
    ) -> Result<PushToken, ProviderError> {
        let form = [("Identity", user.as_str()), ("FactorType", "push"), ("Ttl", TOKEN_LIFETIME)];
        let url = self.api.url(&format!("/Services/{}/AccessTokens", self.services.sign_in));
        let answer = self.api.call(self.api.http.post(url).form(&form)).await?;
        let token = answer["token"].as_str().filter(|token| !token.is_empty());
        let Some(token) = token else { return Err(ProviderError::UnexpectedResponse { status: 201 }) };
        Ok(PushToken {
            token: token.to_owned(),
            identity: user.as_str().to_owned(),
            service: self.services.sign_in.clone(),
        })
    }

    /// The devices that have proved their key.
    pub(in crate::provider) async fn push_devices(
        &self,
        user: &ProviderUser,
    ) -> Result<Vec<PushDevice>, ProviderError> {
        let factors = match self.api.list(&self.of_user(user, "/Factors"), "factors").await {
            // Nothing was ever registered for this identity.
            Err(error) if is_not_found(&error) => return Ok(Vec::new()),
            other => other?,
        };
        // There is no filter in the call.
        let devices =
            factors.iter().filter(|factor| factor["factor_type"] == "push" && factor["status"] == "verified");
        let device = |factor: &Value| {
            let Reference(reference) = factor["sid"].as_str().and_then(Reference::of_push)?;
            let name = factor["friendly_name"].as_str().unwrap_or_default().to_owned();
            Some(PushDevice { reference, name })
        };
        Ok(devices.filter_map(device).collect())
    }

    pub(in crate::provider) async fn remove_device(
        &self,
        user: &ProviderUser,
        device: &str,
    ) -> Result<(), ProviderError> {
        self.api.delete(&self.of_user(user, &format!("/Factors/{device}"))).await
    }

    /// Asks each of these devices. Those that cannot be asked are left out, unless that is all of them; where one shows the
    /// request perhaps, and its denial would not be seen, all of it has failed.
    pub(in crate::provider) async fn ask_devices(
        &self,
        user: &ProviderUser,
        devices: &[String],
        content: &RequestContent,
        expires_at: Timestamp,
    ) -> Result<Vec<Challenge>, ProviderError> {
        let asked = join_all(devices.iter().map(|device| self.ask(user, device, content, expires_at))).await;
        let mut challenges = Vec::with_capacity(devices.len());
        let mut failure = None;
        for outcome in asked {
            match outcome {
                Ok(challenge) => challenges.push(challenge),
                // It was removed, or is not verified any more.
                Err(error) if is_not_found(&error) => {}
                // One that may be on a screen all the same says more than one that is not.
                Err(error) => failure = failure.filter(ProviderError::may_have_been_done).or(Some(error)),
            }
        }
        match failure {
            Some(error) if challenges.is_empty() || error.may_have_been_done() => Err(error),
            _ if !challenges.is_empty() => Ok(challenges),
            Some(error) => Err(error),
            None => Err(ProviderError::NoPush),
        }
    }

    async fn ask(
        &self,
        user: &ProviderUser,
        device: &str,
        content: &RequestContent,
        expires_at: Timestamp,
    ) -> Result<Challenge, ProviderError> {
        let mut form = vec![
            ("FactorSid", device.to_owned()),
            ("Details.Message", content.message.clone()),
            ("ExpirationDate", expires_at.to_rfc3339()),
        ];
        let field = |(label, value): (&String, &String)| {
            let members = [("label", label.clone()), ("value", shortened(value))];
            let members = members.map(|(name, text)| (name.to_owned(), Value::String(text)));
            ("Details.Fields", Value::Object(Map::from_iter(members)).to_string())
        };
        form.extend(content.details.iter().map(field));
        if !content.hidden_details.is_empty() {
            form.push(("HiddenDetails", hidden(&content.hidden_details)));
        }
        let answer = self
            .api
            .call(self.api.http.post(self.api.url(&self.of_user(user, "/Challenges"))).form(&form))
            .await?;
        match answer["sid"].as_str().and_then(Reference::of_push) {
            Some(Reference(reference)) => Ok(Challenge { reference, device: device.to_owned() }),
            None => Err(ProviderError::UnexpectedResponse { status: 201 }),
        }
    }

    /// The first answer of any device.
    pub(in crate::provider) async fn device_answer(
        &self,
        user: &ProviderUser,
        challenges: &[Challenge],
    ) -> Result<Option<DeviceAnswer>, ProviderError> {
        let looked_up = join_all(challenges.iter().map(|challenge| self.answer_of(user, challenge))).await;
        let (mut answers, mut failure) = (Vec::new(), None);
        for looked_up in looked_up {
            match looked_up {
                Ok(answer) => answers.extend(answer),
                // It was removed with its device.
                Err(error) if is_not_found(&error) => {}
                Err(error) => failure = Some(error),
            }
        }
        // Of two in the same second the denial.
        answers.sort_by_key(|(at, answer)| (at.clone(), answer.answer == Answer::Approved));
        match (answers.into_iter().next(), failure) {
            // Another device may have denied it before.
            (Some((_, answer)), Some(error)) if answer.answer == Answer::Approved => Err(error),
            (Some((_, answer)), _) => Ok(Some(answer)),
            (None, Some(error)) => Err(error),
            (None, None) => Ok(None),
        }
    }

    async fn answer_of(
        &self,
        user: &ProviderUser,
        challenge: &Challenge,
    ) -> Result<Option<(String, DeviceAnswer)>, ProviderError> {
        let url = self.api.url(&self.of_user(user, &format!("/Challenges/{}", challenge.reference)));
        let read = self.api.call(self.api.http.get(url)).await?;
        let is_own = read["sid"] == challenge.reference.as_str()
            && read["factor_sid"] == challenge.device.as_str()
            && read["identity"] == user.as_str();
        if !is_own {
            return Err(ProviderError::UnexpectedResponse { status: 200 });
        }
        let answer = match read["status"].as_str() {
            Some("approved") => Answer::Approved,
            Some("denied") => Answer::Denied,
            Some("pending" | "expired") => return Ok(None),
            _ => return Err(ProviderError::UnexpectedResponse { status: 200 }),
        };
        // ISO 8601 in UTC and whole seconds: earlier ones sort first.
        let at = read["date_responded"].as_str().unwrap_or_default().to_owned();
        Ok(Some((at, DeviceAnswer { answer, device: Some(challenge.device.clone()) })))
    }
}

/// What is wrong with a request's details for Verify: the field on the wire, and the problem.
pub(in crate::provider) fn content_problem(content: &RequestContent) -> Option<(&'static str, &'static str)> {
    if content.details.values().any(|value| value.chars().count() > LONGEST_VALUE) {
        return Some(("details", "Use up to 128 characters per value."));
    }
    if hidden(&content.hidden_details).chars().count() > LONGEST_HIDDEN {
        return Some(("hidden_details", "Use up to 1,024 characters in all."));
    }
    None
}

fn hidden(details: &BTreeMap<String, String>) -> String {
    serde_json::to_string(details).expect("texts are JSON")
}

/// The beginning and the end of what is too long to be shown: of an e-mail both tell whose it is.
fn shortened(value: &str) -> String {
    let characters: Vec<char> = value.chars().collect();
    if characters.len() <= LONGEST_VALUE {
        return value.to_owned();
    }
    let kept = (LONGEST_VALUE - 1) / 2;
    let (start, end) = (&characters[..kept], &characters[characters.len() - kept..]);
    start.iter().chain(['…'].iter()).chain(end).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_value_keeps_its_beginning_and_its_end() {
        let long = format!("{}@example.com", "ä".repeat(200));
        let shown = shortened(&long);
        assert!(shown.chars().count() <= LONGEST_VALUE);
        assert!(shown.starts_with("ää") && shown.ends_with("ä@example.com"), "{shown}");
        assert_eq!(shortened(&"x".repeat(128)), "x".repeat(128));
    }
}
