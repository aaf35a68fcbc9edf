//! A page that needs a complete sign-in and a verified phone.

use leptos::{prelude::*, task::spawn_local};
use shared::routes::page;

use crate::{
    api::{self, ApiFailure},
    auth::Access,
    components::{
        notice::{FailureNotice, loading},
        pair::{Stub, StubState, announce_page},
        require_access::RequireAccess,
        seal::Half,
    },
};

#[component]
pub fn Protected() -> impl IntoView {
    announce_page("Protected page");
    view! { <RequireAccess access=Access::VerifiedPhone><Content /></RequireAccess> }
}

#[component]
fn Content() -> impl IntoView {
    let content = RwSignal::new(None::<Result<(String, String), ApiFailure>>);
    spawn_local(async move {
        let answer = api::protected().await.map(|answer| (answer.message, answer.username));
        content.try_set(Some(answer));
    });
    let body = move || match content.get() {
        None => loading().into_any(),
        Some(Ok((message, username))) => view! {
            <p>{message}</p>
            <dl class="facts"><div><dt>"Signed in as"</dt><dd>{username}</dd></div></dl>
        }
        .into_any(),
        Some(Err(failure)) => {
            view! { <FailureNotice failure=Signal::derive(move || Some(failure.clone())) /> }.into_any()
        }
    };
    view! {
        <div class="pair" data-state="approved">
            <section class="sheet stack">
                <h1 tabindex="-1">"Protected page"</h1>
                {body}
                <div class="row">
                    <a class="button" href=page::SEND>"Send money"</a>
                    <a class="button plain" href=page::ACCOUNT>"Your account"</a>
                </div>
            </section>
            <Stub
                half=Half::Both
                state=StubState::Approved
                heading="Signed in"
                text="Your password and your phone opened this page."
            />
        </div>
    }
}
