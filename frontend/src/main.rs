//! Countersign's page: sign up, log in, approve on the phone, enter a code.
//!
//! Everything it knows of the server stands in the crate `shared`; everything it says to the server
//! goes through [`api`]. Which page may be seen is decided by [`who`].

#![expect(unreachable_pub, reason = "a program has no outside: pub marks what other modules use")]

mod api;
mod app;
mod browser;
mod components;
mod flow;
mod pages;
mod who;

fn main() {
    console_error_panic_hook::set_once();
    leptos::mount::mount_to_body(app::App);
}
