//! What protects an account: password, email, sign-in methods, and a way out where somebody else got in.

use leptos::prelude::*;
use shared::{User, routes::page};

use super::devices::SignInMethods;
use crate::{
    api,
    auth::{Access, AuthContext, AuthState},
    browser,
    components::{
        date::date,
        denied_sign_in::Secured,
        icon::{Icon, icon},
        notice::FailureNotice,
        pair::announce_page,
        rail::Rail,
        require_access::RequireAccess,
    },
    flow::Submission,
};

#[component]
pub fn Security() -> impl IntoView {
    announce_page("Security");
    view! { <RequireAccess access=Access::SignedIn><Panels /></RequireAccess> }
}

#[component]
fn Panels() -> impl IntoView {
    let auth = AuthContext::get();
    // What is shown may have changed on another device.
    auth.spawn_refresh();
    let user = Memo::new(move |_| {
        auth.state.with(|state| match state {
            AuthState::SignedIn(user) => Some(user.clone()),
            _ => None,
        })
    });
    let secured = RwSignal::new(None);
    move || match secured.get() {
        Some(email) => view! { <Secured email /> }.into_any(),
        None => view! {
            <div class="stack">
                <h1 tabindex="-1">"Security"</h1>
                <Rail current=page::SECURITY />
                {move || user.get().map(sign_in)}
                <SignInMethods user />
                <Trouble secured />
                <section class="sheet panel" aria-labelledby="own-data">
                    <h2 id="own-data">"Your data"</h2>
                    <ul class="list">
                        <li>
                            <div class="grow">"Download or delete everything stored about your account."</div>
                            <a class="link" href=page::DATA>"Your data"</a>
                        </li>
                    </ul>
                </section>
            </div>
        }
        .into_any(),
    }
}

/// Password and email.
fn sign_in(user: User) -> impl IntoView {
    let changed = user.password_changed_at.map(|at| {
        view! { <br /><span class="quiet">{format!("Changed: {}", date(&at))}</span> }
    });
    let badge = if user.email_verified {
        view! { <span class="badge">{icon(Icon::Check)}"Verified"</span> }.into_any()
    } else {
        view! { <span class="badge wait">"Not verified"</span> }.into_any()
    };
    view! {
        <section class="sheet panel" aria-labelledby="sign-in">
            <h2 id="sign-in">"Sign-in"</h2>
            <ul class="list">
                <li>
                    {icon(Icon::Key)}
                    <div class="grow"><b>"Password"</b>{changed}</div>
                    <a class="link" href=page::PASSWORD>"Change password"</a>
                </li>
                <li>
                    {icon(Icon::Mail)}
                    <div class="grow"><b>"Email"</b>" "{badge}<br /><span class="quiet">{user.email}</span></div>
                    // Without mail, there is no way to verify another one.
                    {user.mail.then(|| view! { <a class="link" href=page::EMAIL>"Change email"</a> })}
                </li>
            </ul>
        </section>
    }
}

/// Ends everything, after a second click.
#[component]
fn Trouble(secured: RwSignal<Option<bool>>) -> impl IntoView {
    let submission = Submission::new();
    let asked = RwSignal::new(false);
    let secure = move |_| {
        submission.run(async move {
            secured.set(Some(api::account::secure_account(String::new()).await?));
            Ok(())
        });
    };
    let body = move || {
        if asked.get() {
            view! {
                <p id="secure-question" tabindex="-1">
                    "This ends all sessions, removes remembered devices, and asks you for a new password."
                </p>
                <div class="row">
                    <button class="button stop" type="button" aria-busy=move || submission.aria_busy() on:click=secure>
                        "Secure my account"
                    </button>
                    <button class="button plain" type="button" on:click=move |_| {
                        asked.set(false);
                        browser::focus_soon("#secure-account");
                    }>"Cancel"</button>
                </div>
            }
            .into_any()
        } else {
            view! {
                <p>"If someone else has used your account, end all sessions and set a new password."</p>
                <div class="row">
                    <button id="secure-account" class="button plain" type="button" on:click=move |_| {
                        asked.set(true);
                        browser::focus_soon("#secure-question");
                    }>"Secure my account"</button>
                </div>
            }
            .into_any()
        }
    };
    view! {
        <section class="sheet panel" aria-labelledby="trouble">
            <h2 id="trouble">"Secure your account"</h2>
            <div class="stack">
                {body}
                <FailureNotice failure=submission.failure />
            </div>
        </section>
    }
}
