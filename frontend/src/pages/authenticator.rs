//! Adding an authenticator app: its secret is shown once, and a code of the app turns it on.

use leptos::prelude::*;
use shared::{Authenticator as NewAuthenticator, ErrorCode, phone::written, routes::page};

use crate::{
    api::{self, ApiFailure},
    auth::{Access, AuthContext, AuthState},
    browser,
    components::{
        code_form::{AUTHENTICATOR_CODE, CodeForm, SendAndCheck},
        icon::Icon,
        notice::{FailureNotice, message_box},
        pair::{Stub, StubState, announce_page},
        recovery_offer::{RecoveryOffer, needs_recovery_codes},
        require_access::RequireAccess,
        seal::Half,
    },
    flow::{ApiCall, Submission},
};

const ADDED: &str = "Authenticator app added.";
const WRONG_CODE: &str =
    "Wrong code. Check that your phone’s clock is set automatically, then enter the newest code.";

/// What the page asks for next.
#[derive(Clone)]
enum Stage {
    /// A code of a factor that is active: factors may be changed only shortly after one has passed.
    StepUp,
    /// A click, before the secret is shown.
    Start,
    /// A code of the new app, which has scanned this secret.
    Confirm(NewAuthenticator),
    /// Nothing: the app is active.
    Done,
}

#[component]
pub fn Authenticator() -> impl IntoView {
    view! { <RequireAccess access=Access::VerifiedPhone><Enrol /></RequireAccess> }
}

#[component]
fn Enrol() -> impl IntoView {
    let auth = AuthContext::get();
    let submission = Submission::new();
    let (replaces, fresh, offers_codes, number) = match auth.state.get_untracked() {
        AuthState::SignedIn(user) => {
            let offers_codes = needs_recovery_codes(&user);
            (user.authenticator, user.fresh, offers_codes, written(&user.country_code, &user.phone))
        }
        _ => (false, false, false, String::new()),
    };
    let (title, about) = if replaces {
        ("Replace your authenticator app", "Your current app works until you finish adding the new one.")
    } else {
        (
            "Add an authenticator app",
            "Use any authenticator app. Its codes work even when your phone is offline.",
        )
    };
    announce_page(title);
    let stage = RwSignal::new(if fresh { Stage::Start } else { Stage::StepUp });
    let go_to = move |next: Stage| {
        stage.set(next);
        browser::focus_soon("main h1");
    };
    auth.sent.set(None);
    let enrol = move || {
        submission.run(async move {
            match api::account::enrol_authenticator().await {
                Ok(new) => go_to(Stage::Confirm(new)),
                Err(failure) if failure.code() == ErrorCode::StepUpRequired => go_to(Stage::StepUp),
                Err(failure) => return Err(failure),
            }
            Ok(())
        });
    };
    let after_step_up = Callback::new(move |()| {
        stage.set(Stage::Start);
        enrol();
    });
    let verify = ApiCall::new(|code| api::verify(code, false));
    let confirm = ApiCall::new(move |code| async move {
        let Stage::Confirm(new) = stage.get_untracked() else { return Ok(()) };
        let confirmed = api::account::confirm_authenticator(&new.id, code).await;
        confirmed.map_err(|failure| match failure {
            ApiFailure::Refused { mut error, retry_after } if error.code == ErrorCode::WrongCode => {
                error.message = WRONG_CODE.to_owned();
                ApiFailure::Refused { error, retry_after }
            }
            failure => {
                // The secret was replaced from another page: it has to be made again.
                if failure.code() == ErrorCode::NotFound {
                    submission.failure.set(Some(failure.clone()));
                    go_to(Stage::Start);
                }
                failure
            }
        })
    });
    let after_confirm = Callback::new(move |()| {
        auth.spawn_refresh();
        go_to(Stage::Done);
    });
    let body = move || match stage.get() {
        Stage::StepUp => view! {
            <h2>"Verify it’s you"</h2>
            <p>"Complete the second step again to make this change."</p>
            <SendAndCheck number=number.clone() confirm="Confirm" check=verify on_accepted=after_step_up />
        }
        .into_any(),
        Stage::Start => view! {
            <p>{about}</p>
            <p>"We show the QR code only once. Open your authenticator app first."</p>
            <div class="row">
                <button
                    class="button"
                    type="button"
                    aria-busy=move || submission.aria_busy()
                    on:click=move |_| enrol()
                >
                    "Show QR code"
                </button>
            </div>
        }
        .into_any(),
        Stage::Confirm(new) => view! {
            <Secret new />
            <CodeForm
                confirm="Turn on"
                check=confirm
                on_accepted=after_confirm
                spec=AUTHENTICATOR_CODE
                maxlength=7_u32
            />
        }
        .into_any(),
        Stage::Done => view! {
            <div id="done">{message_box("", Icon::Check, ADDED.to_owned())}</div>
            {offers_codes.then(|| view! { <RecoveryOffer class="stack cut" skippable=true /> })}
        }
        .into_any(),
    };
    let is_done = move || stage.with(|stage| matches!(stage, Stage::Done));
    view! {
        <div class="pair">
            <section class="sheet stack">
                // The heading takes the focus at each step; at the last one it is read with the result.
                <h1 tabindex="-1" aria-describedby=move || is_done().then_some("done")>{title}</h1>
                {body}
                <FailureNotice failure=submission.failure />
                <a class="link" href=page::ACCOUNT>"Back to your account"</a>
            </section>
            <Stub half=Half::Both state=StubState::Approved heading="Another sign-in method" />
        </div>
    }
}

/// The secret as a QR code, and as text for apps without a camera.
#[component]
fn Secret(new: NewAuthenticator) -> impl IntoView {
    let groups: Vec<_> = new.secret.as_bytes().chunks(4).map(String::from_utf8_lossy).collect();
    view! {
        <p role="status">"Scan this QR code with your authenticator app."</p>
        <div class="qr" role="img" aria-label="QR code for the authenticator app" inner_html=new.svg></div>
        <p class="quiet">"Can’t scan it? Enter the setup key in your app instead."</p>
        <dl class="facts">
            <div><dt>"Setup key"</dt><dd><code class="num">{groups.join(" ")}</code></dd></div>
        </dl>
    }
}
