//! Recovery codes: made at a click, and shown once.

use leptos::{ev, prelude::*, task::spawn_local};
use shared::routes::page;

use crate::{
    api,
    auth::{Access, AuthContext, AuthState},
    browser,
    components::{
        date::today,
        notice::FailureNotice,
        pair::{Stub, StubState, announce_page},
        require_access::RequireAccess,
        seal::Half,
        step_up::{StepUp, StepUpForm},
    },
    router::{Router, navigator},
};

const UNSAVED: &str = "Leave without saving your recovery codes? They won’t be shown again.";
const FILE_NAME: &str = "countersign-recovery-codes.txt";

/// The codes, while they are shown. Nowhere else are they kept.
type Codes = RwSignal<Option<Vec<String>>>;

#[component]
pub fn RecoveryCodes() -> impl IntoView {
    announce_page("Your recovery codes");
    // Here, so that they outlast a state that cannot be loaded meanwhile.
    let codes: Codes = RwSignal::new(None);
    view! { <RequireAccess access=Access::VerifiedPhone><Sheet codes /></RequireAccess> }
}

#[component]
fn Sheet(codes: Codes) -> impl IntoView {
    let body = move || match codes.get() {
        Some(codes) => view! { <Shown codes /> }.into_any(),
        None => view! { <Offer codes /> }.into_any(),
    };
    view! {
        <div class="pair">
            <section class="sheet stack">{body}</section>
            <Stub half=Half::Both state=StubState::Approved heading="Without your phone" text="A recovery code completes the second step." />
        </div>
    }
}

/// `2 recovery codes left`
pub fn codes_left(left: u32) -> String {
    match left {
        0 => "No recovery codes left".to_owned(),
        1 => "1 recovery code left".to_owned(),
        left => format!("{left} recovery codes left"),
    }
}

/// Before there are codes to show.
#[component]
fn Offer(codes: Codes) -> impl IntoView {
    let auth = AuthContext::get();
    let step_up = StepUp::new();
    let known = auth.state.with_untracked(|state| match state {
        AuthState::SignedIn(user) => user.recovery_codes_left,
        _ => None,
    });
    let left = RwSignal::new(known);
    spawn_local(async move {
        // One may have been used on another device. Where that cannot be asked, what was known is shown.
        if let Ok(answer) = api::account::recovery_codes_left().await {
            let _ = left.try_set(answer.created_at.map(|_| answer.left));
        }
    });
    let create = move |_| {
        step_up.run(move || async move {
            codes.set(Some(api::account::create_recovery_codes().await?));
            browser::focus_soon("main h1");
            Ok(())
        });
    };
    let button = move || if left.get().is_some() { "Create new codes" } else { "Create recovery codes" };
    let later = move || if left.get().is_some() { "Back to security" } else { "Create recovery codes later" };
    let replaced = move || {
        let left = left.get()?;
        Some(view! { <p>{codes_left(left)}". New codes replace all the old ones."</p> })
    };
    let offer = move || {
        if step_up.is_needed() {
            view! { <StepUpForm step_up purpose="Complete the second step again to make this change." /> }
                .into_any()
        } else {
            view! {
                <div class="row">
                    <button
                        class="button"
                        type="button"
                        aria-busy=move || step_up.submission.aria_busy()
                        on:click=create
                    >
                        {button}
                    </button>
                </div>
            }
            .into_any()
        }
    };
    view! {
        <h1 tabindex="-1">"Save your recovery codes"</h1>
        <p>"They let you sign in when you don’t have your phone. We show them only once."</p>
        {replaced}
        {offer}
        <FailureNotice failure=step_up.submission.failure />
        <a class="link" href=page::SECURITY>{later}</a>
    }
}

/// The codes, until whoever has saved them says so.
#[component]
fn Shown(codes: Vec<String>) -> impl IntoView {
    let auth = AuthContext::get();
    let navigate = navigator();
    let saved = RwSignal::new(false);
    let said = RwSignal::new("");
    // The browser asks before it closes the page, loads it again or follows a link.
    let router = Router::get();
    Effect::new(move |_| router.ask_before_leaving((!saved.get()).then_some(UNSAVED)));
    let asks = window_event_listener(ev::beforeunload, move |event| {
        if !saved.get_untracked() {
            event.prevent_default();
            event.set_return_value("unsaved");
        }
    });
    on_cleanup(move || {
        asks.remove();
        router.ask_before_leaving(None);
        // How many there are is shown elsewhere.
        auth.spawn_refresh();
    });
    let text = StoredValue::new(codes.join("\n"));
    let download = move |_| {
        let about = format!("Countersign recovery codes, created {}. Each code works once.", today());
        let file = text.with_value(|text| format!("{about}\n\n{text}\n"));
        let done = browser::save_file(FILE_NAME, "text/plain", &file);
        said.set(if done.is_ok() { "Downloaded" } else { "This browser can’t save files." });
    };
    let copy = move |_| {
        spawn_local(async move {
            let copied = browser::copy(&text.get_value()).await;
            let outcome = if copied { "Copied" } else { "This browser doesn’t allow copying." };
            // The page may have been left meanwhile.
            let _ = said.try_set(outcome);
        });
    };
    let finish = move |event: ev::SubmitEvent| {
        event.prevent_default();
        if saved.get_untracked() {
            navigate(page::SECURITY, false);
        }
    };
    let code = |code: String| view! { <li><span class="num" translate="no">{code}</span></li> };
    view! {
        <h1 tabindex="-1">"Your recovery codes"</h1>
        <p>"Each code works once. Keep them in a safe place away from your phone."</p>
        // Marked as a list: without its numbers, some screen readers would not say so.
        <ol class="codes" role="list" aria-label="Recovery codes">{codes.into_iter().map(code).collect_view()}</ol>
        <div class="row">
            <button class="button plain" type="button" on:click=|_| browser::print()>"Print codes"</button>
            <button class="button plain" type="button" on:click=download>"Download codes"</button>
            {browser::may_copy().then(|| view! {
                <button class="button plain" type="button" on:click=copy>"Copy codes"</button>
            })}
            <span class="quiet" role="status">{move || said.get()}</span>
        </div>
        <form class="stack" on:submit=finish>
            <label class="switch">
                <input type="checkbox" prop:checked=move || saved.get() on:change:target=move |event| saved.set(event.target().checked()) />
                <span>"I’ve saved these codes"</span>
            </label>
            <div class="row"><button class="button" disabled=move || !saved.get()>"Finish"</button></div>
        </form>
    }
}
