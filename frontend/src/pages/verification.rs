//! Verifying a phone: that of the signed-in account, or any phone without an account.

use leptos::prelude::*;
use shared::{
    ErrorCode, Via,
    cookie_api::{CheckVerification, StartVerification},
    phone::written,
    routes::page,
};

use crate::{
    api,
    auth::{Access, AuthContext, AuthState},
    browser,
    components::{
        code_form::{CodeForm, SendAndCheck, SendButtons, SentMessage},
        pair::{Stub, StubState, announce_page},
        phone_field::{PhoneEntry, PhoneField},
        require_access::RequireAccess,
        seal::Half,
    },
    flow::{ApiCall, record_sent},
    router::navigator,
};

#[component]
pub fn Verification() -> impl IntoView {
    announce_page("Verify your phone number");
    view! { <RequireAccess access=Access::UnverifiedPhone><OwnOrAnyPhone /></RequireAccess> }
}

#[component]
fn OwnOrAnyPhone() -> impl IntoView {
    match AuthContext::get().state.get_untracked() {
        AuthState::SignedIn(user) => {
            view! { <OwnPhone id=user.id number=written(&user.country_code, &user.phone) /> }.into_any()
        }
        _ => view! { <AnyPhone /> }.into_any(),
    }
}

/// Navigates to the page after verifying, which loads the auth state again.
fn show_verified() -> Callback<()> {
    let navigate = navigator();
    Callback::new(move |()| navigate(page::VERIFIED, true))
}

/// The phone of the signed-in account.
#[component]
fn OwnPhone(id: String, number: String) -> impl IntoView {
    let check = ApiCall::new(move |code| {
        let id = id.clone();
        async move { api::verify_account(&id, code).await }
    });
    let on_accepted = show_verified();
    view! {
        <div class="pair">
            <section class="sheet stack">
                <h1 tabindex="-1">"Verify your phone number"</h1>
                <SendAndCheck number confirm="Verify phone" check on_accepted />
                <a class="link" href=page::ACCOUNT>"Do this later"</a>
            </section>
            <Stub
                half=Half::Know
                state=StubState::Waiting
                heading="One more step"
                text="Your account is ready. Verify your phone number to unlock every page."
            />
        </div>
    }
}

/// Any phone, without an account.
#[component]
fn AnyPhone() -> impl IntoView {
    let auth = AuthContext::get();
    let entry = PhoneEntry::new();
    let problem = RwSignal::new(None::<String>);
    // Calling code and number a code was sent to; `None` while the number is being entered.
    let sent_to = RwSignal::new(None::<(String, String)>);
    auth.sent.set(None);
    let send = ApiCall::new(move |via: Via| async move {
        let (country_code, phone_number) =
            sent_to.get_untracked().unwrap_or_else(|| (entry.calling_code(), entry.number.get_untracked()));
        if let Some(found) = entry.problem() {
            problem.set(Some(found));
            return Ok(());
        }
        problem.set(None);
        let start = StartVerification {
            country_code: country_code.clone(),
            phone_number: phone_number.clone(),
            via: via.to_string(),
            ..StartVerification::default()
        };
        let started = api::start_verification(&start).await;
        let field_problem = match &started {
            // Too soon for another code: the last one is still accepted.
            Err(failure) if failure.code() != ErrorCode::TooMany => {
                let found = failure.field("phone_number").or(failure.field("country_code"));
                // The field is on the page only before a code was sent.
                found.filter(|_| sent_to.try_with_untracked(Option::is_none).unwrap_or_default())
            }
            _ => {
                sent_to.set(Some((country_code, phone_number)));
                None
            }
        };
        problem.set(field_problem.clone());
        let sent = started.map(|started| (started.message, started.via, started.resend_after_seconds));
        let recorded = record_sent(auth, sent);
        // A problem shown at the field is not shown below the buttons as well.
        if field_problem.is_some() { Ok(()) } else { recorded }
    });
    let check = ApiCall::new(move |token| async move {
        let (country_code, phone_number) = sent_to.get_untracked().unwrap_or_default();
        let check = CheckVerification { country_code, phone_number, token, ..CheckVerification::default() };
        api::check_verification(&check).await
    });
    let on_accepted = show_verified();
    let body = move || {
        if sent_to.with(Option::is_some) {
            view! {
                <SentMessage fallback="The code that was sent a moment ago." />
                <CodeForm confirm="Verify phone" check send on_accepted focused=true />
                <button class="link" type="button" on:click=move |_| {
                    auth.sent.set(None);
                    sent_to.set(None);
                    browser::focus_soon("#phone");
                }>"Wrong number?"</button>
            }
            .into_any()
        } else {
            view! {
                <p>"No account needed: we send a code of six digits, and you type it here."</p>
                <PhoneField entry error=problem hint="Any country, with or without its leading zero." />
                <SendButtons send />
            }
            .into_any()
        }
    };
    view! {
        <div class="pair">
            <section class="sheet stack">
                <h1 tabindex="-1">"Verify your phone number"</h1>
                {body}
            </section>
            <Stub
                half=Half::Hold
                state=StubState::Waiting
                heading="Only the phone"
                text="This browser remembers for an hour that the phone answered."
            />
        </div>
    }
}
