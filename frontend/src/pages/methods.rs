//! Second half: every way to it, the safest first.

use std::rc::Rc;

use leptos::prelude::*;
use shared::{Channel, PushStatus, Via, routes::page};

use crate::{
    api,
    components::{
        field::Notice,
        icon::{Icon, icon},
        pair::{Stub, Turn, arrive},
        seal::Half,
    },
    flow::{Task, every_second, minutes, page_after, send_code, stay, wait_for_code},
    who::{For, Only, Visit, Who, goer},
};

#[component]
pub fn Methods() -> impl IntoView {
    arrive("Choose another way");
    view! { <Only page_for=For::Choosing><Choices /></Only> }
}

#[component]
fn Choices() -> impl IntoView {
    let visit = Visit::get();
    let go = goer();
    let beat = every_second();
    let task = Task::new();
    let (phone, last, open) = match visit.who.get_untracked() {
        Who::Pending(status) => (status.phone, status.last_channel, status.status == PushStatus::Pending),
        _ => (String::new(), None, false),
    };
    let wait = Memo::new(move |_| wait_for_code(visit, beat));
    let here = stay();
    // Each choice leads to its page, or stays here and says why not: then another one is at hand.
    let choose = move |channel: Channel| {
        let (go, here) = (go.clone(), Rc::clone(&here));
        task.run(async move {
            let next = match channel {
                Channel::Push if open => page::APPROVE,
                Channel::Push => page_after(visit, api::push().await?),
                Channel::SoftToken => {
                    visit.sent.update(|sent| {
                        if let Some(sent) = sent {
                            sent.message = None;
                        }
                    });
                    page::CODE
                }
                Channel::Sms | Channel::Call => {
                    let via = if channel == Channel::Sms { Via::Sms } else { Via::Call };
                    send_code(visit, via).await?;
                    page::CODE
                }
            };
            // What the server knows of the push decides what the next page shows.
            visit.refresh().await;
            if here.get() {
                go(next, false);
            }
            Ok(())
        });
    };
    let choose = StoredValue::new_local(choose);
    let row = move |channel: Channel, sign: Icon, name: &'static str, about: String| {
        let sends = matches!(channel, Channel::Sms | Channel::Call);
        let waits = move || sends && wait.get() > 0;
        let said = move || match wait.get() {
            left if waits() => view! { "Ready again in "<span class="num">{minutes(left)}</span> }.into_any(),
            _ => about.clone().into_any(),
        };
        view! {
            <li>
                <button
                    class="choice"
                    type="button"
                    disabled=waits
                    aria-busy=move || task.word()
                    on:click=move |_| choose.with_value(|choose| choose(channel))
                >
                    {icon(sign)}
                    <span>
                        <b>{name}</b>
                        {(last == Some(channel)).then(|| view! { " "<span class="badge">"Last used"</span> })}
                        <br />
                        <span class="quiet">{said}</span>
                    </span>
                    {icon(Icon::Next)}
                </button>
            </li>
        }
    };
    let to = format!("To {phone}");
    view! {
        <div class="pair">
            <section class="sheet stack">
                <h1 tabindex="-1">"Choose another way"</h1>
                <p>"All of them reach the same phone. The safest is first."</p>
                <ul>
                    {row(Channel::Push, Icon::Phone, "Approve on the phone", "One tap, and you see who is asking".to_owned())}
                    {row(Channel::SoftToken, Icon::Keypad, "Code from the app", "Works with the phone offline".to_owned())}
                    {row(Channel::Sms, Icon::Text, "Code by text", to.clone())}
                    {row(Channel::Call, Icon::Call, "Code by call", to)}
                </ul>
                <Notice text=task.problem() />
            </section>
            <Stub
                half=Half::Know
                turn=Turn::Waiting
                heading="Second half: your phone"
                text="Any one of these completes the sign-in."
            />
        </div>
    }
}
