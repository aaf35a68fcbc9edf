//! Pieces that pages are made of.

pub mod code_form;
pub mod field;
pub mod icon;
pub mod life;
pub mod pair;
pub mod phone_field;
pub mod picker;
pub mod seal;
pub mod watch;
