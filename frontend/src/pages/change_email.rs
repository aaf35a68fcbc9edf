//! Changing the e-mail: a link is sent to the new one. Also verifying the one of now.

use leptos::{ev::SubmitEvent, prelude::*};
use shared::{account::email_problem, routes::page};

use crate::{
    api,
    auth::{Access, AuthContext, AuthState},
    browser,
    components::{
        field::{FieldSpec, TextField},
        icon::{Icon, icon},
        notice::FailureNotice,
        pair::{Stub, announce_page},
        require_access::RequireAccess,
        seal::Half,
        step_up::{StepUp, StepUpForm},
    },
};

const EMAIL: FieldSpec = FieldSpec {
    id: "email",
    label: "New email",
    kind: "email",
    autocomplete: "email",
    inputmode: "email",
    hint: Some("We’ll send a link to the new email. Your current email stays until you open the link."),
};

#[component]
pub fn ChangeEmail() -> impl IntoView {
    announce_page("Change your email");
    view! { <RequireAccess access=Access::SignedIn><Form /></RequireAccess> }
}

#[component]
fn Form() -> impl IntoView {
    let auth = AuthContext::get();
    let step_up = StepUp::new();
    let email = RwSignal::new(String::new());
    // What this page finds wrong with it; the server checks again.
    let problem = RwSignal::new(None::<String>);
    // Where the link was sent.
    let sent = RwSignal::new(None::<String>);
    let (current, is_verified) = match auth.state.get_untracked() {
        AuthState::SignedIn(user) => (user.email, user.email_verified),
        _ => (String::new(), false),
    };
    let failure = step_up.submission.failure;
    // Whether it was the field's email, and not the one of now, that was refused.
    let is_new = RwSignal::new(true);
    let error = Signal::derive(move || {
        problem.get().or_else(|| failure.get().filter(|_| is_new.get())?.field("email"))
    });
    let other_failure = Signal::derive(move || failure.get().filter(|_| error.with(Option::is_none)));
    let send = move |to: String| {
        step_up.run(move || {
            let to = to.clone();
            async move {
                match api::account::change_email(to.clone()).await {
                    Ok(()) => {
                        sent.try_set(Some(to));
                        browser::focus_soon("main h1");
                        Ok(())
                    }
                    Err(failure) => {
                        if failure.field("email").is_some() {
                            browser::focus_soon("#email");
                        }
                        Err(failure)
                    }
                }
            }
        });
    };
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let typed = email.with_untracked(|email| email.trim().to_owned());
        is_new.set(true);
        problem.set(email_problem(&typed).map(str::to_owned));
        if problem.with_untracked(Option::is_some) {
            failure.set(None);
            browser::focus("#email");
        } else {
            send(typed);
        }
    };
    let current = StoredValue::new(current);
    let verify_current = move |_| {
        is_new.set(false);
        problem.set(None);
        send(current.get_value());
    };
    let now = move || {
        let badge = if is_verified {
            view! { <span class="badge">{icon(Icon::Check)}"Verified"</span> }.into_any()
        } else {
            view! { <span class="badge wait">"Not verified"</span> }.into_any()
        };
        view! {
            <dl class="facts">
                <div><dt>"Email"</dt><dd>{current.get_value()}" "{badge}</dd></div>
            </dl>
            {(!is_verified).then(|| view! {
                <div class="row">
                    <button
                        class="button plain"
                        type="button"
                        aria-busy=move || step_up.submission.aria_busy().filter(|_| !is_new.get())
                        aria-describedby="now"
                        on:click=verify_current
                    >
                        "Send verification link"
                    </button>
                    <span class="hide" id="now">{current.get_value()}</span>
                </div>
            })}
        }
    };
    let body = move || {
        if let Some(email) = sent.get() {
            return view! {
                <p id="sent" role="status">
                    "Open the link we sent to "<b>{email}</b>". It works once, for 30 minutes."
                </p>
                <button
                    class="link"
                    type="button"
                    on:click=move |_| {
                        sent.set(None);
                        browser::focus_soon("#email");
                    }
                >
                    "Use another email"
                </button>
            }
            .into_any();
        }
        if step_up.is_needed() {
            return view! {
                <StepUpForm step_up purpose="Complete the second step again to make this change." />
            }
            .into_any();
        }
        view! {
            <FailureNotice failure=other_failure />
            {current.with_value(|current| !current.is_empty()).then(now)}
            <form class="stack" on:submit=submit novalidate>
                <TextField spec=EMAIL value=email error />
                <button
                    class="button wide"
                    aria-busy=move || step_up.submission.aria_busy().filter(|_| is_new.get())
                >
                    "Send verification link"
                </button>
            </form>
        }
        .into_any()
    };
    let is_sent = move || sent.with(Option::is_some);
    view! {
        <div class="pair">
            <section class="sheet stack">
                <h1 tabindex="-1" aria-describedby=move || is_sent().then_some("sent")>"Change your email"</h1>
                {body}
                <a class="link" href=page::SECURITY>"Back to Security"</a>
            </section>
            <Stub
                half=Half::Know
                heading="A link to the new email"
                text="Nothing changes until you open it. Then we tell the old email."
            />
        </div>
    }
}
