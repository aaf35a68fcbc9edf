//! The field for a phone number: country and national number, grouped as it is typed.

use leptos::prelude::*;
use shared::{
    countries::{COUNTRIES, Country},
    phone,
};

use super::{country_picker::CountryPicker, field::FieldError};
use crate::browser;

/// The values of a phone field.
#[derive(Debug, Clone, Copy)]
pub struct PhoneEntry {
    pub country: RwSignal<&'static Country>,
    /// As shown, with spaces.
    pub number: RwSignal<String>,
}

impl PhoneEntry {
    /// Empty, with the country of the browser's language.
    pub fn new() -> Self {
        let own = browser::region().and_then(|iso| Country::by_iso(&iso));
        let country = own.or_else(|| Country::by_iso("US")).unwrap_or(&COUNTRIES[0]);
        Self { country: RwSignal::new(country), number: RwSignal::new(String::new()) }
    }

    pub fn calling_code(self) -> String {
        self.country.get_untracked().calling_code.to_string()
    }

    /// What is wrong with the number in the chosen country, if anything.
    pub fn problem(self) -> Option<String> {
        let problem = phone::problem(self.country.get_untracked(), &self.number.get_untracked());
        problem.map(|problem| problem.to_string())
    }

    /// Sets the number to what was typed or pasted. A number that begins with a plus also sets the
    /// country.
    fn set_input(self, text: &str) {
        if let Some((country, rest)) = text.trim_start().strip_prefix('+').and_then(by_calling_code) {
            if *self.country.get_untracked() != *country {
                self.country.set(country);
            }
            self.number.set(country.group(&rest));
            return;
        }
        if text.chars().any(char::is_alphabetic) || text.trim_start().starts_with('+') {
            // It stays as typed; the check reports what is wrong with it.
            self.number.set(text.to_owned());
            return;
        }
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        self.number.set(self.country.get_untracked().group(&digits));
    }
}

/// The country whose calling code the digits begin with, and the digits after it. `None` while too few
/// digits follow for a number of that country.
fn by_calling_code(text: &str) -> Option<(&'static Country, String)> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    // Where countries share a code, the largest comes first.
    let first = ["US", "GB", "RU", "IT", "AU", "NO", "MA", "FR", "FI", "CW"];
    let all = first.iter().filter_map(|iso| Country::by_iso(iso)).chain(&COUNTRIES);
    all.filter_map(|country| Some((country, digits.strip_prefix(&country.calling_code.to_string())?)))
        .find(|(country, rest)| rest.len() >= usize::from(country.lengths[0].min(6)))
        .map(|(country, rest)| (country, rest.to_owned()))
}

#[component]
pub fn PhoneField(
    entry: PhoneEntry,
    #[prop(into)] error: Signal<Option<String>>,
    hint: &'static str,
    #[prop(default = "Phone")] label: &'static str,
) -> impl IntoView {
    let PhoneEntry { country, number } = entry;
    let regroup = Callback::new(move |()| {
        entry.set_input(&number.get_untracked());
        browser::focus("#phone");
    });
    let described_by = move || if error.get().is_some() { "phone-error" } else { "phone-hint" };
    view! {
        <div class="field">
            <label for="phone">{label}</label>
            <div class="join">
                <CountryPicker chosen=country on_choose=regroup />
                <input
                    id="phone"
                    name="phone"
                    type="tel"
                    inputmode="tel"
                    autocomplete="tel"
                    required
                    placeholder=move || country.get().group(country.get().example)
                    prop:value=move || number.get()
                    on:input:target=move |event| {
                        let input = event.target();
                        let text = input.value();
                        let at_end = input.selection_end().ok().flatten().is_none_or(|at| at as usize >= text.len());
                        // Grouping moves the cursor to the end; in the middle it waits for `change`.
                        if at_end { entry.set_input(&text) } else { number.set(text) }
                    }
                    on:change:target=move |event| entry.set_input(&event.target().value())
                    aria-invalid=move || error.get().is_some().then_some("true")
                    aria-describedby=described_by
                />
            </div>
            <FieldError id="phone-error".to_owned() text=error />
            <Show when=move || error.get().is_none()>
                <p class="quiet" id="phone-hint">{hint}</p>
            </Show>
        </div>
    }
}
