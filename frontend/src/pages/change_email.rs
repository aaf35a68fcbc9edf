//! Change your email.

use leptos::prelude::*;

use crate::components::pair::announce_page;

#[component]
pub fn ChangeEmail() -> impl IntoView {
    announce_page("Change your email");
    view! { <div class="sheet stack"><h1 tabindex="-1">"Change your email"</h1></div> }
}
