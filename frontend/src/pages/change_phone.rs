//! Change your phone number.

use leptos::prelude::*;

use crate::components::pair::announce_page;

#[component]
pub fn ChangePhone() -> impl IntoView {
    announce_page("Change your phone number");
    view! { <div class="sheet stack"><h1 tabindex="-1">"Change your phone number"</h1></div> }
}
