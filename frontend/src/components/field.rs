//! Form fields: a label, a control, and a hint or an error that describes it.

use leptos::prelude::*;

use super::icon::{Icon, icon};

/// The error of a field, below it.
#[component]
pub fn FieldError(id: String, #[prop(into)] text: Signal<Option<String>>) -> impl IntoView {
    move || {
        text.get().map(|text| {
            view! { <p class="error" id=id.clone() role="alert">{icon(Icon::Alert)}<span>{text}</span></p> }
        })
    }
}

/// The fixed attributes of a text field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldSpec {
    pub id: &'static str,
    pub label: &'static str,
    pub kind: &'static str,
    pub autocomplete: &'static str,
    pub inputmode: &'static str,
    /// Shown below the field while it has no error.
    pub hint: Option<&'static str>,
}

/// A field of one line; `class` is added to the box around it.
#[component]
pub fn TextField(
    spec: FieldSpec,
    value: RwSignal<String>,
    #[prop(optional, into)] error: Signal<Option<String>>,
    #[prop(optional)] class: &'static str,
    #[prop(optional)] maxlength: Option<u32>,
    #[prop(default = true)] required: bool,
) -> impl IntoView {
    let FieldSpec { id, label, kind, autocomplete, inputmode, hint } = spec;
    let has_error = move || error.with(Option::is_some);
    view! {
        <div class=format!("field {class}")>
            <label for=id>{label}</label>
            <input
                id=id
                name=id
                type=kind
                autocomplete=autocomplete
                inputmode=inputmode
                autocapitalize="none"
                spellcheck="false"
                maxlength=maxlength
                required=required
                prop:value=move || value.get()
                on:input:target=move |event| value.set(event.target().value())
                aria-invalid=move || has_error().then_some("true")
                aria-describedby=move || match hint {
                    _ if has_error() => Some(format!("{id}-error")),
                    Some(_) => Some(format!("{id}-hint")),
                    None => None,
                }
            />
            <FieldError id=format!("{id}-error") text=error />
            {move || hint.filter(|_| !has_error()).map(|hint| view! { <p class="quiet" id=format!("{id}-hint")>{hint}</p> })}
        </div>
    }
}

#[component]
pub fn PasswordField(
    value: RwSignal<String>,
    autocomplete: &'static str,
    /// Also the name of the control.
    #[prop(default = "password")]
    id: &'static str,
    #[prop(default = "Password")] label: &'static str,
    #[prop(optional, into)] error: Signal<Option<String>>,
    #[prop(optional, into)] described_by: Option<&'static str>,
) -> impl IntoView {
    let shown = RwSignal::new(false);
    let described = move || match (error.get(), described_by) {
        (Some(_), Some(advice)) => Some(format!("{id}-error {advice}")),
        (Some(_), None) => Some(format!("{id}-error")),
        (None, advice) => advice.map(str::to_owned),
    };
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <div class="join">
                <input
                    class="revealed"
                    id=id
                    name=id
                    type=move || if shown.get() { "text" } else { "password" }
                    autocomplete=autocomplete
                    autocapitalize="none"
                    spellcheck="false"
                    required
                    prop:value=move || value.get()
                    on:input:target=move |event| value.set(event.target().value())
                    aria-invalid=move || error.get().is_some().then_some("true")
                    aria-describedby=described
                />
                <button
                    class="link"
                    type="button"
                    aria-pressed=move || shown.get().to_string()
                    aria-label="Show password"
                    on:click=move |_| shown.update(|shown| *shown = !*shown)
                >
                    {move || if shown.get() { "Hide" } else { "Show" }}
                </button>
            </div>
            <FieldError id=format!("{id}-error") text=error />
        </div>
    }
}
