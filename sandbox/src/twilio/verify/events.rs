//! Events of factors and challenges, as webhooks receive them: ids alone, in a signed form.

use std::time::Duration;

use actix_web::web::Data;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use shared::sandbox::{ACCOUNT_SID, AUTH_TOKEN};
use signature::twilio::{Body, SIGNATURE_HEADER, sign};

use super::{
    phone::Told,
    state::{Answer, Challenge, Factor},
    switches::WebhookBody,
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
    let (urls, body): (Vec<String>, WebhookBody) = {
        let state = emulator.state();
        let webhooks = state.verify.service(service).map(|service| service.webhooks.iter());
        let urls = webhooks.into_iter().flatten().filter(wanted).map(|webhook| webhook.url.clone());
        (urls.collect(), state.verify.switches.webhook_body)
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
                send(&emulator, &url, &fields, body).await;
            });
            continue;
        }
        for _ in 0..times {
            send(emulator, &url, &fields, body).await;
        }
    }
}

async fn send(emulator: &Emulator, url: &str, fields: &[(String, String)], body: WebhookBody) {
    let request = match body {
        WebhookBody::Form => {
            let signature = sign(AUTH_TOKEN, url, Body::Form(fields));
            emulator.http.post(url).header(SIGNATURE_HEADER, signature).form(fields)
        }
        WebhookBody::Json => {
            let members: Map<String, Value> =
                fields.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
            let body = Value::Object(members).to_string();
            let sign_between = if url.contains('?') { '&' } else { '?' };
            let url = format!("{url}{sign_between}bodySHA256={}", hex::encode(Sha256::digest(&body)));
            let signature = sign(AUTH_TOKEN, &url, Body::Raw(body.as_bytes()));
            let request = emulator.http.post(url).header(SIGNATURE_HEADER, signature);
            request.header("content-type", "application/json").body(body)
        }
    };
    match request.send().await {
        Ok(response) if response.status().is_success() => {}
        Ok(response) => tracing::warn!(status = response.status().as_u16(), "the webhook was refused"),
        Err(error) => tracing::warn!(%error, "the webhook could not be delivered"),
    }
}
