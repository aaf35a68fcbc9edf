//! A forgotten password: a link to set a new one is sent to a verified e-mail.

use leptos::{ev::SubmitEvent, prelude::*};
use shared::{account::email_problem, routes::page};

use crate::{
    api, browser,
    components::{
        field::{FieldSpec, TextField},
        notice::FailureNotice,
        pair::{Stub, announce_page},
        seal::Half,
    },
    flow::Submission,
};

const EMAIL: FieldSpec = FieldSpec {
    id: "email",
    label: "Email",
    kind: "email",
    autocomplete: "username",
    inputmode: "email",
    hint: None,
};
/// Said for any e-mail: whether there is an account is nobody else's business.
const SENT: &str =
    "If an account uses this email, you’ll get a link within a few minutes. It works once, for 30 minutes.";

#[component]
pub fn Forgot() -> impl IntoView {
    announce_page("Reset your password");
    let email = RwSignal::new(String::new());
    let problem = RwSignal::new(None::<String>);
    let is_sent = RwSignal::new(false);
    let submission = Submission::new();
    let failure = submission.failure;
    let error = Signal::derive(move || problem.get().or_else(|| failure.get()?.field("email")));
    let other_failure = Signal::derive(move || failure.get().filter(|_| error.with(Option::is_none)));
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let typed = email.with_untracked(|email| email.trim().to_owned());
        problem.set(email_problem(&typed).map(str::to_owned));
        if problem.with_untracked(Option::is_some) {
            failure.set(None);
            browser::focus("#email");
            return;
        }
        submission.run(async move {
            let sent = api::account::forgot_password(typed).await;
            match &sent {
                Ok(()) => {
                    is_sent.try_set(true);
                    browser::focus_soon("#sent");
                }
                Err(failure) if failure.field("email").is_some() => browser::focus_soon("#email"),
                Err(_) => {}
            }
            sent
        });
    };
    let body = move || {
        if is_sent.get() {
            return view! {
                <p id="sent" tabindex="-1">{SENT}</p>
                <button
                    class="link"
                    type="button"
                    on:click=move |_| {
                        is_sent.set(false);
                        browser::focus_soon("#email");
                    }
                >
                    "Use another email"
                </button>
            }
            .into_any();
        }
        view! {
            <p>"Enter your email to get a link to set a new password."</p>
            <FailureNotice failure=other_failure />
            <form class="stack" on:submit=submit novalidate>
                <TextField spec=EMAIL value=email error />
                <button class="button wide" aria-busy=move || submission.aria_busy()>"Send reset link"</button>
            </form>
        }
        .into_any()
    };
    view! {
        <div class="pair">
            <section class="sheet stack">
                <h1 tabindex="-1">"Reset your password"</h1>
                {body}
                <a class="link" href=page::LOG_IN>"Sign in"</a>
            </section>
            <Stub
                half=Half::None
                heading="You’ll still need your phone"
                text="A new password never replaces the second step."
            />
        </div>
    }
}
