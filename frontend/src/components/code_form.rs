//! One field for a code, and the ways to get one.

use std::rc::Rc;

use leptos::{ev::SubmitEvent, prelude::*};
use shared::{ErrorCode, Via};

use super::field::{Notice, Purpose, TextField};
use crate::{
    browser,
    flow::{Act, Task, every_second, minutes, stay, wait_for_code},
    who::Visit,
};

const CODE: Purpose = Purpose {
    id: "code",
    label: "Code",
    kind: "text",
    autocomplete: "one-time-code",
    inputmode: "numeric",
    hint: Some("From the text, the call or the app. Each works once."),
};

/// What is done with a code, and how another is sent.
#[derive(Clone, Copy)]
pub struct CodeWays {
    pub check: Act<String>,
    pub send: Act<Via>,
}

/// `confirm` is what the button says; `on_right` runs after a code was right.
#[component]
pub fn CodeForm(
    confirm: &'static str,
    ways: CodeWays,
    on_right: Callback<()>,
    /// Takes the focus, where it comes in the place of what had it.
    #[prop(optional)]
    focused: bool,
) -> impl IntoView {
    if focused {
        browser::focus_soon("#code");
    }
    let visit = Visit::get();
    let here = stay();
    let code = RwSignal::new(String::new());
    let task = Task::new();
    let error = Signal::derive(move || {
        let failure = task.failure.get()?;
        Some(failure.field("code").or(failure.field("token")).unwrap_or(failure.message()))
    });
    let CodeWays { check, send } = ways;
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let checked = check.ask(code.get_untracked());
        let here = Rc::clone(&here);
        task.run(async move {
            match checked.await {
                Ok(()) => {
                    visit.sent.set(None);
                    if here.get() {
                        on_right.run(());
                    } else {
                        // The page was left; who this is has changed all the same.
                        visit.refresh().await;
                    }
                    Ok(())
                }
                Err(refused) => {
                    if matches!(refused.code(), ErrorCode::NoSession | ErrorCode::NotFound) {
                        visit.remark.set(Some("That sign-in took too long and has ended. Begin again."));
                        visit.refresh().await;
                    }
                    browser::focus("#code");
                    Err(refused)
                }
            }
        });
    };
    view! {
        <form class="stack" on:submit=submit novalidate>
            <TextField purpose=CODE value=code error class="code" maxlength=14_u32 />
            <button class="button wide" aria-busy=move || task.word()>{confirm}</button>
        </form>
        <SendAgain send />
    }
}

/// The wait for another code begins only when the last one was really sent.
#[component]
fn SendAgain(send: Act<Via>) -> impl IntoView {
    let visit = Visit::get();
    let beat = every_second();
    let task = Task::new();
    let wait = Memo::new(move |_| wait_for_code(visit, beat));
    let blocked = move || wait.get() > 0 || task.busy.get();
    let again = move || match wait.get() {
        0 => view! { <span>"Send a new code"</span> }.into_any(),
        left => {
            view! { <span>"Send a new code in "<span class="num">{minutes(left)}</span></span> }.into_any()
        }
    };
    view! {
        <div class="row">
            <button class="link" type="button" disabled=blocked on:click=move |_| task.run(send.ask(Via::Sms))>
                {again}
            </button>
            <button class="link" type="button" disabled=blocked on:click=move |_| task.run(send.ask(Via::Call))>
                "Call me instead"
            </button>
        </div>
        <Notice text=task.problem() />
    }
}

/// The first code: by text, or by call. A failure is said below.
#[component]
pub fn SendFirst(send: Act<Via>) -> impl IntoView {
    let task = Task::new();
    view! {
        <div class="row">
            <button class="button" type="button" aria-busy=move || task.word() on:click=move |_| task.run(send.ask(Via::Sms))>
                "Text me a code"
            </button>
            <button class="button plain" type="button" aria-busy=move || task.word() on:click=move |_| task.run(send.ask(Via::Call))>
                "Call me instead"
            </button>
        </div>
        <Notice text=task.problem() />
    }
}

/// What was sent where; `or_else` where nobody has said.
#[component]
pub fn SentWhere(#[prop(into)] or_else: String) -> impl IntoView {
    let visit = Visit::get();
    let said = move || visit.sent.get().and_then(|sent| sent.message).unwrap_or_else(|| or_else.clone());
    view! { <p role="status">{said}</p> }
}
