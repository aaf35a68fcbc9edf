//! The offer to make recovery codes, for an account that has none.

use leptos::prelude::*;
use shared::{User, routes::page};

/// Whether they are to be offered.
pub fn needs_recovery_codes(user: &User) -> bool {
    user.verified && user.recovery_codes_left.is_none()
}

#[component]
pub fn RecoveryOffer(
    class: &'static str,
    /// Whether there is a link that leads past it.
    #[prop(optional)]
    skippable: bool,
) -> impl IntoView {
    view! {
        <section class=class aria-labelledby="offer">
            <h2 id="offer">"Save your recovery codes"</h2>
            <div>
                <p class="quiet">
                    "They let you sign in when you don’t have your phone. We show them only once."
                </p>
                <div class="row">
                    <a class="link" href=page::RECOVERY_CODES>"Create recovery codes"</a>
                    {skippable.then(|| view! {
                        <a class="link" href=page::ACCOUNT>"Create recovery codes later"</a>
                    })}
                </div>
            </div>
        </section>
    }
}
