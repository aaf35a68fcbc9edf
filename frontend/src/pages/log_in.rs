//! The first factor: the password.

use leptos::{ev::SubmitEvent, prelude::*, task::spawn_local};
use shared::{Login, routes::page};

use crate::{
    api::{self, ApiFailure},
    auth::{Access, AuthContext},
    browser,
    components::{
        field::{FieldSpec, PasswordField, TextField},
        notice::{FailureNotice, StatusNotice},
        pair::{Stub, announce_page},
        require_access::RequireAccess,
        seal::Half,
    },
    flow::page_after_push,
    groups::Group,
    router::navigator,
};

#[component]
pub fn LogIn() -> impl IntoView {
    announce_page("Log in");
    view! { <RequireAccess access=Access::Anonymous><Form /></RequireAccess> }
}

#[component]
fn Form() -> impl IntoView {
    let (email, password) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let failure = RwSignal::new(None::<ApiFailure>);
    let busy = RwSignal::new(false);
    let auth = AuthContext::get();
    let navigate = navigator();
    on_cleanup(move || auth.notice.set(None));
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        // Most passwords are right.
        Group::SecondFactor.preload();
        failure.set(None);
        spawn_local(async move {
            let login = Login {
                email: email.get_untracked(),
                password: password.get_untracked(),
                ..Login::default()
            };
            match api::log_in(&login).await {
                Ok(answer) => {
                    // Whoever signed in here before may have chosen it for themselves.
                    auth.remember.set(false);
                    let next = page_after_push(auth, answer);
                    auth.refresh().await;
                    navigate(next, true);
                }
                Err(refused) => {
                    failure.set(Some(refused));
                    password.set(String::new());
                    busy.set(false);
                    browser::focus("#password");
                }
            }
        });
    };
    const EMAIL: FieldSpec = FieldSpec {
        id: "email",
        label: "E-mail or username",
        kind: "text",
        autocomplete: "username",
        inputmode: "email",
        hint: None,
    };
    view! {
        <div class="pair">
            <section class="sheet stack">
                <h1 tabindex="-1">"Log in"</h1>
                <StatusNotice text=auth.notice />
                <FailureNotice failure />
                <form class="stack" on:submit=submit novalidate>
                    <TextField spec=EMAIL value=email />
                    <PasswordField value=password autocomplete="current-password" />
                    <button class="button wide" aria-busy=move || busy.get().then_some("true")>"Continue"</button>
                </form>
                <a class="link" href=page::FORGOT>"Forgot your password?"</a>
                <p class="quiet">"New here? "<a class="link" href=page::SIGN_UP>"Create account"</a></p>
            </section>
            <Stub
                half=Half::None
                heading="Step 1 of 2: password"
                text="Then we ask your phone. Neither opens the account alone."
            />
        </div>
    }
}
