//! Second half: a code.

use leptos::{prelude::*, task::spawn_local};
use shared::{PushStatus, Via, routes::page};

use crate::{
    components::{
        code_form::CodeForm,
        pair::{Stub, Turn, arrive},
        seal::Half,
    },
    who::{For, Only, Visit, Who, goer},
};

#[component]
pub fn Code() -> impl IntoView {
    arrive("Enter the code");
    view! { <Only page_for=For::Pending><Form /></Only> }
}

/// What was sent where.
pub fn sent_where(visit: Visit, number: String) -> impl IntoView {
    move || {
        let number = number.clone();
        let number = view! { <span class="num">{number}</span> };
        match visit.sent.get().and_then(|sent| sent.via) {
            Some(Via::Sms) => view! { <p>"We texted it to "{number}"."</p> }.into_any(),
            Some(Via::Call) => view! { <p>"We are calling "{number}" to say it."</p> }.into_any(),
            None => view! { <p>"From the app, or sent to "{number}"."</p> }.into_any(),
        }
    }
}

#[component]
fn Form() -> impl IntoView {
    let visit = Visit::get();
    let go = goer();
    let (number, asked) = match visit.who.get_untracked() {
        Who::Pending(status) => (status.phone, status.status != PushStatus::Unverified),
        _ => (String::new(), false),
    };
    let on_right = Callback::new(move |()| {
        let go = go.clone();
        spawn_local(async move {
            visit.refresh().await;
            go(page::ACCOUNT, true);
        });
    });
    view! {
        <div class="pair">
            <section class="sheet stack">
                <h1 tabindex="-1">"Enter the code"</h1>
                {sent_where(visit, number)}
                <CodeForm confirm="Confirm" on_right />
                {asked.then(|| view! { <a class="link" href=page::APPROVE>"Back to the request on the phone"</a> })}
            </section>
            <Stub
                half=Half::Know
                turn=Turn::Waiting
                heading="Second half: your phone"
                text="The password is right. The code proves the phone is with you."
            />
        </div>
    }
}
