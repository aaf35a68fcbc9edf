//! The second factor by a code.

use leptos::prelude::*;
use shared::routes::page;

use crate::{
    api,
    auth::{Access, AuthContext, AuthState},
    components::{
        code_form::{CodeForm, SentMessage},
        pair::{Stub, StubState, announce_page},
        remember_box::RememberBox,
        require_access::RequireAccess,
        seal::Half,
    },
    flow::{ApiCall, completed, follow_request, send_code},
    groups::Group,
};

#[component]
pub fn Code() -> impl IntoView {
    announce_page("Enter the code");
    view! { <RequireAccess access=Access::Pending><Form /></RequireAccess> }
}

#[component]
fn Form() -> impl IntoView {
    let auth = AuthContext::get();
    let number = match auth.state.get_untracked() {
        AuthState::Pending(status) => status.phone,
        _ => String::new(),
    };
    follow_request(auth);
    let check = ApiCall::new(move |code| async move {
        Group::Inside.preload();
        // The old token ends with a right code, which is no news.
        auth.ending.set_value(true);
        let checked = api::verify(code, auth.remember.get_untracked()).await;
        auth.ending.set_value(checked.is_ok());
        checked
    });
    let send = ApiCall::new(move |via| send_code(auth, via));
    let on_accepted = completed(auth);
    view! {
        <div class="pair">
            <section class="sheet stack">
                <h1 tabindex="-1">"Enter the code"</h1>
                <SentMessage fallback=format!("The one the app shows on {number}, or the last one sent there.") />
                <CodeForm confirm="Confirm" check send on_accepted />
                <RememberBox />
                <a class="link" href=page::METHODS>"Choose another way"</a>
            </section>
            <Stub
                half=Half::Know
                state=StubState::Waiting
                heading="Step 2 of 2: your phone"
                text="Your password is correct. Now enter the code from your phone."
            />
        </div>
    }
}
