//! All that is stored about an account: to download, and to delete.

use gloo_timers::future::TimeoutFuture;
use leptos::{ev::SubmitEvent, prelude::*};
use shared::{ErrorCode, routes::page};

use crate::{
    api::{self, ApiFailure},
    auth::{Access, AuthContext},
    browser,
    components::{
        field::PasswordField,
        icon::{Icon, icon},
        notice::FailureNotice,
        pair::announce_page,
        require_access::RequireAccess,
        step_up::{StepUp, StepUpForm},
    },
};

#[component]
pub fn OwnData() -> impl IntoView {
    // Outlasts the session.
    let deleted = RwSignal::new(false);
    move || {
        if deleted.get() {
            view! { <Deleted /> }.into_any()
        } else {
            view! { <RequireAccess access=Access::SignedIn><Sections deleted /></RequireAccess> }.into_any()
        }
    }
}

#[component]
fn Deleted() -> impl IntoView {
    announce_page("Your account was deleted");
    view! {
        <div class="sheet stack">
            <h1 tabindex="-1">"Your account was deleted."</h1>
            <div class="row"><a class="button" href=page::HOME>"Go to home page"</a></div>
        </div>
    }
}

#[component]
fn Sections(deleted: RwSignal<bool>) -> impl IntoView {
    announce_page("Your data");
    let (export, delete) = (StepUp::new(), StepUp::new());
    let password = RwSignal::new(String::new());
    // Whether the page asks for the password.
    let is_asking = RwSignal::new(false);
    let body = move || {
        if export.is_needed() {
            let purpose = "Complete the second step again to download your data.";
            view! { <StepUpForm step_up=export purpose /> }.into_any()
        } else if delete.is_needed() {
            let purpose = "Complete the second step again to make this change.";
            view! { <StepUpForm step_up=delete purpose /> }.into_any()
        } else {
            view! {
                <Export step_up=export />
                <section class="stack cut" aria-labelledby="delete">
                    <h2 id="delete">"Delete your account"</h2>
                    <p>"This deletes your account and everything stored about it. You can’t undo it."</p>
                    <Delete step_up=delete password is_asking deleted />
                </section>
            }
            .into_any()
        }
    };
    view! {
        <div class="sheet stack">
            <h1 tabindex="-1">"Your data"</h1>
            {body}
            <a class="link" href=page::SECURITY>"Back to Security"</a>
        </div>
    }
}

#[component]
fn Export(step_up: StepUp) -> impl IntoView {
    let export = move |_| {
        step_up.run(|| async {
            let stored = api::account::export().await?;
            browser::save_file("account.json", "application/json", &stored)
                .map_err(|_| ApiFailure::Unreachable)
        });
    };
    view! {
        <p>"Download everything stored about your account as a JSON file."</p>
        <div class="row">
            <button
                class="button"
                type="button"
                aria-busy=move || step_up.submission.aria_busy()
                on:click=export
            >
                "Download my data"
            </button>
        </div>
        <FailureNotice failure=step_up.submission.failure />
    }
}

/// Asks for the password in place.
#[component]
fn Delete(
    step_up: StepUp,
    password: RwSignal<String>,
    is_asking: RwSignal<bool>,
    deleted: RwSignal<bool>,
) -> impl IntoView {
    let auth = AuthContext::get();
    let failure = step_up.submission.failure;
    let is_wrong = |failure: &ApiFailure| {
        failure.code() == ErrorCode::WrongPassword || failure.field("password").is_some()
    };
    let error = Signal::derive(move || {
        let failure = failure.get().filter(is_wrong)?;
        Some(failure.field("password").unwrap_or_else(|| failure.message()))
    });
    let other_failure = Signal::derive(move || failure.get().filter(|failure| !is_wrong(failure)));
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        step_up.run(move || async move {
            auth.ending.set_value(true);
            let gone = api::account::delete_account(password.get_untracked()).await;
            auth.ending.set_value(gone.is_ok());
            match &gone {
                Ok(()) => {
                    deleted.try_set(true);
                    // The state changes after the page: the page left would redirect otherwise.
                    TimeoutFuture::new(0).await;
                    auth.set_anonymous();
                }
                Err(failure) if is_wrong(failure) => browser::focus_soon("#password"),
                Err(_) => {}
            }
            gone
        });
    };
    let keep = move |_| {
        is_asking.set(false);
        password.set(String::new());
        failure.set(None);
        browser::focus_soon("#delete-account");
    };
    move || {
        if !is_asking.get() {
            return view! {
                <div class="row">
                    <button
                        class="button stop"
                        id="delete-account"
                        type="button"
                        on:click=move |_| {
                            is_asking.set(true);
                            browser::focus_soon("#password");
                        }
                    >
                        "Delete account"
                    </button>
                </div>
            }
            .into_any();
        }
        view! {
            <form class="stack" on:submit=submit novalidate>
                <PasswordField
                    value=password
                    autocomplete="current-password"
                    label="Enter your password to delete the account"
                    error
                />
                <FailureNotice failure=other_failure />
                <div class="row">
                    <button class="button stop" aria-busy=move || step_up.submission.aria_busy()>
                        {icon(Icon::Alert)}
                        "Delete account"
                    </button>
                    <button class="link" type="button" on:click=keep>"Keep my account"</button>
                </div>
            </form>
        }
        .into_any()
    }
}
