//! The wire: what goes between Countersign's server and its clients.
//!
//! Requests, answers, the one error shape and the paths, used by the server and the page alike. The
//! rules both sides check (phone numbers, passwords) live here too, so that they cannot disagree.

pub mod account;
pub mod countries;
pub mod error;
pub mod password;
pub mod phone;
pub mod routes;
pub mod session;
mod text;

pub use account::{NewUser, User};
pub use error::{ApiError, ErrorCode};
pub use session::{
    ApprovalRequest, ApprovalRequestId, CodeSent, Login, LoginAnswer, PushAnswer, PushStatus, Resend,
    StatusAnswer, TokenAnswer, VerifyCode, Via,
};
