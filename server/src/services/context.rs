//! What all services share.

use std::sync::Arc;

use tokio::sync::Notify;

use super::{event_log::EventLog, hub::Hub};
use crate::{
    domain::{
        channels::Channels,
        clock::{Clock, Timestamp},
        ids::Random,
        keys::KeyRing,
        limits::{Lifetimes, Limits},
        numbers::NumberRules,
        session::{PushMatch, TokenRotation},
    },
    provider::{Mailer, Providers},
    store::Store,
};

/// The rules a server runs by.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How often.
    pub limits: Limits,
    /// How long sessions live.
    pub lifetimes: Lifetimes,
    /// The address people use, without a final slash: links in e-mails begin with it.
    pub base_url: String,
    /// How long events are kept.
    pub events_days: u32,
    /// Which approvals need the number that the phone shows.
    pub push_match: PushMatch,
    /// How codes may be sent.
    pub channels: Channels,
    /// Which numbers codes are sent to.
    pub numbers: NumberRules,
    /// Whether header tokens change with the second factor.
    pub rotation: TokenRotation,
    /// What the product is called on an authenticator app.
    pub app_name: String,
    /// Clients that may wait for a change at once.
    pub most_waiting: usize,
    /// After so many days unused accounts whose phone was never verified are removed; 0 keeps them.
    pub unverified_accounts_days: u32,
}

/// Database, providers, time, randomness, keys and rules.
#[derive(Debug)]
pub struct Context {
    pub(super) store: Store,
    pub(super) providers: Providers,
    pub(super) clock: Arc<Clock>,
    pub(super) random: Random,
    pub(super) keys: KeyRing,
    pub(super) settings: Settings,
    /// Who waits for which session.
    pub(super) hub: Arc<Hub>,
    /// Notified when an approval request was sent, so that its answer is polled for in time.
    pub(super) push_sent: Notify,
    /// Who sends e-mail; nobody where that is not set.
    pub(super) mailer: Option<Mailer>,
    /// Notified when an e-mail is to be sent, or a half sign-in may have to be told of.
    pub(super) mail_queued: Arc<Notify>,
    /// Events that wait to be stored.
    pub(super) events: EventLog,
}

impl Context {
    /// Takes what services need.
    #[must_use]
    pub fn new(
        store: Store,
        providers: Providers,
        clock: Arc<Clock>,
        random: Random,
        keys: KeyRing,
        settings: Settings,
        mailer: Option<Mailer>,
    ) -> Arc<Self> {
        let hub = Arc::new(Hub::new(settings.most_waiting));
        let published = Arc::clone(&hub);
        let mail_queued = Arc::new(Notify::new());
        let queued = Arc::clone(&mail_queued);
        store.on_change(move |changed| {
            if !changed.sessions.is_empty() {
                published.publish_own(changed.sessions);
            }
            if changed.has_mail {
                queued.notify_one();
            }
        });
        Arc::new(Self {
            store,
            providers,
            clock,
            random,
            keys,
            settings,
            hub,
            push_sent: Notify::new(),
            mailer,
            mail_queued,
            events: EventLog::default(),
        })
    }

    /// Who waits for which session.
    #[must_use]
    pub fn hub(&self) -> Arc<Hub> {
        Arc::clone(&self.hub)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.settings.limits
    }

    pub(super) fn lifetimes(&self) -> Lifetimes {
        self.settings.lifetimes
    }
}
