//! One field for a code, and the ways to get another.

use leptos::{ev::SubmitEvent, prelude::*, task::spawn_local};
use shared::{ErrorCode, Via};

use super::field::{FieldError, Notice};
use crate::{
    api::{self, Failure},
    browser,
    flow::{every_second, minutes, seconds_until, send_code},
    who::Visit,
};

/// `confirm` is what the button says; `on_right` runs after a code was right.
#[component]
pub fn CodeForm(confirm: &'static str, on_right: Callback<()>) -> impl IntoView {
    let visit = Visit::get();
    let code = RwSignal::new(String::new());
    let failure = RwSignal::new(None::<Failure>);
    let busy = RwSignal::new(false);
    let error = Signal::derive(move || {
        failure.get().map(|failure| failure.field("code").unwrap_or(failure.message()))
    });
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        spawn_local(async move {
            match api::verify(code.get_untracked()).await {
                Ok(()) => {
                    visit.sent.set(None);
                    on_right.run(());
                }
                Err(refused) => {
                    let ended = refused.code() == ErrorCode::NoSession;
                    failure.set(Some(refused));
                    if ended {
                        visit.remark.set(Some("That sign-in took too long and has ended. Begin again."));
                        visit.refresh().await;
                    }
                    browser::focus("#code");
                }
            }
            busy.set(false);
        });
    };
    view! {
        <form class="stack" on:submit=submit novalidate>
            <div class="field code">
                <label for="code">"Code"</label>
                <input
                    id="code"
                    name="code"
                    type="text"
                    inputmode="numeric"
                    autocomplete="one-time-code"
                    maxlength="14"
                    required
                    prop:value=move || code.get()
                    on:input:target=move |event| code.set(event.target().value())
                    aria-invalid=move || error.get().is_some().then_some("true")
                    aria-describedby=move || if error.get().is_some() { "code-error" } else { "code-hint" }
                />
                <FieldError id="code-error".to_owned() text=error />
                <Show when=move || error.get().is_none()>
                    <p class="quiet" id="code-hint">"From the text, the call or the app. Each works once."</p>
                </Show>
            </div>
            <button class="button wide" aria-busy=move || busy.get().then_some("true")>{confirm}</button>
        </form>
        <SendAgain />
    }
}

/// The wait for another code begins only when the last one was really sent.
#[component]
fn SendAgain() -> impl IntoView {
    let visit = Visit::get();
    let beat = every_second();
    let failure = RwSignal::new(None::<Failure>);
    let busy = RwSignal::new(false);
    let wait = move || {
        beat.track();
        visit.sent.get().map_or(0, |sent| seconds_until(sent.again_at))
    };
    let send = move |via| {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        spawn_local(async move {
            failure.set(send_code(visit, via).await.err());
            busy.set(false);
        });
    };
    let label = move |ready: &'static str| match wait() {
        0 => view! { <span>{ready}</span> }.into_any(),
        left => view! { <span>{ready}" in "<span class="num">{minutes(left)}</span></span> }.into_any(),
    };
    let blocked = move || wait() > 0 || busy.get();
    view! {
        <div class="row">
            <button class="link" type="button" disabled=blocked on:click=move |_| send(Via::Sms)>
                {move || label("Send a new code")}
            </button>
            <button class="link" type="button" disabled=blocked on:click=move |_| send(Via::Call)>
                "Call me instead"
            </button>
        </div>
        <Notice text=Signal::derive(move || failure.get().map(|failure| failure.message())) />
    }
}
