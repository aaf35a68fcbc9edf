//! Services and webhooks at the provider: reading them, making new ones. What is there is never changed.

use std::time::Duration;

use serde_json::Value;

use super::{
    Credentials, Services,
    api::{Api, is_not_found},
};
use crate::provider::{CodePurpose, ProviderError};

/// Events the server wants to hear of.
const EVENTS: [&str; 4] = ["challenge.approved", "challenge.denied", "factor.verified", "factor.deleted"];

/// Each purpose with the length of its codes. Those of sign-ins differ from an authenticator's six digits, so that
/// nobody has to guess who checks a code.
pub const CODE_LENGTHS: [(CodePurpose, u64); 3] =
    [(CodePurpose::SignIn, 7), (CodePurpose::Enrolment, 7), (CodePurpose::Number, 6)];

/// A service as it is at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceFacts {
    /// Its SID.
    pub sid: String,
    /// What texts call the product.
    pub name: String,
    /// Digits of its codes.
    pub code_length: u64,
}

/// A webhook as it is at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookFacts {
    /// Where it goes.
    pub url: String,
    /// Whether it is switched on.
    pub enabled: bool,
    /// Whether it tells everything the server wants to hear.
    pub tells_all: bool,
}

/// Reads and makes what an account needs at Verify.
#[derive(Debug)]
pub struct Setup {
    api: Api,
}

impl Setup {
    /// Works with these credentials at `base`. No call takes longer than `timeout`.
    #[must_use]
    pub fn new(base: &str, credentials: Credentials, timeout: Duration) -> Self {
        Self { api: Api::new(base, credentials, timeout) }
    }

    /// A service; `None` where there is none with this SID in the account.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn service(&self, sid: &str) -> Result<Option<ServiceFacts>, ProviderError> {
        match self.api.call(self.api.http.get(self.api.url(&format!("/Services/{sid}")))).await {
            Ok(service) => Ok(Some(facts(&service)?)),
            Err(error) if is_not_found(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// All services of the account.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn services(&self) -> Result<Vec<ServiceFacts>, ProviderError> {
        self.api.list("/Services", "services").await?.iter().map(facts).collect()
    }

    /// Makes a service.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn make_service(&self, name: &str, code_length: u64) -> Result<ServiceFacts, ProviderError> {
        let form = [("FriendlyName", name.to_owned()), ("CodeLength", code_length.to_string())];
        facts(&self.api.call(self.api.http.post(self.api.url("/Services")).form(&form)).await?)
    }

    /// The webhooks of a service.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn webhooks(&self, service: &str) -> Result<Vec<WebhookFacts>, ProviderError> {
        let webhooks = self.api.list(&format!("/Services/{service}/Webhooks"), "webhooks").await?;
        let webhook = |webhook: &Value| {
            let told: Vec<&str> =
                webhook["event_types"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            WebhookFacts {
                url: webhook["webhook_url"].as_str().unwrap_or_default().to_owned(),
                enabled: webhook["status"] == "enabled",
                tells_all: told.contains(&"*") || EVENTS.iter().all(|event| told.contains(event)),
            }
        };
        Ok(webhooks.iter().map(webhook).collect())
    }

    /// Makes a webhook that tells everything the server wants to hear.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn make_webhook(&self, service: &str, name: &str, url: &str) -> Result<(), ProviderError> {
        let mut form = vec![("FriendlyName", name), ("WebhookUrl", url), ("Status", "enabled")];
        form.extend(EVENTS.map(|event| ("EventTypes", event)));
        let path = self.api.url(&format!("/Services/{service}/Webhooks"));
        self.api.call(self.api.http.post(path).form(&form)).await.map(drop)
    }
}

impl Services {
    /// The service of a purpose.
    #[must_use]
    pub fn of(&self, purpose: CodePurpose) -> &str {
        match purpose {
            CodePurpose::SignIn => &self.sign_in,
            CodePurpose::Enrolment => &self.enrolment,
            CodePurpose::Number => &self.numbers,
        }
    }
}

fn facts(service: &Value) -> Result<ServiceFacts, ProviderError> {
    let sid = service["sid"].as_str().map(str::to_owned);
    let (Some(sid), Some(code_length)) = (sid, service["code_length"].as_u64()) else {
        return Err(ProviderError::UnexpectedResponse { status: 200 });
    };
    let name = service["friendly_name"].as_str().unwrap_or_default().to_owned();
    Ok(ServiceFacts { sid, name, code_length })
}
