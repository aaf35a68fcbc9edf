//! What the page says about a new password while it is typed.

use leptos::prelude::*;
use shared::password::Advice;

use super::{
    field::PasswordField,
    icon::{Icon, icon},
};

/// A new password, with the advice on it.
#[component]
pub fn NewPassword(
    value: RwSignal<String>,
    #[prop(into)] advice: Signal<Advice>,
    #[prop(into)] error: Signal<Option<String>>,
    /// Whether the page knows name and e-mail, which are not to be part of it.
    #[prop(default = true)]
    knows_owner: bool,
) -> impl IntoView {
    view! {
        <div class="stack">
            <PasswordField
                value
                autocomplete="new-password"
                label="New password"
                error
                described_by="password-advice"
            />
            <PasswordAdvice advice knows_owner />
        </div>
    }
}

/// A sentence about the length of the password, and the checks this page can make.
#[component]
pub fn PasswordAdvice(
    #[prop(into)] advice: Signal<Advice>,
    #[prop(default = true)] knows_owner: bool,
) -> impl IntoView {
    let advice = Memo::new(move |_| advice.get());
    let sentence = move || match advice.get().length {
        0 => "Three or four unrelated words make a good one.".to_owned(),
        1 => "1 character. Three or four unrelated words would be far harder to guess.".to_owned(),
        length if length < shared::password::ADVISED => {
            format!("{length} characters. Three or four unrelated words would be far harder to guess.")
        }
        length => format!("{length} characters. Long is what counts, and this is."),
    };
    let check = move |met: fn(Advice) -> bool, text: &'static str| {
        let met = Memo::new(move |_| met(advice.get()));
        view! {
            <li class:met=move || met.get()>
                {move || icon(if met.get() { Icon::Check } else { Icon::Dot })}
                {text}
                <span class="hide">{move || if met.get() { ": yes" } else { ": not yet" }}</span>
            </li>
        }
    };
    view! {
        <div class="advice" id="password-advice" aria-live="polite">
            <p>{sentence}</p>
            <ul>
                {check(|advice| advice.length >= shared::password::SHORTEST, "At least 8 characters, better 15")}
                {check(|advice| advice.length > 0 && !advice.common, "Not one of the 1,000 most used passwords")}
                {knows_owner.then(|| check(|advice| advice.length > 0 && !advice.personal, "Not your name or e-mail"))}
            </ul>
        </div>
    }
}
