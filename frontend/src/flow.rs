//! What several pages do: where to go after the phone was asked, sending a code, counting down.

use std::{cell::Cell, future::Future, pin::Pin, rc::Rc};

use gloo_timers::callback::Interval;
use leptos::{prelude::*, task::spawn_local};
use shared::{ErrorCode, PushAnswer, Via, routes::page};

use crate::{
    api::{self, Failure},
    browser,
    who::{Sent, Visit},
};

/// After an answer that did not come, in milliseconds.
pub const PATIENCE_MS: u32 = 3000;
/// Seconds between two codes when the server has not said otherwise.
const USUAL_WAIT: u32 = 30;

type Asking = Pin<Box<dyn Future<Output = Result<(), Failure>>>>;

/// Something asked of the server: what it takes goes in, nothing but a failure comes out.
pub struct Act<I: 'static>(StoredValue<Rc<dyn Fn(I) -> Asking>, LocalStorage>);

impl<I> Clone for Act<I> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<I> Copy for Act<I> {}

impl<I> Act<I> {
    pub fn new<F: Future<Output = Result<(), Failure>> + 'static>(run: impl Fn(I) -> F + 'static) -> Self {
        Self(StoredValue::new_local(Rc::new(move |input| Box::pin(run(input)))))
    }

    pub fn ask(self, input: I) -> Asking {
        self.0.with_value(|run| run(input))
    }
}

/// One thing at a time: what is under way, and how the last one failed.
#[derive(Debug, Clone, Copy)]
pub struct Task {
    pub busy: RwSignal<bool>,
    pub failure: RwSignal<Option<Failure>>,
}

impl Task {
    pub fn new() -> Self {
        Self { busy: RwSignal::new(false), failure: RwSignal::new(None) }
    }

    /// Runs unless something else is under way; keeps the failure for whoever shows it.
    pub fn run(self, work: impl Future<Output = Result<(), Failure>> + 'static) {
        self.start(Box::pin(work));
    }

    fn start(self, work: Asking) {
        if self.busy.get_untracked() {
            return;
        }
        self.busy.set(true);
        self.failure.set(None);
        spawn_local(async move {
            let failure = work.await.err();
            // The page may have been left meanwhile.
            if self.failure.try_set(failure).is_none() {
                self.busy.set(false);
            }
        });
    }

    /// What a person reads of the failure.
    pub fn problem(self) -> Signal<Option<String>> {
        Signal::derive(move || self.failure.get().map(|failure| failure.message()))
    }

    /// For `aria-busy`.
    pub fn word(self) -> Option<&'static str> {
        self.busy.get().then_some("true")
    }
}

/// The page on which the phone's answer is awaited, after a login or another push.
pub fn page_after(visit: Visit, answer: PushAnswer) -> &'static str {
    if answer.success {
        visit.sent.set(None);
        page::APPROVE
    } else {
        visit.sent.set(Some(Sent::now(Some(answer.message), USUAL_WAIT)));
        page::CODE
    }
}

/// Has a code sent. The wait for another begins only when this one is on its way, or when the
/// server says that the last one was too recent.
pub async fn send_code(visit: Visit, via: Via) -> Result<(), Failure> {
    let sent = api::send_code(via).await.map(|sent| (sent.message, sent.resend_after_seconds));
    note_sent(visit, sent)
}

/// The same for whatever sends a code: notes what was said of it and how long to wait.
pub fn note_sent(visit: Visit, sent: Result<(String, u32), Failure>) -> Result<(), Failure> {
    match sent {
        Ok((message, wait)) => {
            visit.sent.set(Some(Sent::now(Some(message), wait)));
            Ok(())
        }
        Err(failure) => {
            // Only the limits say when a code may be asked for; other failures say when to try again.
            if let (ErrorCode::TooMany, Some(seconds)) = (failure.code(), failure.retry_after()) {
                let known = visit.sent.get_untracked().and_then(|sent| sent.message);
                visit.sent.set(Some(Sent::now(known, seconds)));
            }
            Err(failure)
        }
    }
}

/// Seconds until another code may be asked for.
pub fn wait_for_code(visit: Visit, beat: ReadSignal<u32>) -> u32 {
    beat.track();
    visit.sent.with(|sent| sent.as_ref().map_or(0, |sent| seconds_until(sent.again_at)))
}

/// Whether the page that asked for this is still there.
pub fn stay() -> Rc<Cell<bool>> {
    let here = Rc::new(Cell::new(true));
    let leaving = StoredValue::new_local(Rc::clone(&here));
    on_cleanup(move || {
        leaving.try_with_value(|here| here.set(false));
    });
    here
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
