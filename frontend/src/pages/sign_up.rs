//! Creating an account: the password and the phone.

use std::collections::BTreeMap;

use leptos::{ev::SubmitEvent, prelude::*, task::spawn_local};
use shared::{
    NewUser,
    account::{email_problem, name_problem},
    password::Advice,
    routes::page,
};

use crate::{
    api::{self, ApiFailure},
    auth::{Access, AuthContext},
    browser,
    components::{
        field::{FieldSpec, PasswordField, TextField},
        notice::Notice,
        pair::{Stub, announce_page},
        password_advice::PasswordAdvice,
        phone_field::{PhoneEntry, PhoneField},
        require_access::RequireAccess,
        seal::Half,
    },
    groups::Group,
    router::navigator,
};

#[component]
pub fn SignUp() -> impl IntoView {
    announce_page("Create your account");
    view! { <RequireAccess access=Access::Anonymous><Form /></RequireAccess> }
}

/// What is wrong with which field, by its name on the wire.
type Problems = BTreeMap<&'static str, String>;

/// Fields in the order of the form: name on the wire, id of the control.
const FIELDS: [(&str, &str); 5] = [
    ("fullName", "#name"),
    ("email", "#email"),
    ("password", "#password"),
    ("countryCode", "#phone"),
    ("phone", "#phone"),
];

/// The values of the form.
#[derive(Clone, Copy)]
struct NewAccount {
    name: RwSignal<String>,
    email: RwSignal<String>,
    password: RwSignal<String>,
    phone: PhoneEntry,
}

impl NewAccount {
    fn advice(self) -> Advice {
        let (name, email) = (self.name.get(), self.email.get());
        self.password.with(|password| Advice::on(password, &[&name, &email]))
    }

    /// The problems this page can find; the server checks again.
    fn problems(self) -> Problems {
        let mut problems = Problems::new();
        if let Some(problem) = self.name.with_untracked(|name| name_problem(name.trim())) {
            problems.insert("fullName", problem.to_owned());
        }
        if let Some(problem) = self.email.with_untracked(|email| email_problem(email.trim())) {
            problems.insert("email", problem.to_owned());
        }
        if let Some(refusal) = untrack(|| self.advice()).refusal() {
            problems.insert("password", refusal.to_owned());
        }
        if let Some(problem) = self.phone.problem() {
            problems.insert("phone", problem);
        }
        problems
    }

    fn new_user(self) -> NewUser {
        NewUser {
            full_name: self.name.get_untracked(),
            email: self.email.get_untracked(),
            phone: self.phone.number.get_untracked(),
            country_code: self.phone.calling_code(),
            password: self.password.get_untracked(),
            username: String::new(),
        }
    }
}

fn problems_of(failure: &ApiFailure) -> Problems {
    FIELDS.iter().filter_map(|(name, _)| Some((*name, failure.field(name)?))).collect()
}

/// The message above a form with problems in so many fields.
fn summary(count: usize) -> String {
    const WORDS: [&str; 4] = ["Two", "Three", "Four", "Five"];
    match count {
        1 => "One field needs another look.".to_owned(),
        count => format!("{} fields need another look.", WORDS.get(count - 2).copied().unwrap_or("Some")),
    }
}

#[component]
fn Form() -> impl IntoView {
    let text = || RwSignal::new(String::new());
    let account = NewAccount { name: text(), email: text(), password: text(), phone: PhoneEntry::new() };
    let problems = RwSignal::new(Problems::new());
    let failure = RwSignal::new(None::<String>);
    let busy = RwSignal::new(false);
    let auth = AuthContext::get();
    let navigate = navigator();
    let show_problems = move |found: Problems, message: Option<String>| {
        failure.set(message.or_else(|| Some(summary(found.len()))));
        let first = FIELDS.iter().find(|(name, _)| found.contains_key(name));
        problems.set(found);
        if let Some((_, control)) = first {
            browser::focus(control);
        }
    };
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        let found = account.problems();
        if !found.is_empty() {
            show_problems(found, None);
            return;
        }
        busy.set(true);
        Group::Inside.preload();
        failure.set(None);
        problems.set(Problems::new());
        spawn_local(async move {
            match api::sign_up(&account.new_user()).await {
                Ok(()) => {
                    auth.refresh().await;
                    navigate(page::ACCOUNT, true);
                }
                Err(refused) => {
                    busy.set(false);
                    let found = problems_of(&refused);
                    let message = found.is_empty().then(|| refused.message());
                    show_problems(found, message);
                }
            }
        });
    };
    // The problem of a field goes when the field is edited.
    let clear_problem = move |name: &'static str| {
        if problems.with_untracked(|found| found.contains_key(name)) {
            problems.update(|found| drop(found.remove(name)));
            if problems.with_untracked(Problems::is_empty) {
                failure.set(None);
            }
        }
    };
    Effect::watch(move || account.name.track(), move |(), _, _| clear_problem("fullName"), false);
    Effect::watch(move || account.email.track(), move |(), _, _| clear_problem("email"), false);
    Effect::watch(move || account.password.track(), move |(), _, _| clear_problem("password"), false);
    let phone = move || (account.phone.number.track(), account.phone.country.track());
    Effect::watch(
        phone,
        move |_, _, _| {
            clear_problem("phone");
            clear_problem("countryCode");
        },
        false,
    );
    let problem = move |name: &'static str| {
        Signal::derive(move || problems.with(|problems| problems.get(name).cloned()))
    };
    let phone_problem = Signal::derive(move || {
        problems.with(|found| found.get("countryCode").or(found.get("phone")).cloned())
    });
    const NAME: FieldSpec = FieldSpec {
        id: "name",
        label: "Full name",
        kind: "text",
        autocomplete: "name",
        inputmode: "text",
        hint: None,
    };
    const EMAIL: FieldSpec = FieldSpec {
        id: "email",
        label: "E-mail",
        kind: "email",
        autocomplete: "username",
        inputmode: "email",
        hint: None,
    };
    view! {
        <div class="pair">
            <section class="sheet stack">
                <h1 tabindex="-1">"Create your account"</h1>
                <Notice text=failure />
                <form class="stack" on:submit=submit novalidate>
                    <TextField spec=NAME value=account.name error=problem("fullName") />
                    <TextField spec=EMAIL value=account.email error=problem("email") />
                    <div class="stack">
                        <PasswordField
                            value=account.password
                            autocomplete="new-password"
                            error=problem("password")
                            described_by="password-advice"
                        />
                        <PasswordAdvice advice=Signal::derive(move || account.advice()) />
                    </div>
                    <PhoneField
                        entry=account.phone
                        error=phone_problem
                        hint="We ask this phone at every sign-in. No advertising, ever."
                    />
                    <button class="button wide" aria-busy=move || busy.get().then_some("true")>"Create account"</button>
                </form>
                <p class="quiet">"Have an account? "<a class="link" href=page::LOG_IN>"Log in"</a></p>
            </section>
            <Stub
                half=Half::None
                heading="Two steps to sign in"
                text="A password you know and a phone you hold. From then on, both are asked."
            />
        </div>
    }
}
