//! The country picker: a button that opens a list, searched by name, calling code or ISO letters.

use leptos::{ev::KeyboardEvent, prelude::*};
use shared::countries::{COUNTRIES, Country};

use super::icon::{Icon, icon};
use crate::browser;

fn matches(country: &Country, query: &str) -> bool {
    let name = country.name.to_lowercase();
    let code = country.calling_code.to_string();
    name.split([' ', '-']).any(|word| word.starts_with(query))
        || name.starts_with(query)
        || country.iso.eq_ignore_ascii_case(query)
        || (!query.is_empty() && code.starts_with(query))
}

fn option_id(country: &Country) -> String {
    format!("country-{}", country.iso)
}

/// `on_choose` runs after the person has chosen a country.
#[component]
pub fn CountryPicker(chosen: RwSignal<&'static Country>, on_choose: Callback<()>) -> impl IntoView {
    let open = RwSignal::new(false);
    let query = RwSignal::new(String::new());
    let active = RwSignal::new(0_usize);
    let found = Memo::new(move |_| {
        let query = query.get();
        let query = query.trim().trim_start_matches('+').to_lowercase();
        COUNTRIES.iter().filter(|country| matches(country, &query)).collect::<Vec<_>>()
    });
    let active_country = move || found.with(|found| found.get(active.get()).copied());
    let show = move || {
        query.set(String::new());
        let at = COUNTRIES.iter().position(|country| *country == *chosen.get_untracked());
        active.set(at.unwrap_or_default());
        open.set(true);
    };
    let close = move || {
        open.set(false);
        browser::focus(".dial");
    };
    let choose = move |country: Option<&'static Country>| {
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
        if let Some(country) = active_country().filter(|_| open.get()) {
            browser::scroll_into_view(&option_id(country));
        }
    });
    let on_key = move |event: KeyboardEvent| {
        let count = found.with(Vec::len);
        let step = |by: usize| {
            if count > 0 {
                active.update(|at| *at = (*at + by) % count);
            }
        };
        match event.key().as_str() {
            "ArrowDown" => step(1),
            "ArrowUp" => step(count.saturating_sub(1)),
            "Enter" => choose(active_country()),
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
            // The search field keeps the focus; its `blur` would close the list before the click.
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
                aria-activedescendant=move || active_country().map(option_id)
                autocomplete="off"
                placeholder="Country or code"
                prop:value=move || query.get()
                on:input:target=move |event| {
                    query.set(event.target().value());
                    active.set(0);
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
                            aria-selected=move || (active_country() == Some(country)).to_string()
                            // `click` would come after the `blur` that closes the list.
                            on:mousedown=move |event| {
                                event.prevent_default();
                                choose(Some(country));
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
