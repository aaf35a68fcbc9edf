//! Changing the phone: a code is sent to the new number first. A mistyped one can be corrected with the password.

use leptos::{ev::SubmitEvent, prelude::*, task::spawn_local};
use shared::{ChangePhone as Change, ErrorCode, Via, phone::written, routes::page};

use crate::{
    api::{self, ApiFailure},
    auth::{Access, AuthContext, AuthState},
    browser,
    components::{
        code_form::{CodeForm, SentMessage},
        field::PasswordField,
        icon::{Icon, icon},
        notice::{FailureNotice, message_box},
        pair::{Stub, StubState, announce_page},
        phone_field::{PhoneEntry, PhoneField},
        require_access::RequireAccess,
        seal::Half,
        step_up::{StepUp, StepUpForm},
    },
    flow::{ApiCall, completed, record_sent},
};

const ABOUT: &str =
    "We’ll send a code to the new number. Your current number works until you verify the new one.";
const ABOUT_CORRECTION: &str = "Enter the right number and your password.";
const EXPIRED: &str = "This code has expired or was already used. Get a new code.";

/// What the page asks for next.
#[derive(Debug, Clone, PartialEq)]
enum Stage {
    Number,
    Code,
    /// Nothing: this is the account's number.
    Done(String),
}

#[component]
pub fn ChangePhone() -> impl IntoView {
    announce_page("Change your phone number");
    let auth = AuthContext::get();
    // Whoever mistyped the number at the sign-up can never complete a sign-in with it.
    let is_pending = Memo::new(move |_| auth.state.with(|state| matches!(state, AuthState::Pending(_))));
    move || {
        if is_pending.get() {
            view! { <Form /> }.into_any()
        } else {
            view! { <RequireAccess access=Access::SignedIn><Form /></RequireAccess> }.into_any()
        }
    }
}

/// What is wrong with the number, if the server says so.
fn phone_problem(failure: &ApiFailure) -> Option<String> {
    failure.field("phone").or_else(|| failure.field("countryCode"))
}

fn is_wrong_password(failure: &ApiFailure) -> bool {
    failure.code() == ErrorCode::WrongPassword
}

#[component]
fn Form() -> impl IntoView {
    let auth = AuthContext::get();
    let state = auth.state.get_untracked();
    let is_pending = matches!(state, AuthState::Pending(_));
    let (current, is_verified, is_correction) = match state {
        AuthState::SignedIn(user) => {
            let current = written(&user.country_code, &user.phone);
            (Some(current), user.verified, user.may_correct_phone && !user.fresh)
        }
        _ => (None, false, true),
    };
    auth.sent.set(None);
    let stage = RwSignal::new(Stage::Number);
    let step_up = StepUp::new();
    let (entry, password) = (PhoneEntry::new(), RwSignal::new(String::new()));
    let asks_password = RwSignal::new(is_correction);
    // What this page finds wrong with the number; the server checks again.
    let problem = RwSignal::new(None::<String>);
    let failure = step_up.submission.failure;
    let phone_error = Signal::derive(move || problem.get().or_else(|| phone_problem(&failure.get()?)));
    let password_error =
        Signal::derive(move || failure.get().filter(is_wrong_password).map(|failure| failure.message()));
    let other_failure = Signal::derive(move || {
        failure.get().filter(|failure| !is_wrong_password(failure) && phone_problem(failure).is_none())
    });
    let request = move |via: Option<Via>| {
        let change = Change {
            country_code: entry.calling_code(),
            phone: entry.number.get_untracked(),
            via: via.map(|via| via.to_string()).unwrap_or_default(),
            password: password.get_untracked(),
        };
        async move { api::account::change_phone(&change).await }
    };
    let send_first = move || async move {
        match request(None).await {
            Ok(sent) => {
                stage.try_set(Stage::Code);
                record_sent(auth, Ok((sent.message, sent.via, sent.resend_after_seconds)))
            }
            Err(failure) => {
                if is_wrong_password(&failure) {
                    asks_password.try_set(true);
                    browser::focus_soon("#current");
                } else if phone_problem(&failure).is_some() {
                    browser::focus_soon("#phone");
                }
                Err(failure)
            }
        }
    };
    let send = ApiCall::new(move |via| async move {
        match request(Some(via)).await {
            // Too long ago meanwhile.
            Err(failure) if failure.code() == ErrorCode::StepUpRequired => {
                stage.try_set(Stage::Number);
                step_up.run(send_first);
                Ok(())
            }
            sent => record_sent(auth, sent.map(|sent| (sent.message, sent.via, sent.resend_after_seconds))),
        }
    });
    let check = ApiCall::new(move |code| async move {
        // The old token ends with a right code, which is no news.
        auth.ending.set_value(is_pending);
        let checked = api::account::verify_new_phone(code).await;
        auth.ending.set_value(is_pending && checked.is_ok());
        checked.map_err(|failure| match failure {
            ApiFailure::Refused { mut error, retry_after } if error.code == ErrorCode::NotFound => {
                error.code = ErrorCode::WrongCode;
                error.message = EXPIRED.to_owned();
                ApiFailure::Refused { error, retry_after }
            }
            failure => failure,
        })
    });
    let completed = completed(auth);
    let on_accepted = Callback::new(move |()| {
        if is_pending {
            completed.run(());
            return;
        }
        spawn_local(async move {
            auth.refresh().await;
            let number = auth.state.with_untracked(|state| match state {
                AuthState::SignedIn(user) => written(&user.country_code, &user.phone),
                _ => String::new(),
            });
            stage.try_set(Stage::Done(number));
            browser::focus_soon("main h1");
        });
    });
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        problem.set(entry.problem());
        if problem.with_untracked(Option::is_some) {
            failure.set(None);
            browser::focus("#phone");
        } else {
            step_up.run(send_first);
        }
    };
    let change_number = move |_| {
        auth.sent.set(None);
        stage.set(Stage::Number);
        browser::focus_soon("#phone");
    };
    let now = current.map(|number| {
        let badge = if is_verified {
            view! { <span class="badge">{icon(Icon::Check)}"Verified"</span> }.into_any()
        } else {
            view! { <span class="badge wait">"Not verified"</span> }.into_any()
        };
        view! {
            <dl class="facts" hidden=move || stage.with(|stage| matches!(stage, Stage::Done(_)))>
                <div><dt>"Phone number"</dt><dd><span class="num">{number}</span>" "{badge}</dd></div>
            </dl>
        }
    });
    let about = if is_correction { ABOUT_CORRECTION } else { ABOUT };
    let body = move || match stage.get() {
        Stage::Done(number) => {
            let done = format!("Your phone number is now {number}.");
            view! { <div id="done">{message_box("", Icon::Check, done)}</div> }.into_any()
        }
        Stage::Code => view! {
            <SentMessage fallback="Enter the code we just sent." />
            <CodeForm confirm="Verify phone number" check send on_accepted focused=true />
            <button class="link" type="button" on:click=change_number>"Change phone number"</button>
        }
        .into_any(),
        Stage::Number if step_up.is_needed() => {
            view! { <StepUpForm step_up purpose="Complete the second step again to make this change." /> }
                .into_any()
        }
        Stage::Number => view! {
            <p>{about}</p>
            <FailureNotice failure=other_failure />
            <form class="stack" on:submit=submit novalidate>
                <PhoneField
                    entry
                    error=phone_error
                    hint="Any country. You can leave out the leading zero."
                    label="New phone number"
                />
                <Show when=move || asks_password.get()>
                    <PasswordField
                        value=password
                        autocomplete="current-password"
                        id="current"
                        label="Current password"
                        error=password_error
                    />
                </Show>
                <button class="button wide" aria-busy=move || step_up.submission.aria_busy()>
                    "Send code"
                </button>
            </form>
        }
        .into_any(),
    };
    let is_done = move || stage.with(|stage| matches!(stage, Stage::Done(_)));
    let back = if is_pending {
        view! { <a class="link" href=page::CODE>"Back to sign-in"</a> }.into_any()
    } else {
        view! { <a class="link" href=page::ACCOUNT>"Back to your account"</a> }.into_any()
    };
    view! {
        <div class="pair">
            <section class="sheet stack">
                <h1 tabindex="-1" aria-describedby=move || is_done().then_some("done")>"Change your phone number"</h1>
                {now}
                {body}
                {back}
            </section>
            <Stub
                half=if is_verified { Half::Hold } else { Half::Know }
                state=StubState::Waiting
                heading="The new phone"
                text="It gets a code first. When it’s verified, you use it to sign in."
            />
        </div>
    }
}
