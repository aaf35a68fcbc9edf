//! Events of factors and challenges, as webhooks receive them: ids alone, in a signed form.

use std::time::Duration;

use actix_web::web::Data;
use shared::sandbox::{ACCOUNT_SID, AUTH_TOKEN};
use signature::twilio::{Body, SIGNATURE_HEADER, sign};

use super::{
    phone::Told,
    state::{Answer, Challenge, Factor},
};
use crate::{emulator::Emulator, random, webhook::Mode};

/// The types there are, beside `*`.
pub(super) const TYPES: [&str; 5] =
    ["factor.created", "factor.verified", "factor.deleted", "challenge.approved", "challenge.denied"];

/// Something that has happened to a factor or a challenge.
#[derive(Debug, Clone)]
pub(super) struct Event {
    kind: String,
    identity: String,
    factor: String,
    factor_type: &'static str,
    challenge: Option<String>,
}

impl Event {
    pub(super) fn of_factor(what: &str, identity: &str, factor: &Factor) -> Self {
        Self {
            kind: format!("factor.{what}"),
            identity: identity.to_owned(),
            factor: factor.sid.clone(),
            factor_type: factor.kind().name(),
            challenge: None,
        }
    }

    /// Of a challenge that was answered.
    pub(super) fn of_challenge(identity: &str, challenge: &Challenge) -> Self {
        let what = if challenge.answer == Some(Answer::Denied) { "denied" } else { "approved" };
        Self {
            kind: format!("challenge.{what}"),
            identity: identity.to_owned(),
            factor: challenge.factor.clone(),
            factor_type: challenge.kind.name(),
            challenge: Some(challenge.sid.clone()),
        }
    }

    fn fields(&self, service: &str) -> Vec<(String, String)> {
        let uuid = random::uuid();
        let mut fields: Vec<(&str, &str)> = vec![
            ("uuid", &uuid),
            ("type", &self.kind),
            ("account_sid", ACCOUNT_SID),
            ("service_sid", service),
            ("entity_identity", &self.identity),
            ("factor_sid", &self.factor),
            ("factor_type", self.factor_type),
        ];
        fields.extend(self.challenge.as_deref().map(|challenge| ("challenge_sid", challenge)));
        fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

/// Tells every webhook of the service that wants to know, once each. Returns when all have answered; in the mode
/// `late` at once.
pub(crate) async fn deliver_all(emulator: &Data<Emulator>, told: Told) {
    for event in told.events {
        deliver(emulator, &told.service, event).await;
    }
}

/// The same of one event.
pub(super) async fn deliver(emulator: &Data<Emulator>, service: &str, event: Event) {
    let wanted = |webhook: &&super::state::Webhook| {
        webhook.enabled && webhook.event_types.iter().any(|kind| kind == "*" || *kind == event.kind)
    };
    let urls: Vec<String> = {
        let state = emulator.state();
        let webhooks = state.verify.service(service).map(|service| service.webhooks.iter());
        webhooks.into_iter().flatten().filter(wanted).map(|webhook| webhook.url.clone()).collect()
    };
    let (mode, delay) = {
        let webhook = emulator.webhook();
        (webhook.mode, Duration::from_millis(webhook.delay_ms))
    };
    let times = match mode {
        Mode::Off => 0,
        Mode::Duplicate => 2,
        Mode::Normal | Mode::Late => 1,
    };
    for url in urls {
        let fields = event.fields(service);
        if mode == Mode::Late {
            let emulator = emulator.clone();
            tokio::spawn(async move {
                tokio::time::sleep(delay).await;
                send(&emulator, &url, &fields).await;
            });
            continue;
        }
        for _ in 0..times {
            send(emulator, &url, &fields).await;
        }
    }
}

async fn send(emulator: &Emulator, url: &str, fields: &[(String, String)]) {
    let sent = emulator
        .http
        .post(url)
        .header(SIGNATURE_HEADER, sign(AUTH_TOKEN, url, Body::Form(fields)))
        .form(fields)
        .send()
        .await;
    match sent {
        Ok(response) if response.status().is_success() => {}
        Ok(response) => tracing::warn!(status = response.status().as_u16(), "the webhook was refused"),
        Err(error) => tracing::warn!(%error, "the webhook could not be delivered"),
    }
}
