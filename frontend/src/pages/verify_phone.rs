//! Proving the phone of an account that is open already.

use leptos::{prelude::*, task::spawn_local};
use shared::{Via, phone::written, routes::page};

use super::code::sent_where;
use crate::{
    api::Failure,
    components::{
        code_form::CodeForm,
        field::Notice,
        pair::{Stub, Turn, arrive},
        seal::Half,
    },
    flow::send_code,
    who::{For, Only, Visit, Who, goer},
};

#[component]
pub fn VerifyPhone() -> impl IntoView {
    arrive("Prove this is your phone");
    view! { <Only page_for=For::SignedIn><Form /></Only> }
}

#[component]
fn Form() -> impl IntoView {
    let visit = Visit::get();
    let go = goer();
    let number = match visit.who.get_untracked() {
        Who::SignedIn(user) => written(&user.country_code, &user.phone),
        _ => String::new(),
    };
    let failure = RwSignal::new(None::<Failure>);
    let busy = RwSignal::new(false);
    let first = move |via| {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        spawn_local(async move {
            failure.set(send_code(visit, via).await.err());
            busy.set(false);
        });
    };
    let on_right = Callback::new(move |()| {
        let go = go.clone();
        spawn_local(async move {
            visit.refresh().await;
            go(page::ACCOUNT, true);
        });
    });
    let begun = Memo::new(move |_| visit.sent.get().is_some_and(|sent| sent.via.is_some()));
    let shown = number.clone();
    let body = move || {
        if begun.get() {
            view! {
                {sent_where(visit, shown.clone())}
                <CodeForm confirm="Verify phone" on_right />
            }
            .into_any()
        } else {
            view! {
                <p>"We send a code to "<span class="num">{shown.clone()}</span>"."</p>
                <div class="row">
                    <button class="button" type="button" aria-busy=move || busy.get().then_some("true") on:click=move |_| first(Via::Sms)>
                        "Text me a code"
                    </button>
                    <button class="button plain" type="button" on:click=move |_| first(Via::Call)>"Call me instead"</button>
                </div>
            }
            .into_any()
        }
    };
    let problem = Signal::derive(move || failure.get().map(|failure| failure.message()));
    view! {
        <div class="pair">
            <section class="sheet stack">
                <h1 tabindex="-1">"Prove this is your phone"</h1>
                {body}
                <Notice text=problem />
                <a class="link" href=page::ACCOUNT>"Do this later"</a>
            </section>
            <Stub
                half=Half::Know
                turn=Turn::Waiting
                heading="Second half: your phone"
                text="Your account exists. Until the phone is proven, protected pages stay shut."
            />
        </div>
    }
}
