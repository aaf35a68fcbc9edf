//! Small things asked of the browser.

use wasm_bindgen::JsCast;
use web_sys::{Document, HtmlElement, Window};

fn window() -> Window {
    web_sys::window().expect("a page runs in a window")
}

fn document() -> Document {
    window().document().expect("a window has a document")
}

/// The time that has passed since the page was opened, in milliseconds. It cannot be set wrong,
/// unlike the clock.
pub fn now_ms() -> f64 {
    window().performance().map_or(0.0, |performance| performance.now())
}

/// A number from 0 to 99, for people to compare; nothing hangs on somebody guessing it.
pub fn below_100() -> u32 {
    (js_sys::Math::random() * 100.0) as u32 % 100
}

/// Names the document.
pub fn set_title(title: &str) {
    document().set_title(&format!("{title} · Countersign"));
}

/// Puts the focus on the first element that matches.
pub fn focus(selector: &str) {
    let found = document().query_selector(selector).ok().flatten();
    if let Some(element) = found.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        // It may have gone meanwhile; then there is nothing to focus.
        let _ = element.focus();
    }
}

/// The same, once what is drawn now is there.
pub fn focus_soon(selector: &'static str) {
    gloo_timers::callback::Timeout::new(0, move || focus(selector)).forget();
}

/// Scrolls an element of a list into its view.
pub fn reveal(id: &str) {
    if let Some(element) = document().get_element_by_id(id) {
        let nearest = web_sys::ScrollIntoViewOptions::new();
        nearest.set_block(web_sys::ScrollLogicalPosition::Nearest);
        element.scroll_into_view_with_scroll_into_view_options(&nearest);
    }
}

/// Where the sandbox's phone is, when the server runs one.
pub fn sandbox_phone() -> Option<String> {
    let meta = document().query_selector("meta[name=sandbox-phone]").ok().flatten()?;
    meta.get_attribute("content")
}

/// The region of the reader's language, as an ISO code: `GB` of `en-GB`.
pub fn region() -> Option<String> {
    let language = window().navigator().language()?;
    language.split('-').skip(1).find(|part| part.len() == 2).map(str::to_uppercase)
}
