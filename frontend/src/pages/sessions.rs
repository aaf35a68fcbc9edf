//! Sessions.

use leptos::prelude::*;

use crate::components::pair::announce_page;

#[component]
pub fn Sessions() -> impl IntoView {
    announce_page("Sessions");
    view! { <div class="sheet stack"><h1 tabindex="-1">"Sessions"</h1></div> }
}
