//! Tells the application what the thumb did: builds, signs and delivers callbacks.

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use signature::authy::{NONCE_HEADER, Params, SIGNATURE_HEADER, SignedCall};

use crate::{
    API_KEY, Emulator,
    world::{Answer, Approval, random_bytes},
};

/// How callbacks are delivered.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Webhook {
    /// Where to; `null` for nowhere.
    pub(crate) url: Option<String>,
    mode: Mode,
    /// How late, for `late`.
    delay_ms: u64,
    /// Further attempts after one that failed.
    retries: u32,
    /// After so many error answers in a row the address is forgotten, as the real service does
    /// after three; 0 for never.
    disable_after: u32,
    device_uuid: DeviceUuid,
    #[serde(skip)]
    failures: u32,
    #[serde(skip)]
    sent: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    #[default]
    Normal,
    Off,
    Duplicate,
    Late,
}

/// The service has sent a number since 2017; one client library wants a text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum DeviceUuid {
    #[default]
    Int,
    String,
}

impl Default for Webhook {
    fn default() -> Self {
        Self::to(None)
    }
}

impl Webhook {
    pub(crate) fn to(url: Option<String>) -> Self {
        Self {
            url,
            mode: Mode::Normal,
            delay_ms: 0,
            retries: 0,
            disable_after: 0,
            device_uuid: DeviceUuid::Int,
            failures: 0,
            sent: 0,
        }
    }

    /// Takes new settings. An address that is not given stays; a query in it is refused, since no
    /// source says how such an address would be signed.
    pub(crate) fn replace(&mut self, mut next: Self, url_given: bool) -> Result<(), &'static str> {
        if !url_given {
            next.url = self.url.take();
        }
        if next.url.as_deref().is_some_and(|url| url.contains(['?', '#'])) {
            return Err("the webhook's address must have no query and no fragment");
        }
        next.sent = self.sent;
        *self = next;
        Ok(())
    }
}

/// One callback, signed and ready to be sent any number of times.
struct Callback {
    url: String,
    nonce: String,
    signature: String,
    body: String,
}

/// Delivers the answer to a request. Returns after the first attempt, unless it is to come late.
pub(crate) async fn deliver(emulator: &Arc<Emulator>, uuid: &str) {
    let now = emulator.now();
    let (callback, settings) = {
        let mut settings = emulator.webhook();
        let Some(url) = settings.url.clone() else { return };
        if settings.mode == Mode::Off {
            return;
        }
        settings.sent += 1;
        let world = emulator.world();
        let Some(approval) = world.approvals.iter().find(|approval| approval.uuid == uuid) else {
            return;
        };
        let body = body(approval, settings.device_uuid);
        // Whole seconds in captures, a fraction in the documentation: the fraction keeps it unique.
        let nonce = format!("{}.{:06}", now / 1000, settings.sent);
        let signature = SignedCall { nonce: &nonce, method: "POST", url: &url, params: Params::Body(&body) }
            .sign(API_KEY);
        (Callback { url, nonce, signature, body: body.to_string() }, settings.clone())
    };
    match settings.mode {
        Mode::Normal => attempts(emulator, &callback, settings.retries).await,
        Mode::Duplicate => {
            attempts(emulator, &callback, settings.retries).await;
            attempts(emulator, &callback, settings.retries).await;
        }
        Mode::Late => {
            let emulator = Arc::clone(emulator);
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(settings.delay_ms)).await;
                attempts(&emulator, &callback, settings.retries).await;
            });
        }
        Mode::Off => {}
    }
}

async fn attempts(emulator: &Emulator, callback: &Callback, retries: u32) {
    for _ in 0..=retries {
        if send(emulator, callback).await {
            return;
        }
    }
}

async fn send(emulator: &Emulator, callback: &Callback) -> bool {
    let answer = emulator
        .http
        .post(&callback.url)
        .header("Content-Type", "application/json")
        .header(SIGNATURE_HEADER, &callback.signature)
        .header(NONCE_HEADER, &callback.nonce)
        .body(callback.body.clone())
        .send()
        .await;
    let mut settings = emulator.webhook();
    match answer {
        Ok(answer) if answer.status().is_success() => {
            settings.failures = 0;
            true
        }
        Ok(answer) => {
            tracing::warn!(status = answer.status().as_u16(), "the webhook was refused");
            settings.failures += 1;
            if settings.disable_after > 0 && settings.failures >= settings.disable_after {
                tracing::warn!("the webhook is switched off after repeated errors");
                settings.url = None;
            }
            false
        }
        Err(problem) => {
            tracing::warn!(%problem, "the webhook could not be delivered");
            false
        }
    }
}

/// The body as captured from the real service. A logo's `res` stands before its `url`, the one
/// order all verifiers agree on.
fn body(approval: &Approval, device_uuid: DeviceUuid) -> Value {
    let answered = approval.answered_ms.unwrap_or(approval.created_ms) / 1000;
    let created = approval.created_ms / 1000;
    let device_number = approval.user % 9_000_000 + 1_000_000;
    let device_uuid = match device_uuid {
        DeviceUuid::Int => json!(device_number),
        DeviceUuid::String => json!(device_number.to_string()),
    };
    let or_null = |map: &serde_json::Map<String, Value>| {
        if map.is_empty() { Value::Null } else { Value::Object(map.clone()) }
    };
    let status = match approval.answer {
        Answer::Approved => "approved",
        Answer::Denied | Answer::Pending | Answer::Expired => "denied",
    };
    json!({
        "authy_id": approval.user,
        "device_uuid": device_uuid,
        "callback_action": "approval_request_status",
        "uuid": approval.uuid,
        "status": status,
        "approval_request": {
            "transaction": {
                "details": or_null(&approval.details),
                "device_details": {},
                "device_geolocation": "",
                "device_signing_time": answered,
                "encrypted": false,
                "flagged": false,
                "hidden_details": or_null(&approval.hidden_details),
                "message": approval.message,
                "reason": "",
                "requester_details": null,
                "status": status,
                "uuid": approval.uuid,
                "created_at_time": created,
                "customer_uuid": 1001,
            },
            "logos": if approval.logos.is_empty() { Value::Null } else { json!(approval.logos) },
            "expiration_timestamp": approval.expires_ms.unwrap_or_default() / 1000,
            "app_id": crate::authy::APP_ID,
        },
        "signature": device_signature(),
        "device": {
            "city": null, "country": null, "ip": "127.0.0.1", "region": null,
            "registration_city": null, "registration_country": null, "registration_ip": "127.0.0.1",
            "registration_method": "sms", "registration_region": null, "os_type": "android",
            "last_account_recovery_at": null, "id": device_number, "registration_date": created,
            "last_sync_date": answered,
        },
    })
}

/// The phone's own RSA signature, which no receiver can check: 256 random bytes.
fn device_signature() -> String {
    STANDARD.encode(random_bytes::<256>())
}
