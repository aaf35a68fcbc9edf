//! The routes, and the frame around every page.

use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::{
    components::{FlatRoutes, Route, Router},
    hooks::use_location,
    path,
};
use shared::routes::page;

use crate::{
    auth::{AuthContext, AuthState, navigator},
    browser,
    components::{
        icon::{Icon, icon},
        notice::Notice,
        seal::Mark,
    },
    pages::{
        account::Account, approve::Approve, authenticator::Authenticator, code::Code, home::Home,
        log_in::LogIn, methods::Methods, not_found::NotFound, protected::Protected, send::Send,
        sign_up::SignUp, signed_out::SignedOut, verification::Verification, verified::Verified,
    },
};

#[component]
pub fn App() -> impl IntoView {
    AuthContext::provide().spawn_refresh();
    view! {
        <a class="skip" href="#main">"Skip to content"</a>
        <Router>
            <Header />
            <main id="main">
                <UnverifiedBanner />
                <FlatRoutes fallback=NotFound>
                    <Route path=path!("/") view=Home />
                    <Route path=path!("/signup") view=SignUp />
                    <Route path=path!("/login") view=LogIn />
                    <Route path=path!("/approve") view=Approve />
                    <Route path=path!("/code") view=Code />
                    <Route path=path!("/2fa") view=Methods />
                    <Route path=path!("/verification") view=Verification />
                    <Route path=path!("/verified") view=Verified />
                    <Route path=path!("/protected") view=Protected />
                    <Route path=path!("/send") view=Send />
                    <Route path=path!("/authenticator") view=Authenticator />
                    <Route path=path!("/account") view=Account />
                    <Route path=path!("/signed-out") view=SignedOut />
                </FlatRoutes>
            </main>
        </Router>
        <Footer />
    }
}

#[component]
fn Header() -> impl IntoView {
    let auth = AuthContext::get();
    let current_path = use_location().pathname;
    let navigate = navigator();
    let failure = RwSignal::new(None::<String>);
    let log_out = move |next: &'static str| {
        let navigate = navigate.clone();
        move |_| {
            let navigate = navigate.clone();
            spawn_local(async move {
                match auth.log_out().await {
                    Ok(()) => {
                        failure.set(None);
                        navigate(next, false);
                        // The state changes after the page: the page left would redirect otherwise.
                        TimeoutFuture::new(0).await;
                        auth.set_anonymous();
                    }
                    Err(refused) => failure.set(Some(refused.message())),
                }
            });
        }
    };
    let links = move || match auth.state.get() {
        AuthState::SignedIn(_) => view! {
            <a href=page::ACCOUNT>"Account"</a>
            <a href=page::SEND>"Send"</a>
            <button class="link" type="button" on:click=log_out(page::SIGNED_OUT)>"Log out"</button>
        }
        .into_any(),
        AuthState::Pending(_) => {
            view! { <button class="link" type="button" on:click=log_out(page::HOME)>"Cancel"</button> }
                .into_any()
        }
        AuthState::Loading | AuthState::Failed(_) | AuthState::Anonymous => view! {
            <Show when=move || current_path.get() != page::LOG_IN>
                <a href=page::LOG_IN>"Log in"</a>
            </Show>
            <Show when=move || current_path.get() != page::SIGN_UP>
                <a href=page::SIGN_UP>"Create account"</a>
            </Show>
        }
        .into_any(),
    };
    view! {
        <header class="top">
            <a class="brand" href=page::HOME><Mark />"Countersign"</a>
            <nav class="quiet" aria-label="Account">{links}</nav>
            <Notice text=failure />
        </header>
    }
}

/// Shown on every page but one while the phone of the signed-in account is not verified.
#[component]
fn UnverifiedBanner() -> impl IntoView {
    let auth = AuthContext::get();
    let current_path = use_location().pathname;
    let shown = Memo::new(move |_| {
        let unverified =
            auth.state.with(|state| matches!(state, AuthState::SignedIn(user) if !user.verified));
        unverified && current_path.get() != page::VERIFICATION
    });
    view! {
        <Show when=move || shown.get()>
            <aside class="notice wait row banner" aria-label="Your phone">
                {icon(Icon::Alert)}
                <div class="grow">
                    <b>"Verify your phone number"</b>
                    <p>"Some pages and actions stay locked until you do."</p>
                </div>
                <a class="button" href=page::VERIFICATION>"Verify phone"</a>
            </aside>
        </Show>
    }
}

#[component]
fn Footer() -> impl IntoView {
    view! {
        <footer class="foot quiet">
            <span>"Two-factor sign-in"</span>
            {browser::sandbox_phone().map(|url| view! { <a href=url target="phone">"Sandbox phone"</a> })}
        </footer>
    }
}
