//! A request's life: the ring of what is left of it, around its own cut.

use leptos::prelude::*;

use super::seal::{Half, cut, decimal};

/// `left` is the true remaining share, from 0 to 1.
#[component]
pub fn Life(
    #[prop(into)] number: Signal<u32>,
    #[prop(into)] left: Signal<f64>,
    #[prop(into)] half: Signal<Half>,
) -> impl IntoView {
    let shapes = move || {
        let [know, hold] = cut(number.get());
        format!(
            r#"<circle cx="100" cy="100" r="94"/><circle class="left" cx="100" cy="100" r="94" pathLength="100" transform="rotate(-90 100 100)"/><path class="know" d="{know}"/><path class="hold" d="{hold}"/>"#
        )
    };
    // Drawn anew only when the cut is another one: the ring moves by a property alone.
    let shapes = Memo::new(move |_| shapes());
    view! {
        <svg
            class="life"
            data-half=move || half.get().word()
            viewBox="0 0 200 200"
            aria-hidden="true"
            style:--left=move || decimal(left.get().max(0.0))
            inner_html=move || shapes.get()
        ></svg>
    }
}
