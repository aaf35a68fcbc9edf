//! Paths of the API and of the page.

/// `POST` makes an account, `GET` reads the signed-in one.
pub const USER: &str = "/user";
/// `POST` checks a password and begins a session, `DELETE` ends it.
pub const SESSION: &str = "/session";
/// `POST` trades an approved session for one with a new id.
pub const SESSION_CONTINUE: &str = "/session/continue";
/// `POST` asks the phone once more.
pub const SESSION_PUSH: &str = "/session/push";
/// `POST` sends a code by text or call.
pub const SESSION_RESEND: &str = "/session/resend";
/// `POST` checks a code.
pub const SESSION_VERIFY: &str = "/session/verify";
/// `GET` reads how this session's push stands.
pub const AUTHY_STATUS: &str = "/authy/status";
/// The provider's webhook.
pub const AUTHY_CALLBACK: &str = "/authy/callback";
/// `GET` answers while the process lives.
pub const HEALTHZ: &str = "/healthz";
/// `GET` answers 200 when the database is there and migrated.
pub const READYZ: &str = "/readyz";

/// Header that carries a session's token.
pub const TOKEN_HEADER: &str = "X-API-TOKEN";

/// Paths of the page; the server answers each with the page itself.
pub mod page {
    /// What this is.
    pub const HOME: &str = "/";
    /// Make an account.
    pub const SIGN_UP: &str = "/signup";
    /// First half: the password.
    pub const LOG_IN: &str = "/login";
    /// Second half: waiting for the phone.
    pub const APPROVE: &str = "/approve";
    /// Second half: a code.
    pub const CODE: &str = "/code";
    /// Prove the phone of an account that is already open.
    pub const VERIFY_PHONE: &str = "/verify-phone";
    /// The signed-in person's own page.
    pub const ACCOUNT: &str = "/account";
    /// After signing out.
    pub const SIGNED_OUT: &str = "/signed-out";

    /// All of them, for the server's route table.
    pub const ALL: [&str; 8] = [HOME, SIGN_UP, LOG_IN, APPROVE, CODE, VERIFY_PHONE, ACCOUNT, SIGNED_OUT];
}
