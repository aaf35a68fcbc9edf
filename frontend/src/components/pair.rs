//! The frame of a page: a sheet (the page) and a stub (the phone), drawn as two parts of one piece.

use std::cell::Cell;

use leptos::prelude::*;

use super::seal::{Half, Seal};
use crate::browser;

/// The state of the second factor, as sheet and stub show it by colour and cut.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum StubState {
    /// The phone is not involved.
    #[default]
    None,
    Waiting,
    Approved,
    Denied,
    Expired,
}

impl StubState {
    /// For `data-state`.
    pub fn data_state(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Waiting => Some("waiting"),
            Self::Approved => Some("approved"),
            Self::Denied => Some("denied"),
            Self::Expired => Some("expired"),
        }
    }
}

thread_local! {
    /// Whether a page was shown before this one.
    static NAVIGATED: Cell<bool> = const { Cell::new(false) };
}

/// Sets the title of the document and focuses the heading, so that a screen reader announces the page.
/// On the first page the browser does that itself, and the focus begins at the top.
pub fn announce_page(title: &'static str) {
    Effect::new(move || {
        browser::set_title(title);
        if NAVIGATED.replace(true) {
            browser::focus_heading();
        }
    });
}

/// A stub with the seal, a heading and a sentence.
#[component]
pub fn Stub(
    half: Half,
    #[prop(optional)] state: StubState,
    heading: &'static str,
    #[prop(optional)] text: &'static str,
) -> impl IntoView {
    view! {
        <aside class="stub" data-state=state.data_state() aria-label="Where you are">
            <Seal half />
            <div>
                <h2>{heading}</h2>
                <p class="quiet">{text}</p>
            </div>
        </aside>
    }
}
