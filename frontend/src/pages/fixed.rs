//! Pages that are the same for everybody: the first frame of each is the page.

use leptos::prelude::*;

use crate::{browser, components::pair::announce_page};

const HOME: &str = include_str!("../../frames/home.html");
const SIGNED_OUT: &str = include_str!("../../frames/signed-out.html");
const NOT_FOUND: &str = include_str!("../../frames/not-found.html");

/// The start page.
#[component]
pub fn Home() -> impl IntoView {
    view! {
        <div class="stack">
            {content(HOME)}
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

/// The page after logging out.
#[component]
pub fn SignedOut() -> impl IntoView {
    content(SIGNED_OUT)
}

/// The page for unknown paths.
#[component]
pub fn NotFound() -> impl IntoView {
    content(NOT_FOUND)
}

/// A frame is a `<template data-title="…">` around the content of a page.
fn content(frame: &'static str) -> impl IntoView {
    let (head, rest) = frame.split_once(">\n").unwrap_or_default();
    announce_page(head.split('"').nth(1).unwrap_or_default());
    let content = rest.strip_suffix("</template>\n").unwrap_or(rest);
    view! { <div inner_html=content></div> }
}
