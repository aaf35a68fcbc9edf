//! The signed-in person's own page.

use leptos::prelude::*;
use shared::{User, phone::written, routes::page};

use crate::{
    components::{
        icon::{Icon, icon},
        pair::arrive,
        seal::{Half, Seal},
    },
    who::{For, Only, Visit, Who},
};

#[component]
pub fn Account() -> impl IntoView {
    arrive("Your account");
    view! { <Only page_for=For::SignedIn><Details /></Only> }
}

#[component]
fn Details() -> impl IntoView {
    let visit = Visit::get();
    move || match visit.who.get() {
        Who::SignedIn(user) => Some(of(user)),
        _ => None,
    }
}

/// `21 November 2026` of an RFC 3339 time.
fn day(time: &str) -> String {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let mut parts = time.split(['-', 'T']);
    let mut number = || parts.next().and_then(|part| part.parse::<usize>().ok()).unwrap_or_default();
    let (year, month, day) = (number(), number(), number());
    let month = MONTHS.get(month.wrapping_sub(1)).copied().unwrap_or_default();
    format!("{day} {month} {year}")
}

fn of(user: User) -> impl IntoView {
    let number = written(&user.country_code, &user.phone);
    let (half, how) = if user.verified {
        (Half::Both, "Your password and your phone open this account")
    } else {
        (Half::Know, "Signed in with password alone")
    };
    let badge = if user.verified {
        view! { <span class="badge">{icon(Icon::Check)}"Verified"</span> }.into_any()
    } else {
        view! { <span class="badge wait">"Not verified"</span> }.into_any()
    };
    let since = day(&user.created_at);
    let banner = (!user.verified).then(|| {
        view! {
            <div class="notice wait row">
                {icon(Icon::Alert)}
                <div class="grow">
                    <h2>"Your phone is not proven yet"</h2>
                    <p>"Until it is, everything that needs a proven phone stays locked."</p>
                </div>
                <a class="button" href=page::VERIFY_PHONE>"Verify phone"</a>
            </div>
        }
    });
    view! {
        <div class="stack">
            <div class="row">
                <Seal half mini=true />
                <div><h1 tabindex="-1">{user.full_name.clone()}</h1><p class="quiet">{how}</p></div>
            </div>
            {banner}
            <section class="sheet panel" aria-labelledby="details">
                <h2 id="details">"Details"</h2>
                <dl class="facts">
                    <div><dt>"Name"</dt><dd>{user.full_name}</dd></div>
                    <div><dt>"E-mail"</dt><dd>{user.email}</dd></div>
                    {user.username.map(|username| view! { <div><dt>"Username"</dt><dd>{username}</dd></div> })}
                    <div><dt>"Phone"</dt><dd><span class="num">{number}</span>" "{badge}</dd></div>
                    <div><dt>"Member since"</dt><dd><time datetime=user.created_at>{since}</time></dd></div>
                </dl>
            </section>
        </div>
    }
}
