//! Security.

use leptos::prelude::*;

use crate::components::pair::announce_page;

#[component]
pub fn Security() -> impl IntoView {
    announce_page("Security");
    view! { <div class="sheet stack"><h1 tabindex="-1">"Security"</h1></div> }
}
