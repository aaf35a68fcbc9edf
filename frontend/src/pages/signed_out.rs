//! The page after logging out.

use leptos::prelude::*;
use shared::routes::page;

use crate::components::{
    pair::{Stub, announce_page},
    seal::Half,
};

#[component]
pub fn SignedOut() -> impl IntoView {
    announce_page("Signed out");
    view! {
        <div class="pair">
            <section class="sheet stack">
                <h1 tabindex="-1">"Signed out"</h1>
                <p>"This browser holds nothing of your account any more."</p>
                <div class="row"><a class="button" href=page::LOG_IN>"Log in again"</a></div>
            </section>
            <Stub half=Half::None heading="Session ended" />
        </div>
    }
}
