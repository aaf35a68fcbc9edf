//! An approval request on the phone, as a page follows it: status, details, countdown.

use std::collections::BTreeMap;

use leptos::prelude::*;
use shared::PushStatus;

use super::{countdown_ring::CountdownRing, pair::StubState, seal::Half};
use crate::{
    browser,
    flow::{every_second, minutes_and_seconds, seconds_until},
};

/// The page's copy of an approval request.
#[derive(Clone, Copy)]
pub struct TrackedRequest {
    pub status: RwSignal<PushStatus>,
    /// Label and value, as on the phone.
    pub details: RwSignal<BTreeMap<String, String>>,
    /// Whether the number that the phone shows has to be typed.
    pub needs_number: RwSignal<bool>,
    /// Whether it is approved, and that number is judged now.
    pub number_due: RwSignal<bool>,
    /// The last digits of the phone number.
    pub phone_ending: RwSignal<String>,
    /// When the request expires, by [`browser::now_ms`].
    expires_at: RwSignal<f64>,
    lifetime_ms: RwSignal<u32>,
}

impl TrackedRequest {
    pub fn new() -> Self {
        Self {
            status: RwSignal::new(PushStatus::Pending),
            details: RwSignal::default(),
            needs_number: RwSignal::new(false),
            number_due: RwSignal::new(false),
            phone_ending: RwSignal::default(),
            expires_at: RwSignal::new(0.0),
            lifetime_ms: RwSignal::new(1),
        }
    }

    /// Sets the end of the countdown from the server's `expiresInMs` and `lifetimeMs`.
    pub fn set_expiry(self, expires_in_ms: u32, lifetime_ms: u32) {
        // A request that is no longer open has no countdown.
        let open = self.status.try_get_untracked() == Some(PushStatus::Pending);
        let left = if open { expires_in_ms } else { 0 };
        self.expires_at.set(browser::now_ms() + f64::from(left));
        self.lifetime_ms.set(lifetime_ms.max(1));
    }

    pub fn detail(self, label: &str) -> Option<String> {
        self.details.with(|details| details.get(label).cloned())
    }

    fn number(self) -> Option<u32> {
        self.detail("Number")?.parse().ok()
    }

    pub fn stub_state(self) -> StubState {
        match self.status.get() {
            PushStatus::Pending => StubState::Waiting,
            PushStatus::Approved => StubState::Approved,
            PushStatus::Denied => StubState::Denied,
            PushStatus::Expired => StubState::Expired,
            PushStatus::Unverified => StubState::None,
        }
    }
}

/// The number to compare with the one on the phone.
#[component]
pub fn MatchNumber(request: TrackedRequest, text: &'static str) -> impl IntoView {
    move || {
        request.detail("Number").map(|number| {
            view! {
                <div class="match" role="group" aria-label="Match number">
                    <b class="figure num">{number}</b>
                    <p class="quiet">{text}</p>
                </div>
            }
        })
    }
}

/// The details of a request. `shown` pairs the label on the wire with the one on the page.
#[component]
pub fn RequestDetails(
    request: TrackedRequest,
    shown: &'static [(&'static str, &'static str)],
) -> impl IntoView {
    let rows = move || {
        shown
            .iter()
            .filter_map(|(wire_label, label)| Some((*label, request.detail(wire_label)?)))
            .map(|(label, value)| view! { <div><dt>{label}</dt><dd>{value}</dd></div> })
            .collect_view()
    };
    view! { <dl class="facts">{rows}</dl> }
}

/// The countdown for screen readers: every half minute, at ten seconds, at the end.
#[component]
pub fn SpokenCountdown(request: TrackedRequest) -> impl IntoView {
    let tick = every_second();
    let text = Memo::new(move |previous: Option<&String>| {
        tick.track();
        if request.number_due.get() {
            // The form for the number says so.
            return String::new();
        }
        let left = seconds_until(request.expires_at.get());
        let previous = previous.cloned();
        match left {
            0 => "The request has expired.".to_owned(),
            left if left == 10 || left % 30 == 0 || previous.is_none() => {
                format!("Waiting for approval. {left} seconds left.")
            }
            _ => previous.unwrap_or_default(),
        }
    });
    view! { <p class="hide" role="status">{move || text.get()}</p> }
}

/// The stub with the countdown ring. `approved` is its heading after the approval.
#[component]
pub fn CountdownStub(request: TrackedRequest, approved: &'static str) -> impl IntoView {
    let tick = every_second();
    let seconds_left = Signal::derive(move || {
        tick.track();
        seconds_until(request.expires_at.get())
    });
    // Whoever has approved need not hurry: for how long the number is judged is another time.
    let is_answered = move || request.number_due.get() || request.status.get() == PushStatus::Approved;
    let left = Signal::derive(move || match request.status.get() {
        _ if is_answered() => 1.0,
        PushStatus::Pending => f64::from(seconds_left.get()) * 1000.0 / f64::from(request.lifetime_ms.get()),
        _ => 0.0,
    });
    let half = Signal::derive(move || if is_answered() { Half::Both } else { Half::Know });
    let number = Signal::derive(move || request.number().unwrap_or_default());
    let text = move || {
        let (heading, before, after) = match request.status.get() {
            _ if is_answered() => (approved, "Answered on the phone ending ", "."),
            PushStatus::Pending | PushStatus::Unverified | PushStatus::Approved => {
                return view! {
                    <p class="figure num">{move || minutes_and_seconds(seconds_left.get())}</p>
                    <p class="quiet">"left to answer in the app on the phone ending "{request.phone_ending.get()}</p>
                }
                .into_any();
            }
            PushStatus::Denied => ("Denied on your phone", "Denied on the phone ending ", "."),
            PushStatus::Expired => ("No answer came", "Asked on the phone ending ", ""),
        };
        view! { <h2>{heading}</h2><p class="quiet">{before}{request.phone_ending.get()}{after}</p> }
            .into_any()
    };
    view! {
        <aside class="stub" data-state=move || request.stub_state().data_state() aria-label="Time left">
            <CountdownRing number left half />
            <div>{text}</div>
        </aside>
    }
}
