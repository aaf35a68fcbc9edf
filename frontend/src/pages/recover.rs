//! Enter a recovery code.

use leptos::prelude::*;

use crate::components::pair::announce_page;

#[component]
pub fn Recover() -> impl IntoView {
    announce_page("Enter a recovery code");
    view! { <div class="sheet stack"><h1 tabindex="-1">"Enter a recovery code"</h1></div> }
}
