//! Who is using this browser, and which page that opens.

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::{NavigateOptions, hooks::use_navigate};
use shared::{ErrorCode, PushStatus, StatusAnswer, User, routes::page};

use crate::{
    api::{self, Failure},
    browser,
};

/// Who the server says this is.
#[derive(Debug, Clone, PartialEq)]
pub enum Who {
    /// Not known yet.
    Loading,
    /// The server did not say.
    Unknown(Failure),
    /// Nobody.
    Anonymous,
    /// The password was right, the phone is to answer; how its newest push stands.
    Pending(StatusAnswer),
    /// Both halves are in.
    SignedIn(User),
}

/// What this page knows of the last code.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    /// What the server said of it; unknown when it only said that it is too soon for another.
    pub message: Option<String>,
    /// When another may be asked for, by [`browser::now_ms`].
    pub again_at: f64,
}

impl Sent {
    pub fn now(message: Option<String>, wait_seconds: u32) -> Self {
        Self { message, again_at: browser::now_ms() + f64::from(wait_seconds) * 1000.0 }
    }
}

/// What all pages share.
#[derive(Debug, Clone, Copy)]
pub struct Visit {
    pub who: RwSignal<Who>,
    /// The last code sent; unknown after a reload.
    pub sent: RwSignal<Option<Sent>>,
    /// Said once on the next page, such as why one is there.
    pub remark: RwSignal<Option<&'static str>>,
}

impl Visit {
    pub fn provide() -> Self {
        let visit =
            Self { who: RwSignal::new(Who::Loading), sent: RwSignal::new(None), remark: RwSignal::new(None) };
        provide_context(visit);
        visit
    }

    pub fn get() -> Self {
        expect_context()
    }

    /// Asks the server anew.
    pub async fn refresh(self) {
        let who = ask().await;
        // What has not changed is not drawn anew.
        if self.who.with_untracked(|known| *known != who) {
            self.who.set(who);
        }
    }

    pub fn refresh_soon(self) {
        spawn_local(self.refresh());
    }

    /// Ends the session at the server. Until that is done nobody is told that it was.
    pub async fn leave(self) -> Result<(), Failure> {
        match api::log_out().await {
            Err(failure) if failure.code() != ErrorCode::NotSignedIn => Err(failure),
            _ => Ok(()),
        }
    }

    /// Nobody is here any more.
    pub fn left(self) {
        self.sent.set(None);
        self.who.set(Who::Anonymous);
    }
}

async fn ask() -> Who {
    match api::user().await {
        Ok(user) => Who::SignedIn(user),
        Err(failure) if failure.code() == ErrorCode::NotSignedIn => Who::Anonymous,
        Err(failure) if failure.code() == ErrorCode::SecondFactorRequired => match api::status().await {
            Ok(status) => Who::Pending(status),
            Err(failure) if failure.code() == ErrorCode::NoSession => Who::Anonymous,
            Err(failure) => Who::Unknown(failure),
        },
        Err(failure) => Who::Unknown(failure),
    }
}

/// Whom a page is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum For {
    /// Nobody yet.
    Anonymous,
    /// Whoever waits for the phone's answer.
    Pending,
    /// The same, who may choose how it is asked.
    Choosing,
    /// Whoever is signed in.
    SignedIn,
    /// The same, with a phone that has answered once.
    Proven,
    /// Whose phone is not proven yet, and browsers without an account.
    Unproven,
}

/// Where the server says that somebody belongs.
fn home_of(who: &Who) -> &'static str {
    match who {
        Who::Loading | Who::Unknown(_) | Who::Anonymous => page::LOG_IN,
        Who::Pending(_) => page::METHODS,
        Who::SignedIn(user) if user.verified => page::PROTECTED,
        Who::SignedIn(_) => page::VERIFICATION,
    }
}

/// Where somebody belongs who is not whom a page is for; `None` when they may stay.
fn elsewhere(who: &Who, page_for: For) -> Option<&'static str> {
    match (page_for, who) {
        (_, Who::Loading | Who::Unknown(_))
        | (For::Anonymous | For::Unproven, Who::Anonymous)
        | (For::Pending | For::Choosing, Who::Pending(_))
        | (For::SignedIn, Who::SignedIn(_)) => None,
        (For::Proven, Who::SignedIn(user)) if user.verified => None,
        (For::Unproven, Who::SignedIn(user)) if !user.verified => None,
        (For::Choosing | For::Proven | For::Unproven, who) => Some(home_of(who)),
        (_, Who::Anonymous) => Some(page::LOG_IN),
        (_, Who::SignedIn(_)) => Some(page::ACCOUNT),
        (_, Who::Pending(status)) if status.status == PushStatus::Unverified => Some(page::CODE),
        (_, Who::Pending(_)) => Some(page::APPROVE),
    }
}

/// Goes to another page. `replace`: the page left is not one to come back to.
pub fn goer() -> impl Fn(&str, bool) + Clone {
    let navigate = use_navigate();
    move |path: &str, replace| navigate(path, NavigateOptions { replace, ..NavigateOptions::default() })
}

/// Shows a page to whom it is for, and sends everybody else where they belong.
#[component]
pub fn Only(page_for: For, children: ChildrenFn) -> impl IntoView {
    let visit = Visit::get();
    let go = goer();
    Effect::new(move || {
        if let Some(path) = visit.who.with(|who| elsewhere(who, page_for)) {
            go(path, true);
        }
    });
    // The page stays as it is while its state changes underneath.
    let stage = Memo::new(move |_| {
        visit.who.with(|who| match who {
            Who::Loading => Stage::Loading,
            Who::Unknown(failure) => Stage::Unknown(failure.message()),
            who if elsewhere(who, page_for).is_none() => Stage::Here,
            _ => Stage::Loading,
        })
    });
    move || match stage.get() {
        Stage::Here => children().into_any(),
        Stage::Loading => view! { <p class="quiet" role="status">"One moment."</p> }.into_any(),
        Stage::Unknown(message) => view! { <NoAnswer message /> }.into_any(),
    }
}

/// The server did not say who this is; it may be asked again.
#[component]
pub fn NoAnswer(message: String) -> impl IntoView {
    let visit = Visit::get();
    view! {
        <div class="sheet stack">
            <h1>"No answer"</h1>
            <p>{message}</p>
            <div class="row">
                <button class="button" type="button" on:click=move |_| visit.refresh_soon()>"Try again"</button>
            </div>
        </div>
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Stage {
    Loading,
    Unknown(String),
    Here,
}
