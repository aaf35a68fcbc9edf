//! The wire format between Countersign's server and its clients.
//!
//! Requests, responses, the error body and the paths, used by both the server and the page. It also
//! contains the rules that both sides check (phone numbers, passwords), so that they cannot differ.

pub mod account;
pub mod approval;
pub mod cookie_api;
pub mod countries;
pub mod error;
pub mod factor;
#[cfg(feature = "numbering")]
mod numbering;
pub mod password;
pub mod phone;
pub mod routes;
pub mod sandbox;
pub mod session;
mod text;

pub use account::{Delivery, NewUser, PhoneVerified, Profile, User, UserCreated};
pub use approval::{Approval, ApprovalCreated, Logo, NewApproval, Redeemed};
pub use error::{ApiError, ErrorCode};
pub use factor::{
    Authenticator, AuthenticatorConfirmed, DeviceToken, EnrolAuthenticator, Factor, Factors, RenameFactor,
};
pub use session::{
    ApprovalRequest, ApprovalRequestId, Channel, CodeSent, Login, LoginAnswer, PushAnswer, PushStatus,
    Resend, StatusAnswer, TokenAnswer, VerifyCode, Via, Way,
};
