//! The page for unknown paths.

use leptos::prelude::*;
use shared::routes::page;

use crate::components::{
    pair::{Stub, announce_page},
    seal::Half,
};

#[component]
pub fn NotFound() -> impl IntoView {
    announce_page("No page here");
    view! {
        <div class="pair">
            <section class="sheet stack">
                <h1 tabindex="-1">"No page here"</h1>
                <p>"The address may be mistyped, or the page is gone. Your session is as it was."</p>
                <div class="row"><a class="button" href=page::HOME>"Go to the start"</a></div>
            </section>
            <Stub half=Half::Hold heading="404" />
        </div>
    }
}
