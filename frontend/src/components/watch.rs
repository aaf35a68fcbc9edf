//! A request on the phone, watched until it is answered: its state, its facts, its clock.

use std::collections::BTreeMap;

use leptos::prelude::*;
use shared::PushStatus;

use super::{life::Life, pair::Turn, seal::Half};
use crate::{
    browser,
    flow::{every_second, minutes, seconds_until},
};

/// What a page knows of its request.
#[derive(Clone, Copy)]
pub struct Watch {
    pub status: RwSignal<PushStatus>,
    /// Label and value, as on the phone.
    pub details: RwSignal<BTreeMap<String, String>>,
    /// The last digits of the phone.
    pub ending: RwSignal<String>,
    /// When the request closes, by [`browser::now_ms`].
    ends_at: RwSignal<f64>,
    lifetime_ms: RwSignal<u32>,
}

impl Watch {
    pub fn new() -> Self {
        Self {
            status: RwSignal::new(PushStatus::Pending),
            details: RwSignal::default(),
            ending: RwSignal::default(),
            ends_at: RwSignal::new(0.0),
            lifetime_ms: RwSignal::new(1),
        }
    }

    /// How long there is, by the server's clock.
    pub fn take_clock(self, expires_in_ms: u32, lifetime_ms: u32) {
        // Only while it is open: what is left of a closed one is nothing to count down.
        let open = self.status.try_get_untracked() == Some(PushStatus::Pending);
        let left = if open { expires_in_ms } else { 0 };
        self.ends_at.set(browser::now_ms() + f64::from(left));
        self.lifetime_ms.set(lifetime_ms.max(1));
    }

    pub fn detail(self, label: &str) -> Option<String> {
        self.details.with(|details| details.get(label).cloned())
    }

    fn number(self) -> Option<u32> {
        self.detail("Number")?.parse().ok()
    }

    pub fn turn(self) -> Turn {
        match self.status.get() {
            PushStatus::Pending => Turn::Waiting,
            PushStatus::Approved => Turn::Approved,
            PushStatus::Denied => Turn::Denied,
            PushStatus::Expired => Turn::Expired,
            PushStatus::Unverified => Turn::None,
        }
    }
}

/// The number to compare with the phone's.
#[component]
pub fn Number(watch: Watch, text: &'static str) -> impl IntoView {
    move || {
        watch.detail("Number").map(|number| {
            view! {
                <div class="match" role="group" aria-label="Match number">
                    <b class="figure num">{number}</b>
                    <p class="quiet">{text}</p>
                </div>
            }
        })
    }
}

/// Facts by their label on the wire and their name here.
#[component]
pub fn Facts(watch: Watch, shown: &'static [(&'static str, &'static str)]) -> impl IntoView {
    let rows = move || {
        shown
            .iter()
            .filter_map(|(label, name)| Some((*name, watch.detail(label)?)))
            .map(|(name, value)| view! { <div><dt>{name}</dt><dd>{value}</dd></div> })
            .collect_view()
    };
    view! { <dl class="facts">{rows}</dl> }
}

/// What a screen reader hears of the time: every half minute, at ten seconds, at the end.
#[component]
pub fn Spoken(watch: Watch) -> impl IntoView {
    let beat = every_second();
    let said = Memo::new(move |before: Option<&String>| {
        beat.track();
        let left = seconds_until(watch.ends_at.get());
        let before = before.cloned();
        match left {
            0 => "The request has expired.".to_owned(),
            left if left == 10 || left % 30 == 0 || before.is_none() => {
                format!("Waiting for approval. {left} seconds left.")
            }
            _ => before.unwrap_or_default(),
        }
    });
    view! { <p class="hide" role="status">{move || said.get()}</p> }
}

/// The stub: the ring, and how long there is. `approved` is its heading when the halves have met.
#[component]
pub fn Clock(watch: Watch, approved: &'static str) -> impl IntoView {
    let beat = every_second();
    let left = Signal::derive(move || {
        beat.track();
        seconds_until(watch.ends_at.get())
    });
    let share = Signal::derive(move || match watch.status.get() {
        PushStatus::Pending => f64::from(left.get()) * 1000.0 / f64::from(watch.lifetime_ms.get()),
        PushStatus::Approved => 1.0,
        _ => 0.0,
    });
    let is_approved = move || watch.status.get() == PushStatus::Approved;
    let half = Signal::derive(move || if is_approved() { Half::Both } else { Half::Know });
    let number = Signal::derive(move || watch.number().unwrap_or_default());
    let words = move || {
        let (heading, before, after) = match watch.status.get() {
            PushStatus::Pending | PushStatus::Unverified => {
                return view! {
                    <p class="figure num">{move || minutes(left.get())}</p>
                    <p class="quiet">"left to answer in the app on the phone ending "{watch.ending.get()}</p>
                }
                .into_any();
            }
            PushStatus::Approved => (approved, "Answered on the phone ending ", "."),
            PushStatus::Denied => ("The halves do not meet", "Denied on the phone ending ", "."),
            PushStatus::Expired => ("No answer came", "Asked on the phone ending ", ""),
        };
        view! { <h2>{heading}</h2><p class="quiet">{before}{watch.ending.get()}{after}</p> }.into_any()
    };
    view! {
        <aside class="stub" data-state=move || watch.turn().word() aria-label="Time left">
            <Life number left=share half />
            <div>{words}</div>
        </aside>
    }
}
