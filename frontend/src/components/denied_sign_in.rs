//! A sign-in that was denied on the phone: was it the owner's? And what is shown when the account was secured.

use leptos::prelude::*;
use shared::{DeniedSignIn, routes::page};

use super::{
    date::date_and_time,
    icon::{Icon, icon},
    notice::{FailureNotice, message_box},
};
use crate::{api, auth::AuthContext, browser, flow::Submission};

/// Asks whose it was. `secured` is set when the account was secured: to whether a link was sent.
#[component]
pub fn DeniedQuestion(denied: DeniedSignIn, secured: RwSignal<Option<bool>>) -> impl IntoView {
    let auth = AuthContext::get();
    let submission = Submission::new();
    let id = StoredValue::new(denied.id);
    let admit = move |_| {
        submission.run(async move {
            api::account::admit_denied_sign_in(&id.get_value()).await?;
            auth.refresh().await;
            browser::focus_soon("main h1");
            Ok(())
        });
    };
    let disown = move |_| {
        submission.run(async move {
            secured.set(Some(api::account::disown_denied_sign_in(&id.get_value()).await?));
            Ok(())
        });
    };
    let fact = |label: &'static str, text: String| {
        (!text.is_empty()).then(|| view! { <div><dt>{label}</dt><dd>{text}</dd></div> })
    };
    let at = date_and_time(&denied.at);
    view! {
        <section class="notice wait" aria-labelledby="denied">
            {icon(Icon::Alert)}
            <div class="stack grow">
                <div>
                    <h2 id="denied">"Was this you?"</h2>
                    <p>"This sign-in was denied on your phone. Whoever started it knows your password."</p>
                </div>
                <dl class="facts">
                    {fact("Browser", denied.browser)}
                    {fact("IP address", denied.address)}
                    <div><dt>"Requested at"</dt><dd><time datetime=denied.at>{at}</time></dd></div>
                </dl>
                <div class="row">
                    <button class="button plain" type="button" aria-busy=move || submission.aria_busy() on:click=admit>
                        "Yes, it was me"
                    </button>
                    <button class="button stop" type="button" aria-busy=move || submission.aria_busy() on:click=disown>
                        "No, secure my account"
                    </button>
                </div>
                <FailureNotice failure=submission.failure />
            </div>
        </section>
    }
}

/// All sessions were ended, this one too. That is said as long as this is shown: whoever leaves it is signed out.
#[component]
pub fn Secured(
    /// Whether a link to set a new password was sent.
    email: bool,
) -> impl IntoView {
    let auth = AuthContext::get();
    let text = if email {
        "All sessions were ended. To set a new password, open the link we sent to your email."
    } else {
        "All sessions were ended. Sign in again and change your password."
    };
    on_cleanup(move || auth.set_anonymous());
    browser::focus_soon("main h1");
    view! {
        <div class="sheet stack">
            <h1 tabindex="-1" aria-describedby="secured">"Secure your account"</h1>
            <div id="secured">{message_box("", Icon::Check, text.to_owned())}</div>
            <div class="row"><a class="button" href=page::LOG_IN>"Sign in"</a></div>
        </div>
    }
}
