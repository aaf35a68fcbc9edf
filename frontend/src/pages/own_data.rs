//! Your data.

use leptos::prelude::*;

use crate::components::pair::announce_page;

#[component]
pub fn OwnData() -> impl IntoView {
    announce_page("Your data");
    view! { <div class="sheet stack"><h1 tabindex="-1">"Your data"</h1></div> }
}
