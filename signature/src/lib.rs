//! Signatures of the providers' callbacks: signing (the sandbox) and verifying (the server).

pub mod authy;
pub mod twilio;
