//! The routes, and the frame around every page.

use gloo_timers::future::TimeoutFuture;
use leptos::{
    mount::mount_to_body,
    prelude::*,
    task::{spawn_local, tick},
};
use shared::routes::page;

use crate::{
    auth::{AuthContext, AuthState},
    browser,
    components::{
        icon::{Icon, icon},
        notice::{Notice, loading},
        seal::Mark,
    },
    first_frame::FirstFrame,
    groups::{Group, Page},
    router::{Router, navigator},
};

/// Shows the program in place of the first frame, once there is something to show.
pub async fn start() {
    let group = Page::at(&browser::path()).group();
    // Asks for both at once.
    group.preload();
    let state = AuthState::load().await;
    // The page says so if it was not loaded.
    let _ = group.load().await;
    let frame = FirstFrame::remove();
    mount_to_body(move || view! { <App state /> });
    // The fields are there at once, and empty after the next step. That step is still part of this task: what
    // is typed meanwhile comes after it.
    tick().await;
    frame.restore();
}

#[component]
fn App(state: AuthState) -> impl IntoView {
    Router::provide();
    AuthContext::provide(state);
    view! {
        <a class="skip" href="#main">"Skip to content"</a>
        <Header />
        <main id="main">
            <UnverifiedBanner />
            <CurrentPage />
        </main>
        <Footer />
    }
}

/// The page of the current path.
#[component]
fn CurrentPage() -> impl IntoView {
    let router = Router::get();
    let current = Memo::new(move |_| Page::at(&router.path()));
    // The group that was asked for last, and whether it was loaded.
    let outcome = RwSignal::new((Group::First, true));
    let shown = StoredValue::new(None);
    move || {
        let page = current.get();
        let group = page.group();
        // Whoever comes back tries again.
        let is_new = shown.try_update_value(|shown| shown.replace(page) != Some(page)) == Some(true);
        let failed = outcome.get() == (group, false) && !is_new;
        match page.build() {
            Some(view) => view,
            None if failed => view! { <NotLoaded /> }.into_any(),
            None => {
                spawn_local(async move {
                    let loaded = group.load().await;
                    // Whoever has gone elsewhere meanwhile keeps what is typed there.
                    if current.try_get_untracked().map(Page::group) == Some(group) {
                        outcome.set((group, loaded));
                    }
                });
                loading().into_any()
            }
        }
    }
}

/// The files of a page could not be loaded: the connection is cut, or there is a newer page.
#[component]
fn NotLoaded() -> impl IntoView {
    view! {
        <div class="sheet stack">
            <h1 tabindex="-1">"This page couldn’t load"</h1>
            <p>"Can’t reach the server. Check your connection and try again."</p>
            <div class="row">
                <button class="button" type="button" on:click=|_| browser::reload()>"Reload page"</button>
            </div>
        </div>
    }
}

#[component]
fn Header() -> impl IntoView {
    let auth = AuthContext::get();
    let router = Router::get();
    let navigate = navigator();
    let failure = RwSignal::new(None::<String>);
    let log_out = move |next: &'static str| {
        move |_| {
            if !router.may_leave() {
                return;
            }
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
        AuthState::Failed(_) | AuthState::Anonymous => view! {
            <Show when=move || router.path() != page::LOG_IN>
                <a href=page::LOG_IN>"Log in"</a>
            </Show>
            <Show when=move || router.path() != page::SIGN_UP>
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
    let router = Router::get();
    let shown = Memo::new(move |_| {
        let unverified =
            auth.state.with(|state| matches!(state, AuthState::SignedIn(user) if !user.verified));
        unverified && router.path() != page::VERIFICATION
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
