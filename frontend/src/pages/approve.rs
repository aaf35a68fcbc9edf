//! The second factor by an approval request on the phone.

use std::{cell::Cell, rc::Rc};

use gloo_timers::future::TimeoutFuture;
use leptos::{prelude::*, task::spawn_local};
use shared::{ErrorCode, PushStatus, StatusAnswer, routes::page};

use crate::{
    api,
    auth::{Access, AuthContext, AuthState},
    browser,
    components::{
        approval_request::{CountdownStub, MatchNumber, RequestDetails, SpokenCountdown, TrackedRequest},
        icon::Icon,
        notice::{FailureNotice, message_box},
        number_form::NumberForm,
        pair::announce_page,
        remember_box::RememberBox,
        require_access::RequireAccess,
    },
    flow::{RETRY_MS, Submission, approved, completed, mounted, page_after_push},
    groups::Group,
    live,
    router::navigator,
};

/// How long the approval is shown before the account page.
const APPROVED_MS: u32 = 900;
/// The details shown: label on the wire, label on the page.
const DETAILS: &[(&str, &str)] =
    &[("Account", "Account"), ("Browser", "Browser"), ("Address", "Address"), ("Time", "Asked at")];

#[component]
pub fn Approve() -> impl IntoView {
    announce_page("Approve on your phone");
    view! { <RequireAccess access=Access::Pending><FollowRequest /></RequireAccess> }
}

fn update(request: TrackedRequest, answer: StatusAnswer) {
    // A request that the provider has not accepted yet has no number to compare.
    if answer.status == PushStatus::Pending && answer.approval_request.is_none() {
        return;
    }
    request.status.set(answer.status);
    request.needs_number.set(answer.needs_number);
    request.number_due.set(answer.number_due);
    request.phone_ending.set(answer.phone.rsplit('-').next().unwrap_or_default().to_owned());
    if let Some(newest) = answer.approval_request {
        request.set_expiry(newest.expires_in_ms, newest.lifetime_ms);
        request.details.set(newest.details);
    }
}

/// The state of this page.
#[derive(Clone, Copy)]
struct ApproveState {
    auth: AuthContext,
    request: TrackedRequest,
    submission: Submission,
    /// Whether a wrong number was typed.
    wrong_number: RwSignal<bool>,
}

#[component]
fn FollowRequest() -> impl IntoView {
    let auth = AuthContext::get();
    let state = ApproveState {
        auth,
        request: TrackedRequest::new(),
        submission: Submission::new(),
        wrong_number: RwSignal::new(false),
    };
    let navigate = navigator();
    Effect::new(move || {
        if let AuthState::Pending(answer) = auth.state.get() {
            let status = answer.status;
            update(state.request, answer);
            if status == PushStatus::Unverified {
                navigate(page::CODE, true);
            }
        }
    });
    complete_when_approved(auth, state.submission);
    live::follow(auth);
    Group::Inside.preload();
    view! {
        <div class="pair" data-state=move || state.request.stub_state().data_state()>
            <section class="sheet stack"><RequestStatus state /></section>
            <CountdownStub request=state.request approved="Approved on your phone" />
        </div>
    }
}

/// Completes the sign-in when the phone approves, and opens the account.
fn complete_when_approved(auth: AuthContext, submission: Submission) {
    let (mounted, navigate) = (mounted(), navigator());
    let approved = approved(auth);
    Effect::new(move || {
        if approved.get() {
            let mounted = Rc::clone(&mounted);
            spawn_local(async move {
                // The stream ends with the old token, which is no news.
                auth.ending.set_value(true);
                complete(auth, submission, &mounted, navigate).await;
                auth.ending.set_value(false);
            });
        }
    });
}

async fn complete(
    auth: AuthContext,
    submission: Submission,
    mounted: &Cell<bool>,
    navigate: impl Fn(&str, bool),
) {
    let is_remembered = auth.state.with_untracked(
        |state| matches!(state, AuthState::Pending(status) if status.approval_request.is_none()),
    );
    while mounted.get() {
        match api::continue_session(auth.remember.get_untracked()).await {
            Ok(()) => {
                submission.failure.set(None);
                // In a remembered browser nothing was asked, and there is nothing to show.
                if !is_remembered {
                    TimeoutFuture::new(APPROVED_MS).await;
                }
                auth.refresh().await;
                if mounted.get() {
                    navigate(page::ACCOUNT, true);
                }
                return;
            }
            // Another tab has completed the sign-in, or the session has ended.
            Err(failure) if matches!(failure.code(), ErrorCode::NoSession | ErrorCode::NotApproved) => {
                // The cookie of that tab may be on its way.
                TimeoutFuture::new(APPROVED_MS).await;
                return auth.refresh().await;
            }
            Err(failure) => {
                let final_failure = failure.code() == ErrorCode::PhoneInUse;
                submission.failure.set(Some(failure));
                if final_failure {
                    return;
                }
                TimeoutFuture::new(RETRY_MS).await;
            }
        }
    }
}

#[component]
fn RequestStatus(state: ApproveState) -> impl IntoView {
    let ApproveState { auth, request, submission, wrong_number } = state;
    let on_accepted = completed(auth);
    let navigate = navigator();
    let send_again = move || {
        wrong_number.set(false);
        submission.run(async move {
            match api::push().await {
                Ok(answer) => match page_after_push(auth, answer) {
                    page::APPROVE => auth.refresh().await,
                    other_page => navigate(other_page, false),
                },
                Err(failure) if failure.code() == ErrorCode::PushOpen => auth.refresh().await,
                Err(failure) => return Err(failure),
            }
            Ok(())
        });
    };
    let send_again = StoredValue::new_local(send_again);
    let status = Memo::new(move |_| request.status.get());
    // The heading changes with the status; the focus lets a screen reader announce it.
    Effect::watch(move || status.get(), |_, _, _| browser::focus("main h1"), false);
    let methods_link = || view! { <a class="button plain" href=page::METHODS>"Choose another way"</a> };
    let again_button = move || {
        view! {
            <button class="button" type="button" aria-busy=move || submission.aria_busy() on:click=move |_| send_again.with_value(|send| send())>
                "Ask again"
            </button>
        }
    };
    let needs_number = Memo::new(move |_| request.needs_number.get());
    move || {
        let body = match status.get() {
            PushStatus::Pending | PushStatus::Unverified if needs_number.get() => view! {
                <h1 tabindex="-1">"Enter the number on your phone"</h1>
                <p>
                    "Open the app on the phone ending in "
                    <span class="num">{move || request.phone_ending.get()}</span>
                    ", approve the request, then enter the two-digit number it shows."
                </p>
                <NumberForm request on_accepted was_wrong=wrong_number />
                <RememberBox />
                <RequestDetails request shown=DETAILS />
                <SpokenCountdown request />
                <Offline auth />
                <div class="row">{methods_link()}</div>
            }
            .into_any(),
            PushStatus::Pending | PushStatus::Unverified => view! {
                <h1 tabindex="-1">"Approve on your phone"</h1>
                <MatchNumber
                    request
                    text="Approve only if your phone shows this number and the same cut. Anything else is somebody else: deny it."
                />
                <RequestDetails request shown=DETAILS />
                <SpokenCountdown request />
                <RememberBox />
                <Offline auth />
                <div class="row">{methods_link()}</div>
            }
            .into_any(),
            PushStatus::Approved => view! {
                <div role="status"><h1 tabindex="-1">"Approved"</h1></div>
                <p>"Opening your account…"</p>
                <RequestDetails request shown=DETAILS />
            }
            .into_any(),
            PushStatus::Denied => view! {
                <h1 tabindex="-1">"Denied on your phone"</h1>
                {message_box("stop", Icon::Cross, denied_text(wrong_number.get_untracked()).to_owned())}
                <div class="row">{methods_link()}</div>
            }
            .into_any(),
            PushStatus::Expired => view! {
                <h1 tabindex="-1">"The request has expired"</h1>
                {message_box("wait", Icon::Clock, "Nobody answered within two minutes, so it closed by itself. Nothing was opened.".to_owned())}
                <p>"Is the phone on and online? A code by text or call also works without data."</p>
                <div class="row">{again_button()} {methods_link()}</div>
            }
            .into_any(),
        };
        view! { {body} <FailureNotice failure=submission.failure /> }
    }
}

/// Whoever began a sign-in that was denied may be a thief: nothing is said but that it was.
fn denied_text(by_wrong_numbers: bool) -> &'static str {
    if by_wrong_numbers {
        "You entered 3 wrong numbers, so the request was denied. You weren’t signed in."
    } else {
        "You weren’t signed in. This request can’t be used again."
    }
}

#[component]
fn Offline(auth: AuthContext) -> impl IntoView {
    view! {
        <Show when=move || auth.offline.get()>
            <p class="notice wait" role="status">"No connection to the server. Trying again."</p>
        </Show>
    }
}
