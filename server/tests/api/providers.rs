//! Tests that hold whichever provider talks to the phone.

use reqwest::{Method, StatusCode};
use serde_json::json;
use shared::routes;

use crate::app::{ApiClient, Person};

/// Who talks to the phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestProvider {
    Authy,
    Verify,
}

impl TestProvider {
    /// What the provider's calls that send or check codes begin with.
    pub fn codes_path(self) -> &'static str {
        match self {
            Self::Authy => "/protected/json",
            Self::Verify => "/v2",
        }
    }

    /// Whether a call of the provider checks a code.
    pub fn is_check(self, call: &str) -> bool {
        match self {
            Self::Authy => call.contains("/verify/"),
            Self::Verify => call.ends_with("/VerificationCheck"),
        }
    }

    /// Whether a call of the provider asks for an answer.
    pub fn is_poll(self, call: &str) -> bool {
        match self {
            Self::Authy => call.starts_with("GET /onetouch"),
            Self::Verify => call.starts_with("GET /v2") && call.contains("/Challenges/"),
        }
    }
}

/// Makes a test of each of these functions for each provider.
macro_rules! for_each_provider {
    ($($name:ident),+ $(,)?) => {
        mod authy {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $name() {
                    super::$name(crate::providers::TestProvider::Authy).await;
                }
            )+
        }
        mod verify {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $name() {
                    super::$name(crate::providers::TestProvider::Verify).await;
                }
            )+
        }
    };
}
pub(crate) use for_each_provider;

impl Person<'_> {
    /// Verifies the phone of a signed-in session by a code, and registers the phone as a device.
    pub async fn verify_and_register_device(&self, session: &ApiClient<'_>) {
        session.post(routes::SESSION_RESEND, json!({})).await.ok();
        session.verify(&self.code().await).await.ok();
        self.register_device(session, "Ada's phone").await;
    }

    /// Registers the phone as a device, as the product's app on it would.
    pub async fn register_device(&self, session: &ApiClient<'_>, name: &str) {
        let issued = session.post(routes::DEVICE_TOKEN, json!({})).await;
        assert_eq!(issued.status, StatusCode::CREATED, "{}", issued.text);
        let mut access = issued.body;
        access["name"] = json!(name);
        let path = format!("/phones/{}/devices", self.e164());
        let registered = self.app.call_sandbox(Method::POST, &path, access).await;
        assert_eq!(registered.status, StatusCode::NO_CONTENT, "{}", registered.text);
    }
}
