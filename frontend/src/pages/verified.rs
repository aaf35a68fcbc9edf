//! The page after a phone was verified.

use leptos::{prelude::*, task::spawn_local};
use shared::{
    phone::{written, written_e164},
    routes::page,
};

use crate::{
    api,
    auth::{AuthContext, AuthState},
    components::{
        icon::{Icon, icon},
        notice::loading,
        pair::{Stub, StubState, announce_page},
        recovery_offer::{RecoveryOffer, needs_recovery_codes},
        require_access::LoadFailed,
        seal::Half,
    },
    router::navigator,
};

/// Whether a text message was not delivered.
fn is_undelivered(status: &str) -> bool {
    matches!(status, "undelivered" | "failed" | "canceled")
}

#[component]
pub fn Verified() -> impl IntoView {
    announce_page("Phone verified");
    let (auth, navigate) = (AuthContext::get(), navigator());
    // The phone that a browser without an account has verified.
    let verified_phone = RwSignal::new(None::<String>);
    // Redirects wait until the state was loaded again: verifying has changed it.
    let loaded = RwSignal::new(false);
    spawn_local(async move {
        auth.refresh().await;
        let phone = api::whereabouts().await.ok().and_then(|answer| answer.verified_phone);
        verified_phone.try_set(phone);
        loaded.try_set(true);
    });
    Effect::new(move || {
        if !loaded.get() {
            return;
        }
        match auth.state.get() {
            AuthState::Pending(_) => navigate(page::METHODS, true),
            AuthState::SignedIn(user) if !user.verified => navigate(page::VERIFICATION, true),
            AuthState::Anonymous if verified_phone.with(Option::is_none) => {
                navigate(page::VERIFICATION, true);
            }
            _ => {}
        }
    });
    move || {
        let offers_codes =
            auth.state.with(|state| matches!(state, AuthState::SignedIn(user) if needs_recovery_codes(user)));
        // `text_sent` is `None` without an account.
        let (number, text_sent) = match auth.state.get() {
            AuthState::SignedIn(user) if user.verified => {
                let text_sent = user.confirmation.is_some_and(|text| !is_undelivered(&text.status));
                (written(&user.country_code, &user.phone), Some(text_sent))
            }
            AuthState::Anonymous => {
                (verified_phone.get().map_or_else(String::new, |phone| written_e164(&phone)), None)
            }
            AuthState::Failed(failure) if loaded.get() => {
                return view! { <LoadFailed message=failure.message() /> }.into_any();
            }
            _ => return loading().into_any(),
        };
        if number.is_empty() {
            return loading().into_any();
        }
        let next = match text_sent {
            Some(text_sent) => view! {
                {text_sent.then(|| view! { <p>"A text on its way there says the same."</p> })}
                <div class="row">
                    <a class="button" href=page::PROTECTED>"Open the protected page"</a>
                    <a class="button plain" href=page::ACCOUNT>"Your account"</a>
                </div>
            }
            .into_any(),
            None => view! {
                <p>"This browser remembers it for 1 hour."</p>
                <div class="row">
                    <a class="button" href=page::SIGN_UP>"Create account"</a>
                    <a class="button plain" href=page::VERIFICATION>"Another phone"</a>
                </div>
            }
            .into_any(),
        };
        view! {
            <div class="pair" data-state="approved">
                <section class="sheet stack">
                    <h1 tabindex="-1">"Phone verified"</h1>
                    <div class="notice" role="status">
                        {icon(Icon::Check)}
                        <div><span class="num">{number}</span>" answered with the right code."</div>
                    </div>
                    {next}
                    {offers_codes.then(|| view! { <RecoveryOffer class="stack cut" skippable=true /> })}
                </section>
                <Stub
                    half=if text_sent.is_some() { Half::Both } else { Half::Hold }
                    state=StubState::Approved
                    heading="The phone is yours"
                    text="Only whoever holds it could have known the code."
                />
            </div>
        }
        .into_any()
    }
}
