//! Verify your new email.

use leptos::prelude::*;

use crate::components::pair::announce_page;

#[component]
pub fn ConfirmEmail() -> impl IntoView {
    announce_page("Verify your new email");
    view! { <div class="sheet stack"><h1 tabindex="-1">"Verify your new email"</h1></div> }
}
