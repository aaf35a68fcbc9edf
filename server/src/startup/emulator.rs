//! The sandbox that is started beside the server.

use std::sync::Arc;

use super::StartError;
use crate::{config::Config, domain::clock::Clock};

/// The sandbox beside the server; without the feature `emulator` there is none.
#[derive(Debug)]
#[cfg(feature = "emulator")]
pub(super) struct Emulator(Option<sandbox::Sandbox>);

#[cfg(feature = "emulator")]
impl Emulator {
    pub(super) async fn start(config: &Config, url: &str, clock: &Arc<Clock>) -> Result<Self, StartError> {
        let Some(port) = config.sandbox else { return Ok(Self(None)) };
        // The webhook's signature covers the address it is known by, so that is where it goes.
        let public = config.public_url.as_ref().map(|url| url.as_str().trim_end_matches('/').to_owned());
        let own = public.unwrap_or_else(|| url.to_owned());
        let settings = sandbox::Settings {
            port,
            webhook_url: Some(format!("{own}{}", shared::routes::AUTHY_CALLBACK)),
            verify_webhook_url: Some(format!("{own}{}", shared::routes::TWILIO_VERIFY)),
            app_url: Some(own),
            clock: Arc::<Clock>::clone(clock),
            ..sandbox::Settings::default()
        };
        let started = sandbox::Sandbox::start(settings).await;
        started.map(|sandbox| Self(Some(sandbox))).map_err(|source| StartError::SandboxPort { port, source })
    }

    /// The sandbox itself.
    pub(super) fn sandbox(&self) -> Option<&sandbox::Sandbox> {
        self.0.as_ref()
    }

    pub(super) fn url(&self) -> Option<String> {
        self.0.as_ref().map(sandbox::Sandbox::url)
    }

    pub(super) fn smtp_url(&self) -> Option<String> {
        self.0.as_ref().and_then(sandbox::Sandbox::smtp_url)
    }

    pub(super) async fn stop(self) {
        if let Some(sandbox) = self.0 {
            sandbox.stop().await;
        }
    }
}

/// The sandbox beside the server; without the feature `emulator` there is none.
#[derive(Debug)]
#[cfg(not(feature = "emulator"))]
pub(super) struct Emulator;

#[cfg(not(feature = "emulator"))]
impl Emulator {
    #[expect(clippy::unused_async, reason = "the same signature as with the emulator")]
    pub(super) async fn start(_: &Config, _: &str, _: &Arc<Clock>) -> Result<Self, StartError> {
        Ok(Self)
    }

    pub(super) fn url(&self) -> Option<String> {
        None
    }

    pub(super) fn smtp_url(&self) -> Option<String> {
        None
    }

    #[expect(clippy::unused_async, reason = "the same signature as with the emulator")]
    pub(super) async fn stop(self) {}
}
