//! What the pages share that links from e-mails open.

use leptos::{ev, prelude::*};

use super::notice::message_box;
use crate::{browser, components::icon::Icon};

/// The token of the link that has opened the calling page: in the fragment, which is not sent to servers, and is
/// removed from the address bar at once. Also that of another link which is opened in the same window.
pub fn link_token() -> RwSignal<Option<String>> {
    let token = RwSignal::new(browser::take_fragment());
    let listener = window_event_listener(ev::hashchange, move |_| {
        if let Some(newer) = browser::take_fragment() {
            token.set(Some(newer));
        }
    });
    on_cleanup(move || listener.remove());
    token
}

/// Shown in place of what the link was for.
pub fn expired(message: &'static str) -> impl IntoView {
    message_box("wait", Icon::Clock, message.to_owned())
}
