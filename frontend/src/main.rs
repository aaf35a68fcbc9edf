//! Countersign's page: sign up, log in, approve on the phone, enter a code.
//!
//! The types it exchanges with the server are those of the crate `shared`; all HTTP is in [`api`].
//! [`auth`] decides which page may be shown.

#![expect(unreachable_pub, reason = "a program has no outside: pub marks what other modules use")]

mod api;
mod app;
mod auth;
mod browser;
mod components;
mod first_frame;
mod flow;
mod groups;
mod live;
mod pages;
mod router;

fn main() {
    // For developers: with it the first view is a kilobyte heavier. Without it the console has the place alone.
    #[cfg(not(feature = "split"))]
    console_error_panic_hook::set_once();
    // Leptos has no executor before something is mounted.
    wasm_bindgen_futures::spawn_local(app::start());
}
