//! Enrolling an authenticator app: its secret is shown once.

use leptos::prelude::*;
use shared::{Authenticator as Secret, ErrorCode, phone::written, routes::page};

use crate::{
    api, browser,
    components::{
        code_form::{CodeForm, CodeWays, SendFirst, SentWhere},
        field::Notice,
        pair::{Stub, Turn, arrive},
        seal::Half,
    },
    flow::{Act, Task, send_code},
    who::{For, Only, Visit, Who},
};

#[component]
pub fn Authenticator() -> impl IntoView {
    arrive("Add an authenticator app");
    view! { <Only page_for=For::Proven><Enrol /></Only> }
}

#[component]
fn Enrol() -> impl IntoView {
    let visit = Visit::get();
    let task = Task::new();
    let secret = RwSignal::new(None::<Secret>);
    let (enrolled, fresh, number) = match visit.who.get_untracked() {
        Who::SignedIn(user) => (user.authenticator, user.fresh, written(&user.country_code, &user.phone)),
        _ => (false, false, String::new()),
    };
    // Whether the phone has to answer once more first.
    let step_up = RwSignal::new(!fresh);
    visit.sent.set(None);
    let show = move || {
        task.run(async move {
            match api::enrol_authenticator(enrolled).await {
                Ok(shown) => {
                    secret.set(Some(shown));
                    browser::focus_soon("main h1");
                    Ok(())
                }
                Err(failure) if failure.code() == ErrorCode::StepUpRequired => {
                    step_up.set(true);
                    Ok(())
                }
                Err(failure) => Err(failure),
            }
        });
    };
    let ways = CodeWays { check: Act::new(api::verify), send: Act::new(move |via| send_code(visit, via)) };
    let on_right = Callback::new(move |()| {
        step_up.set(false);
        show();
    });
    let begun = Memo::new(move |_| visit.sent.with(Option::is_some));
    let told = move || {
        if let Some(secret) = secret.get() {
            return view! { <Shown secret /> }.into_any();
        }
        if step_up.get() {
            return view! {
                <p>"To change how you sign in, the phone answers once more."</p>
                {if begun.get() {
                    view! {
                        <SentWhere or_else="" />
                        <CodeForm confirm="Confirm" ways on_right focused=true />
                    }
                    .into_any()
                } else {
                    view! {
                        <p>"We send a code to "<span class="num">{number.clone()}</span>"."</p>
                        <SendFirst send=ways.send />
                    }
                    .into_any()
                }}
            }
            .into_any();
        }
        let (about, label) = if enrolled {
            (
                "An app was added before. A new code replaces it: what that app shows will not be taken any more.",
                "Replace the app",
            )
        } else {
            (
                "Any app that scans QR codes and shows six digits will do. It works with the phone offline.",
                "Show the code",
            )
        };
        view! {
            <p>{about}</p>
            <p>"The code is shown once. Have the app ready."</p>
            <div class="row">
                <button class="button" type="button" aria-busy=move || task.word() on:click=move |_| show()>{label}</button>
            </div>
        }
        .into_any()
    };
    view! {
        <div class="pair">
            <section class="sheet stack">
                <h1 tabindex="-1">"Add an authenticator app"</h1>
                {told}
                <Notice text=task.problem() />
                <a class="link" href=page::ACCOUNT on:click=move |_| visit.refresh_soon()>"Back to your account"</a>
            </section>
            <Stub
                half=Half::Both
                turn=Turn::Approved
                heading="One more way in"
                text="The app counts the same half: the phone you hold."
            />
        </div>
    }
}

#[component]
fn Shown(secret: Secret) -> impl IntoView {
    let grouped: Vec<String> =
        secret.secret.as_bytes().chunks(4).map(|four| String::from_utf8_lossy(four).into_owned()).collect();
    view! {
        <p role="status">"Scan this with the app. It is shown this once."</p>
        <div class="qr" role="img" aria-label="QR code for the authenticator app" inner_html=secret.svg></div>
        <dl class="facts">
            <div><dt>"Account"</dt><dd>{secret.issuer}": "{secret.label}</dd></div>
            <div><dt>"Key"</dt><dd><code class="num">{grouped.join(" ")}</code></dd></div>
        </dl>
        <p class="quiet">"No camera? Type the key into the app. At the next sign-in, choose \u{201c}Code from the app\u{201d}."</p>
    }
}
