//! A new password, by a link from an e-mail.

use leptos::{ev::SubmitEvent, prelude::*};
use shared::{ErrorCode, password::Advice, routes::page};

use crate::{
    api,
    auth::AuthContext,
    browser,
    components::{
        icon::Icon,
        link::{expired, link_token},
        notice::{FailureNotice, message_box},
        pair::{Stub, announce_page},
        password_advice::NewPassword,
        seal::Half,
    },
    flow::Submission,
};

const DONE: &str = "Password changed. Sign in with your new password.";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Form,
    Done,
    Expired,
}

#[component]
pub fn Reset() -> impl IntoView {
    announce_page("Set a new password");
    let auth = AuthContext::get();
    let token = link_token();
    let first_stage =
        move |token: &Option<String>| if token.is_some() { Stage::Form } else { Stage::Expired };
    let stage = RwSignal::new(token.with_untracked(first_stage));
    let password = RwSignal::new(String::new());
    let problem = RwSignal::new(None::<String>);
    let submission = Submission::new();
    let failure = submission.failure;
    Effect::watch(move || token.get(), move |token, _, _| stage.set(first_stage(token)), false);
    // Whose it is, only the server knows.
    let advice = Signal::derive(move || password.with(|password| Advice::on(password, &[])));
    let error = Signal::derive(move || problem.get().or_else(|| failure.get()?.field("password")));
    let other_failure = Signal::derive(move || failure.get().filter(|_| error.with(Option::is_none)));
    let go_to = move |next: Stage| {
        stage.try_set(next);
        browser::focus_soon("main h1");
    };
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        problem.set(advice.with_untracked(Advice::refusal).map(str::to_owned));
        if problem.with_untracked(Option::is_some) {
            failure.set(None);
            browser::focus("#password");
            return;
        }
        submission.run(async move {
            let token = token.get_untracked().unwrap_or_default();
            match api::account::reset_password(token, password.get_untracked()).await {
                Ok(()) => {
                    // This browser's session has ended too, if it was this account's.
                    auth.refresh().await;
                    go_to(Stage::Done);
                }
                Err(failure) if failure.code() == ErrorCode::LinkExpired => go_to(Stage::Expired),
                Err(failure) => {
                    if failure.field("password").is_some() {
                        browser::focus_soon("#password");
                    }
                    return Err(failure);
                }
            }
            Ok(())
        });
    };
    let body = move || {
        match stage.get() {
        Stage::Form => view! {
            <p>"This ends all your sessions. You’ll still need the second step to sign in."</p>
            <FailureNotice failure=other_failure />
            <form class="stack" on:submit=submit novalidate>
                // For password managers, which keep the new password with what they fill in here.
                <input type="text" name="username" autocomplete="username" hidden />
                <NewPassword value=password advice error knows_owner=false />
                <button class="button wide" aria-busy=move || submission.aria_busy()>"Set new password"</button>
            </form>
        }
        .into_any(),
        Stage::Done => view! {
            <div id="outcome">{message_box("", Icon::Check, DONE.to_owned())}</div>
            <div class="row"><a class="button" href=page::LOG_IN>"Sign in"</a></div>
        }
        .into_any(),
        Stage::Expired => view! {
            <div id="outcome">
                {expired("This link has expired or was already used. Request a new one.")}
            </div>
            <div class="row">
                <a class="button" href=page::FORGOT>"Request a new link"</a>
                <a class="link" href=page::LOG_IN>"Sign in"</a>
            </div>
        }
        .into_any(),
    }
    };
    let has_outcome = move || stage.get() != Stage::Form;
    view! {
        <div class="pair">
            <section class="sheet stack">
                <h1 tabindex="-1" aria-describedby=move || has_outcome().then_some("outcome")>"Set a new password"</h1>
                {body}
            </section>
            <Stub
                half=Half::None
                heading="Then your phone"
                text="You sign in with the new password and your phone, as always."
            />
        </div>
    }
}
