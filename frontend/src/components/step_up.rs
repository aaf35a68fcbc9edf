//! A factor that is asked for once more, before something of the account is changed.

use std::{future::Future, pin::Pin, rc::Rc};

use leptos::{ev::SubmitEvent, prelude::*};
use shared::{ErrorCode, phone::written};

use super::{
    code_form::SendAndCheck,
    field::{FieldSpec, TextField},
};
use crate::{
    api::{self, ApiFailure},
    auth::{AuthContext, AuthState},
    browser,
    flow::{ApiCall, Submission, mounted},
};

type Change = Rc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), ApiFailure>>>>>;

/// A change that may need a factor first.
#[derive(Clone, Copy)]
pub struct StepUp {
    /// How the change itself goes on.
    pub submission: Submission,
    needed: RwSignal<bool>,
    change: StoredValue<Option<Change>, LocalStorage>,
}

impl StepUp {
    pub fn new() -> Self {
        Self {
            submission: Submission::new(),
            needed: RwSignal::new(false),
            change: StoredValue::new_local(None),
        }
    }

    /// Whether [`StepUpForm`] is to be shown in place of what leads to the change.
    pub fn is_needed(self) -> bool {
        self.needed.get()
    }

    /// Makes a change. Where the server asks for a factor first, the form is shown, and the change is made after it.
    pub fn run<F: Future<Output = Result<(), ApiFailure>> + 'static>(self, change: impl Fn() -> F + 'static) {
        self.change.set_value(Some(Rc::new(move || Box::pin(change()))));
        self.make();
    }

    fn make(self) {
        let Some(change) = self.change.get_value() else { return };
        self.submission.run(async move {
            match change().await {
                Err(failure) if failure.code() == ErrorCode::StepUpRequired => {
                    if self.needed.try_set(true).is_none() {
                        browser::focus_soon("#step-up");
                    }
                    Ok(())
                }
                other => other,
            }
        });
    }

    fn passed(self) {
        self.needed.set(false);
        browser::focus_soon("main h1");
        self.make();
    }

    fn give_up(self) {
        self.needed.set(false);
        browser::focus_soon("main h1");
    }
}

const RECOVERY_CODE: FieldSpec = FieldSpec {
    id: "recovery",
    label: "Recovery code",
    kind: "text",
    autocomplete: "off",
    inputmode: "text",
    hint: Some("Each code works once."),
};

/// Asks for a factor. `purpose` says what it is for.
#[component]
pub fn StepUpForm(step_up: StepUp, purpose: &'static str) -> impl IntoView {
    let auth = AuthContext::get();
    auth.sent.set(None);
    let (number, has_codes) = match auth.state.get_untracked() {
        AuthState::Pending(_) | AuthState::Anonymous | AuthState::Failed(_) => (String::new(), false),
        AuthState::SignedIn(user) => {
            (written(&user.country_code, &user.phone), user.recovery_codes_left.is_some_and(|left| left > 0))
        }
    };
    let uses_recovery = RwSignal::new(false);
    let check = ApiCall::new(|code| api::verify(code, false));
    let on_accepted = Callback::new(move |()| {
        auth.spawn_refresh();
        step_up.passed();
    });
    let body = move || {
        if uses_recovery.get() {
            view! { <RecoveryForm on_accepted /> }.into_any()
        } else {
            view! { <SendAndCheck number=number.clone() confirm="Verify code" check on_accepted /> }
                .into_any()
        }
    };
    let recovery_link = move || {
        let label = if uses_recovery.get() { "Use another method" } else { "Use a recovery code" };
        view! {
            <button class="link" type="button" on:click=move |_| uses_recovery.update(|uses| *uses = !*uses)>
                {label}
            </button>
        }
    };
    view! {
        <h2 id="step-up" tabindex="-1">"Verify it’s you"</h2>
        <p>{purpose}</p>
        {body}
        {has_codes.then_some(recovery_link)}
        <button class="link" type="button" on:click=move |_| step_up.give_up()>"Don’t change anything"</button>
    }
}

/// A recovery code in place of the phone.
#[component]
fn RecoveryForm(on_accepted: Callback<()>) -> impl IntoView {
    let auth = AuthContext::get();
    let mounted = mounted();
    let code = RwSignal::new(String::new());
    let submission = Submission::new();
    let error = Signal::derive(move || submission.failure.get().map(|failure| failure.message()));
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let mounted = Rc::clone(&mounted);
        submission.run(async move {
            let recovered = api::recover(code.get_untracked(), false).await;
            match recovered {
                Ok(()) if mounted.get() => on_accepted.run(()),
                // It was given up meanwhile, and a code is spent.
                Ok(()) => auth.refresh().await,
                Err(failure) => {
                    browser::focus("#recovery");
                    return Err(failure);
                }
            }
            Ok(())
        });
    };
    view! {
        <form class="stack" on:submit=submit novalidate>
            <TextField spec=RECOVERY_CODE value=code error class="code" maxlength=30_u32 />
            <button class="button wide" aria-busy=move || submission.aria_busy()>"Verify code"</button>
        </form>
    }
}
