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

/// What is asked for in the address bar: the value of a name in the query.
pub fn asked_for(name: &str) -> Option<String> {
    let query = window().location().search().ok()?;
    let pairs = query.trim_start_matches('?').split('&');
    pairs
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.to_owned())
}

/// The fragment of the address without its `#`, which is removed from the address bar; `None` where there is none, or
/// it is a place on the page.
pub fn take_fragment() -> Option<String> {
    let location = window().location();
    let fragment = location.hash().ok()?.trim_start_matches('#').to_owned();
    if fragment.is_empty() || document().get_element_by_id(&fragment).is_some() {
        return None;
    }
    let address = path() + &location.search().unwrap_or_default();
    if let Ok(history) = window().history() {
        let state = history.state().unwrap_or_default();
        // A browser refuses that only to a page which does it hundreds of times in a few seconds.
        let _ = history.replace_state_with_url(&state, "", Some(&address));
    }
    Some(fragment)
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

/// Whether a text was typed into the field that has the focus.
pub fn is_typing() -> bool {
    let focused = document().active_element();
    let field = focused.and_then(|element| element.dyn_into::<web_sys::HtmlInputElement>().ok());
    field.is_some_and(|field| field.type_() == "text" && !field.value().is_empty())
}

/// Focuses the first element that matches. Returns whether there is one.
pub fn focus(selector: &str) -> bool {
    let found = document().query_selector(selector).ok().flatten();
    let Some(element) = found.and_then(|element| element.dyn_into::<HtmlElement>().ok()) else {
        return false;
    };
    // It fails only for an element that was removed meanwhile.
    element.focus().is_ok()
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
pub fn focus_soon(selector: impl AsRef<str> + 'static) {
    gloo_timers::callback::Timeout::new(0, move || {
        focus(selector.as_ref());
    })
    .forget();
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

/// The person's language, if the page is written in it; the language of the page otherwise. Dates are written by it.
pub fn locale() -> String {
    let written = document().document_element().and_then(|root| root.get_attribute("lang"));
    let written = written.unwrap_or_else(|| "en".to_owned());
    let spoken = window().navigator().language().unwrap_or_default();
    if spoken.split('-').next() == Some(written.as_str()) { spoken } else { written }
}

/// Opens the dialog for printing this page.
pub fn print() {
    // It fails only where the document is not allowed to.
    let _ = window().print();
}

/// Whether [`copy`] is possible: browsers allow it to pages of `https` and of this computer.
pub fn may_copy() -> bool {
    let clipboard = js_sys::Reflect::get(&window().navigator(), &"clipboard".into());
    clipboard.is_ok_and(|clipboard| clipboard.is_object())
}

/// Copies a text. Returns whether the browser has allowed it.
pub async fn copy(text: &str) -> bool {
    let copied = window().navigator().clipboard().write_text(text);
    wasm_bindgen_futures::JsFuture::from(copied).await.is_ok()
}

/// Has the browser save a text as a file, of any length: a `data:` address would end at two million characters.
pub fn save_file(name: &str, kind: &str, text: &str) -> Result<(), wasm_bindgen::JsValue> {
    let options = web_sys::BlobPropertyBag::new();
    options.set_type(kind);
    let parts = js_sys::Array::of1(&text.into());
    let blob = web_sys::Blob::new_with_str_sequence_and_options(&parts, &options)?;
    let url = web_sys::Url::create_object_url_with_blob(&blob)?;
    let link = document().create_element("a")?;
    link.set_attribute("href", &url)?;
    link.set_attribute("download", name)?;
    link.unchecked_into::<HtmlElement>().click();
    // Some browsers begin to read it only after the click.
    gloo_timers::callback::Timeout::new(10_000, move || {
        let _ = web_sys::Url::revoke_object_url(&url);
    })
    .forget();
    Ok(())
}
