//! What becomes of a text, and telling the application.

use std::sync::Arc;

use signature::twilio::{Body, SIGNATURE_HEADER, sign};

use super::{Text, VERSION};
use crate::{ACCOUNT_SID, AUTH_TOKEN, Emulator};

/// The network's number for a phone that is switched off.
const UNREACHABLE: u32 = 30003;

/// Takes a text to its end, one report a step. The first state is never reported.
pub(super) async fn report(emulator: Arc<Emulator>, sid: String) {
    for step in 0..2 {
        let now = emulator.now();
        let moved = emulator.change(|world| {
            let to = world.texts.iter().find(|text| text.sid == sid)?.to.clone();
            let reachable = world.phones.get(&to).is_none_or(|phone| phone.reachable);
            let text = world.texts.iter_mut().find(|text| text.sid == sid)?;
            (text.status, text.error_code) = match (step, reachable) {
                (0, _) => ("sent", None),
                (_, true) => ("delivered", None),
                (_, false) => ("undelivered", Some(UNREACHABLE)),
            };
            text.updated_ms = now;
            text.sent_ms = text.sent_ms.or(Some(now));
            Some(text.clone())
        });
        // It was deleted, or everything was forgotten.
        let Some(text) = moved else { return };
        if let Some(url) = &text.callback {
            tell(&emulator, url, &text).await;
        }
    }
}

async fn tell(emulator: &Emulator, url: &str, text: &Text) {
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
    let answer = emulator
        .http
        .post(url)
        .header(SIGNATURE_HEADER, sign(AUTH_TOKEN, url, Body::Form(&fields)))
        .form(&fields)
        .send()
        .await;
    match answer {
        Ok(answer) if answer.status().is_success() => {}
        Ok(answer) => tracing::warn!(status = answer.status().as_u16(), "the status callback was refused"),
        Err(problem) => tracing::warn!(%problem, "the status callback could not be delivered"),
    }
}
