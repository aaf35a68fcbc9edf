//! Delivery of a text message, and the status callbacks that report it.

use std::sync::Arc;

use shared::sandbox::{ACCOUNT_SID, AUTH_TOKEN};
use signature::twilio::{Body, SIGNATURE_HEADER, sign};

use super::error::VERSION;
use crate::{emulator::Emulator, state::TextMessage};

/// The error code for a phone that is switched off.
const UNREACHABLE: u32 = 30003;

/// Moves a text message to its final status and reports each change. The first status is not
/// reported.
pub(super) async fn deliver(emulator: Arc<Emulator>, sid: String) {
    for step in 0..2 {
        let now = emulator.now();
        let changed = emulator.update(|state| {
            let to = state.text_messages.iter().find(|text| text.sid == sid)?.to.clone();
            let reachable = state.phones.get(&to).is_none_or(|phone| phone.reachable);
            let text = state.text_messages.iter_mut().find(|text| text.sid == sid)?;
            (text.status, text.error_code) = match (step, reachable) {
                (0, _) => ("sent", None),
                (_, true) => ("delivered", None),
                (_, false) => ("undelivered", Some(UNREACHABLE)),
            };
            text.updated_ms = now;
            text.sent_ms = text.sent_ms.or(Some(now));
            Some(text.clone())
        });
        // `None`: it was deleted, or the sandbox was reset.
        let Some(text) = changed else { return };
        if let Some(url) = &text.status_callback {
            report(&emulator, url, &text).await;
        }
    }
}

async fn report(emulator: &Emulator, url: &str, text: &TextMessage) {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut fields = vec![
        pair("AccountSid", ACCOUNT_SID),
        pair("ApiVersion", VERSION),
        pair("MessageSid", &text.sid),
        pair("MessageStatus", text.status),
        pair("SmsSid", &text.sid),
        pair("SmsStatus", text.status),
        pair("To", &text.to),
    ];
    fields.extend(text.from.as_deref().map(|from| pair("From", from)));
    fields.extend(text.service.as_deref().map(|service| pair("MessagingServiceSid", service)));
    fields.extend(text.error_code.map(|code| pair("ErrorCode", &code.to_string())));
    let response = emulator
        .http
        .post(url)
        .header(SIGNATURE_HEADER, sign(AUTH_TOKEN, url, Body::Form(&fields)))
        .form(&fields)
        .send()
        .await;
    match response {
        Ok(response) if response.status().is_success() => {}
        Ok(response) => {
            tracing::warn!(status = response.status().as_u16(), "the status callback was refused");
        }
        Err(error) => tracing::warn!(%error, "the status callback could not be delivered"),
    }
}
