//! What only both halves open.

use leptos::{prelude::*, task::spawn_local};
use shared::routes::page;

use crate::{
    api::{self, Failure},
    components::{
        field::Notice,
        pair::{Stub, Turn, arrive},
        seal::Half,
    },
    who::{For, Only},
};

#[component]
pub fn Protected() -> impl IntoView {
    arrive("Protected page");
    view! { <Only page_for=For::Proven><Content /></Only> }
}

#[component]
fn Content() -> impl IntoView {
    let content = RwSignal::new(None::<Result<(String, String), Failure>>);
    spawn_local(async move {
        let answer = api::protected().await.map(|answer| (answer.message, answer.username));
        content.try_set(Some(answer));
    });
    let told = move || match content.get() {
        None => view! { <p class="quiet" role="status">"One moment."</p> }.into_any(),
        Some(Ok((message, username))) => view! {
            <p>{message}</p>
            <dl class="facts"><div><dt>"Signed in as"</dt><dd>{username}</dd></div></dl>
        }
        .into_any(),
        Some(Err(failure)) => {
            let text = Some(failure.message());
            view! { <Notice text=Signal::derive(move || text.clone()) /> }.into_any()
        }
    };
    view! {
        <div class="pair" data-state="approved">
            <section class="sheet stack">
                <h1 tabindex="-1">"Protected page"</h1>
                {told}
                <div class="row">
                    <a class="button" href=page::SEND>"Send money"</a>
                    <a class="button plain" href=page::ACCOUNT>"Your account"</a>
                </div>
            </section>
            <Stub
                half=Half::Both
                turn=Turn::Approved
                heading="Both halves are here"
                text="Your password and your phone opened this page."
            />
        </div>
    }
}
