//! Change your password.

use leptos::prelude::*;

use crate::components::pair::announce_page;

#[component]
pub fn ChangePassword() -> impl IntoView {
    announce_page("Change your password");
    view! { <div class="sheet stack"><h1 tabindex="-1">"Change your password"</h1></div> }
}
