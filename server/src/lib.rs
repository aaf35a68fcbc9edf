//! Countersign's API.
//!
//! A request enters at [`http`], is decided in [`domain`] and [`services`], and leaves by [`store`] or
//! [`provider`]. `docs/ARCHITECTURE.md` follows one sign-in through all of them.

pub mod command;
pub mod config;
pub mod domain;
pub mod http;
pub mod provider;
pub mod services;
pub mod startup;
pub mod store;
