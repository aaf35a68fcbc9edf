//! Secure your account.

use leptos::prelude::*;

use crate::components::pair::announce_page;

#[component]
pub fn Secure() -> impl IntoView {
    announce_page("Secure your account");
    view! { <div class="sheet stack"><h1 tabindex="-1">"Secure your account"</h1></div> }
}
