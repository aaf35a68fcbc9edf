//! Proving a phone: that of an open account, or any phone of a browser without one.

use leptos::prelude::*;
use shared::{
    ErrorCode, Via,
    cookie_api::{CheckVerification, StartVerification},
    phone::written,
    routes::page,
};

use crate::{
    api, browser,
    components::{
        code_form::{CodeForm, CodeWays, SendFirst, SentWhere},
        pair::{Stub, Turn, arrive},
        phone_field::{PhoneEntry, PhoneField},
        seal::Half,
    },
    flow::{Act, note_sent, send_code},
    who::{For, Only, Visit, Who, goer},
};

#[component]
pub fn Verification() -> impl IntoView {
    arrive("Prove this is your phone");
    view! { <Only page_for=For::Unproven><Either /></Only> }
}

#[component]
fn Either() -> impl IntoView {
    let visit = Visit::get();
    match visit.who.get_untracked() {
        Who::SignedIn(user) => {
            view! { <OwnPhone id=user.id number=written(&user.country_code, &user.phone) /> }.into_any()
        }
        _ => view! { <AnyPhone /> }.into_any(),
    }
}

/// After a right code: on to the page that says so, which asks the server anew who this is.
fn on_right() -> Callback<()> {
    let go = goer();
    Callback::new(move |()| go(page::VERIFIED, true))
}

/// The phone the account was made with.
#[component]
fn OwnPhone(id: String, number: String) -> impl IntoView {
    let visit = Visit::get();
    let check = Act::new(move |code| {
        let id = id.clone();
        async move { api::verify_account(&id, code).await }
    });
    let ways = CodeWays { check, send: Act::new(move |via| send_code(visit, via)) };
    let on_right = on_right();
    // Also when the server only says that one was sent a moment ago, and when the person has one.
    let has_code = RwSignal::new(false);
    let begun = Memo::new(move |_| has_code.get() || visit.sent.with(Option::is_some));
    let body = move || {
        if begun.get() {
            view! {
                <SentWhere or_else=format!("The code that was sent to {number}, or the one the app shows.") />
                <CodeForm confirm="Verify phone" ways on_right focused=true />
            }
            .into_any()
        } else {
            view! {
                <p>"We send a code to "<span class="num">{number.clone()}</span>"."</p>
                <SendFirst send=ways.send />
                <button class="link" type="button" on:click=move |_| has_code.set(true)>"I have a code"</button>
            }
            .into_any()
        }
    };
    view! {
        <div class="pair">
            <section class="sheet stack">
                <h1 tabindex="-1">"Prove this is your phone"</h1>
                {body}
                <a class="link" href=page::ACCOUNT>"Do this later"</a>
            </section>
            <Stub
                half=Half::Know
                turn=Turn::Waiting
                heading="Second half: your phone"
                text="Your account exists. Until the phone is proven, protected pages stay shut."
            />
        </div>
    }
}

/// Any phone, without an account: a number, a code, done.
#[component]
fn AnyPhone() -> impl IntoView {
    let visit = Visit::get();
    let entry = PhoneEntry::new();
    let problem = RwSignal::new(None::<String>);
    // The number a code was sent to; another number begins anew.
    let sent_to = RwSignal::new(None::<(String, String)>);
    visit.sent.set(None);
    let send = Act::new(move |via: Via| async move {
        let (country_code, phone_number) =
            sent_to.get_untracked().unwrap_or_else(|| (entry.calling_code(), entry.number.get_untracked()));
        if let Some(found) = entry.problem() {
            problem.set(Some(found));
            return Ok(());
        }
        problem.set(None);
        let wish = StartVerification {
            country_code: country_code.clone(),
            phone_number: phone_number.clone(),
            via: via.to_string(),
            ..StartVerification::default()
        };
        let started = api::start_verification(&wish).await;
        let refused_field = match &started {
            // Too soon for another: the last one is still good.
            Err(failure) if failure.code() != ErrorCode::TooMany => {
                let found = failure.field("phone_number").or(failure.field("country_code"));
                // Beside the field, where the field is on the page.
                found.filter(|_| sent_to.try_with_untracked(Option::is_none).unwrap_or_default())
            }
            _ => {
                sent_to.set(Some((country_code, phone_number)));
                None
            }
        };
        problem.set(refused_field.clone());
        let noted = note_sent(visit, started.map(|started| (started.message, started.resend_after_seconds)));
        // Said beside the field already.
        if refused_field.is_some() { Ok(()) } else { noted }
    });
    let check = Act::new(move |token| async move {
        let (country_code, phone_number) = sent_to.get_untracked().unwrap_or_default();
        let typed = CheckVerification { country_code, phone_number, token, ..CheckVerification::default() };
        api::check_verification(&typed).await.map(drop)
    });
    let ways = CodeWays { check, send };
    let on_right = on_right();
    let body = move || {
        if sent_to.with(Option::is_some) {
            view! {
                <SentWhere or_else="The code that was sent a moment ago." />
                <CodeForm confirm="Verify phone" ways on_right focused=true />
                <button class="link" type="button" on:click=move |_| {
                    visit.sent.set(None);
                    sent_to.set(None);
                    browser::focus_soon("#phone");
                }>"Wrong number?"</button>
            }
            .into_any()
        } else {
            view! {
                <p>"No account needed: we send a code of six digits, and you type it here."</p>
                <PhoneField entry error=problem hint="Any country, with or without its leading zero." />
                <SendFirst send=ways.send />
            }
            .into_any()
        }
    };
    view! {
        <div class="pair">
            <section class="sheet stack">
                <h1 tabindex="-1">"Prove this is your phone"</h1>
                {body}
            </section>
            <Stub
                half=Half::Hold
                turn=Turn::Waiting
                heading="Only the phone"
                text="This browser remembers for an hour that the phone answered."
            />
        </div>
    }
}
