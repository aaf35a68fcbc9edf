//! The path in the address bar: links and the browser's buttons change it, and the page follows.

use gloo_timers::callback::Timeout;
use leptos::{ev, prelude::*};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, HtmlAnchorElement, MouseEvent, ScrollRestoration};

use crate::{browser, groups::Page};

/// The path that is shown, shared by all pages.
#[derive(Debug, Clone, Copy)]
pub struct Router {
    path: RwSignal<String>,
    question: StoredValue<Option<&'static str>>,
}

impl Router {
    /// Follows links and the browser's buttons from now on.
    pub fn provide() -> Self {
        let router = Self { path: RwSignal::new(browser::path()), question: StoredValue::new(None) };
        provide_context(router);
        if let Ok(history) = window().history() {
            // The browser itself would scroll before there is a page to scroll. One that refuses this does.
            let _ = history.set_scroll_restoration(ScrollRestoration::Manual);
        }
        // Neither listener is ever removed: the document has one router.
        window_event_listener(ev::popstate, move |event| {
            if !router.may_leave() {
                // The browser has gone already.
                let stays = window().history().and_then(|history| {
                    history.push_state_with_url(&JsValue::NULL, "", Some(&router.path.get_untracked()))
                });
                if stays.is_ok() {
                    return;
                }
            }
            router.path.set(browser::path());
            // How far it was scrolled when a link was followed from there.
            let position = event.state().as_f64().unwrap_or_default();
            // When the page is there.
            Timeout::new(0, move || browser::scroll_to(position)).forget();
        });
        window_event_listener(ev::click, move |event| {
            if let Some(link) = followed_link(&event)
                && router.question.get_value().is_none()
            {
                event.prevent_default();
                let [path, query, fragment] = [link.pathname(), link.search(), link.hash()];
                router.go(&(path + &query + &fragment), false);
            }
        });
        router
    }

    pub fn get() -> Self {
        expect_context()
    }

    /// Asks before the page is left from now on, or no longer. Links are left to the browser, which asks in its own words
    /// where the page listens to `beforeunload`.
    pub fn ask_before_leaving(self, question: Option<&'static str>) {
        self.question.set_value(question);
    }

    /// Whether this page may be left: asks where it has something to lose.
    pub fn may_leave(self) -> bool {
        // A browser that shows no question keeps nobody.
        self.question
            .get_value()
            .is_none_or(|question| window().confirm_with_message(question).unwrap_or(true))
    }

    /// The path, without query and fragment.
    pub fn path(self) -> String {
        self.path.get()
    }

    /// Opens a path; with `replace`, the current page is removed from the history.
    pub fn go(self, url: &str, replace: bool) {
        let Ok(history) = window().history() else { return };
        let changed = if replace {
            history.replace_state_with_url(&JsValue::NULL, "", Some(url))
        } else {
            let position = JsValue::from(window().scroll_y().unwrap_or_default());
            // Without it, the way back leads to the top.
            let _ = history.replace_state(&position, "");
            history.push_state_with_url(&JsValue::NULL, "", Some(url))
        };
        // A browser refuses that only to a page which does it hundreds of times in a few seconds.
        if changed.is_ok() {
            browser::scroll_to(0.0);
            self.path.set(browser::path());
        }
    }
}

/// A function that opens a path; with `replace`, the current page is removed from the history.
pub fn navigator() -> impl Fn(&str, bool) + Copy {
    let router = Router::get();
    move |url: &str, replace| router.go(url, replace)
}

/// The link that a click follows within this window, if it leads to one of the pages.
fn followed_link(event: &MouseEvent) -> Option<HtmlAnchorElement> {
    let elsewhere = event.ctrl_key() || event.meta_key() || event.shift_key() || event.alt_key();
    if event.default_prevented() || event.button() != 0 || elsewhere {
        return None;
    }
    let clicked = event.target()?.dyn_into::<Element>().ok()?;
    let link = clicked.closest("a[href]").ok()??.dyn_into::<HtmlAnchorElement>().ok()?;
    let own_window = matches!(link.target().as_str(), "" | "_self") && !link.has_attribute("download");
    let location = window().location();
    if !own_window || link.origin() != location.origin().ok()? {
        return None;
    }
    // The browser itself goes to a place on this page.
    let same_page = link.pathname() == location.pathname().ok()? && !link.hash().is_empty();
    (!same_page && Page::at(&link.pathname()) != Page::NotFound).then_some(link)
}
