//! The page of the signed-in account.

use gloo_timers::future::TimeoutFuture;
use leptos::{prelude::*, task::spawn_local};
use shared::{User, phone::written, routes::page};

use super::recovery_codes::codes_left;
use crate::{
    api,
    auth::{Access, AuthContext, AuthState},
    components::{
        date::date,
        denied_sign_in::{DeniedQuestion, Secured},
        icon::{Icon, icon},
        notice::FailureNotice,
        pair::announce_page,
        rail::Rail,
        recovery_offer::{RecoveryOffer, needs_recovery_codes},
        require_access::RequireAccess,
        seal::{Half, Seal},
    },
    flow::{RETRY_MS, Submission, mounted},
};

#[component]
pub fn Account() -> impl IntoView {
    announce_page("Your account");
    view! { <RequireAccess access=Access::SignedIn><Details /></RequireAccess> }
}

#[component]
fn Details() -> impl IntoView {
    let auth = AuthContext::get();
    let mounted = mounted();
    // Set when the account was secured, which has ended this session too: to whether a link was sent.
    let secured = RwSignal::new(None);
    let is_secured = move || secured.try_get_untracked().is_none_or(|secured| secured.is_some());
    spawn_local(async move {
        // The provider reports the delivery of a text message within a minute.
        for _ in 0..20 {
            auth.refresh().await;
            let awaits_report = auth.state.with_untracked(|state| match state {
                AuthState::SignedIn(user) => {
                    user.confirmation.as_ref().is_some_and(|text| !is_final(&text.status))
                }
                _ => false,
            });
            if !awaits_report || !mounted.get() {
                return;
            }
            TimeoutFuture::new(RETRY_MS).await;
            if is_secured() {
                return;
            }
        }
    });
    move || match (secured.get(), auth.state.get()) {
        (Some(email), _) => Some(view! { <Secured email /> }.into_any()),
        (None, AuthState::SignedIn(user)) => Some(details_of(user, secured).into_any()),
        _ => None,
    }
}

/// Whether the delivery status of a text message is final.
fn is_final(status: &str) -> bool {
    matches!(status, "delivered" | "read" | "undelivered" | "failed" | "canceled")
}

fn details_of(user: User, secured: RwSignal<Option<bool>>) -> impl IntoView {
    let number = written(&user.country_code, &user.phone);
    let (half, factors) = if user.verified {
        (Half::Both, "Your password and your phone open this account")
    } else {
        (Half::Know, "Signed in with password alone")
    };
    let badge = if user.verified {
        view! { <span class="badge">{icon(Icon::Check)}"Verified"</span> }.into_any()
    } else {
        view! { <span class="badge wait">"Not verified"</span> }.into_any()
    };
    let since = date(&user.created_at);
    let delivery = user.confirmation.as_ref().map(|text| match (text.status.as_str(), text.error_code) {
        ("delivered" | "read", _) => "delivered".to_owned(),
        ("undelivered" | "failed" | "canceled", Some(code)) => format!("not delivered (error {code})"),
        ("undelivered" | "failed" | "canceled", None) => "not delivered".to_owned(),
        ("sent", _) => "sent".to_owned(),
        _ => "on its way".to_owned(),
    });
    let app = if user.authenticator { "Authenticator app added" } else { "No authenticator app yet" };
    let change = if user.authenticator { "Replace" } else { "Add" };
    let verified = user.verified;
    let offers_codes = needs_recovery_codes(&user);
    view! {
        <div class="stack">
            {user.denied_sign_in.map(|denied| view! { <DeniedQuestion denied secured /> })}
            {user.recovery_codes_left.filter(|left| *left <= 2).map(few_codes)}
            {(user.mail && !user.email_verified).then(unverified_email)}
            {user.authenticator_lost.as_deref().map(|why| view! { <Invitation shared=why == "shared" /> })}
            <div class="row">
                <Seal half mini=true />
                <div><h1 tabindex="-1">{user.full_name.clone()}</h1><p class="quiet">{factors}</p></div>
            </div>
            <Rail current=page::ACCOUNT />
            <section class="sheet panel" aria-labelledby="details">
                <h2 id="details">"Details"</h2>
                <dl class="facts">
                    <div><dt>"Name"</dt><dd>{user.full_name}</dd></div>
                    <div><dt>"E-mail"</dt><dd>{user.email}</dd></div>
                    {user.username.map(|username| view! { <div><dt>"Username"</dt><dd>{username}</dd></div> })}
                    <div><dt>"Phone"</dt><dd><span class="num">{number}</span>" "{badge}</dd></div>
                    {delivery.map(|delivery| view! { <div><dt>"Text"</dt><dd>"Confirmation: "{delivery}</dd></div> })}
                    <div>
                        <dt>"App"</dt>
                        <dd>
                            {app}
                            {verified.then(|| view! { " "<a class="link" href=page::AUTHENTICATOR>{change}<span class="hide">" the authenticator app"</span></a> })}
                        </dd>
                    </div>
                    <div><dt>"Member since"</dt><dd><time datetime=user.created_at>{since}</time></dd></div>
                </dl>
            </section>
            {offers_codes.then(|| view! { <RecoveryOffer class="sheet panel" /> })}
        </div>
    }
}

fn few_codes(left: u32) -> impl IntoView {
    view! {
        <aside class="notice wait row" aria-label="Recovery codes">
            {icon(Icon::Alert)}
            <p class="grow">{codes_left(left)}". Create new codes."</p>
            <a class="link" href=page::RECOVERY_CODES>"Create new codes"</a>
        </aside>
    }
}

fn unverified_email() -> impl IntoView {
    view! {
        <aside class="notice wait row" aria-label="Email">
            {icon(Icon::Mail)}
            <p class="grow">"Your email is not verified."</p>
            <a class="link" href=page::EMAIL>"Verify email"</a>
        </aside>
    }
}

/// The authenticator app stayed behind at another provider: its owner is told so once, with the reason.
#[component]
fn Invitation(
    /// Other accounts have the same phone number, so that nobody could tell whose it was.
    shared: bool,
) -> impl IntoView {
    let reason = if shared {
        "other accounts used the same phone number there"
    } else {
        "the old provider didn’t hand it over"
    };
    let auth = AuthContext::get();
    let submission = Submission::new();
    let dismiss = move |_| {
        submission.run(async move {
            api::account::dismiss_invitation().await?;
            auth.refresh().await;
            Ok(())
        });
    };
    view! {
        <section class="notice wait" aria-labelledby="invitation">
            {icon(Icon::Alert)}
            <div>
                <h2 id="invitation">"Set up your authenticator app again"</h2>
                <p>"We changed our provider, and your authenticator app couldn’t be moved: "{reason}". Its codes no longer work here."</p>
                <div class="row">
                    <a class="link" href=page::AUTHENTICATOR>"Set up authenticator app"</a>
                    <button class="link" type="button" aria-busy=move || submission.aria_busy() on:click=dismiss>
                        "Not now"
                    </button>
                </div>
                <FailureNotice failure=submission.failure />
            </div>
        </section>
    }
}
