//! Components that pages are built from.

pub mod approval_request;
pub mod code_form;
pub mod countdown_ring;
pub mod country_picker;
pub mod date;
pub mod denied_sign_in;
pub mod field;
pub mod icon;
pub mod link;
pub mod notice;
pub mod number_form;
pub mod pair;
pub mod password_advice;
pub mod phone_field;
pub mod rail;
pub mod recovery_offer;
pub mod remember_box;
pub mod require_access;
pub mod seal;
pub mod step_up;
