//! The wire format between Countersign's server and its clients.
//!
//! Requests, responses, the error body and the paths, used by both the server and the page. It also
//! contains the rules that both sides check (phone numbers, passwords), so that they cannot differ.

pub mod account;
pub mod activity;
pub mod approval;
pub mod cookie_api;
pub mod countries;
pub mod credentials;
pub mod error;
pub mod factor;
#[cfg(feature = "numbering")]
mod numbering;
pub mod password;
pub mod phone;
pub mod recovery;
pub mod routes;
pub mod sandbox;
pub mod session;
pub mod sign_ins;
mod text;

pub use account::{Delivery, DeniedSignIn, NewUser, PhoneVerified, Profile, User, UserCreated};
pub use activity::{Activity, ActivityEvent, ActivityFilter};
pub use approval::{Approval, ApprovalCreated, Logo, NewApproval, Redeemed};
pub use credentials::{
    AccountSecured, ChangeEmail, ChangePassword, ChangePhone, ConfirmEmail, ContinueSession, DeleteAccount,
    DenialAnswer, EmailConfirmed, ForgotPassword, MatchNumber, ResetPassword, SecureAccount, VerifyNewPhone,
};
pub use error::{ApiError, ErrorCode};
pub use factor::{
    Authenticator, AuthenticatorConfirmed, DeviceToken, EnrolAuthenticator, Factor, Factors, RenameFactor,
};
pub use recovery::{Recover, RecoveryCodes, RecoveryCodesLeft};
pub use session::{
    ApprovalRequest, ApprovalRequestId, Channel, CodeSent, Login, LoginAnswer, PushAnswer, PushStatus,
    Resend, StatusAnswer, TokenAnswer, VerifyCode, Via, Way,
};
pub use sign_ins::{DeviceEntry, DeviceList, SessionEntry, SessionList, SessionsEnded};
