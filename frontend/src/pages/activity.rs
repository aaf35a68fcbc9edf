//! Activity.

use leptos::prelude::*;

use crate::components::pair::announce_page;

#[component]
pub fn Activity() -> impl IntoView {
    announce_page("Activity");
    view! { <div class="sheet stack"><h1 tabindex="-1">"Activity"</h1></div> }
}
