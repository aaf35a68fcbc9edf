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
        pair::announce_page,
        require_access::RequireAccess,
    },
    flow::{RETRY_MS, Submission, mounted, page_after_push},
    groups::Group,
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
    request.status.set(answer.status);
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
    offline: RwSignal<bool>,
    submission: Submission,
}

#[component]
fn FollowRequest() -> impl IntoView {
    let auth = AuthContext::get();
    let state = ApproveState {
        auth,
        request: TrackedRequest::new(),
        offline: RwSignal::new(false),
        submission: Submission::new(),
    };
    if let AuthState::Pending(answer) = auth.state.get_untracked() {
        update(state.request, answer);
    }
    let (mounted, navigate) = (mounted(), navigator());
    let start_polling: Rc<dyn Fn()> =
        Rc::new(move || spawn_local(poll(state, Rc::clone(&mounted), navigate)));
    start_polling();
    Group::Inside.preload();
    view! {
        <div class="pair" data-state=move || state.request.stub_state().data_state()>
            <section class="sheet stack"><RequestStatus state start_polling /></section>
            <CountdownStub request=state.request approved="Approved on your phone" />
        </div>
    }
}

/// Polls at the interval the server names until the request is settled or the page is left.
async fn poll(state: ApproveState, mounted: Rc<Cell<bool>>, navigate: impl Fn(&str, bool)) {
    while mounted.get() {
        let pause = match api::status().await {
            _ if !mounted.get() => return,
            Ok(answer) => {
                state.offline.set(false);
                let pause = answer.poll_after_ms;
                update(state.request, answer);
                match state.request.status.get_untracked() {
                    PushStatus::Pending => pause,
                    PushStatus::Approved => return finish(state, &mounted, navigate).await,
                    PushStatus::Unverified => return navigate(page::CODE, true),
                    PushStatus::Denied | PushStatus::Expired => return,
                }
            }
            Err(failure) if failure.code() == ErrorCode::NoSession => {
                return state.auth.refresh_after_end().await;
            }
            Err(_) => {
                state.offline.set(true);
                RETRY_MS
            }
        };
        TimeoutFuture::new(pause).await;
    }
}

/// Completes the sign-in after the approval, and navigates to the account page.
async fn finish(state: ApproveState, mounted: &Cell<bool>, navigate: impl Fn(&str, bool)) {
    while mounted.get() {
        match api::continue_session().await {
            Ok(()) => {
                state.submission.failure.set(None);
                TimeoutFuture::new(APPROVED_MS).await;
                state.auth.refresh().await;
                if mounted.get() {
                    navigate(page::ACCOUNT, true);
                }
                return;
            }
            // Another tab has completed the sign-in, or the session has ended.
            Err(failure) if matches!(failure.code(), ErrorCode::NoSession | ErrorCode::NotApproved) => {
                return state.auth.refresh().await;
            }
            Err(failure) => {
                let final_failure = failure.code() == ErrorCode::PhoneInUse;
                state.submission.failure.set(Some(failure));
                if final_failure {
                    return;
                }
                TimeoutFuture::new(RETRY_MS).await;
            }
        }
    }
}

#[component]
fn RequestStatus(state: ApproveState, start_polling: Rc<dyn Fn()>) -> impl IntoView {
    let ApproveState { auth, request, offline, submission } = state;
    let navigate = navigator();
    let send_again = move || {
        let start_polling = Rc::clone(&start_polling);
        submission.run(async move {
            match api::push().await {
                Ok(answer) => match page_after_push(auth, answer) {
                    page::APPROVE => {
                        request.status.set(PushStatus::Pending);
                        start_polling();
                    }
                    other_page => navigate(other_page, false),
                },
                Err(failure) if failure.code() == ErrorCode::PushOpen => start_polling(),
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
    move || {
        let body = match status.get() {
            PushStatus::Pending | PushStatus::Unverified => view! {
                <h1 tabindex="-1">"Approve on your phone"</h1>
                <MatchNumber
                    request
                    text="Approve only if your phone shows this number and the same cut. Anything else is somebody else: deny it."
                />
                <RequestDetails request shown=DETAILS />
                <SpokenCountdown request />
                <Show when=move || offline.get()>
                    <p class="notice wait" role="status">"No connection to the server. Trying again."</p>
                </Show>
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
                {message_box("stop", Icon::Cross, "Nothing was opened. This request is closed for good.".to_owned())}
                <p>"This sign-in was denied on your phone. Whoever started it knows your password."</p>
                <div class="row">{again_button()} {methods_link()}</div>
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
