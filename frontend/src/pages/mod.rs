//! The pages, one module each.

pub mod account;
pub mod activity;
pub mod approve;
pub mod authenticator;
pub mod change_email;
pub mod change_password;
pub mod change_phone;
pub mod code;
pub mod confirm_email;
pub mod devices;
pub mod fixed;
pub mod forgot;
pub mod log_in;
pub mod methods;
pub mod own_data;
pub mod protected;
pub mod recover;
pub mod recovery_codes;
pub mod reset;
pub mod secure;
pub mod security;
pub mod send;
pub mod sessions;
pub mod sign_up;
pub mod verification;
pub mod verified;
