//! The number that the phone shows with a request: it can be typed at once, and is sent after the approval.

use std::rc::Rc;

use leptos::{ev::SubmitEvent, prelude::*};
use shared::ErrorCode;

use super::{
    approval_request::TrackedRequest,
    field::{FieldSpec, TextField},
    icon::Icon,
    notice::message_box,
};
use crate::{
    api,
    auth::AuthContext,
    browser,
    flow::{Submission, mounted},
};

const DIGITS: usize = 2;
const NUMBER: FieldSpec = FieldSpec {
    id: "number",
    label: "Number on your phone",
    kind: "text",
    autocomplete: "off",
    inputmode: "numeric",
    hint: Some("If you didn’t ask to sign in, deny the request."),
};

/// The field for the number.
#[component]
pub fn NumberForm(
    request: TrackedRequest,
    /// Runs after the right number.
    on_accepted: Callback<()>,
    /// Set after a wrong one.
    was_wrong: RwSignal<bool>,
) -> impl IntoView {
    let auth = AuthContext::get();
    let mounted = mounted();
    let number = RwSignal::new(String::new());
    let typed_early = RwSignal::new(false);
    let submission = Submission::new();
    let error = Signal::derive(move || {
        let failure = submission.failure.get()?;
        Some(failure.field("number").unwrap_or(failure.message()))
    });
    let is_due = Memo::new(move |_| request.number_due.get());
    browser::focus_soon("#number");
    let send = move || {
        let mounted = Rc::clone(&mounted);
        submission.run(async move {
            auth.ending.set_value(true);
            let judged = api::match_number(number.get_untracked(), auth.remember.get_untracked()).await;
            auth.ending.set_value(judged.is_ok());
            let Err(failure) = judged else {
                if mounted.get() {
                    on_accepted.run(());
                } else {
                    auth.refresh_after_leaving().await;
                }
                return Ok(());
            };
            match failure.code() {
                ErrorCode::WrongNumber => {
                    was_wrong.set(true);
                    // The third one denies the request.
                    auth.refresh().await;
                }
                // Not approved yet after all, expired, or completed in another tab.
                ErrorCode::NotApproved => {
                    typed_early.set(true);
                    return Ok(());
                }
                _ => auth.refresh().await,
            }
            if mounted.get() {
                number.set(String::new());
                browser::focus("#number");
            }
            Err(failure)
        });
    };
    let send = StoredValue::new_local(send);
    let is_complete = move || number.with(|number| number.trim().len() == DIGITS);
    // A complete number is sent by itself, as soon as it is judged.
    Effect::new(move || {
        if is_complete() {
            if is_due.get() {
                typed_early.set(false);
                send.with_value(|send| send());
            } else {
                typed_early.set(true);
            }
        } else {
            typed_early.set(false);
        }
    });
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if is_due.get_untracked() {
            send.with_value(|send| send());
        } else {
            typed_early.set(true);
        }
    };
    let next = move || {
        if is_due.get() {
            Some("Approved. Enter the number to sign in.")
        } else if typed_early.get() {
            Some("Now approve the request on your phone.")
        } else {
            None
        }
    };
    view! {
        <form class="stack" on:submit=submit novalidate>
            <TextField spec=NUMBER value=number error class="code two" maxlength=2_u32 />
            <div role="status">{move || next().map(|text| message_box("", Icon::Phone, text.to_owned()))}</div>
            <button class="button wide" aria-busy=move || submission.aria_busy()>"Continue"</button>
        </form>
    }
}
