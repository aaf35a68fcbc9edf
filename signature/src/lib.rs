//! The signatures on what providers post to us, for the side that signs and the side that verifies.

pub mod authy;
pub mod twilio;
