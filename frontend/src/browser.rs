//! Functions of the browser.

use wasm_bindgen::JsCast;
use web_sys::{Document, HtmlElement, Window};

fn window() -> Window {
    web_sys::window().expect("a page runs in a window")
}

pub fn document() -> Document {
    window().document().expect("a window has a document")
}

/// Milliseconds since the page was opened, from a monotonic clock.
pub fn now_ms() -> f64 {
    window().performance().map_or(0.0, |performance| performance.now())
}

/// A number from 0 to 99 for people to compare. It need not be hard to guess.
pub fn random_below_100() -> u32 {
    (js_sys::Math::random() * 100.0) as u32 % 100
}

/// The path in the address bar.
pub fn path() -> String {
    window().location().pathname().unwrap_or_default()
}

/// Scrolls the window to so many pixels from the top.
pub fn scroll_to(pixels: f64) {
    window().scroll_to_with_x_and_y(0.0, pixels);
}

/// Loads the page again.
pub fn reload() {
    // It fails only where the document is not allowed to navigate at all.
    let _ = window().location().reload();
}

/// Sets the title of the document.
pub fn set_title(title: &str) {
    document().set_title(&format!("{title} · Countersign"));
}

/// Focuses the first element that matches.
pub fn focus(selector: &str) {
    let found = document().query_selector(selector).ok().flatten();
    if let Some(element) = found.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        // It fails only for an element that was removed meanwhile.
        let _ = element.focus();
    }
}

/// Focuses the heading of the page. Where the window is scrolled to stays: the browser has put it there
/// on the way back.
pub fn focus_heading() {
    let found = document().query_selector("main h1").ok().flatten();
    if let Some(heading) = found.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        let options = web_sys::FocusOptions::new();
        options.set_prevent_scroll(true);
        // It fails only for an element that was removed meanwhile.
        let _ = heading.focus_with_options(&options);
    }
}

/// Focuses the first element that matches after the pending changes are rendered.
pub fn focus_soon(selector: &'static str) {
    gloo_timers::callback::Timeout::new(0, move || focus(selector)).forget();
}

/// Scrolls a list so that the element with this id is visible.
pub fn scroll_into_view(id: &str) {
    if let Some(element) = document().get_element_by_id(id) {
        let nearest = web_sys::ScrollIntoViewOptions::new();
        nearest.set_block(web_sys::ScrollLogicalPosition::Nearest);
        element.scroll_into_view_with_scroll_into_view_options(&nearest);
    }
}

/// The address of the sandbox's phone, when the server runs the sandbox.
pub fn sandbox_phone() -> Option<String> {
    let meta = document().query_selector("meta[name=sandbox-phone]").ok().flatten()?;
    meta.get_attribute("content")
}

/// The region of the browser's language as an ISO code: `GB` of `en-GB`.
pub fn region() -> Option<String> {
    let language = window().navigator().language()?;
    language.split('-').skip(1).find(|part| part.len() == 2).map(str::to_uppercase)
}
