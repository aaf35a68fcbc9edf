//! Changing the password: the current one, and a factor that has passed a short time ago.

use leptos::{ev::SubmitEvent, prelude::*};
use shared::{ChangePassword as Change, ErrorCode, password::Advice, routes::page};

use crate::{
    api,
    auth::{Access, AuthContext, AuthState},
    browser,
    components::{
        field::PasswordField,
        icon::Icon,
        notice::{FailureNotice, message_box},
        pair::{Stub, announce_page},
        password_advice::NewPassword,
        require_access::RequireAccess,
        seal::Half,
        step_up::{StepUp, StepUpForm},
    },
};

const DONE: &str = "Password changed. All other sessions were ended.";

#[component]
pub fn ChangePassword() -> impl IntoView {
    announce_page("Change your password");
    view! { <RequireAccess access=Access::SignedIn><Form /></RequireAccess> }
}

#[component]
fn Form() -> impl IntoView {
    let auth = AuthContext::get();
    let step_up = StepUp::new();
    let (current, password) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    // What this page finds wrong with the new password; the server checks again.
    let problem = RwSignal::new(None::<String>);
    let is_done = RwSignal::new(false);
    let (name, email, username) = match auth.state.get_untracked() {
        AuthState::SignedIn(user) => (user.full_name, user.email, user.username.unwrap_or_default()),
        _ => Default::default(),
    };
    let account = if email.is_empty() { username.clone() } else { email.clone() };
    let advice = Signal::derive(move || {
        password.with(|password| Advice::on(password, &[name.as_str(), email.as_str(), username.as_str()]))
    });
    let failure = step_up.submission.failure;
    let current_error = Signal::derive(move || {
        let failure = failure.get()?;
        let is_wrong = failure.code() == ErrorCode::WrongPassword;
        failure.field("currentPassword").or_else(|| is_wrong.then(|| failure.message()))
    });
    let new_error = Signal::derive(move || problem.get().or_else(|| failure.get()?.field("password")));
    let other_failure = Signal::derive(move || {
        let is_at_field = current_error.get().is_some() || new_error.get().is_some();
        failure.get().filter(|_| !is_at_field)
    });
    let change = move || async move {
        let change = Change { current_password: current.get_untracked(), password: password.get_untracked() };
        let changed = api::account::change_password(&change).await;
        match &changed {
            Ok(()) => {
                auth.spawn_refresh();
                is_done.try_set(true);
                browser::focus_soon("main h1");
            }
            Err(failure) if failure.code() == ErrorCode::WrongPassword => browser::focus_soon("#current"),
            Err(failure) if failure.field("password").is_some() => browser::focus_soon("#password"),
            Err(_) => {}
        }
        changed
    };
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let refusal = advice.with_untracked(Advice::refusal).map(str::to_owned);
        problem.set(refusal);
        if problem.with_untracked(Option::is_some) {
            failure.set(None);
            browser::focus("#password");
        } else {
            step_up.run(change);
        }
    };
    let body = move || {
        if is_done.get() {
            return view! { <div id="done">{message_box("", Icon::Check, DONE.to_owned())}</div> }.into_any();
        }
        if step_up.is_needed() {
            return view! {
                <StepUpForm step_up purpose="Complete the second step again to make this change." />
            }
            .into_any();
        }
        view! {
            <FailureNotice failure=other_failure />
            <form class="stack" on:submit=submit novalidate>
                // For password managers, which keep the new password with it.
                <input type="text" name="username" autocomplete="username" value=account.clone() hidden />
                <PasswordField
                    value=current
                    autocomplete="current-password"
                    id="current"
                    label="Current password"
                    error=current_error
                />
                <NewPassword value=password advice error=new_error />
                <button class="button wide" aria-busy=move || step_up.submission.aria_busy()>
                    "Change password"
                </button>
            </form>
        }
        .into_any()
    };
    view! {
        <div class="pair">
            <section class="sheet stack">
                <h1 tabindex="-1" aria-describedby=move || is_done.get().then_some("done")>"Change your password"</h1>
                {body}
                <a class="link" href=page::SECURITY>"Back to Security"</a>
            </section>
            <Stub
                half=Half::Both
                heading="What happens then"
                text="All other sessions end, and remembered devices are removed."
            />
        </div>
    }
}
