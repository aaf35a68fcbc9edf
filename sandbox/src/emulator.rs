//! What all handlers share: the state, the clock, the webhook and an HTTP client.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::watch;

use crate::{clock::Clock, settings::Settings, state::State, webhook::Webhook};

/// What all handlers share.
#[derive(Debug)]
pub(crate) struct Emulator {
    pub(crate) clock: Arc<dyn Clock>,
    /// Target of the phone page's link "Back to the app".
    pub(crate) app_url: Option<String>,
    /// Where e-mails are taken by SMTP.
    pub(crate) smtp_url: Option<String>,
    /// Digits of the codes it sends.
    pub(crate) code_digits: usize,
    /// Sends callbacks.
    pub(crate) http: reqwest::Client,
    /// Counts changes of the state; open phone pages watch it.
    pub(crate) changes: watch::Sender<u64>,
    state: Mutex<State>,
    webhook: Mutex<Webhook>,
}

impl Emulator {
    pub(crate) fn new(settings: Settings, smtp_url: Option<String>) -> Self {
        let http = reqwest::Client::builder()
            .user_agent("CountersignSandbox/0.1")
            .timeout(Duration::from_secs(5))
            // Before the server closes it: a callback that is sent meanwhile would be lost.
            .pool_idle_timeout(Duration::from_secs(30))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("no setting of this client can fail");
        let mut state = State::default();
        state.verify.set_first_webhook(settings.verify_webhook_url.as_deref(), settings.clock.now_ms());
        Self {
            clock: settings.clock,
            app_url: settings.app_url,
            smtp_url,
            code_digits: settings.code_digits,
            http,
            changes: watch::Sender::new(0),
            state: Mutex::new(state),
            webhook: Mutex::new(Webhook::to(settings.webhook_url)),
        }
    }

    /// Milliseconds since the Unix epoch, by the sandbox's clock.
    pub(crate) fn now(&self) -> i64 {
        self.clock.now_ms()
    }

    /// Locks the state for reading. Use [`update`](Self::update) to change it, so that open pages
    /// are notified.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and notifies open pages.
    pub(crate) fn update<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.state());
        self.changes.send_modify(|count| *count += 1);
        result
    }

    /// Locks the webhook's settings.
    pub(crate) fn webhook(&self) -> MutexGuard<'_, Webhook> {
        self.webhook.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
