//! A sheet (this page) and a stub (the phone), cut from one piece.

use std::cell::Cell;

use leptos::prelude::*;

use super::seal::{Half, Seal};
use crate::browser;

/// Where a sign-in stands, as colour and cut show it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Turn {
    /// The phone has no part in it yet.
    #[default]
    None,
    Waiting,
    Approved,
    Denied,
    Expired,
}

impl Turn {
    pub fn word(self) -> Option<&'static str> {
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
    static ARRIVED: Cell<bool> = const { Cell::new(false) };
}

/// Names the document and puts the focus on the heading, so that a screen reader says where one is.
/// On the first page of a visit the browser itself does that, and begins at the top.
pub fn arrive(title: &'static str) {
    Effect::new(move || {
        browser::set_title(title);
        if ARRIVED.replace(true) {
            browser::focus("main h1");
        }
    });
}

/// A stub that says where one is: the seal, a heading, a sentence.
#[component]
pub fn Stub(
    half: Half,
    #[prop(optional)] turn: Turn,
    heading: &'static str,
    text: &'static str,
) -> impl IntoView {
    view! {
        <aside class="stub" data-state=turn.word() aria-label="Where you are">
            <Seal half />
            <div>
                <h2>{heading}</h2>
                <p class="quiet">{text}</p>
            </div>
        </aside>
    }
}
