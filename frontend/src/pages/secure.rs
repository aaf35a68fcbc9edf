//! "This wasn't me", by a link from an e-mail: a click acts, not the link.

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
        seal::Half,
    },
    flow::Submission,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Ask,
    /// Whether a link to set a new password was sent.
    Done(bool),
    Expired,
}

#[component]
pub fn Secure() -> impl IntoView {
    announce_page("Secure your account");
    let auth = AuthContext::get();
    let token = link_token();
    let submission = Submission::new();
    // A signed-in session needs no link.
    let is_signed_in = auth.state.with_untracked(|state| matches!(state, AuthState::SignedIn(_)));
    let first_stage = move |token: &Option<String>| {
        if is_signed_in || token.is_some() { Stage::Ask } else { Stage::Expired }
    };
    let stage = RwSignal::new(token.with_untracked(first_stage));
    Effect::watch(move || token.get(), move |token, _, _| stage.set(first_stage(token)), false);
    let go_to = move |next: Stage| {
        stage.try_set(next);
        browser::focus_soon("main h1");
    };
    let secure = move |_| {
        submission.run(async move {
            let token = token.get_untracked().unwrap_or_default();
            match api::account::secure_account(token).await {
                Ok(email) => {
                    // This browser's session has ended too, if it was this account's.
                    auth.refresh().await;
                    go_to(Stage::Done(email));
                }
                Err(failure) if matches!(failure.code(), ErrorCode::LinkExpired | ErrorCode::NotSignedIn) => {
                    go_to(Stage::Expired);
                }
                Err(failure) => return Err(failure),
            }
            Ok(())
        });
    };
    let body = move || match stage.get() {
        Stage::Ask => view! {
            <p>"This ends all sessions, removes remembered devices, and asks you for a new password."</p>
            <FailureNotice failure=submission.failure />
            <div class="row">
                <button
                    class="button"
                    type="button"
                    aria-busy=move || submission.aria_busy()
                    on:click=secure
                >
                    "Secure my account"
                </button>
                <a class="link" href=page::HOME>"Cancel"</a>
            </div>
        }
        .into_any(),
        Stage::Done(email) => {
            let done = if email {
                "All sessions were ended. To set a new password, open the link we sent to your email."
            } else {
                "All sessions were ended. Sign in again and change your password."
            };
            view! {
                <div id="outcome">{message_box("", Icon::Check, done.to_owned())}</div>
                <div class="row"><a class="button" href=page::LOG_IN>"Sign in"</a></div>
            }
            .into_any()
        }
        Stage::Expired => view! {
            <div id="outcome">{expired("This link has expired or was already used.")}</div>
            <p>"You can still set a new password. That also ends all sessions."</p>
            <div class="row">
                <a class="button" href=page::FORGOT>"Reset your password"</a>
                <a class="link" href=page::LOG_IN>"Sign in"</a>
            </div>
        }
        .into_any(),
    };
    let has_outcome = move || stage.get() != Stage::Ask;
    view! {
        <div class="pair">
            <section class="sheet stack">
                <h1 tabindex="-1" aria-describedby=move || has_outcome().then_some("outcome")>"Secure your account"</h1>
                {body}
            </section>
            <Stub
                half=Half::Hold
                heading="Your phone stays yours"
                text="Your sign-in methods don’t change. You still need your phone to sign in."
            />
        </div>
    }
}
