//! What the document shows until the program runs: it stays until there is a page to take its place.

use wasm_bindgen::JsCast;
use web_sys::{Event, EventInit, HtmlElement, HtmlInputElement};

use crate::browser::{self, document};

/// What was typed before the program ran.
#[derive(Debug, Default)]
pub struct FirstFrame {
    fields: Vec<Field>,
    /// Where the link leads that has the focus.
    focused_link: Option<String>,
}

#[derive(Debug)]
struct Field {
    id: String,
    value: String,
    /// Where the selection begins and ends, in the field that has the focus.
    focus: Option<(Option<u32>, Option<u32>)>,
}

impl FirstFrame {
    /// Removes it from the document.
    pub fn remove() -> Self {
        let mut frame = Self::default();
        let Some(shown) = document().get_element_by_id("frame") else { return frame };
        let active = document().active_element();
        frame.focused_link = active.as_ref().and_then(|element| element.get_attribute("href"));
        let focused = active.map(|element| element.id());
        let inputs = shown.query_selector_all("input").ok();
        for at in 0..inputs.as_ref().map_or(0, web_sys::NodeList::length) {
            let input = inputs.as_ref().and_then(|all| all.item(at));
            let Some(input) = input.and_then(|node| node.dyn_into::<HtmlInputElement>().ok()) else {
                continue;
            };
            // Fields for addresses have no selection that could be read.
            let selection = || (input.selection_start().ok().flatten(), input.selection_end().ok().flatten());
            let focus = (focused.as_ref() == Some(&input.id())).then(selection);
            frame.fields.push(Field { id: input.id(), value: input.value(), focus });
        }
        shown.remove();
        frame
    }

    /// Puts what was typed into the fields of the page that is shown now, and the focus where it was.
    pub fn restore(self) {
        if let Some(href) = self.focused_link {
            browser::focus(&format!("a[href='{href}']"));
        }
        for Field { id, value, focus } in self.fields {
            let found = document().get_element_by_id(&id);
            let Some(input) = found.and_then(|element| element.dyn_into::<HtmlInputElement>().ok()) else {
                continue;
            };
            if !value.is_empty() {
                input.set_value(&value);
                let bubbling = EventInit::new();
                bubbling.set_bubbles(true);
                if let Ok(event) = Event::new_with_event_init_dict("input", &bubbling) {
                    // It fails only for an event that is being dispatched already.
                    let _ = input.dispatch_event(&event);
                }
            }
            if let Some((start, end)) = focus {
                // Neither fails for a field that is in the document, but an e-mail field has no selection.
                let _ = input.unchecked_ref::<HtmlElement>().focus();
                if let (Some(start), Some(end)) = (start, end) {
                    let _ = input.set_selection_range(start, end);
                }
            }
        }
    }
}
