//! What has happened to the account, by day.

use leptos::{prelude::*, task::spawn_local};
use shared::{Activity as Page, ActivityEvent, ActivityFilter, ErrorCode, routes::page};

use super::sessions::method_name;
use crate::{
    api::{self, ApiFailure},
    auth::{Access, AuthContext},
    browser,
    components::{
        date::{date, time_of_day},
        icon::{Icon, icon},
        notice::{FailureNotice, loading},
        pair::announce_page,
        rail::Rail,
        require_access::RequireAccess,
    },
    flow::Submission,
    router::Router,
};

const FILTERS: [(ActivityFilter, &str); 3] = [
    (ActivityFilter::All, "All activity"),
    (ActivityFilter::SignIns, "Sign-ins"),
    (ActivityFilter::Changes, "Security changes"),
];

#[component]
pub fn Activity() -> impl IntoView {
    announce_page("Activity");
    view! { <RequireAccess access=Access::SignedIn><Events /></RequireAccess> }
}

#[component]
fn Events() -> impl IntoView {
    let auth = AuthContext::get();
    let router = Router::get();
    // On the way to another page, the address is that page's already.
    let filter = Memo::new(move |before: Option<&ActivityFilter>| {
        if router.path() == page::ACTIVITY {
            ActivityFilter::from_name(&browser::asked_for("show").unwrap_or_default())
        } else {
            before.copied().unwrap_or(ActivityFilter::All)
        }
    });
    // `None` until they are loaded. Holds those of all answers since, with the place that the last one named.
    let shown = RwSignal::new(None::<Page>);
    let submission = Submission::new();
    let ask = move |asked: ActivityFilter, place: Option<String>| async move {
        let answer = api::account::events(asked, place.as_deref()).await;
        if let Err(failure) = &answer
            && failure.code() == ErrorCode::NotSignedIn
        {
            auth.refresh_after_end().await;
        }
        // Others were asked for meanwhile, or the page was left.
        let is_current = filter.try_get_untracked() == Some(asked);
        answer.map(|answer| is_current.then_some(answer))
    };
    Effect::new(move || {
        let asked = filter.get();
        submission.failure.set(None);
        // Those of another filter are no answer to this one.
        shown.set(None);
        spawn_local(async move {
            match ask(asked, None).await {
                Ok(None) => {}
                Ok(page) => {
                    let _ = shown.try_set(page);
                }
                Err(failure) => {
                    let _ = submission.failure.try_set(Some(failure));
                }
            }
        });
    });
    let older = move |_| {
        let Some(known) = shown.get_untracked() else { return };
        let asked = filter.get_untracked();
        submission.run(async move {
            let Some(answer) = ask(asked, known.next.clone()).await? else { return Ok::<_, ApiFailure>(()) };
            let first_new = known.events.len();
            let events = known.events.into_iter().chain(answer.events).collect();
            let _ = shown.try_set(Some(Page { events, ..answer }));
            browser::focus_soon(format!("[data-event='{first_new}']"));
            Ok(())
        });
    };
    let chip = move |(chosen, label): (ActivityFilter, &'static str)| {
        let href = match chosen {
            ActivityFilter::All => page::ACTIVITY.to_owned(),
            chosen => format!("{}?show={}", page::ACTIVITY, chosen.as_str()),
        };
        view! { <a href=href aria-current=move || (filter.get() == chosen).then_some("true")>{label}</a> }
    };
    let waits = move || shown.with(Option::is_none) && submission.failure.get().is_none();
    let days = Memo::new(move |_| shown.with(|page| page.as_ref().map(|page| page.days)));
    let has_older =
        Memo::new(move |_| shown.with(|page| page.as_ref().is_some_and(|page| page.next.is_some())));
    let is_empty = move || shown.with(|page| page.as_ref().is_some_and(|page| page.events.is_empty()));
    view! {
        <div class="stack">
            <h1 tabindex="-1">"Activity"</h1>
            <Rail current=page::ACTIVITY />
            <section class="sheet stack" aria-label="Activity">
                <p class="quiet">{move || days.get().map(kept_for)}</p>
                <div class="row">
                    <nav class="chips grow" aria-label="Show">{FILTERS.into_iter().map(chip).collect_view()}</nav>
                    <a class="link" href=page::DATA>"Download activity"</a>
                </div>
                {move || waits().then(loading)}
                {move || is_empty().then(|| view! { <p class="quiet" role="status">"No activity yet."</p> })}
                {move || shown.get().map(|page| by_day(page.events))}
                <FailureNotice failure=submission.failure />
                {move || has_older.get().then(|| view! {
                    <div class="row">
                        <button
                            class="button plain"
                            type="button"
                            aria-busy=move || submission.aria_busy()
                            on:click=older
                        >
                            "Show older activity"
                        </button>
                    </div>
                })}
            </section>
        </div>
    }
}

fn kept_for(days: u32) -> String {
    match days {
        1 => "Security events of the last day.".to_owned(),
        days => format!("Security events of the last {days} days."),
    }
}

/// A heading and a list for each day.
fn by_day(events: Vec<ActivityEvent>) -> impl IntoView {
    let mut days: Vec<(String, Vec<(usize, ActivityEvent)>)> = Vec::new();
    for (index, event) in events.into_iter().enumerate() {
        let day = date(&event.at);
        match days.last_mut() {
            Some((last, events)) if *last == day => events.push((index, event)),
            _ => days.push((day, vec![(index, event)])),
        }
    }
    let show = |(day, events): (String, Vec<(usize, ActivityEvent)>)| {
        view! {
            <div class="stack day">
                <h2>{day}</h2>
                <ul class="list">
                    {events.into_iter().map(|(index, event)| row(index, event)).collect_view()}
                </ul>
            </div>
        }
    };
    days.into_iter().map(show).collect_view()
}

fn row(index: usize, event: ActivityEvent) -> impl IntoView {
    let (symbol, badge) = match event.outcome.as_str() {
        "denied" => (Icon::Cross, Some(("badge stop", "Denied"))),
        "success" => (Icon::Check, None),
        _ => (Icon::Alert, Some(("badge wait", "Failed"))),
    };
    let by = event.factor.as_deref().map(|factor| format!(" · {}", method_name(factor)));
    let from: Vec<String> =
        [event.browser, event.address].into_iter().filter(|text| !text.is_empty()).collect();
    let from = (!from.is_empty()).then(|| format!(" · {}", from.join(" · ")));
    let time = time_of_day(&event.at);
    view! {
        <li tabindex="-1" data-event=index.to_string()>
            {icon(symbol)}
            <div class="grow">
                <b>{kind_name(&event.kind, &event.outcome)}</b>{by}<br />
                <span class="quiet"><time class="num" datetime=event.at>{time}</time>{from}</span>
            </div>
            {badge.map(|(class, label)| view! { <span class=class>{icon(symbol)}{label}</span> })}
        </li>
    }
}

/// What has happened, in words.
fn kind_name(kind: &str, outcome: &str) -> String {
    let name = match kind {
        "sign_up" => "Account created",
        "signed_in" => "Signed in",
        "password" => "Password entered",
        "code_sent" => "Code sent",
        "code_checked" => "Code entered",
        "codes_locked" => "Codes locked",
        "push_sent" => "Approval request sent",
        "push_answered" => match outcome {
            "success" => "Request approved",
            "denied" => "Request denied",
            _ => "Request expired",
        },
        "push_matched" => "Number entered",
        "half_sign_in" => "Second step not completed",
        "session_ended" => "Session ended",
        "device_remembered" => "Device remembered",
        "device_forgotten" | "device_stolen" => "Remembered device removed",
        "phone_verified" => "Phone number verified",
        "phone_changed" => "Phone number changed",
        "email_link_sent" => "Verification link sent",
        "email_verified" => "Email verified",
        "email_changed" => "Email changed",
        "password_changed" => "Password changed",
        "password_reset_asked" => "Password reset requested",
        "password_reset" => "Password reset",
        "factor_enrolled" => "Sign-in method setup started",
        "factor_confirmed" => "Sign-in method added",
        "factor_removed" => "Sign-in method removed",
        "factor_renamed" => "Sign-in method renamed",
        "device_token_issued" => "Device setup started",
        "recovery_codes_made" => "Recovery codes created",
        "recovery_code_used" => "Recovery code used",
        "approval_redeemed" => "Action approved",
        "account_secured" => "Account secured",
        "data_exported" => "Data downloaded",
        "account_unlocked" => "Unlocked by an administrator",
        "account_disabled" => "Disabled by an administrator",
        "account_enabled" => "Enabled by an administrator",
        "account_deleted" => "Account deleted",
        "account_imported" => "Account imported",
        // A newer server knows more of them: `provider_changed` is "Provider changed".
        other => return in_words(other),
    };
    name.to_owned()
}

fn in_words(kind: &str) -> String {
    let words = kind.replace('_', " ");
    let mut characters = words.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}
