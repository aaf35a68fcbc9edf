//! What several pages do: where to go after the phone was asked, sending a code, counting down.

use gloo_timers::callback::Interval;
use leptos::prelude::*;
use shared::{ErrorCode, PushAnswer, Via, routes::page};

use crate::{
    api::{self, Failure},
    browser,
    who::{Sent, Visit},
};

/// Seconds between two codes when the server has not said otherwise.
const USUAL_WAIT: u32 = 30;

/// The page on which the phone's answer is awaited, after a login or another push.
pub fn page_after(visit: Visit, answer: &PushAnswer) -> &'static str {
    if answer.success {
        visit.sent.set(None);
        page::APPROVE
    } else {
        visit.sent.set(Some(Sent::now(answer.via.unwrap_or_default(), USUAL_WAIT)));
        page::CODE
    }
}

/// Has a code sent. The wait for another begins only when this one is on its way, or when the
/// server says that the last one was too recent.
pub async fn send_code(visit: Visit, via: Via) -> Result<(), Failure> {
    match api::send_code(via).await {
        Ok(sent) => {
            visit.sent.set(Some(Sent::now(sent.via, sent.resend_after_seconds)));
            Ok(())
        }
        Err(failure) => {
            // Only the limits say when a code may be asked for; other failures say when to try again.
            if let (ErrorCode::TooMany, Some(seconds)) = (failure.code(), failure.retry_after()) {
                visit.sent.set(Some(Sent::earlier(visit.sent.get_untracked(), seconds)));
            }
            Err(failure)
        }
    }
}

/// A number that grows every second while its page is there.
pub fn every_second() -> ReadSignal<u32> {
    let (beat, set_beat) = signal(0_u32);
    let interval = Interval::new(1000, move || set_beat.update(|beat| *beat = beat.wrapping_add(1)));
    let interval = StoredValue::new_local(Some(interval));
    on_cleanup(move || {
        interval.try_update_value(Option::take);
    });
    beat
}

/// Whole seconds from now until a moment of [`browser::now_ms`], rounded up.
pub fn seconds_until(moment: f64) -> u32 {
    let left = ((moment - browser::now_ms()) / 1000.0).ceil();
    if left > 0.0 { left as u32 } else { 0 }
}

/// `1:05`.
pub fn minutes(seconds: u32) -> String {
    format!("{}:{:02}", seconds / 60, seconds % 60)
}
