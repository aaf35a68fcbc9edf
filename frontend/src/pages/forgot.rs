//! Reset your password.

use leptos::prelude::*;

use crate::components::pair::announce_page;

#[component]
pub fn Forgot() -> impl IntoView {
    announce_page("Reset your password");
    view! { <div class="sheet stack"><h1 tabindex="-1">"Reset your password"</h1></div> }
}
