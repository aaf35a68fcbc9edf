//! Follows the status of a pending session: by the server's event stream, and by polling where the stream
//! tells nothing, as behind a proxy that keeps it back.

use std::{cell::Cell, rc::Rc};

use gloo_timers::future::TimeoutFuture;
use leptos::{prelude::*, task::spawn_local};
use shared::{ErrorCode, routes};
use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::{Event, EventSource, MessageEvent};

use crate::{
    api,
    auth::{AuthContext, AuthState},
    browser,
    flow::RETRY_MS,
};

/// Between two looks whether there is something to do.
const TICK_MS: u32 = 250;
/// The first poll is not sent before the stream has had so long to tell the status.
const PATIENCE_MS: f64 = 1500.0;
/// Polls beside a stream that tells: in case it was cut without a word.
const BESIDE_STREAM_MS: f64 = 30_000.0;
/// A stream that was refused is opened again after so long, and up to twice that.
const REOPEN_MS: f64 = 5000.0;

/// From the end of a token to the cookie with the next one.
const COOKIE_MS: u32 = 1000;

thread_local! {
    /// One is enough for all pages.
    static FOLLOWING: Cell<bool> = const { Cell::new(false) };
}

/// Keeps the auth state up to date until the session is not pending any more.
pub fn follow(auth: AuthContext) {
    if !is_pending(auth) || FOLLOWING.replace(true) {
        return;
    }
    spawn_local(async move {
        run(auth).await;
        FOLLOWING.set(false);
    });
}

fn is_pending(auth: AuthContext) -> bool {
    auth.state.with_untracked(|state| matches!(state, AuthState::Pending(_)))
}

/// Whether news of the session are news: this page is not about to end it, or to complete the sign-in.
fn is_followed(auth: AuthContext) -> bool {
    is_pending(auth) && !auth.ending.get_value()
}

async fn run(auth: AuthContext) {
    // When to poll, and when to open the stream again, by `browser::now_ms`.
    let mut poll_at = browser::now_ms() + PATIENCE_MS;
    let mut stream = Stream::open(auth);
    let mut reopen_at = 0.0;
    // Whether the stream has told something since it was connected last.
    let mut stream_tells = false;
    while is_pending(auth) {
        TimeoutFuture::new(TICK_MS).await;
        let now = browser::now_ms();
        if auth.ending.get_value() {
            // Should that fail, what has happened meanwhile is asked for.
            poll_at = now;
            continue;
        }
        match &stream {
            Some(open) if open.is_refused() => {
                (stream, stream_tells, poll_at) = (None, false, now);
                reopen_at = now + REOPEN_MS + f64::from(browser::random_below_100()) * REOPEN_MS / 100.0;
            }
            Some(open) if open.has_told.replace(false) => {
                auth.offline.set(false);
                (stream_tells, poll_at) = (true, now + BESIDE_STREAM_MS);
            }
            // The browser connects again by itself; meanwhile polls tell.
            Some(open) if open.was_cut.replace(false) => (stream_tells, poll_at) = (false, now),
            Some(_) => {}
            None if now >= reopen_at => stream = Stream::open(auth),
            None => {}
        }
        if now >= poll_at && is_followed(auth) {
            let pause = f64::from(poll(auth).await);
            poll_at = browser::now_ms() + if stream_tells { BESIDE_STREAM_MS } else { pause };
        }
    }
}

/// Polls once. Returns the milliseconds until the next time.
async fn poll(auth: AuthContext) -> u32 {
    let asked = auth.moment();
    match api::status().await {
        Ok(status) => {
            let pause = status.poll_after_ms;
            auth.offline.set(false);
            if is_followed(auth) {
                auth.set_answered(AuthState::Pending(status), asked);
            }
            pause
        }
        Err(failure) if failure.code() == ErrorCode::NoSession => {
            session_ended(auth).await;
            RETRY_MS
        }
        Err(_) => {
            auth.offline.set(true);
            RETRY_MS
        }
    }
}

async fn session_ended(auth: AuthContext) {
    // Whoever signs in, in this page or in another of this browser, is told of the end before the new cookie
    // comes.
    TimeoutFuture::new(COOKIE_MS).await;
    if is_followed(auth) {
        auth.refresh_after_end().await;
    }
}

/// An open stream. Dropping it closes it.
struct Stream {
    source: EventSource,
    /// Whether it has told something since this was read last.
    has_told: Rc<Cell<bool>>,
    /// The same of its connection.
    was_cut: Rc<Cell<bool>>,
    _on_status: Closure<dyn FnMut(MessageEvent)>,
    _on_end: Closure<dyn FnMut(Event)>,
    _on_error: Closure<dyn FnMut(Event)>,
}

impl Stream {
    fn open(auth: AuthContext) -> Option<Self> {
        let source = EventSource::new(routes::AUTHY_STATUS_STREAM).ok()?;
        let (has_told, was_cut) = (Rc::new(Cell::new(false)), Rc::new(Cell::new(false)));
        let told = Rc::clone(&has_told);
        let on_status = Closure::new(move |event: MessageEvent| {
            let Some(status) = event.data().as_string().and_then(|text| api::parse(&text).ok()) else {
                return;
            };
            told.set(true);
            if is_followed(auth) {
                auth.set(AuthState::Pending(status));
            }
        });
        let ended = source.clone();
        let on_end = Closure::new(move |_: Event| {
            ended.close();
            spawn_local(session_ended(auth));
        });
        let cut = Rc::clone(&was_cut);
        let on_error = Closure::new(move |_: Event| cut.set(true));
        for (name, listener) in [
            ("status", on_status.as_ref().unchecked_ref()),
            ("end", on_end.as_ref().unchecked_ref()),
            ("error", on_error.as_ref().unchecked_ref()),
        ] {
            // It fails for no name of an event.
            let _ = source.add_event_listener_with_callback(name, listener);
        }
        Some(Self { source, has_told, was_cut, _on_status: on_status, _on_end: on_end, _on_error: on_error })
    }

    /// Whether it was closed, by the server's refusal or after its end: the browser connects no more.
    fn is_refused(&self) -> bool {
        self.source.ready_state() == EventSource::CLOSED
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.source.close();
    }
}
