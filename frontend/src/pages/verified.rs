//! The phone is proven.

use leptos::{prelude::*, task::spawn_local};
use shared::{
    phone::{written, written_e164},
    routes::page,
};

use crate::{
    api,
    components::{
        icon::{Icon, icon},
        pair::{Stub, Turn, arrive},
        seal::Half,
    },
    who::{NoAnswer, Visit, Who, goer},
};

/// Whether a text never arrived.
fn is_lost(status: &str) -> bool {
    matches!(status, "undelivered" | "failed" | "canceled")
}

#[component]
pub fn Verified() -> impl IntoView {
    arrive("Phone verified");
    let (visit, go) = (Visit::get(), goer());
    // A browser without an account: the server knows which phone it has proven.
    let proven = RwSignal::new(None::<String>);
    // Until the server has been asked anew, nobody is sent anywhere.
    let asked = RwSignal::new(false);
    spawn_local(async move {
        visit.refresh().await;
        let phone = api::whereabouts().await.ok().and_then(|answer| answer.proven_phone);
        proven.try_set(phone);
        asked.try_set(true);
    });
    Effect::new(move || {
        if !asked.get() {
            return;
        }
        match visit.who.get() {
            Who::Pending(_) => go(page::METHODS, true),
            Who::SignedIn(user) if !user.verified => go(page::VERIFICATION, true),
            Who::Anonymous if proven.with(Option::is_none) => go(page::VERIFICATION, true),
            _ => {}
        }
    });
    move || {
        let (number, confirmed) = match visit.who.get() {
            Who::SignedIn(user) if user.verified => {
                let texted = user.confirmation.is_some_and(|text| !is_lost(&text.status));
                (written(&user.country_code, &user.phone), Some(texted))
            }
            Who::Anonymous => (proven.get().map_or_else(String::new, |phone| written_e164(&phone)), None),
            Who::Unknown(failure) if asked.get() => {
                return view! { <NoAnswer message=failure.message() /> }.into_any();
            }
            _ => return view! { <p class="quiet" role="status">"One moment."</p> }.into_any(),
        };
        if number.is_empty() {
            return view! { <p class="quiet" role="status">"One moment."</p> }.into_any();
        }
        let next = match confirmed {
            Some(texted) => view! {
                {texted.then(|| view! { <p>"A text on its way there says the same."</p> })}
                <div class="row">
                    <a class="button" href=page::PROTECTED>"Open the protected page"</a>
                    <a class="button plain" href=page::ACCOUNT>"Your account"</a>
                </div>
            }
            .into_any(),
            None => view! {
                <p>"This browser has proven it, without an account."</p>
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
                </section>
                <Stub
                    half=if confirmed.is_some() { Half::Both } else { Half::Hold }
                    turn=Turn::Approved
                    heading="The phone is yours"
                    text="Only whoever holds it could have known the code."
                />
            </div>
        }
        .into_any()
    }
}
