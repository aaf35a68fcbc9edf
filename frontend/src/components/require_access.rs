//! What a page shows to people it is not for, and while that is not known yet.

use leptos::prelude::*;

use super::notice::loading;
use crate::{
    auth::{Access, AuthContext, AuthState, redirect},
    router::navigator,
};

/// Shows a page if the auth state has the required access, and redirects otherwise.
#[component]
pub fn RequireAccess(access: Access, children: ChildrenFn) -> impl IntoView {
    let auth = AuthContext::get();
    let navigate = navigator();
    Effect::new(move || {
        if let Some(path) = auth.state.with(|state| redirect(auth, state, access)) {
            navigate(path, true);
        }
    });
    // A memo, so that a change of state within the same access does not render the page again.
    let decision = Memo::new(move |_| {
        auth.state.with(|state| match state {
            AuthState::Failed(failure) => Decision::Failed(failure.message()),
            state if redirect(auth, state, access).is_none() => Decision::Show,
            _ => Decision::Wait,
        })
    });
    move || match decision.get() {
        Decision::Show => children().into_any(),
        Decision::Wait => loading().into_any(),
        Decision::Failed(message) => view! { <LoadFailed message /> }.into_any(),
    }
}

/// What [`RequireAccess`] shows.
#[derive(Debug, Clone, PartialEq)]
enum Decision {
    Wait,
    Failed(String),
    Show,
}

/// The auth state could not be loaded; a button tries again.
#[component]
pub fn LoadFailed(message: String) -> impl IntoView {
    let auth = AuthContext::get();
    view! {
        <div class="sheet stack">
            <h1>"No answer"</h1>
            <p>{message}</p>
            <div class="row">
                <button class="button" type="button" on:click=move |_| auth.spawn_refresh()>"Try again"</button>
            </div>
        </div>
    }
}
