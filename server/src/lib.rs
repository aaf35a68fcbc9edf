//! Countersign's API.
//!
//! A request enters at [`http`], is decided in [`domain`] and [`flow`], and leaves by [`store`] or
//! [`provider`]. `docs/ARCHITECTURE.md` walks one sign-in through all of them.

pub mod config;
pub mod domain;
pub mod flow;
pub mod http;
pub mod provider;
pub mod startup;
pub mod store;
