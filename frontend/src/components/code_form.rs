//! The field for a code, and the buttons that send one.

use std::rc::Rc;

use leptos::{ev::SubmitEvent, prelude::*};
use shared::{ErrorCode, Via};

use super::{
    field::{FieldSpec, TextField},
    notice::FailureNotice,
};
use crate::{
    api::ApiFailure,
    auth::AuthContext,
    browser,
    flow::{
        ApiCall, Submission, every_second, minutes_and_seconds, mounted, seconds_until_resend, send_code,
    },
};

const CODE: FieldSpec = FieldSpec {
    id: "code",
    label: "Code",
    kind: "text",
    autocomplete: "one-time-code",
    inputmode: "numeric",
    hint: Some("From the text, the call or the app. Each works once."),
};

/// The label and hint of a field for codes of an authenticator app.
pub const AUTHENTICATOR_CODE: FieldSpec =
    FieldSpec { label: "Code from your authenticator app", hint: None, ..CODE };

/// A form for a code.
#[component]
pub fn CodeForm(
    /// The label of the button.
    confirm: &'static str,
    /// Checks the code.
    check: ApiCall<String>,
    /// Runs after the code was accepted.
    on_accepted: Callback<()>,
    /// Sends another code; without it the form has no buttons for that.
    #[prop(optional)]
    send: Option<ApiCall<Via>>,
    #[prop(default = CODE)] spec: FieldSpec,
    #[prop(default = 14)] maxlength: u32,
    /// Focuses the field, where the form replaces what had the focus.
    #[prop(optional)]
    focused: bool,
) -> impl IntoView {
    if focused {
        browser::focus_soon("#code");
    }
    let auth = AuthContext::get();
    let mounted = mounted();
    let code = RwSignal::new(String::new());
    let submission = Submission::new();
    let is_phone_in_use = |failure: &ApiFailure| failure.code() == ErrorCode::PhoneInUse;
    let error = Signal::derive(move || {
        let failure = submission.failure.get().filter(|failure| !is_phone_in_use(failure))?;
        Some(failure.field("code").or(failure.field("token")).unwrap_or(failure.message()))
    });
    let phone_in_use = Signal::derive(move || submission.failure.get().filter(is_phone_in_use));
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let checked = check.run(code.get_untracked());
        let mounted = Rc::clone(&mounted);
        submission.run(async move {
            match checked.await {
                Ok(()) => {
                    auth.sent.set(None);
                    if mounted.get() {
                        on_accepted.run(());
                    } else {
                        // The page was left, and the auth state has changed.
                        auth.refresh().await;
                    }
                    Ok(())
                }
                Err(failure) => {
                    let code = failure.code();
                    if matches!(code, ErrorCode::NoSession | ErrorCode::NotFound | ErrorCode::NotSignedIn) {
                        auth.refresh_after_end().await;
                    }
                    browser::focus("#code");
                    Err(failure)
                }
            }
        });
    };
    view! {
        <form class="stack" on:submit=submit novalidate>
            <TextField spec value=code error class="code" maxlength=maxlength />
            <FailureNotice failure=phone_in_use />
            <button class="button wide" aria-busy=move || submission.aria_busy()>{confirm}</button>
        </form>
        {send.map(|send| view! { <ResendButtons send /> })}
    }
}

/// Sends another code, after the wait that began when the last one was sent: the same way again, or by a call.
#[component]
fn ResendButtons(send: ApiCall<Via>) -> impl IntoView {
    let auth = AuthContext::get();
    let tick = every_second();
    let submission = Submission::new();
    let wait = Memo::new(move |_| seconds_until_resend(auth, tick));
    let disabled = move || wait.get() > 0 || submission.busy.get();
    let label = move || match wait.get() {
        0 => view! { <span>"Send a new code"</span> }.into_any(),
        left => {
            view! { <span>"Send a new code in "<span class="num">{minutes_and_seconds(left)}</span></span> }
                .into_any()
        }
    };
    let channels = StoredValue::new_local(auth.code_channels());
    // The way it was sent last, unless that has a button of its own.
    let again = move || {
        let last = auth.sent.with_untracked(|sent| sent.as_ref().and_then(|sent| sent.via));
        let written = last.filter(|via| *via != Via::Call);
        written.or_else(|| channels.with_value(|channels| channels.first().copied())).unwrap_or_default()
    };
    let can_call = channels.with_value(|channels| channels.contains(&Via::Call) && channels.len() > 1);
    view! {
        <div class="row">
            <button class="link" type="button" disabled=disabled on:click=move |_| submission.run(send.run(again()))>
                {label}
            </button>
            {can_call.then(|| view! {
                <button class="link" type="button" disabled=disabled on:click=move |_| submission.run(send.run(Via::Call))>
                    "Call me instead"
                </button>
            })}
        </div>
        <FailureNotice failure=submission.failure />
    }
}

/// Sends the first code, in one of the ways that are allowed.
#[component]
pub fn SendButtons(send: ApiCall<Via>) -> impl IntoView {
    let submission = Submission::new();
    let button = move |(at, via): (usize, Via)| {
        let label = match via {
            Via::Sms => "Text me a code",
            Via::Call if at == 0 => "Call me",
            Via::Call => "Call me instead",
            Via::WhatsApp => "Send a code by WhatsApp",
            Via::Email => "Send a code by email",
        };
        view! {
            <button
                class=if at == 0 { "button" } else { "button plain" }
                type="button"
                aria-busy=move || submission.aria_busy()
                on:click=move |_| submission.run(send.run(via))
            >
                {label}
            </button>
        }
    };
    view! {
        <div class="row">{AuthContext::get().code_channels().into_iter().enumerate().map(button).collect_view()}</div>
        <FailureNotice failure=submission.failure />
    }
}

/// The server's message about the code that was sent, or `fallback` where it is not known.
#[component]
pub fn SentMessage(#[prop(into)] fallback: String) -> impl IntoView {
    let auth = AuthContext::get();
    let message = move || auth.sent.get().and_then(|sent| sent.message).unwrap_or_else(|| fallback.clone());
    view! { <p role="status">{message}</p> }
}

/// Sends a code to the phone of the signed-in account, then shows the form for it. A person who has
/// a code already can open the form at once.
#[component]
pub fn SendAndCheck(
    /// The phone number as people write it.
    number: String,
    /// The label of the form's button.
    confirm: &'static str,
    /// Checks the code.
    check: ApiCall<String>,
    /// Runs after the code was accepted.
    on_accepted: Callback<()>,
) -> impl IntoView {
    let auth = AuthContext::get();
    let send = ApiCall::new(move |via| send_code(auth, via));
    let has_code = RwSignal::new(false);
    // The server also reports a code that was sent a moment ago by another page.
    let shows_form = Memo::new(move |_| has_code.get() || auth.sent.with(Option::is_some));
    move || {
        if shows_form.get() {
            view! {
                <SentMessage fallback=format!("The code that was sent to {number}, or the one the app shows.") />
                <CodeForm confirm check send on_accepted focused=true />
            }
            .into_any()
        } else {
            view! {
                <p>"We send a code to "<span class="num">{number.clone()}</span>"."</p>
                <SendButtons send />
                <button class="link" type="button" on:click=move |_| has_code.set(true)>"I have a code"</button>
            }
            .into_any()
        }
    }
}
