//! What `countersign setup verify` needs: the account, and the services that are there already.

use std::time::Duration;

use super::{
    ConfigError, app_name, load_env_file,
    provider::{REAL_VERIFY, SERVICES, credentials},
    source::Source,
};
use crate::provider::verify::Credentials;

/// The settings of Verify as far as they are there.
#[derive(Debug)]
pub struct SetupConfig {
    /// `TWILIO_ACCOUNT_SID` and `TWILIO_AUTH_TOKEN`, or an API key.
    pub credentials: Credentials,
    /// `VERIFY_API_URL`, or the real service.
    pub url: String,
    /// `APP_NAME`.
    pub app_name: String,
    /// Where webhooks go: below `PUBLIC_URL`.
    pub webhook_url: Option<String>,
    /// `VERIFY_SERVICE_SID`, `VERIFY_ENROLMENT_SERVICE_SID`, `VERIFY_NUMBER_SERVICE_SID`.
    pub services: [Option<String>; 3],
    /// `PROVIDER_TIMEOUT_SECONDS`.
    pub timeout: Duration,
}

impl SetupConfig {
    /// Reads the environment, and `.env` in the working folder.
    ///
    /// # Errors
    /// One line that names the variable.
    pub fn load() -> Result<Self, ConfigError> {
        load_env_file()?;
        let lookup = |name: &str| std::env::var(name).ok();
        let from = Source::new(&lookup);
        let credentials = credentials(&from);
        let url = from.web_address("VERIFY_API_URL");
        let public = from.web_address("PUBLIC_URL");
        let webhook_url = public
            .map(|url| format!("{}{}", url.as_str().trim_end_matches('/'), shared::routes::TWILIO_VERIFY));
        let (app_name, services) = (app_name(&from), SERVICES.map(|name| from.text(name)));
        let timeout = from.seconds("PROVIDER_TIMEOUT_SECONDS", Duration::from_secs(8), 1..=60);
        let (problems, _) = from.into_findings();
        match (credentials, problems.into_iter().next()) {
            (_, Some(problem)) => Err(problem),
            (Some(credentials), None) => Ok(Self {
                credentials,
                url: url.map_or_else(|| REAL_VERIFY.to_owned(), |url| url.as_str().to_owned()),
                app_name,
                webhook_url,
                services,
                timeout,
            }),
            (None, None) => unreachable!("without a problem there are credentials"),
        }
    }
}
