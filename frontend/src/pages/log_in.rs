//! First half: the password.

use leptos::{ev::SubmitEvent, prelude::*, task::spawn_local};
use shared::{Login, routes::page};

use crate::{
    api::{self, Failure},
    browser,
    components::{
        field::{Notice, PasswordField, Purpose, TextField},
        pair::{Stub, arrive},
        seal::Half,
    },
    flow::page_after,
    who::{For, Only, Visit, goer},
};

#[component]
pub fn LogIn() -> impl IntoView {
    arrive("Log in");
    view! { <Only page_for=For::Anonymous><Form /></Only> }
}

#[component]
fn Form() -> impl IntoView {
    let (email, password) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let failure = RwSignal::new(None::<Failure>);
    let busy = RwSignal::new(false);
    let visit = Visit::get();
    let go = goer();
    let remark = visit.remark.get_untracked();
    on_cleanup(move || visit.remark.set(None));
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        failure.set(None);
        let go = go.clone();
        spawn_local(async move {
            let login = Login {
                email: email.get_untracked(),
                password: password.get_untracked(),
                ..Login::default()
            };
            match api::log_in(&login).await {
                Ok(answer) => {
                    let next = page_after(visit, answer);
                    visit.refresh().await;
                    go(next, true);
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
    const EMAIL: Purpose = Purpose {
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
                {remark.map(|remark| view! { <div class="notice wait" role="status">{remark}</div> })}
                <Notice text=Signal::derive(move || failure.get().map(|failure| failure.message())) />
                <form class="stack" on:submit=submit novalidate>
                    <TextField purpose=EMAIL value=email />
                    <PasswordField value=password autocomplete="current-password" />
                    <button class="button wide" aria-busy=move || busy.get().then_some("true")>"Continue"</button>
                </form>
                <p class="quiet">"New here? "<a class="link" href=page::SIGN_UP>"Create account"</a></p>
            </section>
            <Stub
                half=Half::None
                heading="First half: your password"
                text="Then we ask your phone. Neither opens the account alone."
            />
        </div>
    }
}
