//! The second factor by a recovery code.

use std::rc::Rc;

use leptos::{ev::SubmitEvent, prelude::*};
use shared::{ErrorCode, routes::page};

use crate::{
    api,
    auth::{Access, AuthContext},
    browser,
    components::{
        field::{FieldSpec, TextField},
        pair::{Stub, StubState, announce_page},
        remember_box::RememberBox,
        require_access::RequireAccess,
        seal::Half,
    },
    flow::{Submission, completed, follow_request, mounted},
    groups::Group,
};

const CODE: FieldSpec = FieldSpec {
    id: "recovery",
    label: "Recovery code",
    kind: "text",
    autocomplete: "off",
    inputmode: "text",
    hint: Some("Each code works once."),
};

#[component]
pub fn Recover() -> impl IntoView {
    announce_page("Enter a recovery code");
    view! { <RequireAccess access=Access::Pending><Form /></RequireAccess> }
}

#[component]
fn Form() -> impl IntoView {
    let auth = AuthContext::get();
    let mounted = mounted();
    let code = RwSignal::new(String::new());
    let submission = Submission::new();
    let error = Signal::derive(move || submission.failure.get().map(|failure| failure.message()));
    follow_request(auth);
    Group::Inside.preload();
    let completed = completed(auth);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let mounted = Rc::clone(&mounted);
        submission.run(async move {
            // The old token ends with a right code, which is no news.
            auth.ending.set_value(true);
            let recovered = api::recover(code.get_untracked(), auth.remember.get_untracked()).await;
            auth.ending.set_value(recovered.is_ok());
            match recovered {
                Ok(()) if mounted.get() => completed.run(()),
                // The page was left, and the sign-in is complete.
                Ok(()) => auth.refresh_after_leaving().await,
                Err(failure) => {
                    if failure.code() == ErrorCode::NoSession {
                        auth.refresh_after_end().await;
                    }
                    browser::focus("#recovery");
                    return Err(failure);
                }
            }
            Ok(())
        });
    };
    view! {
        <div class="pair">
            <section class="sheet stack">
                <h1 tabindex="-1">"Enter a recovery code"</h1>
                <form class="stack" on:submit=submit novalidate>
                    <TextField spec=CODE value=code error class="code" maxlength=30_u32 />
                    <RememberBox />
                    <button class="button wide" aria-busy=move || submission.aria_busy()>"Verify code"</button>
                </form>
                <a class="link" href=page::METHODS>"Choose another way"</a>
            </section>
            <Stub
                half=Half::Know
                state=StubState::Waiting
                heading="Step 2 of 2: your phone"
                text="Your password is correct. A code you saved takes the place of your phone."
            />
        </div>
    }
}
