//! Second half: waiting for the phone.

use std::{cell::Cell, rc::Rc};

use gloo_timers::future::TimeoutFuture;
use leptos::{prelude::*, task::spawn_local};
use shared::{ErrorCode, PushStatus, StatusAnswer, routes::page};

use crate::{
    api, browser,
    components::{
        field::Notice,
        icon::{Icon, icon},
        pair::arrive,
        watch::{Clock, Facts, Number, Spoken, Watch},
    },
    flow::{PATIENCE_MS, Task, page_after, stay},
    who::{For, Only, Visit, Who, goer},
};

/// Time to see the two halves meet.
const CLOSING_MS: u32 = 900;
/// What is shown of the request, by its label and its name here.
const FACTS: &[(&str, &str)] =
    &[("Account", "Account"), ("Browser", "Browser"), ("Address", "Address"), ("Time", "Asked at")];

#[component]
pub fn Approve() -> impl IntoView {
    arrive("Approve on your phone");
    view! { <Only page_for=For::Pending><Waiting /></Only> }
}

fn take(watch: Watch, answer: StatusAnswer) {
    watch.status.set(answer.status);
    watch.ending.set(answer.phone.rsplit('-').next().unwrap_or_default().to_owned());
    if let Some(request) = answer.approval_request {
        watch.take_clock(request.expires_in_ms, request.lifetime_ms);
        watch.details.set(request.details);
    }
}

/// What this page holds beside its request.
#[derive(Clone, Copy)]
struct Wait {
    visit: Visit,
    watch: Watch,
    offline: RwSignal<bool>,
    task: Task,
}

#[component]
fn Waiting() -> impl IntoView {
    let visit = Visit::get();
    let wait = Wait { visit, watch: Watch::new(), offline: RwSignal::new(false), task: Task::new() };
    if let Who::Pending(answer) = visit.who.get_untracked() {
        take(wait.watch, answer);
    }
    let (here, go) = (stay(), goer());
    let poll: Rc<dyn Fn()> = Rc::new(move || spawn_local(poll(wait, Rc::clone(&here), go.clone())));
    poll();
    view! {
        <div class="pair" data-state=move || wait.watch.turn().word()>
            <section class="sheet stack"><Story wait poll /></section>
            <Clock watch=wait.watch approved="Both halves are here" />
        </div>
    }
}

/// Asks at the pace the answer names, until a final state or until the page is left.
async fn poll(wait: Wait, here: Rc<Cell<bool>>, go: impl Fn(&str, bool)) {
    while here.get() {
        let pause = match api::status().await {
            _ if !here.get() => return,
            Ok(answer) => {
                wait.offline.set(false);
                let pause = answer.poll_after_ms;
                take(wait.watch, answer);
                match wait.watch.status.get_untracked() {
                    PushStatus::Pending => pause,
                    PushStatus::Approved => return finish(wait, &here, go).await,
                    PushStatus::Unverified => return go(page::CODE, true),
                    PushStatus::Denied | PushStatus::Expired => return,
                }
            }
            Err(failure) if failure.code() == ErrorCode::NoSession => {
                wait.visit.remark.set(Some("That sign-in took too long and has ended. Begin again."));
                return wait.visit.refresh().await;
            }
            Err(_) => {
                wait.offline.set(true);
                PATIENCE_MS
            }
        };
        TimeoutFuture::new(pause).await;
    }
}

/// The phone said yes: the session gets its new id, the halves meet, the account opens.
async fn finish(wait: Wait, here: &Cell<bool>, go: impl Fn(&str, bool)) {
    while here.get() {
        match api::go_on().await {
            Ok(()) => {
                wait.task.failure.set(None);
                TimeoutFuture::new(CLOSING_MS).await;
                wait.visit.refresh().await;
                if here.get() {
                    go(page::ACCOUNT, true);
                }
                return;
            }
            // Another window of this browser was faster, or the session has ended: the server knows.
            Err(failure) if matches!(failure.code(), ErrorCode::NoSession | ErrorCode::NotApproved) => {
                return wait.visit.refresh().await;
            }
            Err(failure) => {
                wait.task.failure.set(Some(failure));
                TimeoutFuture::new(PATIENCE_MS).await;
            }
        }
    }
}

#[component]
fn Story(wait: Wait, poll: Rc<dyn Fn()>) -> impl IntoView {
    let Wait { visit, watch, offline, task } = wait;
    let go = goer();
    let ask_again = move || {
        let (go, poll) = (go.clone(), Rc::clone(&poll));
        task.run(async move {
            match api::push().await {
                Ok(answer) => match page_after(visit, answer) {
                    page::APPROVE => {
                        watch.status.set(PushStatus::Pending);
                        poll();
                    }
                    elsewhere => go(elsewhere, false),
                },
                Err(failure) if failure.code() == ErrorCode::PushOpen => poll(),
                Err(failure) => return Err(failure),
            }
            Ok(())
        });
    };
    let ask_again = StoredValue::new_local(ask_again);
    let status = Memo::new(move |_| watch.status.get());
    // What is said changes under the reader: the heading says what now holds.
    Effect::watch(move || status.get(), |_, _, _| browser::focus("main h1"), false);
    let another_way =
        |class: &'static str| view! { <a class=class href=page::METHODS>"Choose another way"</a> };
    let again = move || {
        view! {
            <button class="button" type="button" aria-busy=move || task.word() on:click=move |_| ask_again.with_value(|ask| ask())>
                "Ask again"
            </button>
        }
    };
    move || {
        let told = match status.get() {
            PushStatus::Pending | PushStatus::Unverified => view! {
                <h1 tabindex="-1">"Approve on your phone"</h1>
                <Number
                    watch
                    text="Approve only if your phone shows this number and the same cut. Anything else is somebody else: deny it."
                />
                <Facts watch shown=FACTS />
                <Spoken watch />
                <Show when=move || offline.get()>
                    <p class="notice wait" role="status">"No connection to the server. Trying again."</p>
                </Show>
                <div class="row">{another_way("button plain")}</div>
            }
            .into_any(),
            PushStatus::Approved => view! {
                <div role="status"><h1 tabindex="-1">"Approved"</h1></div>
                <p>"The two halves match. Opening your account."</p>
                <Facts watch shown=FACTS />
            }
            .into_any(),
            PushStatus::Denied => view! {
                <h1 tabindex="-1">"Denied on your phone"</h1>
                <div class="notice stop" role="alert">
                    {icon(Icon::Cross)}
                    <div>"Nothing was opened. This request is closed for good."</div>
                </div>
                <p>"A slip of the thumb? Ask again. If you were not the one signing in, somebody knows your password."</p>
                <div class="row">{again()} {another_way("button plain")}</div>
            }
            .into_any(),
            PushStatus::Expired => view! {
                <h1 tabindex="-1">"The request has expired"</h1>
                <div class="notice wait" role="alert">
                    {icon(Icon::Clock)}
                    <div>"Nobody answered within two minutes, so it closed by itself. Nothing was opened."</div>
                </div>
                <p>"Is the phone on and online? A code by text or call also works without data."</p>
                <div class="row">{again()} {another_way("button plain")}</div>
            }
            .into_any(),
        };
        view! { {told} <Notice text=task.problem() /> }
    }
}
