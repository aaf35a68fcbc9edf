//! The routes, and what stands around every page.

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
    browser,
    components::{
        field::Notice,
        icon::{Icon, icon},
        seal::Mark,
    },
    pages::{
        account::Account, approve::Approve, authenticator::Authenticator, code::Code, home::Home,
        log_in::LogIn, methods::Methods, not_found::NotFound, protected::Protected, send::Send,
        sign_up::SignUp, signed_out::SignedOut, verification::Verification, verified::Verified,
    },
    who::{Visit, Who, goer},
};

#[component]
pub fn App() -> impl IntoView {
    let visit = Visit::provide();
    visit.refresh_soon();
    view! {
        <a class="skip" href="#main">"Skip to content"</a>
        <Router>
            <Top />
            <main id="main">
                <Banner />
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
        <Foot />
    }
}

#[component]
fn Top() -> impl IntoView {
    let visit = Visit::get();
    let here = use_location().pathname;
    let go = goer();
    let failure = RwSignal::new(None::<String>);
    let leave = move |to: &'static str| {
        let go = go.clone();
        move |_| {
            let go = go.clone();
            spawn_local(async move {
                match visit.leave().await {
                    Ok(()) => {
                        failure.set(None);
                        go(to, false);
                        // The page is left first: it would send on whoever is nobody any more.
                        TimeoutFuture::new(0).await;
                        visit.left();
                    }
                    Err(refused) => failure.set(Some(refused.message())),
                }
            });
        }
    };
    let links = move || match visit.who.get() {
        Who::SignedIn(_) => view! {
            <a href=page::ACCOUNT>"Account"</a>
            <a href=page::SEND>"Send"</a>
            <button class="link" type="button" on:click=leave(page::SIGNED_OUT)>"Log out"</button>
        }
        .into_any(),
        Who::Pending(_) => {
            view! { <button class="link" type="button" on:click=leave(page::HOME)>"Cancel"</button> }
                .into_any()
        }
        Who::Loading | Who::Unknown(_) | Who::Anonymous => view! {
            <Show when=move || here.get() != page::LOG_IN>
                <a href=page::LOG_IN>"Log in"</a>
            </Show>
            <Show when=move || here.get() != page::SIGN_UP>
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

/// On every page of whoever has not proven their phone, until they have.
#[component]
fn Banner() -> impl IntoView {
    let visit = Visit::get();
    let here = use_location().pathname;
    let shown = Memo::new(move |_| {
        let unproven = visit.who.with(|who| matches!(who, Who::SignedIn(user) if !user.verified));
        unproven && here.get() != page::VERIFICATION
    });
    view! {
        <Show when=move || shown.get()>
            <aside class="notice wait row banner" aria-label="Your phone">
                {icon(Icon::Alert)}
                <div class="grow">
                    <b>"Your phone is not proven yet"</b>
                    <p>"Until it is, everything that needs a proven phone stays locked."</p>
                </div>
                <a class="button" href=page::VERIFICATION>"Verify phone"</a>
            </aside>
        </Show>
    }
}

#[component]
fn Foot() -> impl IntoView {
    view! {
        <footer class="foot quiet">
            <span>"Two halves, one sign-in."</span>
            {browser::sandbox_phone().map(|url| view! { <a href=url target="phone">"Sandbox phone"</a> })}
        </footer>
    }
}
