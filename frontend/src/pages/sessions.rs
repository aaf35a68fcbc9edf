//! Where the account is signed in, and in which browsers the password alone is enough.

use leptos::{prelude::*, task::spawn_local};
use shared::{DeviceEntry, ErrorCode, SessionEntry, routes::page};

use crate::{
    api::{self, ApiFailure},
    auth::{Access, AuthContext},
    browser,
    components::{
        date::{date, date_and_time},
        icon::{Icon, icon},
        notice::{FailureNotice, loading},
        pair::announce_page,
        rail::Rail,
        require_access::RequireAccess,
    },
    flow::Submission,
};

/// What the rows of both lists share.
#[derive(Clone, Copy)]
struct Lists {
    auth: AuthContext,
    /// `None` until they are loaded.
    sessions: RwSignal<Option<Vec<SessionEntry>>>,
    devices: RwSignal<Option<Vec<DeviceEntry>>>,
    said: RwSignal<String>,
    submission: Submission,
}

impl Lists {
    async fn load(self) -> Result<(), ApiFailure> {
        let sessions = self.or_end(api::account::sessions().await).await?;
        let _ = self.sessions.try_set(Some(sessions));
        let devices = self.or_end(api::account::devices().await).await?;
        let _ = self.devices.try_set(Some(devices));
        Ok(())
    }

    /// Where this session itself was ended elsewhere, the page for signing in follows.
    async fn or_end<T>(self, answer: Result<T, ApiFailure>) -> Result<T, ApiFailure> {
        if let Err(failure) = &answer
            && failure.code() == ErrorCode::NotSignedIn
        {
            self.auth.refresh_after_end().await;
        }
        answer
    }

    /// Takes the row at `index` out of its list, which the server did or somebody else before. The focus goes to the
    /// button of the next row that has one.
    async fn take_out(
        self,
        outcome: Result<(), ApiFailure>,
        list: &'static str,
        index: usize,
        said: &str,
    ) -> Result<(), ApiFailure> {
        match self.or_end(outcome).await {
            Err(failure) if failure.code() != ErrorCode::NotFound => return Err(failure),
            _ => {}
        }
        self.load().await?;
        if self.said.try_set(said.to_owned()).is_none() {
            focus_row_soon(list, index);
        }
        Ok(())
    }

    fn end(self, id: String, index: usize) {
        self.said.set(String::new());
        self.submission.run(async move {
            let ended = api::account::end_session(&id).await;
            self.take_out(ended, "sessions", index, "Session ended").await
        });
    }

    fn end_others(self) {
        self.said.set(String::new());
        self.submission.run(async move {
            let ended = self.or_end(api::account::end_other_sessions().await).await?;
            self.load().await?;
            if self.said.try_set(format!("Sessions ended: {ended}")).is_none() {
                browser::focus_soon("main h1");
            }
            Ok(())
        });
    }

    fn remove(self, id: String, index: usize) {
        self.said.set(String::new());
        self.submission.run(async move {
            let removed = api::account::remove_device(&id).await;
            let said = "Device removed. The second step is required there again.";
            self.take_out(removed, "devices", index, said).await
        });
    }
}

/// Focuses the button of the row that has taken the place of another, of the last one, or the heading.
fn focus_row_soon(list: &'static str, index: usize) {
    gloo_timers::callback::Timeout::new(0, move || {
        // Rows are counted from 1, and those without a button are none to go to.
        let next = format!("#{list} li:nth-child(n + {}) button", index + 1);
        let last = format!("#{list} li:nth-last-child(1) button");
        for selector in [next.as_str(), last.as_str(), "main h1"] {
            if browser::focus(selector) {
                return;
            }
        }
    })
    .forget();
}

#[component]
pub fn Sessions() -> impl IntoView {
    announce_page("Sessions");
    view! { <RequireAccess access=Access::SignedIn><BothLists /></RequireAccess> }
}

#[component]
fn BothLists() -> impl IntoView {
    let lists = Lists {
        auth: AuthContext::get(),
        sessions: RwSignal::new(None),
        devices: RwSignal::new(None),
        said: RwSignal::new(String::new()),
        submission: Submission::new(),
    };
    let Lists { sessions, devices, said, submission, .. } = lists;
    spawn_local(async move {
        if let Err(failure) = lists.load().await {
            let _ = submission.failure.try_set(Some(failure));
        }
    });
    let waits = move |is_loaded: bool| !is_loaded && submission.failure.get().is_none();
    let others = move || sessions.with(|sessions| sessions.iter().flatten().any(|session| !session.current));
    let session_rows = move || {
        let rows = sessions.get().unwrap_or_default().into_iter().enumerate();
        rows.map(|(index, session)| session_row(session, index, lists)).collect_view()
    };
    let device_rows = move || {
        let rows = devices.get().unwrap_or_default().into_iter().enumerate();
        rows.map(|(index, device)| device_row(device, index, lists)).collect_view()
    };
    view! {
        <div class="stack">
            <h1 tabindex="-1">"Sessions"</h1>
            // Always there, so that what it says is read.
            <p role="status" class=move || if said.with(String::is_empty) { "hide" } else { "notice" }>
                {move || said.get()}
            </p>
            <FailureNotice failure=submission.failure />
            <Rail current=page::SESSIONS />
            <section class="sheet panel" aria-labelledby="sessions-title">
                <div>
                    <h2 id="sessions-title">"Sessions"</h2>
                    <p class="quiet">"You’re signed in on these devices."</p>
                </div>
                <div class="stack">
                    {move || waits(sessions.with(Option::is_some)).then(loading)}
                    <ul class="list" id="sessions">{session_rows}</ul>
                    {move || (sessions.with(Option::is_some) && !others()).then(|| view! {
                        <p class="quiet">"You’re not signed in anywhere else."</p>
                    })}
                    {move || others().then(|| view! {
                        <div class="row">
                            <button
                                class="button plain"
                                type="button"
                                aria-busy=move || submission.aria_busy()
                                on:click=move |_| lists.end_others()
                            >
                                "End other sessions"
                            </button>
                        </div>
                    })}
                </div>
            </section>
            <section class="sheet panel" aria-labelledby="devices-title">
                <div>
                    <h2 id="devices-title">"Remembered devices"</h2>
                    <p class="quiet">"On these devices, your password is enough to sign in."</p>
                </div>
                <div class="stack">
                    {move || waits(devices.with(Option::is_some)).then(loading)}
                    <ul class="list" id="devices">{device_rows}</ul>
                    {move || devices.with(|devices| devices.as_ref().is_some_and(Vec::is_empty)).then(|| view! {
                        <p class="quiet">"No remembered devices."</p>
                    })}
                </div>
            </section>
        </div>
    }
}

fn session_row(session: SessionEntry, index: usize, lists: Lists) -> impl IntoView {
    let device = device_name(session.browser);
    let label = format!("End session: {device}");
    let mut facts: Vec<String> = session.factor.as_deref().map(method_name).into_iter().collect();
    facts.extend(Some(session.address).filter(|address| !address.is_empty()));
    let id = session.id;
    let action = if session.current {
        view! { <span class="badge">{icon(Icon::Check)}"This device"</span> }.into_any()
    } else {
        view! {
            <button class="button plain" type="button" aria-label=label on:click=move |_| lists.end(id.clone(), index)>
                "End session"
            </button>
        }
        .into_any()
    };
    view! {
        <li>
            {icon(Icon::Screen)}
            <div class="grow">
                <b>{device}</b><br />
                <span class="quiet">
                    {facts.join(" · ")}{(!facts.is_empty()).then(|| view! { <br /> })}
                    {format!("Last active: {}", date_and_time(&session.seen_at))}<br />
                    {format!("Signed in: {}", date_and_time(&session.created_at))}
                </span>
            </div>
            {action}
        </li>
    }
}

fn device_row(device: DeviceEntry, index: usize, lists: Lists) -> impl IntoView {
    let name = device_name(device.browser);
    let label = format!("Remove device: {name}");
    let id = device.id;
    let address = Some(device.address).filter(|address| !address.is_empty());
    view! {
        <li>
            {icon(Icon::Screen)}
            <div class="grow">
                <b>{name}</b>" "
                {device.current.then(|| view! { <span class="badge">{icon(Icon::Check)}"This device"</span> })}<br />
                <span class="quiet">
                    {address.map(|address| view! { {address}<br /> })}
                    {format!("Last active: {}", date_and_time(&device.seen_at))}<br />
                    {format!("Remembered until {}", date(&device.expires_at))}
                </span>
            </div>
            <button class="button plain" type="button" aria-label=label on:click=move |_| lists.remove(id.clone(), index)>
                "Remove device"
            </button>
        </li>
    }
}

fn device_name(browser: String) -> String {
    if browser.is_empty() { "Unknown device".to_owned() } else { browser }
}

/// A factor in words.
pub fn method_name(factor: &str) -> String {
    let name = match factor {
        "push" => "Approval request",
        "sms" => "Text message",
        "call" => "Phone call",
        "whatsapp" => "WhatsApp",
        "email" => "Email",
        "authenticator" => "Authenticator app",
        "recovery" => "Recovery code",
        "device" => "Remembered device",
        "app" => "Code from the app",
        other => other,
    };
    name.to_owned()
}
