//! The second factor: all sign-in methods, the safest first.

use std::rc::Rc;

use leptos::prelude::*;
use shared::{Channel, PushStatus, Via, Way, routes::page};

use crate::{
    api,
    auth::{Access, AuthContext, AuthState},
    components::{
        icon::{Icon, icon},
        notice::{FailureNotice, StatusNotice},
        pair::{Stub, StubState, announce_page},
        require_access::RequireAccess,
        seal::Half,
    },
    flow::{
        Submission, every_second, follow_request, minutes_and_seconds, mounted, page_after_push,
        seconds_until_resend, send_code,
    },
    router::navigator,
};

#[component]
pub fn Methods() -> impl IntoView {
    announce_page("Choose another way");
    view! { <RequireAccess access=Access::ChooseMethod><Choices /></RequireAccess> }
}

#[component]
fn Choices() -> impl IntoView {
    let auth = AuthContext::get();
    let navigate = navigator();
    let tick = every_second();
    let submission = Submission::new();
    follow_request(auth);
    let (phone, last, push_is_open, ways) = match auth.state.get_untracked() {
        AuthState::Pending(status) => {
            (status.phone, status.last_channel, status.status == PushStatus::Pending, status.ways)
        }
        _ => (String::new(), None, false, Vec::new()),
    };
    // One row is for all codes that an app shows.
    let last = last.map(|last| if last == Channel::Authenticator { Channel::SoftToken } else { last });
    let wait = Memo::new(move |_| seconds_until_resend(auth, tick));
    let mounted = mounted();
    // A method that fails keeps this page, with the others to choose from.
    let choose = move |channel: Channel| {
        let mounted = Rc::clone(&mounted);
        submission.run(async move {
            let next = match channel {
                Channel::Push if push_is_open => page::APPROVE,
                Channel::Push => page_after_push(auth, api::push().await?),
                Channel::SoftToken | Channel::Authenticator => {
                    auth.sent.update(|sent| {
                        if let Some(sent) = sent {
                            sent.message = None;
                        }
                    });
                    page::CODE
                }
                Channel::Recovery | Channel::Device => page::RECOVER,
                Channel::Sms | Channel::Call | Channel::WhatsApp | Channel::Email => {
                    let via = Via::ALL.into_iter().find(|via| Channel::from(*via) == channel);
                    send_code(auth, via.unwrap_or_default()).await?;
                    page::CODE
                }
            };
            // The next page begins with the status of the newest push.
            auth.refresh().await;
            if mounted.get() {
                navigate(next, false);
            }
            Ok(())
        });
    };
    let choose = StoredValue::new_local(choose);
    let row = move |channel: Channel, symbol: Icon, name: &'static str, about: String| {
        let sends = !matches!(
            channel,
            Channel::Push | Channel::SoftToken | Channel::Authenticator | Channel::Recovery
        );
        let waits = move || sends && wait.get() > 0;
        let description = move || match wait.get() {
            left if waits() => {
                view! { "Ready again in "<span class="num">{minutes_and_seconds(left)}</span> }.into_any()
            }
            _ => about.clone().into_any(),
        };
        view! {
            <li>
                <button
                    class="choice"
                    type="button"
                    disabled=waits
                    aria-busy=move || submission.aria_busy()
                    on:click=move |_| choose.with_value(|choose| choose(channel))
                >
                    {icon(symbol)}
                    <span>
                        <b>{name}</b>
                        {(last == Some(channel)).then(|| view! { " "<span class="badge">"Last used"</span> })}
                        <br />
                        <span class="quiet">{description}</span>
                    </span>
                    {icon(Icon::Next)}
                </button>
            </li>
        }
    };
    let to = format!("To {phone}");
    let is_offered = |way: Way| ways.contains(&way);
    let reach_the_phone =
        !ways.iter().any(|way| matches!(way, Way::Email | Way::Authenticator | Way::Recovery));
    let rows = [
        is_offered(Way::Push).then(|| {
            let about = "One tap, and you see who is asking".to_owned();
            row(Channel::Push, Icon::Phone, "Approve on the phone", about)
        }),
        (is_offered(Way::App) || is_offered(Way::Authenticator)).then(|| {
            row(
                Channel::SoftToken,
                Icon::Keypad,
                "Code from the app",
                "Works with the phone offline".to_owned(),
            )
        }),
        is_offered(Way::WhatsApp).then(|| row(Channel::WhatsApp, Icon::Text, "Code by WhatsApp", to.clone())),
        is_offered(Way::Sms).then(|| row(Channel::Sms, Icon::Text, "Code by text", to.clone())),
        is_offered(Way::Call).then(|| row(Channel::Call, Icon::Call, "Code by call", to)),
        is_offered(Way::Email).then(|| {
            row(Channel::Email, Icon::Mail, "Code by email", "To the email of your account".to_owned())
        }),
        is_offered(Way::Recovery)
            .then(|| row(Channel::Recovery, Icon::Paper, "Recovery code", "Use a code you saved".to_owned())),
    ];
    view! {
        <div class="pair">
            <section class="sheet stack">
                <h1 tabindex="-1">"Choose another way"</h1>
                <StatusNotice text=auth.not_sent />
                <p>
                    {if reach_the_phone {
                        "All of them reach the same phone. The safest is first."
                    } else {
                        "The safest is first."
                    }}
                </p>
                <ul>{rows.into_iter().flatten().collect_view()}</ul>
                <FailureNotice failure=submission.failure />
            </section>
            <Stub
                half=Half::Know
                state=StubState::Waiting
                heading="Step 2 of 2: your phone"
                text="Any one of these completes the sign-in."
            />
        </div>
    }
}
