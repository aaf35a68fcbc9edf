//! Sending money: a demonstration of an action that the phone has to approve.

mod payment;

use std::rc::Rc;

use leptos::{ev::SubmitEvent, prelude::*};
use shared::{PushStatus, phone, routes::page};

use self::payment::Payment;
use crate::{
    auth::{Access, AuthContext, AuthState},
    browser,
    components::{
        approval_request::{CountdownStub, MatchNumber, RequestDetails, SpokenCountdown},
        field::{FieldSpec, TextField},
        icon::Icon,
        notice::{FailureNotice, message_box},
        pair::{Stub, announce_page},
        require_access::RequireAccess,
        seal::Half,
    },
    flow::mounted,
};

/// The details shown: label on the wire, label on the page.
const DETAILS: &[(&str, &str)] = &[("To", "To"), ("From", "From"), ("Note", "Note")];

#[component]
pub fn Send() -> impl IntoView {
    announce_page("Send money");
    view! { <RequireAccess access=Access::VerifiedPhone><FormOrStatus /></RequireAccess> }
}

#[component]
fn FormOrStatus() -> impl IntoView {
    let auth = AuthContext::get();
    let payment = Payment::new(auth);
    if let AuthState::SignedIn(user) = auth.state.get_untracked() {
        let masked = phone::mask(&user.country_code, &user.phone);
        payment.approval.phone_ending.set(masked.rsplit('-').next().unwrap_or_default().to_owned());
    }
    let mounted = mounted();
    let request = UnsyncCallback::new(move |()| payment.request_approval(Rc::clone(&mounted)));
    move || {
        if payment.requested.with(Option::is_none) {
            return view! { <Form payment request /> }.into_any();
        }
        view! {
            <div class="pair" data-state=move || payment.approval.stub_state().data_state()>
                <section class="sheet stack"><RequestStatus payment request /></section>
                <CountdownStub request=payment.approval approved="Countersigned" />
            </div>
        }
        .into_any()
    }
}

#[component]
fn Form(payment: Payment, request: UnsyncCallback<()>) -> impl IntoView {
    const fn text_field(id: &'static str, label: &'static str, hint: Option<&'static str>) -> FieldSpec {
        FieldSpec { id, label, kind: "text", autocomplete: "off", inputmode: "text", hint }
    }
    const TO: FieldSpec = text_field("to", "To", None);
    const AMOUNT: FieldSpec = FieldSpec {
        inputmode: "decimal",
        ..text_field("amount", "Amount in pounds", Some("From Current account ••81, balance £4,310.22"))
    };
    const NOTE: FieldSpec = text_field("note", "Note (optional)", None);
    let problem = move |field: &'static str| {
        Signal::derive(move || {
            payment.problems.with(|problems| problems.get(field).map(|text| (*text).to_owned()))
        })
    };
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        request.run(());
    };
    view! {
        <div class="pair">
            <section class="sheet stack">
                <h1 tabindex="-1">"Send money"</h1>
                <p class="quiet">"A demonstration: no money moves."</p>
                {payment.cancelled.get_untracked().then(|| view! {
                    <p class="notice wait" role="status">"Cancelled here. The phone may show the request until it expires; approving it pays nothing."</p>
                })}
                <form class="stack" on:submit=submit novalidate>
                    <TextField spec=TO value=payment.to error=problem("to") />
                    <TextField spec=AMOUNT value=payment.amount error=problem("amount") />
                    <TextField spec=NOTE value=payment.note error=problem("note") required=false />
                    <button class="button wide" aria-busy=move || payment.submission.aria_busy()>"Ask my phone"</button>
                </form>
                <FailureNotice failure=payment.submission.failure />
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
fn RequestStatus(payment: Payment, request: UnsyncCallback<()>) -> impl IntoView {
    let Payment { approval, submission, .. } = payment;
    let edit_button = move |label: &'static str, class: &'static str| {
        view! { <button class=class type="button" on:click=move |_| payment.edit()>{label}</button> }
    };
    let again_button = move || {
        view! {
            <button class="button" type="button" aria-busy=move || submission.aria_busy() on:click=move |_| request.run(())>
                "Ask again"
            </button>
        }
    };
    let status = Memo::new(move |_| (approval.status.get(), payment.reference.get()));
    // The heading changes with the status; the focus lets a screen reader announce it.
    Effect::watch(move || status.get(), |_, _, _| browser::focus("main h1"), true);
    move || {
        let amount = payment
            .requested
            .with_untracked(|payment| payment.as_ref().map(|payment| payment.amount.clone()));
        let amount = view! { <p class="figure num">{amount}</p> };
        let details = view! { <RequestDetails request=approval shown=DETAILS /> };
        let body = match status.get() {
            (PushStatus::Pending | PushStatus::Unverified, _) => view! {
                <h1 tabindex="-1">"Approve this payment"</h1>
                {amount}
                {details}
                <MatchNumber
                    request=approval
                    text="Approve only if your phone shows this number and the same figures. If not, deny."
                />
                <SpokenCountdown request=approval />
                <Show when=move || payment.offline.get()>
                    <p class="notice wait" role="status">"No connection to the server. Trying again."</p>
                </Show>
                <div class="row">{edit_button("Cancel payment", "link")}</div>
            }
            .into_any(),
            (PushStatus::Approved, Some(reference)) => view! {
                <div role="status"><h1 tabindex="-1">"Payment approved"</h1></div>
                {amount}
                {details}
                <dl class="facts"><div><dt>"Reference"</dt><dd><span class="num">{reference}</span></dd></div></dl>
                <div class="row">
                    {edit_button("Send another", "button plain")}
                    <a class="button plain" href=page::ACCOUNT>"Your account"</a>
                </div>
            }
            .into_any(),
            (PushStatus::Approved, None) => view! {
                <div role="status"><h1 tabindex="-1">"Approved, paying"</h1></div>
                {amount}
                {details}
                <Show when=move || submission.failure.with(Option::is_some)>
                    <div class="row">
                        <button class="button" type="button" on:click=move |_| payment.retry_redeem()>"Try again"</button>
                        {edit_button("Change the payment", "button plain")}
                    </div>
                </Show>
            }
            .into_any(),
            (PushStatus::Denied, _) => view! {
                <h1 tabindex="-1">"Payment denied"</h1>
                {message_box("stop", Icon::Cross, "Nothing was sent. This request is closed for good.".to_owned())}
                {amount}
                {details}
                <div class="row">{again_button()} {edit_button("Change the payment", "button plain")}</div>
            }
            .into_any(),
            (PushStatus::Expired, _) => view! {
                <h1 tabindex="-1">"The request has expired"</h1>
                {message_box("wait", Icon::Clock, "Nobody answered within two minutes, so it closed by itself. Nothing was sent.".to_owned())}
                {amount}
                {details}
                <div class="row">{again_button()} {edit_button("Change the payment", "button plain")}</div>
            }
            .into_any(),
        };
        view! { {body} <FailureNotice failure=submission.failure /> }
    }
}
