//! Components that pages are built from.

pub mod approval_request;
pub mod code_form;
pub mod countdown_ring;
pub mod country_picker;
pub mod field;
pub mod icon;
pub mod notice;
pub mod pair;
pub mod phone_field;
pub mod require_access;
pub mod seal;
pub mod step_up;
