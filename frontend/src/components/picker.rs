//! The country picker: a button that opens a list one can search by name, code or letters.

use leptos::{ev::KeyboardEvent, prelude::*};
use shared::{countries::COUNTRIES, phone::Country};

use super::icon::{Icon, icon};
use crate::browser;

fn matches(country: &Country, word: &str) -> bool {
    let plain = country.name.to_lowercase();
    let code = country.calling_code.to_string();
    plain.split([' ', '-']).any(|part| part.starts_with(word))
        || plain.starts_with(word)
        || country.iso.eq_ignore_ascii_case(word)
        || (!word.is_empty() && code.starts_with(word))
}

fn option_id(country: &Country) -> String {
    format!("country-{}", country.iso)
}

/// `chosen` is what the field uses; `on_choose` runs after a choice was made by hand.
#[component]
pub fn Picker(chosen: RwSignal<&'static Country>, on_choose: Callback<()>) -> impl IntoView {
    let open = RwSignal::new(false);
    let word = RwSignal::new(String::new());
    let marked = RwSignal::new(0_usize);
    let found = Memo::new(move |_| {
        let word = word.get();
        let word = word.trim().trim_start_matches('+').to_lowercase();
        COUNTRIES.iter().filter(|country| matches(country, &word)).collect::<Vec<_>>()
    });
    let marked_country = move || found.with(|found| found.get(marked.get()).copied());
    let show = move || {
        word.set(String::new());
        let at = COUNTRIES.iter().position(|country| *country == *chosen.get_untracked());
        marked.set(at.unwrap_or_default());
        open.set(true);
    };
    let close = move || {
        open.set(false);
        browser::focus(".dial");
    };
    let take = move |country: Option<&'static Country>| {
        if let Some(country) = country {
            chosen.set(country);
            open.set(false);
            on_choose.run(());
        }
    };
    Effect::new(move || {
        if open.get() {
            browser::focus(".picker input");
        }
    });
    Effect::new(move || {
        if let Some(country) = marked_country().filter(|_| open.get()) {
            browser::reveal(&option_id(country));
        }
    });
    let on_key = move |event: KeyboardEvent| {
        let count = found.with(Vec::len);
        let step = |by: usize| {
            if count > 0 {
                marked.update(|at| *at = (*at + by) % count);
            }
        };
        match event.key().as_str() {
            "ArrowDown" => step(1),
            "ArrowUp" => step(count.saturating_sub(1)),
            "Enter" => take(marked_country()),
            "Escape" => close(),
            "Tab" => {
                open.set(false);
                return;
            }
            _ => return,
        }
        event.prevent_default();
    };
    view! {
        <button
            class="dial"
            type="button"
            aria-haspopup="dialog"
            aria-expanded=move || open.get().to_string()
            aria-controls="picker"
            // The search field keeps the focus until the click has been understood.
            on:mousedown=move |event| event.prevent_default()
            on:click=move |_| if open.get() { close() } else { show() }
        >
            <span class="flag" aria-hidden="true">{move || chosen.get().iso}</span>
            <span class="hide">{move || format!("Country: {}", chosen.get().name)}</span>
            " "
            <span class="num">{move || format!("+{}", chosen.get().calling_code)}</span>
            {icon(Icon::Down)}
        </button>
        <div class="picker" id="picker" role="dialog" aria-label="Choose a country" hidden=move || !open.get()>
            <input
                type="text"
                role="combobox"
                aria-label="Search by country or code"
                aria-expanded="true"
                aria-controls="countries"
                aria-autocomplete="list"
                aria-activedescendant=move || marked_country().map(option_id)
                autocomplete="off"
                placeholder="Country or code"
                prop:value=move || word.get()
                on:input:target=move |event| {
                    word.set(event.target().value());
                    marked.set(0);
                }
                on:keydown=on_key
                on:blur=move |_| open.set(false)
            />
            <ul id="countries" role="listbox" aria-label="Countries">
                <Show when=move || open.get()>
                    <For each=move || found.get() key=|country| country.iso let:country>
                        <li
                            id=option_id(country)
                            role="option"
                            aria-selected=move || (marked_country() == Some(country)).to_string()
                            // Before the search field loses the focus and the list with it.
                            on:mousedown=move |event| {
                                event.prevent_default();
                                take(Some(country));
                            }
                        >
                            <span class="flag" aria-hidden="true">{country.iso}</span>
                            <span>{country.name}</span>
                            <span class="num">{format!("+{}", country.calling_code)}</span>
                        </li>
                    </For>
                </Show>
            </ul>
            <Show when=move || found.with(Vec::is_empty)>
                <p class="quiet" role="status">"No country matches."</p>
            </Show>
        </div>
    }
}
