//! The start page.

use leptos::prelude::*;
use shared::routes::page;

use crate::{
    browser,
    components::{
        countdown_ring::CountdownRing,
        pair::announce_page,
        seal::{Half, Seal},
    },
};

/// The number whose cut the picture shows.
const EXAMPLE_NUMBER: u32 = 47;

#[component]
pub fn Home() -> impl IntoView {
    announce_page("Two-factor sign-in");
    view! {
        <div class="stack">
            <div class="pair hero" data-state="waiting">
                <section class="sheet stack">
                    <h1 tabindex="-1">"Half you know."<br />"Half you hold."</h1>
                    <p>"Sign in with your password, then approve on your phone. A password alone doesn’t open your account."</p>
                    <div class="row">
                        <a class="button" href=page::SIGN_UP>"Create account"</a>
                        <a class="button plain" href=page::LOG_IN>"Log in"</a>
                    </div>
                </section>
                <div class="stub" data-state="waiting">
                    <CountdownRing number=EXAMPLE_NUMBER left=0.77 half=Half::Know />
                    <div>
                        <h2>"Waiting for approval"</h2>
                        <p class="quiet">"Each request has its own cut. Only your phone has the piece that fits."</p>
                    </div>
                </div>
            </div>
            <ol class="trio">
                <li>
                    <Seal half=Half::Know />
                    <h2>"Your password"</h2>
                    <p class="quiet">"Checked first. By itself it opens nothing, not even your name."</p>
                </li>
                <li>
                    <Seal half=Half::Hold />
                    <h2>"Your phone"</h2>
                    <p class="quiet">"You see who is asking, from where and for what. Approve, or deny."</p>
                </li>
                <li>
                    <Seal half=Half::Both />
                    <h2>"You are in"</h2>
                    <p class="quiet">"Your account opens as soon as you approve."</p>
                </li>
            </ol>
            <p class="quiet">
                <a class="link" href=page::VERIFICATION>"Verify a phone number without an account"</a>
            </p>
            {browser::sandbox_phone().map(|url| view! {
                <section class="sheet row">
                    <div class="grow">
                        <h2>"No phone at hand?"</h2>
                        <p class="quiet">"The sandbox plays one: push requests, texts, calls and a rotating code, with nothing sent anywhere."</p>
                    </div>
                    <a class="button plain" href=url target="phone">"Open the sandbox phone"</a>
                </section>
            })}
        </div>
    }
}
