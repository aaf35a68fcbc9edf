//! Money, sent only when the phone approves exactly this.

use std::{cell::Cell, collections::BTreeMap, rc::Rc};

use gloo_timers::future::TimeoutFuture;
use leptos::{ev::SubmitEvent, prelude::*, task::spawn_local};
use shared::{ErrorCode, NewApproval, PushStatus, phone, routes::page};

use crate::{
    api::{self, Failure},
    browser,
    components::{
        field::{Notice, Purpose, TextField},
        icon::{Icon, icon},
        pair::{Stub, arrive},
        seal::Half,
        watch::{Clock, Facts, Number, Spoken, Watch},
    },
    flow::{PATIENCE_MS, Task, stay},
    who::{For, Only, Visit, Who},
};

/// What the account of this demonstration holds, in pence.
const BALANCE: u64 = 431_022;
const ACCOUNT: &str = "Current account ••81";
const FACTS: &[(&str, &str)] = &[("To", "To"), ("From", "From"), ("Note", "Note")];

#[component]
pub fn Send() -> impl IntoView {
    arrive("Send money");
    view! { <Only page_for=For::Proven><Payment /></Only> }
}

/// Pounds and pence as people write them: `1,250` and `1250.00` are the same.
fn pence(typed: &str) -> Option<u64> {
    let typed: String =
        typed.trim().trim_start_matches('£').chars().filter(|c| !matches!(c, ',' | ' ')).collect();
    let (pounds, pence) = typed.split_once('.').unwrap_or((&typed, ""));
    let digits = |text: &str| !text.is_empty() && text.len() <= 9 && text.bytes().all(|c| c.is_ascii_digit());
    if !digits(pounds) || !(pence.is_empty() || pence.len() <= 2 && digits(pence)) {
        return None;
    }
    let pounds: u64 = pounds.parse().ok()?;
    let pence: u64 = format!("{pence:0<2}").parse().ok()?;
    Some(pounds * 100 + pence)
}

/// `£1,250.00`
fn money(pence: u64) -> String {
    let mut pounds = (pence / 100).to_string();
    for at in (1..pounds.len()).rev().filter(|at| (pounds.len() - at).is_multiple_of(3)).collect::<Vec<_>>() {
        pounds.insert(at, ',');
    }
    format!("£{pounds}.{:02}", pence % 100)
}

/// A request that is out.
#[derive(Clone)]
struct Asked {
    uuid: String,
    /// What was asked, to the letter: the answer belongs to nothing else.
    data: NewApproval,
    amount: String,
}

#[derive(Clone, Copy)]
struct Desk {
    visit: Visit,
    to: RwSignal<String>,
    amount: RwSignal<String>,
    note: RwSignal<String>,
    problems: RwSignal<BTreeMap<&'static str, &'static str>>,
    asked: RwSignal<Option<Asked>>,
    /// The reference of the payment, once it was made.
    done: RwSignal<Option<String>>,
    watch: Watch,
    offline: RwSignal<bool>,
    /// Whether the last request was left open on the phone.
    cancelled: RwSignal<bool>,
    task: Task,
}

impl Desk {
    /// What the phone is asked, or what is wrong with which field.
    fn read(self) -> Result<(NewApproval, String), BTreeMap<&'static str, &'static str>> {
        let to = self.to.get_untracked().trim().to_owned();
        let note = self.note.get_untracked().trim().to_owned();
        let mut problems = BTreeMap::new();
        if to.is_empty() {
            problems.insert("to", "Say who gets it.");
        } else if to.chars().count() > 60 {
            problems.insert("to", "Too long: 60 characters are the most.");
        }
        if note.chars().count() > 100 {
            problems.insert("note", "Too long: 100 characters are the most.");
        }
        let amount = match pence(&self.amount.get_untracked()) {
            None => Err("Write an amount like 12.50."),
            Some(0) => Err("Nothing is no amount to send."),
            Some(pence) if pence > BALANCE => Err("More than the account holds."),
            Some(pence) => Ok(money(pence)),
        };
        let amount = amount.map_err(|problem| problems.insert("amount", problem)).unwrap_or_default();
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut details = BTreeMap::from([
            ("To".to_owned(), to.clone()),
            ("Amount".to_owned(), amount.clone()),
            ("From".to_owned(), ACCOUNT.to_owned()),
            ("Number".to_owned(), format!("{:02}", browser::below_100())),
        ]);
        if !note.is_empty() {
            details.insert("Note".to_owned(), note);
        }
        let message = format!("Send {amount} to {to}?");
        Ok((NewApproval { message, details, ..NewApproval::default() }, amount))
    }
}

#[component]
fn Payment() -> impl IntoView {
    let text = |text: &str| RwSignal::new(text.to_owned());
    let visit = Visit::get();
    let desk = Desk {
        visit,
        to: text("Charles Babbage"),
        amount: text("1,250.00"),
        note: text("Brass gears"),
        problems: RwSignal::default(),
        asked: RwSignal::new(None),
        done: RwSignal::new(None),
        watch: Watch::new(),
        offline: RwSignal::new(false),
        cancelled: RwSignal::new(false),
        task: Task::new(),
    };
    if let Who::SignedIn(user) = visit.who.get_untracked() {
        let masked = phone::mask(&user.country_code, &user.phone);
        desk.watch.ending.set(masked.rsplit('-').next().unwrap_or_default().to_owned());
    }
    let here = stay();
    let ask: Rc<dyn Fn()> = Rc::new(move || ask(desk, Rc::clone(&here)));
    let ask = StoredValue::new_local(ask);
    move || {
        if desk.asked.with(Option::is_none) {
            return view! { <Form desk ask /> }.into_any();
        }
        view! {
            <div class="pair" data-state=move || desk.watch.turn().word()>
                <section class="sheet stack"><Story desk ask /></section>
                <Clock watch=desk.watch approved="Countersigned" />
            </div>
        }
        .into_any()
    }
}

type Ask = StoredValue<Rc<dyn Fn()>, LocalStorage>;

/// Asks the phone, then watches for its answer.
fn ask(desk: Desk, here: Rc<Cell<bool>>) {
    let (data, amount) = match desk.read() {
        Ok(read) => read,
        Err(problems) => {
            let first = ["to", "amount", "note"].into_iter().find(|field| problems.contains_key(field));
            desk.problems.set(problems);
            if let Some(field) = first {
                browser::focus(&format!("#{field}"));
            }
            return;
        }
    };
    desk.problems.set(BTreeMap::new());
    desk.task.run(async move {
        let created = api::ask_approval(&data).await?;
        if !here.get() {
            return Ok(());
        }
        desk.watch.details.set(data.details.clone());
        desk.watch.status.set(PushStatus::Pending);
        desk.watch.take_clock(120_000, 120_000);
        desk.done.set(None);
        let asked = Asked { uuid: created.uuid, data, amount };
        desk.asked.set(Some(asked.clone()));
        spawn_local(watch(desk, asked, here));
        Ok(())
    });
}

async fn watch(desk: Desk, asked: Asked, here: Rc<Cell<bool>>) {
    let current = || {
        here.get() && desk.asked.with_untracked(|now| now.as_ref().is_some_and(|now| now.uuid == asked.uuid))
    };
    while current() {
        let pause = match api::approval(&asked.uuid).await {
            _ if !current() => return,
            Ok(answer) => {
                desk.offline.set(false);
                desk.watch.status.set(answer.status);
                desk.watch.take_clock(answer.expires_in_ms, answer.lifetime_ms);
                match answer.status {
                    PushStatus::Pending => answer.poll_after_ms,
                    PushStatus::Approved => return pay(desk, asked.clone(), false),
                    PushStatus::Denied | PushStatus::Expired | PushStatus::Unverified => return,
                }
            }
            Err(Failure::Refused { error, .. }) if error.status < 500 => {
                // The session has ended, perhaps in another window: the server knows.
                return desk.visit.refresh().await;
            }
            Err(_) => {
                desk.offline.set(true);
                PATIENCE_MS
            }
        };
        TimeoutFuture::new(pause).await;
    }
}

/// Uses the approval, with the data that was approved.
fn pay(desk: Desk, asked: Asked, again: bool) {
    desk.task.run(async move {
        match api::redeem(&asked.uuid, &asked.data).await {
            // The first answer was lost on its way; what it said is still so.
            Err(failure) if again && failure.code() == ErrorCode::AlreadyRedeemed => {}
            answer => drop(answer?),
        }
        let plain = asked.uuid.replace('-', "");
        desk.done.set(Some(format!(
            "{}-{}",
            &plain[..4.min(plain.len())],
            &plain[4.min(plain.len())..8.min(plain.len())]
        )));
        Ok(())
    });
}

fn pay_again(desk: Desk) {
    if let Some(asked) = desk.asked.get_untracked() {
        pay(desk, asked, true);
    }
}

#[component]
fn Form(desk: Desk, ask: Ask) -> impl IntoView {
    const fn purpose(id: &'static str, label: &'static str, hint: Option<&'static str>) -> Purpose {
        Purpose { id, label, kind: "text", autocomplete: "off", inputmode: "text", hint }
    }
    const TO: Purpose = purpose("to", "To", None);
    const AMOUNT: Purpose = Purpose {
        inputmode: "decimal",
        ..purpose("amount", "Amount in pounds", Some("From Current account ••81, balance £4,310.22"))
    };
    const NOTE: Purpose = purpose("note", "Note (optional)", None);
    let problem = move |field: &'static str| {
        Signal::derive(move || {
            desk.problems.with(|problems| problems.get(field).map(|text| (*text).to_owned()))
        })
    };
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        ask.with_value(|ask| ask());
    };
    view! {
        <div class="pair">
            <section class="sheet stack">
                <h1 tabindex="-1">"Send money"</h1>
                <p class="quiet">"A demonstration: no money moves."</p>
                {desk.cancelled.get_untracked().then(|| view! {
                    <p class="notice wait" role="status">"Cancelled here. The phone may show the request until it expires; approving it pays nothing."</p>
                })}
                <form class="stack" on:submit=submit novalidate>
                    <TextField purpose=TO value=desk.to error=problem("to") />
                    <TextField purpose=AMOUNT value=desk.amount error=problem("amount") />
                    <TextField purpose=NOTE value=desk.note error=problem("note") required=false />
                    <button class="button wide" aria-busy=move || desk.task.word()>"Ask my phone"</button>
                </form>
                <Notice text=desk.task.problem() />
            </section>
            <Stub
                half=Half::Know
                heading="Your phone signs this"
                text="It shows the same amount and name. Change a figure and the request is void."
            />
        </div>
    }
}

#[component]
fn Story(desk: Desk, ask: Ask) -> impl IntoView {
    let watch = desk.watch;
    let change = move |name: &'static str, class: &'static str| {
        view! {
            <button
                class=class
                type="button"
                on:click=move |_| {
                    desk.cancelled.set(desk.watch.status.get_untracked() == PushStatus::Pending);
                    desk.task.failure.set(None);
                    desk.asked.set(None);
                }
            >
                {name}
            </button>
        }
    };
    let again = move || {
        view! {
            <button class="button" type="button" aria-busy=move || desk.task.word() on:click=move |_| ask.with_value(|ask| ask())>
                "Ask again"
            </button>
        }
    };
    let status = Memo::new(move |_| (watch.status.get(), desk.done.get()));
    // What is said changes under the reader: the heading says what now holds.
    Effect::watch(move || status.get(), |_, _, _| browser::focus("main h1"), true);
    move || {
        let amount = desk.asked.with_untracked(|asked| asked.as_ref().map(|asked| asked.amount.clone()));
        let amount = view! { <p class="figure num">{amount}</p> };
        let told = match status.get() {
            (PushStatus::Pending | PushStatus::Unverified, _) => view! {
                <h1 tabindex="-1">"Approve this payment"</h1>
                {amount}
                <Facts watch shown=FACTS />
                <Number
                    watch
                    text="Approve only if your phone shows this number and the same figures. If not, deny."
                />
                <Spoken watch />
                <Show when=move || desk.offline.get()>
                    <p class="notice wait" role="status">"No connection to the server. Trying again."</p>
                </Show>
                <div class="row">{change("Cancel payment", "link")}</div>
            }
            .into_any(),
            (PushStatus::Approved, Some(reference)) => view! {
                <div role="status"><h1 tabindex="-1">"Payment approved"</h1></div>
                {amount}
                <Facts watch shown=FACTS />
                <dl class="facts"><div><dt>"Reference"</dt><dd><span class="num">{reference}</span></dd></div></dl>
                <div class="row">
                    {change("Send another", "button plain")}
                    <a class="button plain" href=page::ACCOUNT>"Your account"</a>
                </div>
            }
            .into_any(),
            (PushStatus::Approved, None) => view! {
                <div role="status"><h1 tabindex="-1">"Approved, paying"</h1></div>
                {amount}
                <Facts watch shown=FACTS />
                <Show when=move || desk.task.failure.with(Option::is_some)>
                    <div class="row">
                        <button class="button" type="button" on:click=move |_| pay_again(desk)>"Try again"</button>
                        {change("Change the payment", "button plain")}
                    </div>
                </Show>
            }
            .into_any(),
            (PushStatus::Denied, _) => view! {
                <h1 tabindex="-1">"Payment denied"</h1>
                <div class="notice stop" role="alert">
                    {icon(Icon::Cross)}
                    <div>"Nothing was sent. This request is closed for good."</div>
                </div>
                {amount}
                <Facts watch shown=FACTS />
                <div class="row">{again()} {change("Change the payment", "button plain")}</div>
            }
            .into_any(),
            (PushStatus::Expired, _) => view! {
                <h1 tabindex="-1">"The request has expired"</h1>
                <div class="notice wait" role="alert">
                    {icon(Icon::Clock)}
                    <div>"Nobody answered within two minutes, so it closed by itself. Nothing was sent."</div>
                </div>
                {amount}
                <Facts watch shown=FACTS />
                <div class="row">{again()} {change("Change the payment", "button plain")}</div>
            }
            .into_any(),
        };
        view! { {told} <Notice text=desk.task.problem() /> }
    }
}
