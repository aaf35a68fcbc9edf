//! Whether this browser is to be remembered: for whichever method completes the sign-in.

use leptos::prelude::*;

use crate::auth::AuthContext;

/// A box to tick.
#[component]
pub fn RememberBox() -> impl IntoView {
    let remember = AuthContext::get().remember;
    view! {
        <label class="switch">
            <input
                type="checkbox"
                name="remember"
                aria-describedby="remember-hint"
                prop:checked=move || remember.get()
                on:change:target=move |event| remember.set(event.target().checked())
            />
            <span>
                "Remember this device for 30 days"<br />
                <span class="quiet" id="remember-hint">
                    "Next time, your password is enough here. Use it only on your own device."
                </span>
            </span>
        </label>
    }
}
