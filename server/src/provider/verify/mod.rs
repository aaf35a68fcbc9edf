//! Twilio Verify, version 2. Its JSON stays in this folder.
//!
//! Three services: one for people whose phone is verified, one for phones that are not, and one for numbers nobody
//! is enrolled with. Verify knows a code by service and number alone: whose it is stands in our database.

mod api;
mod codes;
mod push;
mod setup;
mod webhook;

use std::time::Duration;

use api::Api;
pub use codes::Sent;
pub use push::PushToken;
pub(super) use push::content_problem;
pub use setup::{CODE_LENGTHS, ServiceFacts, Setup, WebhookFacts};
pub use webhook::{SignedWebhook, VerifyEvent};

use crate::domain::{
    factor::{ProviderAccount, ProviderUser},
    ids::{Random, digest},
    secret::Secret,
};

/// The services of an account, by their SIDs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Services {
    /// Codes of sign-ins to verified phones.
    pub sign_in: String,
    /// Codes to phones that are not verified yet.
    pub enrolment: String,
    /// Codes of numbers nobody is enrolled with.
    pub numbers: String,
}

/// What calls authenticate with, and what webhooks are signed with.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// SID of the account, `AC…`.
    pub account: String,
    /// SID of the account, `AC…`, or of an API key, `SK…`.
    pub user: String,
    /// The account's auth token, or the secret of the key.
    pub password: Secret,
    /// The account's auth token. Twilio signs webhooks with nothing else: without it none is accepted.
    pub auth_token: Option<Secret>,
}

/// A client of Verify for one account.
#[derive(Debug)]
pub struct Verify {
    api: Api,
    pub(super) services: Services,
    account: ProviderAccount,
    random: Random,
}

impl Verify {
    /// A client for these services at `base`. No call takes longer than `timeout`.
    ///
    /// Account and services say where people are enrolled: with another credential for them they stay so.
    #[must_use]
    pub fn new(
        base: &str,
        credentials: Credentials,
        services: Services,
        timeout: Duration,
        random: Random,
    ) -> Self {
        let api = Api::new(base, credentials, timeout);
        let named = [&api.credentials.account, &services.sign_in, &services.enrolment, &services.numbers];
        let fingerprint = &digest(&["verify", named[0], named[1], named[2], named[3]])[..12];
        let account = ProviderAccount::from_text(format!("verify {} {fingerprint}", api.base()));
        Self { api, services, account, random }
    }

    pub(super) fn account(&self) -> &ProviderAccount {
        &self.account
    }

    /// A new identity: Verify enrols nobody before a device or an authenticator is.
    pub(super) fn enrol(&self) -> ProviderUser {
        ProviderUser::from_text(self.random.id())
    }
}
