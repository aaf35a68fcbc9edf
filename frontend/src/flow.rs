//! What several pages share: calls and their progress, sending a code, the page after a push, timers.

use std::{cell::Cell, future::Future, pin::Pin, rc::Rc};

use gloo_timers::callback::Interval;
use leptos::{prelude::*, task::spawn_local};
use shared::{ErrorCode, PushAnswer, PushStatus, Via, routes::page};

use crate::{
    api::{self, ApiFailure},
    auth::{AuthContext, AuthState, SentCode},
    browser, live,
    router::navigator,
};

/// Milliseconds until a failed call is repeated.
pub const RETRY_MS: u32 = 3000;
/// Seconds until another code may be requested, where the server has not said.
const DEFAULT_RESEND_SECONDS: u32 = 30;

type CallFuture = Pin<Box<dyn Future<Output = Result<(), ApiFailure>>>>;

/// A call of the API that is passed to a component.
pub struct ApiCall<I: 'static>(StoredValue<Rc<dyn Fn(I) -> CallFuture>, LocalStorage>);

impl<I> Clone for ApiCall<I> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<I> Copy for ApiCall<I> {}

impl<I> ApiCall<I> {
    pub fn new<F: Future<Output = Result<(), ApiFailure>> + 'static>(
        call: impl Fn(I) -> F + 'static,
    ) -> Self {
        Self(StoredValue::new_local(Rc::new(move |input| Box::pin(call(input)))))
    }

    pub fn run(self, input: I) -> CallFuture {
        self.0.with_value(|call| call(input))
    }
}

/// The progress of a form or button: at most one call at a time, and how the last one failed.
#[derive(Debug, Clone, Copy)]
pub struct Submission {
    pub busy: RwSignal<bool>,
    pub failure: RwSignal<Option<ApiFailure>>,
}

impl Submission {
    pub fn new() -> Self {
        Self { busy: RwSignal::new(false), failure: RwSignal::new(None) }
    }

    /// Runs `work` unless another is running, and keeps its failure.
    pub fn run(self, work: impl Future<Output = Result<(), ApiFailure>> + 'static) {
        self.run_boxed(Box::pin(work));
    }

    fn run_boxed(self, work: CallFuture) {
        if self.busy.get_untracked() {
            return;
        }
        self.busy.set(true);
        self.failure.set(None);
        spawn_local(async move {
            let failure = work.await.err();
            // The page may have been left meanwhile; its signals are gone then.
            if self.failure.try_set(failure).is_none() {
                self.busy.set(false);
            }
        });
    }

    /// For `aria-busy`.
    pub fn aria_busy(self) -> Option<&'static str> {
        self.busy.get().then_some("true")
    }
}

/// The page that continues a sign-in after the server tried to send an approval request.
pub fn page_after_push(auth: AuthContext, answer: PushAnswer) -> &'static str {
    // Left over where a page was left while it completed another sign-in: this one would not be followed.
    auth.ending.set_value(false);
    auth.sent.set(None);
    auth.not_sent.set(None);
    if answer.success {
        page::APPROVE
    } else if answer.via.is_some() {
        auth.sent.set(Some(SentCode::new(Some(answer.message), answer.via, DEFAULT_RESEND_SECONDS)));
        page::CODE
    } else {
        auth.not_sent.set(Some(answer.message));
        page::METHODS
    }
}

/// On the pages of other ways to sign in: the request on the phone may still be approved, and its page then
/// completes the sign-in.
pub fn follow_request(auth: AuthContext) {
    let navigate = navigator();
    let approved = approved(auth);
    let number_due = Memo::new(move |_| {
        auth.state.with(|state| matches!(state, AuthState::Pending(status) if status.number_due))
    });
    Effect::new(move |was_due: Option<bool>| {
        let is_due = number_due.get();
        // Whoever has left for another method although the number is due, or is typing a code, stays.
        let is_news = is_due && was_due == Some(false) && !browser::is_typing();
        if approved.get() || is_news {
            navigate(page::APPROVE, true);
        }
        is_due
    });
    live::follow(auth);
}

/// What follows when the second factor has passed: the account is opened.
pub fn completed(auth: AuthContext) -> Callback<()> {
    let navigate = navigator();
    Callback::new(move |()| {
        spawn_local(async move {
            auth.refresh().await;
            auth.ending.set_value(false);
            navigate(page::ACCOUNT, true);
        });
    })
}

/// Whether the pending session's request is approved.
pub fn approved(auth: AuthContext) -> Memo<bool> {
    Memo::new(move |_| {
        auth.state.with(
            |state| matches!(state, AuthState::Pending(status) if status.status == PushStatus::Approved),
        )
    })
}

/// Sends a code to the phone of this session.
pub async fn send_code(auth: AuthContext, via: Via) -> Result<(), ApiFailure> {
    let sent = api::send_code(via).await.map(|sent| (sent.message, sent.via, sent.resend_after_seconds));
    record_sent(auth, sent)
}

/// Records the outcome of sending a code: the server's message, and the seconds until another code
/// may be requested. A failure starts that wait only when the server says that it is too soon.
pub fn record_sent(
    auth: AuthContext,
    sent: Result<(String, Via, u32), ApiFailure>,
) -> Result<(), ApiFailure> {
    match sent {
        Ok((message, via, resend_after_seconds)) => {
            auth.not_sent.set(None);
            auth.sent.set(Some(SentCode::new(Some(message), Some(via), resend_after_seconds)));
            Ok(())
        }
        Err(failure) => {
            // `Retry-After` of other failures is not about codes.
            if let (ErrorCode::TooMany, Some(seconds)) = (failure.code(), failure.retry_after()) {
                let before = auth.sent.get_untracked();
                let (message, via) = before.map_or((None, None), |sent| (sent.message, sent.via));
                auth.sent.set(Some(SentCode::new(message, via, seconds)));
            }
            Err(failure)
        }
    }
}

/// Seconds until another code may be requested, at this tick of [`every_second`].
pub fn seconds_until_resend(auth: AuthContext, tick: ReadSignal<u32>) -> u32 {
    tick.track();
    auth.sent.with(|sent| sent.as_ref().map_or(0, |sent| seconds_until(sent.resend_at)))
}

/// Whether the calling component is still mounted.
pub fn mounted() -> Rc<Cell<bool>> {
    let mounted = Rc::new(Cell::new(true));
    let cleared = StoredValue::new_local(Rc::clone(&mounted));
    on_cleanup(move || {
        cleared.try_with_value(|mounted| mounted.set(false));
    });
    mounted
}

/// A counter that grows every second while the calling component is mounted.
pub fn every_second() -> ReadSignal<u32> {
    let (tick, set_tick) = signal(0_u32);
    let interval = Interval::new(1000, move || set_tick.update(|tick| *tick = tick.wrapping_add(1)));
    let interval = StoredValue::new_local(Some(interval));
    on_cleanup(move || {
        interval.try_update_value(Option::take);
    });
    tick
}

/// Whole seconds until a time of [`browser::now_ms`], rounded up.
pub fn seconds_until(time_ms: f64) -> u32 {
    let left = ((time_ms - browser::now_ms()) / 1000.0).ceil();
    if left > 0.0 { left as u32 } else { 0 }
}

/// `1:05`.
pub fn minutes_and_seconds(seconds: u32) -> String {
    format!("{}:{:02}", seconds / 60, seconds % 60)
}
