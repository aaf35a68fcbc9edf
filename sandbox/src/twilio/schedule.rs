//! Text messages that are to be sent later.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use shared::phone::PhoneNumber;

use super::{error::TwilioError, messages, params::Fields};
use crate::emulator::Emulator;

/// How far ahead a message may be scheduled: from 15 minutes to 35 days.
const AHEAD_MS: std::ops::RangeInclusive<i64> = 15 * 60_000..=35 * 86_400_000;
/// Between two looks at the clock, which tests move.
const LOOK: Duration = Duration::from_millis(500);

/// When a message is to be sent; `None` for at once.
pub(super) fn read(fields: &Fields, service: Option<&str>, now: i64) -> Result<Option<i64>, TwilioError> {
    let refuse = |code, message: &str| Err(TwilioError::new(400, code, message));
    match (fields.text("ScheduleType"), fields.text("SendAt")) {
        (None, None) => Ok(None),
        (Some("fixed"), Some(at)) if service.is_some() => {
            let at = at.parse::<Timestamp>().map(Timestamp::as_millisecond).ok();
            match at.filter(|at| AHEAD_MS.contains(&(at - now))) {
                Some(at) => Ok(Some(at)),
                None => refuse(35114, "SendAt is a time between 15 minutes and 35 days ahead."),
            }
        }
        (Some("fixed"), Some(_)) => refuse(35118, "A MessagingServiceSid is required to schedule a message."),
        (Some("fixed"), None) => refuse(35111, "SendAt is required to schedule a message."),
        _ => refuse(35117, "ScheduleType has to be fixed."),
    }
}

/// Sends a message when its time has come, unless it was canceled, deleted or forgotten by then.
pub(super) async fn send_at(emulator: Arc<Emulator>, sid: String, to: PhoneNumber, at: i64) {
    let mut changes = emulator.changes.subscribe();
    loop {
        if emulator.now() >= at {
            return messages::send(&emulator, &sid, &to);
        }
        if !emulator.state().text_messages.iter().any(|text| text.sid == sid && text.status == "scheduled") {
            return;
        }
        tokio::select! {
            _ = changes.changed() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}
