//! Callbacks with the answers to approval requests: their body, signature and delivery.

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};
use shared::sandbox::API_KEY;
use signature::authy::{NONCE_HEADER, Params, SIGNATURE_HEADER, SignedCall};

use super::application::APP_ID;
use crate::{
    emulator::Emulator,
    random,
    state::{ApprovalRequest, ApprovalStatus},
    webhook::{DeviceUuid, Mode},
};

/// One signed callback; it can be sent any number of times.
struct Callback {
    url: String,
    nonce: String,
    signature: String,
    body: String,
}

/// Delivers the answer to an approval request. Returns after the last attempt; in mode `late`, at
/// once.
pub(crate) async fn deliver(emulator: &Arc<Emulator>, uuid: &str) {
    let now = emulator.now();
    let (callback, settings) = {
        let mut settings = emulator.webhook();
        let Some(url) = settings.url.clone() else { return };
        if settings.mode == Mode::Off {
            return;
        }
        settings.sent += 1;
        let state = emulator.state();
        let Some(request) = state.approval_requests.iter().find(|request| request.uuid == uuid) else {
            return;
        };
        let body = body(request, settings.device_uuid);
        // Captured nonces are whole seconds, documented ones have a fraction. The fraction is used
        // here because it makes the nonce unique.
        let nonce = format!("{}.{:06}", now / 1000, settings.sent);
        let signature = SignedCall { nonce: &nonce, method: "POST", url: &url, params: Params::Body(&body) }
            .sign(API_KEY);
        (Callback { url, nonce, signature, body: body.to_string() }, settings.clone())
    };
    match settings.mode {
        Mode::Normal => send_with_retries(emulator, &callback, settings.retries).await,
        Mode::Duplicate => {
            send_with_retries(emulator, &callback, settings.retries).await;
            send_with_retries(emulator, &callback, settings.retries).await;
        }
        Mode::Late => {
            let emulator = Arc::clone(emulator);
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(settings.delay_ms)).await;
                send_with_retries(&emulator, &callback, settings.retries).await;
            });
        }
        Mode::Off => {}
    }
}

async fn send_with_retries(emulator: &Emulator, callback: &Callback, retries: u32) {
    for _ in 0..=retries {
        if send(emulator, callback).await {
            return;
        }
    }
}

/// Sends a callback once; whether the response was a success.
async fn send(emulator: &Emulator, callback: &Callback) -> bool {
    let response = emulator
        .http
        .post(&callback.url)
        .header("Content-Type", "application/json")
        .header(SIGNATURE_HEADER, &callback.signature)
        .header(NONCE_HEADER, &callback.nonce)
        .body(callback.body.clone())
        .send()
        .await;
    match response {
        Ok(response) if response.status().is_success() => {
            emulator.webhook().failures = 0;
            true
        }
        Ok(response) => {
            tracing::warn!(status = response.status().as_u16(), "the webhook was refused");
            emulator.webhook().count_failure();
            false
        }
        Err(error) => {
            tracing::warn!(%error, "the webhook could not be delivered");
            false
        }
    }
}

/// The body as captured from the real service. In a logo, `res` comes before `url`: all verifiers
/// compute the same signature only for this order.
fn body(request: &ApprovalRequest, device_uuid: DeviceUuid) -> Value {
    let answered = request.answered_ms.unwrap_or(request.created_ms) / 1000;
    let created = request.created_ms / 1000;
    let device_number = request.user % 9_000_000 + 1_000_000;
    let device_uuid = match device_uuid {
        DeviceUuid::Int => json!(device_number),
        DeviceUuid::String => json!(device_number.to_string()),
    };
    let or_null = |map: &Map<String, Value>| {
        if map.is_empty() { Value::Null } else { Value::Object(map.clone()) }
    };
    let status = match request.status {
        ApprovalStatus::Approved => "approved",
        ApprovalStatus::Denied | ApprovalStatus::Pending | ApprovalStatus::Expired => "denied",
    };
    json!({
        "authy_id": request.user,
        "device_uuid": device_uuid,
        "callback_action": "approval_request_status",
        "uuid": request.uuid,
        "status": status,
        "approval_request": {
            "transaction": {
                "details": or_null(&request.details),
                "device_details": {},
                "device_geolocation": "",
                "device_signing_time": answered,
                "encrypted": false,
                "flagged": false,
                "hidden_details": or_null(&request.hidden_details),
                "message": request.message,
                "reason": "",
                "requester_details": null,
                "status": status,
                "uuid": request.uuid,
                "created_at_time": created,
                "customer_uuid": 1001,
            },
            "logos": if request.logos.is_empty() { Value::Null } else { json!(request.logos) },
            "expiration_timestamp": request.expires_ms.unwrap_or_default() / 1000,
            "app_id": APP_ID,
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

/// The phone's own RSA signature, which receivers cannot check: 256 random bytes.
fn device_signature() -> String {
    STANDARD.encode(random::bytes::<256>())
}
