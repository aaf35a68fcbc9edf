//! Messages above a form or below a button.

use leptos::prelude::*;
use shared::{ErrorCode, routes::page};

use super::icon::{Icon, icon};
use crate::{api::ApiFailure, auth::AuthContext};

/// A message in a box with an icon. `class` gives the colour: `stop`, `wait` or none.
pub fn message_box(class: &'static str, symbol: Icon, text: String) -> impl IntoView {
    let role = if class.is_empty() { "status" } else { "alert" };
    view! { <div class=format!("notice {class}") role=role>{icon(symbol)}<div>{text}</div></div> }
}

/// Shown while data is loaded.
pub fn loading() -> impl IntoView {
    view! { <p class="quiet" role="status">"One moment."</p> }
}

/// An error message.
#[component]
pub fn Notice(#[prop(into)] text: Signal<Option<String>>) -> impl IntoView {
    move || text.get().map(|text| message_box("stop", Icon::Alert, text))
}

/// A message that is no error: why this page is shown.
#[component]
pub fn StatusNotice(#[prop(into)] text: Signal<Option<String>>) -> impl IntoView {
    move || text.get().map(|text| view! { <div class="notice wait" role="status">{text}</div> })
}

/// The message of a failed call. If the phone number is used up by other accounts, trying again does
/// not help: the message links to the account page.
#[component]
pub fn FailureNotice(#[prop(into)] failure: Signal<Option<ApiFailure>>) -> impl IntoView {
    let auth = AuthContext::get();
    let text = Signal::derive(move || failure.get().map(|failure| failure.message()));
    let in_use = Memo::new(move |_| {
        failure.with(|failure| failure.as_ref().map(ApiFailure::code) == Some(ErrorCode::PhoneInUse))
    });
    view! {
        <Notice text />
        {move || in_use.get().then(|| view! {
            // The refused call may have signed the session in.
            <a class="link" href=page::ACCOUNT on:click=move |_| auth.spawn_refresh()>"Go to your account"</a>
        })}
    }
}
