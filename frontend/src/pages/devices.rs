//! The devices that approve requests, on the account page: naming and removing them.

use leptos::{prelude::*, task::spawn_local};
use shared::{ErrorCode, Factor, phone::written};

use super::account::date;
use crate::{
    api::{self, ApiFailure},
    auth::{AuthContext, AuthState},
    browser,
    components::{
        code_form::SendAndCheck,
        field::{FieldSpec, TextField},
        icon::{Icon, icon},
        notice::FailureNotice,
    },
    flow::{ApiCall, Submission, mounted},
};

const NAME: FieldSpec = FieldSpec {
    id: "device-name",
    label: "Name",
    kind: "text",
    autocomplete: "off",
    inputmode: "text",
    hint: None,
};

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wish {
    Rename(Factor, String),
    Remove(Factor),
}

/// What is shown below the list.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stage {
    List,
    /// A new name is typed.
    Naming(Factor),
    /// Whether it is meant.
    Removing(Factor),
    /// A code of a factor: factors may be changed only shortly after one has passed.
    StepUp(Wish),
}

/// Nothing where there is no device.
#[component]
pub fn Devices() -> impl IntoView {
    let auth = AuthContext::get();
    let devices = RwSignal::new(Vec::<Factor>::new());
    let stage = RwSignal::new(Stage::List);
    let done = RwSignal::new(None::<&'static str>);
    let submission = Submission::new();
    let mounted = mounted();
    let load = move || async move {
        let factors = api::account::factors().await?;
        devices.set(factors.into_iter().filter(|factor| factor.kind == "push").collect());
        Ok::<_, ApiFailure>(())
    };
    spawn_local(async move {
        // The rest of the page does not need them.
        if let Err(failure) = load().await
            && mounted.get()
        {
            submission.failure.set(Some(failure));
        }
    });
    let carry_out = Callback::new(move |wish: Wish| {
        submission.run(async move {
            let (outcome, said) = match &wish {
                Wish::Rename(device, name) => {
                    (api::account::rename_factor(&device.id, name.clone()).await, "Name saved.")
                }
                Wish::Remove(device) => (api::account::remove_factor(&device.id).await, "Device removed."),
            };
            match outcome {
                Err(failure) if failure.code() == ErrorCode::StepUpRequired => {
                    auth.sent.set(None);
                    stage.set(Stage::StepUp(wish));
                    browser::focus_soon("#step-up");
                    return Ok(());
                }
                // Removed from elsewhere meanwhile: that is what the list will show.
                Err(failure) if failure.code() != ErrorCode::NotFound => return Err(failure),
                _ => {}
            }
            load().await?;
            done.set(Some(said));
            stage.set(Stage::List);
            browser::focus_soon("#devices");
            Ok(())
        });
    });
    let below = move || match stage.get() {
        Stage::List => None,
        Stage::Naming(device) => Some(naming(device, stage, submission, carry_out).into_any()),
        Stage::Removing(device) => Some(removing(device, stage, submission, carry_out).into_any()),
        Stage::StepUp(wish) => Some(step_up(auth, wish, carry_out).into_any()),
    };
    let row = move |device: Factor| {
        let (renamed, removed) = (device.clone(), device.clone());
        let name = shown_name(&device);
        let used = match &device.last_used_at {
            Some(at) => format!("Last used: {}", date(at)),
            None => "Never used".to_owned(),
        };
        let about = format!("Added: {} · {used}", date(&device.created_at));
        let label = |verb: &str| format!("{verb} {name}");
        view! {
            <li>
                {icon(Icon::Phone)}
                <div class="grow"><b>{name.clone()}</b><br /><span class="quiet">{about}</span></div>
                <div class="row">
                    <button class="link" type="button" aria-label=label("Rename") on:click=move |_| {
                        stage.set(Stage::Naming(renamed.clone()));
                        browser::focus_soon("#device-name");
                    }>"Rename"</button>
                    <button class="link" type="button" aria-label=label("Remove") on:click=move |_| {
                        stage.set(Stage::Removing(removed.clone()));
                        browser::focus_soon("#remove-device");
                    }>"Remove"</button>
                </div>
            </li>
        }
    };
    let is_shown = move || devices.with(|devices| !devices.is_empty()) || done.get().is_some();
    view! {
        <section class="sheet panel" aria-labelledby="devices" hidden=move || !is_shown()>
            <div>
                <h2 id="devices" tabindex="-1">"Devices that approve"</h2>
                <p class="quiet">"Requests to approve a sign-in go to each of them."</p>
            </div>
            <div class="stack">
                {move || done.get().map(|said| view! { <p role="status">{said}</p> })}
                <ul class="list">{move || devices.get().into_iter().map(row).collect_view()}</ul>
                {below}
                <FailureNotice failure=submission.failure />
            </div>
        </section>
    }
}

fn shown_name(device: &Factor) -> String {
    device.name.clone().unwrap_or_else(|| "Device without a name".to_owned())
}

fn naming(
    device: Factor,
    stage: RwSignal<Stage>,
    submission: Submission,
    carry_out: Callback<Wish>,
) -> impl IntoView {
    let name = RwSignal::new(device.name.clone().unwrap_or_default());
    let error = Signal::derive(move || submission.failure.get().and_then(|failure| failure.field("name")));
    view! {
        <form class="stack" novalidate on:submit=move |event| {
            event.prevent_default();
            carry_out.run(Wish::Rename(device.clone(), name.get_untracked()));
        }>
            <TextField spec=NAME value=name error maxlength=50_u32 required=false />
            <div class="row">
                <button class="button" aria-busy=move || submission.aria_busy()>"Save name"</button>
                <button class="button plain" type="button" on:click=move |_| stage.set(Stage::List)>"Cancel"</button>
            </div>
        </form>
    }
}

fn removing(
    device: Factor,
    stage: RwSignal<Stage>,
    submission: Submission,
    carry_out: Callback<Wish>,
) -> impl IntoView {
    let question = format!("Remove {}?", shown_name(&device));
    view! {
        <div class="stack">
            <p id="remove-device" tabindex="-1"><b>{question}</b>" It gets no more requests, and you can’t sign in with it."</p>
            <div class="row">
                <button class="button stop" type="button" aria-busy=move || submission.aria_busy() on:click=move |_| {
                    carry_out.run(Wish::Remove(device.clone()));
                }>"Remove device"</button>
                <button class="button plain" type="button" on:click=move |_| stage.set(Stage::List)>"Cancel"</button>
            </div>
        </div>
    }
}

fn step_up(auth: AuthContext, wish: Wish, carry_out: Callback<Wish>) -> impl IntoView {
    let number = match auth.state.get_untracked() {
        AuthState::SignedIn(user) => written(&user.country_code, &user.phone),
        _ => String::new(),
    };
    let check = ApiCall::new(|code| api::verify(code, false));
    let on_accepted = Callback::new(move |()| carry_out.run(wish.clone()));
    view! {
        <div class="stack">
            <h3 id="step-up" tabindex="-1">"Verify it’s you"</h3>
            <p>"Complete the second step again to make this change."</p>
            <SendAndCheck number confirm="Confirm" check on_accepted />
        </div>
    }
}
