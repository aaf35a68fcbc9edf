//! Verifying an e-mail by a link. The link is the account's: it works in a signed-in session only.

use std::cell::RefCell;

use gloo_timers::callback::Timeout;
use leptos::prelude::*;
use shared::{ErrorCode, routes::page};

use crate::{
    api,
    auth::{AuthContext, AuthState},
    browser,
    components::{
        icon::Icon,
        link::{expired, link_token},
        notice::{FailureNotice, message_box},
        pair::{Stub, announce_page},
        require_access::LoadFailed,
        seal::Half,
    },
    flow::Submission,
    router::navigator,
};

thread_local! {
    /// The token of a link whose owner signs in first.
    static KEPT: RefCell<Option<String>> = const { RefCell::new(None) };
    /// What leads back here then. It outlasts this page.
    static WAY_BACK: RefCell<Option<Owner>> = const { RefCell::new(None) };
}

#[derive(Debug, Clone, PartialEq)]
enum Stage {
    Ask,
    Expired,
    /// The account's email from now on.
    Done(String),
}

/// Who opens the link.
#[derive(Debug, Clone, PartialEq)]
enum Session {
    SignedIn,
    None,
    Failed(String),
}

#[component]
pub fn ConfirmEmail() -> impl IntoView {
    announce_page("Verify your new email");
    let auth = AuthContext::get();
    let token = link_token();
    if token.with_untracked(Option::is_none) {
        token.set(KEPT.take());
    }
    let session = Memo::new(move |_| {
        auth.state.with(|state| match state {
            AuthState::SignedIn(_) => Session::SignedIn,
            AuthState::Failed(failure) => Session::Failed(failure.message()),
            AuthState::Anonymous | AuthState::Pending(_) => Session::None,
        })
    });
    let first_stage = |token: &Option<String>| if token.is_some() { Stage::Ask } else { Stage::Expired };
    let stage = RwSignal::new(token.with_untracked(first_stage));
    Effect::watch(move || token.get(), move |token, _, _| stage.set(first_stage(token)), false);
    let submission = Submission::new();
    let go_to = move |next: Stage| {
        stage.try_set(next);
        browser::focus_soon("main h1");
    };
    let verify = move |_| {
        submission.run(async move {
            match api::account::confirm_email(token.get_untracked().unwrap_or_default()).await {
                Ok(email) => {
                    auth.spawn_refresh();
                    go_to(Stage::Done(email));
                }
                Err(failure) if failure.code() == ErrorCode::LinkExpired => go_to(Stage::Expired),
                Err(failure) => {
                    if failure.code() == ErrorCode::NotSignedIn {
                        auth.spawn_refresh();
                        browser::focus_soon("main h1");
                    }
                    return Err(failure);
                }
            }
            Ok(())
        });
    };
    let navigate = navigator();
    let body = move || match (stage.get(), session.get()) {
        (Stage::Done(email), _) => view! {
            <div id="outcome">{message_box("", Icon::Check, format!("Your email is now {email}."))}</div>
            <div class="row"><a class="button" href=page::ACCOUNT>"Go to your account"</a></div>
        }
        .into_any(),
        (Stage::Expired, _) => view! {
            <div id="outcome">
                {expired("This link has expired or was already used. Request a new one.")}
            </div>
            <div class="row"><a class="button" href=page::EMAIL>"Request a new link"</a></div>
        }
        .into_any(),
        (Stage::Ask, Session::Failed(message)) => view! { <LoadFailed message /> }.into_any(),
        (Stage::Ask, Session::None) => {
            let sign_in = move |_| {
                KEPT.set(token.get_untracked());
                lead_back(auth, navigate);
            };
            view! {
                <p>"Sign in to verify your email."</p>
                <div class="row"><a class="button" href=page::LOG_IN on:click=sign_in>"Sign in"</a></div>
            }
            .into_any()
        }
        (Stage::Ask, Session::SignedIn) => view! {
            <FailureNotice failure=submission.failure />
            <div class="row">
                <button
                    class="button"
                    type="button"
                    aria-busy=move || submission.aria_busy()
                    on:click=verify
                >
                    "Verify email"
                </button>
            </div>
        }
        .into_any(),
    };
    let has_outcome = move || stage.with(|stage| *stage != Stage::Ask);
    view! {
        <div class="pair">
            <section class="sheet stack">
                <h1 tabindex="-1" aria-describedby=move || has_outcome().then_some("outcome")>"Verify your new email"</h1>
                {body}
            </section>
            <Stub
                half=Half::Know
                heading="Your email"
                text="We send security notices there, and a link if you forget your password."
            />
        </div>
    }
}

/// Opens this page again as soon as somebody is signed in.
fn lead_back(auth: AuthContext, navigate: impl Fn(&str, bool) + Copy + 'static) {
    let owner = Owner::new_root(None);
    owner.with(|| {
        Effect::new(move || {
            if auth.state.with(|state| matches!(state, AuthState::SignedIn(_))) {
                // After the page that has signed in has opened the next one.
                Timeout::new(0, move || {
                    if let Some(owner) = WAY_BACK.take() {
                        owner.cleanup();
                        navigate(page::CONFIRM_EMAIL, true);
                    }
                })
                .forget();
            }
        });
    });
    WAY_BACK.set(Some(owner));
}
