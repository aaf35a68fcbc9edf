//! Second half: a code.

use leptos::{prelude::*, task::spawn_local};
use shared::routes::page;

use crate::{
    api,
    components::{
        code_form::{CodeForm, CodeWays, SentWhere},
        pair::{Stub, Turn, arrive},
        seal::Half,
    },
    flow::{Act, send_code},
    who::{For, Only, Visit, Who, goer},
};

#[component]
pub fn Code() -> impl IntoView {
    arrive("Enter the code");
    view! { <Only page_for=For::Pending><Form /></Only> }
}

#[component]
fn Form() -> impl IntoView {
    let visit = Visit::get();
    let go = goer();
    let number = match visit.who.get_untracked() {
        Who::Pending(status) => status.phone,
        _ => String::new(),
    };
    let ways = CodeWays { check: Act::new(api::verify), send: Act::new(move |via| send_code(visit, via)) };
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
                <SentWhere or_else=format!("The one the app shows on {number}, or the last one sent there.") />
                <CodeForm confirm="Confirm" ways on_right />
                <a class="link" href=page::METHODS>"Choose another way"</a>
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
