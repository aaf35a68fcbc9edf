//! Set a new password.

use leptos::prelude::*;

use crate::components::pair::announce_page;

#[component]
pub fn Reset() -> impl IntoView {
    announce_page("Set a new password");
    view! { <div class="sheet stack"><h1 tabindex="-1">"Set a new password"</h1></div> }
}
