//! The ring that shows the time left of an approval request, around the cut of its number.

use leptos::prelude::*;

use super::seal::{Half, cut, decimal};

/// `left` is the remaining share of the request's lifetime, from 0 to 1.
#[component]
pub fn CountdownRing(
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
    // A memo: the shapes change with the number, the ring every second by a property alone.
    let shapes = Memo::new(move |_| shapes());
    view! {
        <svg
            class="life"
            data-half=move || half.get().data_half()
            viewBox="0 0 200 200"
            aria-hidden="true"
            style:--left=move || decimal(left.get().max(0.0))
            inner_html=move || shapes.get()
        ></svg>
    }
}
