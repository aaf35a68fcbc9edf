//! One module per page.

pub mod account;
pub mod approve;
pub mod code;
pub mod home;
pub mod log_in;
pub mod not_found;
pub mod sign_up;
pub mod signed_out;
pub mod verify_phone;
