//! Second half: waiting for the phone.

use std::{cell::Cell, rc::Rc};

use gloo_timers::future::TimeoutFuture;
use leptos::{prelude::*, task::spawn_local};
use shared::{ApprovalRequest, ErrorCode, PushStatus, StatusAnswer, Via, routes::page};

use crate::{
    api::{self, Failure},
    browser,
    components::{
        field::Notice,
        icon::{Icon, icon},
        life::Life,
        pair::{Turn, arrive},
        seal::Half,
    },
    flow::{every_second, minutes, page_after, seconds_until, send_code},
    who::{For, Only, Visit, Who, goer},
};

/// Time to see the two halves meet.
const CLOSING_MS: u32 = 900;
/// After an answer that did not come.
const PATIENCE_MS: u32 = 3000;

#[component]
pub fn Approve() -> impl IntoView {
    arrive("Approve on your phone");
    view! { <Only page_for=For::Pending><Waiting /></Only> }
}

/// What this page knows of its request.
#[derive(Clone, Copy)]
struct Watch {
    visit: Visit,
    status: RwSignal<PushStatus>,
    request: RwSignal<Option<ApprovalRequest>>,
    phone: RwSignal<String>,
    /// When the request closes, by [`browser::now_ms`].
    ends_at: RwSignal<f64>,
    offline: RwSignal<bool>,
    failure: RwSignal<Option<Failure>>,
    busy: RwSignal<bool>,
}

impl Watch {
    fn take(self, answer: StatusAnswer) {
        self.status.set(answer.status);
        self.phone.set(answer.phone);
        if let Some(request) = answer.approval_request {
            // Only while it is open: what is left of a closed one is nothing to count down.
            let left = if answer.status == PushStatus::Pending { request.expires_in_ms } else { 0 };
            self.ends_at.set(browser::now_ms() + f64::from(left));
            self.request.set(Some(request));
        }
    }

    /// The last digits of the phone, for a sentence.
    fn ending(self) -> String {
        self.phone.with(|phone| phone.rsplit('-').next().unwrap_or_default().to_owned())
    }

    fn detail(self, label: &'static str) -> Option<String> {
        self.request.with(|request| request.as_ref()?.details.get(label).cloned())
    }

    fn number(self) -> Option<u32> {
        self.detail("Number")?.parse().ok()
    }

    fn turn(self) -> Turn {
        match self.status.get() {
            PushStatus::Pending => Turn::Waiting,
            PushStatus::Approved => Turn::Approved,
            PushStatus::Denied => Turn::Denied,
            PushStatus::Expired => Turn::Expired,
            PushStatus::Unverified => Turn::None,
        }
    }
}

#[component]
fn Waiting() -> impl IntoView {
    let visit = Visit::get();
    let watch = Watch {
        visit,
        status: RwSignal::new(PushStatus::Pending),
        request: RwSignal::new(None),
        phone: RwSignal::new(String::new()),
        ends_at: RwSignal::new(0.0),
        offline: RwSignal::new(false),
        failure: RwSignal::new(None),
        busy: RwSignal::new(false),
    };
    if let Who::Pending(answer) = visit.who.get_untracked() {
        watch.take(answer);
    }
    let here = Rc::new(Cell::new(true));
    let leaving = StoredValue::new_local(Rc::clone(&here));
    on_cleanup(move || {
        leaving.try_with_value(|here| here.set(false));
    });
    let go = goer();
    let poll: Rc<dyn Fn()> = Rc::new(move || spawn_local(poll(watch, Rc::clone(&here), go.clone())));
    poll();
    view! {
        <div class="pair" data-state=move || watch.turn().word()>
            <section class="sheet stack"><Story watch poll /></section>
            <Clock watch />
        </div>
    }
}

/// Asks at the pace the answer names, until a final state or until the page is left.
async fn poll(watch: Watch, here: Rc<Cell<bool>>, go: impl Fn(&str, bool)) {
    while here.get() {
        let pause = match api::status().await {
            _ if !here.get() => return,
            Ok(answer) => {
                watch.offline.set(false);
                let pause = answer.poll_after_ms;
                watch.take(answer);
                match watch.status.get_untracked() {
                    PushStatus::Pending => pause,
                    PushStatus::Approved => return finish(watch, &here, go).await,
                    PushStatus::Unverified => return go(page::CODE, true),
                    PushStatus::Denied | PushStatus::Expired => return,
                }
            }
            Err(failure) if failure.code() == ErrorCode::NoSession => {
                watch.visit.remark.set(Some("That sign-in took too long and has ended. Begin again."));
                return watch.visit.refresh().await;
            }
            Err(_) => {
                watch.offline.set(true);
                PATIENCE_MS
            }
        };
        TimeoutFuture::new(pause).await;
    }
}

/// The phone said yes: the session gets its new id, the halves meet, the account opens.
async fn finish(watch: Watch, here: &Cell<bool>, go: impl Fn(&str, bool)) {
    while here.get() {
        match api::go_on().await {
            Ok(()) => {
                watch.failure.set(None);
                TimeoutFuture::new(CLOSING_MS).await;
                watch.visit.refresh().await;
                if here.get() {
                    go(page::ACCOUNT, true);
                }
                return;
            }
            // Another window of this browser was faster, or the session has ended: the server knows.
            Err(failure) if matches!(failure.code(), ErrorCode::NoSession | ErrorCode::NotApproved) => {
                return watch.visit.refresh().await;
            }
            Err(failure) => {
                watch.failure.set(Some(failure));
                TimeoutFuture::new(PATIENCE_MS).await;
            }
        }
    }
}

#[component]
fn Story(watch: Watch, poll: Rc<dyn Fn()>) -> impl IntoView {
    let go = goer();
    let use_code = {
        let go = go.clone();
        move |_| {
            if watch.busy.get_untracked() {
                return;
            }
            watch.busy.set(true);
            let go = go.clone();
            spawn_local(async move {
                match send_code(watch.visit, Via::Sms).await {
                    Ok(()) => go(page::CODE, false),
                    // A code is under way already, or one from the app will do.
                    Err(failure) if failure.code() == ErrorCode::TooMany => go(page::CODE, false),
                    Err(failure) => watch.failure.set(Some(failure)),
                }
                watch.busy.set(false);
            });
        }
    };
    let ask_again = move |_| {
        if watch.busy.get_untracked() {
            return;
        }
        watch.busy.set(true);
        watch.failure.set(None);
        let (go, poll) = (go.clone(), Rc::clone(&poll));
        spawn_local(async move {
            match api::push().await {
                Ok(answer) => match page_after(watch.visit, &answer) {
                    page::APPROVE => {
                        watch.status.set(PushStatus::Pending);
                        poll();
                    }
                    elsewhere => go(elsewhere, false),
                },
                Err(failure) if failure.code() == ErrorCode::PushOpen => poll(),
                Err(failure) => watch.failure.set(Some(failure)),
            }
            watch.busy.set(false);
        });
    };
    let problem = Signal::derive(move || watch.failure.get().map(|failure| failure.message()));
    let status = Memo::new(move |_| watch.status.get());
    let (use_code, ask_again) = (StoredValue::new_local(use_code), StoredValue::new_local(ask_again));
    let busy = move || watch.busy.get().then_some("true");
    let code_button = move || {
        view! {
            <button class="button plain" type="button" aria-busy=busy on:click=move |event| use_code.with_value(|act| act(event))>
                "Use a code instead"
            </button>
        }
    };
    let again_button = move || {
        view! {
            <button class="button" type="button" aria-busy=busy on:click=move |event| ask_again.with_value(|act| act(event))>
                "Ask again"
            </button>
        }
    };
    move || {
        let told = match status.get() {
            PushStatus::Pending | PushStatus::Unverified => view! {
                <h1 tabindex="-1">"Approve on your phone"</h1>
                <Number watch />
                <Facts watch />
                <Spoken watch />
                <Show when=move || watch.offline.get()>
                    <p class="notice wait" role="status">"No connection to the server. Trying again."</p>
                </Show>
                <div class="row">{code_button()}</div>
            }
            .into_any(),
            PushStatus::Approved => view! {
                <div role="status"><h1 tabindex="-1">"Approved"</h1></div>
                <p>"The two halves match. Opening your account."</p>
                <Facts watch />
            }
            .into_any(),
            PushStatus::Denied => view! {
                <h1 tabindex="-1">"Denied on your phone"</h1>
                <div class="notice stop" role="alert">
                    {icon(Icon::Cross)}
                    <div>"Nothing was opened. This request is closed for good."</div>
                </div>
                <p>"A slip of the thumb? Ask again. If you were not the one signing in, somebody knows your password."</p>
                <div class="row">{again_button()} {code_button()}</div>
            }
            .into_any(),
            PushStatus::Expired => view! {
                <h1 tabindex="-1">"The request has expired"</h1>
                <div class="notice wait" role="alert">
                    {icon(Icon::Clock)}
                    <div>"Nobody answered within two minutes, so it closed by itself. Nothing was opened."</div>
                </div>
                <p>"Is the phone on and online? A code by text or call also works without data."</p>
                <div class="row">{again_button()} {code_button()}</div>
            }
            .into_any(),
        };
        view! { {told} <Notice text=problem /> }
    }
}

#[component]
fn Number(watch: Watch) -> impl IntoView {
    move || {
        watch.detail("Number").map(|number| view! {
            <div class="match" role="group" aria-label="Match number">
                <b class="figure num">{number}</b>
                <p class="quiet">"Approve only if your phone shows this number and the same cut. Anything else is somebody else: deny it."</p>
            </div>
        })
    }
}

#[component]
fn Facts(watch: Watch) -> impl IntoView {
    const SHOWN: [(&str, &str); 4] =
        [("Account", "Account"), ("Browser", "Browser"), ("Address", "Address"), ("Time", "Asked at")];
    let rows = move || {
        SHOWN
            .into_iter()
            .filter_map(|(label, name)| Some((name, watch.detail(label)?)))
            .map(|(name, value)| view! { <div><dt>{name}</dt><dd>{value}</dd></div> })
            .collect_view()
    };
    view! { <dl class="facts">{rows}</dl> }
}

/// What a screen reader hears of the time: every half minute, at ten seconds, at the end.
#[component]
fn Spoken(watch: Watch) -> impl IntoView {
    let beat = every_second();
    let said = Memo::new(move |before: Option<&String>| {
        beat.track();
        let left = seconds_until(watch.ends_at.get());
        let before = before.cloned();
        match left {
            0 => "The request has expired.".to_owned(),
            left if left == 10 || left % 30 == 0 || before.is_none() => {
                format!("Waiting for approval. {left} seconds left.")
            }
            _ => before.unwrap_or_default(),
        }
    });
    view! { <p class="hide" role="status">{move || said.get()}</p> }
}

/// The stub: the ring, and how long there is.
#[component]
fn Clock(watch: Watch) -> impl IntoView {
    let beat = every_second();
    let left = Signal::derive(move || {
        beat.track();
        seconds_until(watch.ends_at.get())
    });
    let share = Signal::derive(move || {
        let whole =
            watch.request.with(|request| request.as_ref().map_or(1, |request| request.lifetime_ms.max(1)));
        match watch.status.get() {
            PushStatus::Pending => f64::from(left.get()) * 1000.0 / f64::from(whole),
            PushStatus::Approved => 1.0,
            _ => 0.0,
        }
    });
    let half =
        Signal::derive(
            move || {
                if watch.status.get() == PushStatus::Approved { Half::Both } else { Half::Know }
            },
        );
    let number = Signal::derive(move || watch.number().unwrap_or_default());
    let words = move || match watch.status.get() {
        PushStatus::Pending | PushStatus::Unverified => view! {
            <p class="figure num">{move || minutes(left.get())}</p>
            <p class="quiet">"left to answer in the app on the phone ending "{watch.ending()}</p>
        }
        .into_any(),
        PushStatus::Approved => view! {
            <h2>"Both halves are here"</h2>
            <p class="quiet">"Answered on the phone ending "{watch.ending()}"."</p>
        }
        .into_any(),
        PushStatus::Denied => view! {
            <h2>"The halves do not meet"</h2>
            <p class="quiet">"Denied on the phone ending "{watch.ending()}"."</p>
        }
        .into_any(),
        PushStatus::Expired => view! {
            <h2>"No answer came"</h2>
            <p class="quiet">"Asked on the phone ending "{watch.ending()}"."</p>
        }
        .into_any(),
    };
    view! {
        <aside class="stub" data-state=move || watch.turn().word() aria-label="Time left">
            <Life number left=share half />
            <div>{words}</div>
        </aside>
    }
}
