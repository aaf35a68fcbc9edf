//! The links between the pages of an account.

use leptos::prelude::*;
use shared::routes::page;

const PAGES: [(&str, &str); 4] = [
    (page::ACCOUNT, "Overview"),
    (page::SECURITY, "Security"),
    (page::SESSIONS, "Sessions"),
    (page::ACTIVITY, "Activity"),
];

/// `current` is the path of the page it is shown on.
#[component]
pub fn Rail(current: &'static str) -> impl IntoView {
    let link = move |(path, label): (&'static str, &'static str)| {
        view! { <a href=path aria-current=(path == current).then_some("page")>{label}</a> }
    };
    view! {
        <nav class="rail" aria-label="Account pages">{PAGES.into_iter().map(link).collect_view()}</nav>
    }
}
