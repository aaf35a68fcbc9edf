//! Your recovery codes.

use leptos::prelude::*;

use crate::components::pair::announce_page;

#[component]
pub fn RecoveryCodes() -> impl IntoView {
    announce_page("Your recovery codes");
    view! { <div class="sheet stack"><h1 tabindex="-1">"Your recovery codes"</h1></div> }
}
