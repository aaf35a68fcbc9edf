//! What completes a sign-in beside the password: naming and removing it, on the page about security.

use leptos::{prelude::*, task::spawn_local};
use shared::{ErrorCode, Factor, User, phone::written, routes::page};

use super::recovery_codes::codes_left;
use crate::{
    api::{self, ApiFailure},
    auth::AuthContext,
    browser,
    components::{
        date::date,
        field::{FieldSpec, TextField},
        icon::{Icon, icon},
        notice::{FailureNotice, loading},
        step_up::{StepUp, StepUpForm},
    },
    flow::mounted,
};

const NAME: FieldSpec = FieldSpec {
    id: "method-name",
    label: "Name",
    kind: "text",
    autocomplete: "off",
    inputmode: "text",
    hint: None,
};

/// What is asked below one of the methods.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Asked {
    #[default]
    Nothing,
    /// Its new name; holds its id.
    Name(String),
    /// Whether it is meant to be removed.
    Remove(String),
}

/// What the rows of the list share.
#[derive(Clone, Copy)]
struct Methods {
    auth: AuthContext,
    /// `None` until they are loaded.
    factors: RwSignal<Option<Vec<Factor>>>,
    asked: RwSignal<Asked>,
    said: RwSignal<&'static str>,
    step_up: StepUp,
}

impl Methods {
    async fn load(self) -> Result<(), ApiFailure> {
        let factors = api::account::factors().await?;
        // The page may have been left meanwhile.
        let _ = self.factors.try_set(Some(factors));
        Ok(())
    }

    fn rename(self, id: String, name: String) {
        self.step_up.run(move || {
            let (id, name) = (id.clone(), name.clone());
            async move {
                let renamed = api::account::rename_factor(&id, name).await;
                self.finish(renamed, "Name saved.").await
            }
        });
    }

    fn remove(self, id: String) {
        self.step_up.run(move || {
            let id = id.clone();
            async move {
                let removed = api::account::remove_factor(&id).await;
                self.finish(removed, "Sign-in method removed.").await
            }
        });
    }

    async fn finish(self, outcome: Result<(), ApiFailure>, said: &'static str) -> Result<(), ApiFailure> {
        // Removed from elsewhere meanwhile: that is what the list will show.
        if let Err(failure) = outcome
            && failure.code() != ErrorCode::NotFound
        {
            return Err(failure);
        }
        self.load().await?;
        self.auth.refresh().await;
        if self.said.try_set(said).is_none() {
            self.asked.set(Asked::Nothing);
            browser::focus_soon("#methods");
        }
        Ok(())
    }

    /// Asks something, or nothing any more, and moves the focus there.
    fn ask(self, asked: Asked, focus: impl AsRef<str> + 'static) {
        self.said.set("");
        self.step_up.submission.failure.set(None);
        self.asked.set(asked);
        browser::focus_soon(focus);
    }
}

#[component]
pub fn SignInMethods(user: Memo<Option<User>>) -> impl IntoView {
    let methods = Methods {
        auth: AuthContext::get(),
        factors: RwSignal::new(None),
        asked: RwSignal::new(Asked::Nothing),
        said: RwSignal::new(""),
        step_up: StepUp::new(),
    };
    let Methods { factors, said, step_up, .. } = methods;
    let mounted = mounted();
    spawn_local(async move {
        // The rest of the page does not need them.
        if let Err(failure) = methods.load().await
            && mounted.get()
        {
            step_up.submission.failure.set(Some(failure));
        }
    });
    let rows = move || {
        factors
            .get()
            .map(|factors| factors.into_iter().map(|factor| row(factor, user, methods)).collect_view())
    };
    let has_app =
        move || factors.with(|factors| factors.iter().flatten().any(|factor| factor.kind == "authenticator"));
    let is_verified = move || user.with(|user| user.as_ref().is_some_and(|user| user.verified));
    let waits = move || factors.with(Option::is_none) && step_up.submission.failure.get().is_none();
    view! {
        <section class="sheet panel" aria-labelledby="methods">
            <h2 id="methods" tabindex="-1">"Sign-in methods"</h2>
            <div class="stack">
                <p role="status" class="quiet" hidden=move || said.get().is_empty()>{move || said.get()}</p>
                {move || waits().then(loading)}
                <ul class="list">
                    {rows}
                    {move || (is_verified() && factors.with(Option::is_some) && !has_app()).then(|| view! {
                        <li>
                            {icon(Icon::Keypad)}
                            <div class="grow"><b>"Authenticator app"</b><br /><span class="quiet">"Not added"</span></div>
                            <a class="link" href=page::AUTHENTICATOR>"Add authenticator app"</a>
                        </li>
                    })}
                    {move || is_verified().then(|| recovery_row(user.get().and_then(|user| user.recovery_codes_left)))}
                </ul>
                {move || step_up.is_needed().then(|| view! {
                    <StepUpForm step_up purpose="Complete the second step again to make this change." />
                })}
                <FailureNotice failure=step_up.submission.failure />
            </div>
        </section>
    }
}

fn recovery_row(left: Option<u32>) -> impl IntoView {
    let (about, link) = match left {
        Some(left) => (codes_left(left), "Create new codes"),
        None => ("Not created".to_owned(), "Create recovery codes"),
    };
    view! {
        <li>
            {icon(Icon::Paper)}
            <div class="grow"><b>"Recovery codes"</b><br /><span class="quiet">{about}</span></div>
            <a class="link" href=page::RECOVERY_CODES>{link}</a>
        </li>
    }
}

/// A name that is not its owner's is the name of its kind.
fn shown_name(factor: &Factor) -> String {
    let kind = match factor.kind.as_str() {
        "phone" => "Phone number",
        "authenticator" => "Authenticator app",
        _ => "Device that approves requests",
    };
    factor.name.clone().unwrap_or_else(|| kind.to_owned())
}

fn row(factor: Factor, user: Memo<Option<User>>, methods: Methods) -> impl IntoView {
    let used = match &factor.last_used_at {
        Some(at) => format!("Last used: {}", date(at)),
        None => "Never used".to_owned(),
    };
    let about = format!("Added: {} · {used}", date(&factor.created_at));
    let symbol = if factor.kind == "authenticator" { Icon::Keypad } else { Icon::Phone };
    let is_phone = factor.kind == "phone";
    let number = move || user.get().map(|user| written(&user.country_code, &user.phone)).filter(|_| is_phone);
    let badge = match (factor.state.as_str(), factor.kind.as_str()) {
        ("active", "phone") => {
            Some(view! { <span class="badge">{icon(Icon::Check)}"Verified"</span> }.into_any())
        }
        ("active", _) => None,
        (_, "phone") => Some(view! { <span class="badge wait">"Not verified"</span> }.into_any()),
        _ => Some(view! { <span class="badge wait">"Setup not finished"</span> }.into_any()),
    };
    let name = shown_name(&factor);
    view! {
        <li>
            {icon(symbol)}
            <div class="grow">
                <b>{name}</b>" "{badge}<br />
                {move || number().map(|number| view! { <span class="num">{number}</span><br /> })}
                <span class="quiet">{about}</span>
            </div>
            {actions(&factor, methods)}
            {below(factor, methods)}
        </li>
    }
}

/// What can be done with a method.
fn actions(factor: &Factor, methods: Methods) -> AnyView {
    let name = shown_name(factor);
    let (renamed, removed) = (factor.id.clone(), factor.id.clone());
    let remove = view! {
        <button class="link" type="button" data-remove=factor.id.clone() aria-label=format!("Remove {name}") on:click=move |_| {
            methods.ask(Asked::Remove(removed.clone()), "#remove-method");
        }>"Remove"</button>
    };
    match factor.kind.as_str() {
        "phone" => view! { <a class="link" href=page::PHONE>"Change phone number"</a> }.into_any(),
        "authenticator" => view! {
            <div class="row"><a class="link" href=page::AUTHENTICATOR>"Replace authenticator app"</a>{remove}</div>
        }
        .into_any(),
        _ => view! {
            <div class="row">
                <button class="link" type="button" data-rename=factor.id.clone() aria-label=format!("Rename {name}") on:click=move |_| {
                    methods.ask(Asked::Name(renamed.clone()), "#method-name");
                }>"Rename"</button>
                {remove}
            </div>
        }
        .into_any(),
    }
}

/// What is asked about a method, below it.
fn below(factor: Factor, methods: Methods) -> impl IntoView {
    move || {
        if methods.step_up.is_needed() {
            return None;
        }
        match methods.asked.get() {
            Asked::Name(id) if id == factor.id => Some(naming(&factor, methods).into_any()),
            Asked::Remove(id) if id == factor.id => Some(removing(&factor, methods).into_any()),
            _ => None,
        }
    }
}

fn naming(factor: &Factor, methods: Methods) -> impl IntoView {
    let id = StoredValue::new(factor.id.clone());
    let name = RwSignal::new(factor.name.clone().unwrap_or_default());
    let submission = methods.step_up.submission;
    let error = Signal::derive(move || submission.failure.get().and_then(|failure| failure.field("name")));
    view! {
        <form class="stack below" novalidate on:submit=move |event| {
            event.prevent_default();
            methods.rename(id.get_value(), name.get_untracked());
        }>
            <TextField spec=NAME value=name error maxlength=50_u32 required=false />
            <div class="row">
                <button class="button" aria-busy=move || submission.aria_busy()>"Save name"</button>
                <button class="button plain" type="button" on:click=move |_| {
                    methods.ask(Asked::Nothing, format!("[data-rename='{}']", id.get_value()));
                }>"Cancel"</button>
            </div>
        </form>
    }
}

fn removing(factor: &Factor, methods: Methods) -> impl IntoView {
    let id = StoredValue::new(factor.id.clone());
    let question = format!("Remove {}?", shown_name(factor));
    let submission = methods.step_up.submission;
    view! {
        <div class="stack below">
            <p id="remove-method" tabindex="-1">
                <b>{question}</b>
                " You can’t sign in with this method after you remove it. Remembered devices are removed too."
            </p>
            <div class="row">
                <button class="button stop" type="button" aria-busy=move || submission.aria_busy() on:click=move |_| {
                    methods.remove(id.get_value());
                }>"Remove method"</button>
                <button class="button plain" type="button" on:click=move |_| {
                    methods.ask(Asked::Nothing, format!("[data-remove='{}']", id.get_value()));
                }>"Cancel"</button>
            </div>
        </div>
    }
}
