//! Paths of the API and of the page.

/// `POST` makes an account, `GET` reads the signed-in one.
pub const USER: &str = "/user";
/// `POST` checks a password and begins a session, `DELETE` ends it.
pub const SESSION: &str = "/session";
/// `POST` gives a session a new token after an approval.
pub const SESSION_CONTINUE: &str = "/session/continue";
/// `POST` sends another approval request.
pub const SESSION_PUSH: &str = "/session/push";
/// `POST` sends a code by text or call.
pub const SESSION_RESEND: &str = "/session/resend";
/// `POST` checks a code.
pub const SESSION_VERIFY: &str = "/session/verify";
/// `GET` reads the status of this session's newest approval request.
pub const AUTHY_STATUS: &str = "/authy/status";
/// The provider's webhook.
pub const AUTHY_CALLBACK: &str = "/authy/callback";
/// `POST` makes the secret of an authenticator app and shows it once.
pub const AUTHENTICATOR: &str = "/user/authenticator";
/// `DELETE` removes an authenticator app.
pub const AUTHENTICATOR_ID: &str = "/user/authenticator/{id}";
/// `POST` confirms an authenticator app with a code it shows.
pub const AUTHENTICATOR_CONFIRM: &str = "/user/authenticator/{id}/confirm";
/// `POST` makes an account and sends a code at once.
pub const USERS: &str = "/users";
/// `GET` reads the public part of one's own account.
pub const USERS_ID: &str = "/users/{id}";
/// `POST` verifies its phone.
pub const USERS_VERIFY: &str = "/users/{id}/verify";
/// `POST` sends another code.
pub const USERS_RESEND: &str = "/users/{id}/resend";
/// `POST` asks the phone to approve an action.
pub const APPROVALS: &str = "/approvals";
/// `GET` reads its status.
pub const APPROVAL: &str = "/approvals/{uuid}";
/// `POST` uses the approval, once, for exactly the data that was approved.
pub const APPROVAL_REDEEM: &str = "/approvals/{uuid}/redeem";
/// The provider's delivery reports on texts.
pub const TWILIO_STATUS: &str = "/twilio/status";
/// `GET` describes every call.
pub const OPENAPI: &str = "/openapi.json";
/// `GET` shows that description to people.
pub const DOCS: &str = "/docs";
/// `GET` answers while the process lives.
pub const HEALTHZ: &str = "/healthz";
/// `GET` answers 200 when the database is there and migrated.
pub const READYZ: &str = "/readyz";

/// The cookie API, for clients that sign in by username and choose every channel by hand.
pub mod cookie_api {
    /// `POST` makes an account.
    pub const REGISTER: &str = "/api/user/register";
    /// `POST` checks a password.
    pub const LOGIN: &str = "/api/login";
    /// `GET` ends the session.
    pub const LOGOUT: &str = "/api/logout";
    /// `POST` says which page this browser belongs on.
    pub const LOGGED_IN: &str = "/api/loggedIn";
    /// `POST` sends a code by text.
    pub const SMS: &str = "/api/accountsecurity/sms";
    /// `POST` sends a code by voice.
    pub const VOICE: &str = "/api/accountsecurity/voice";
    /// `POST` checks a code.
    pub const VERIFY: &str = "/api/accountsecurity/verify";
    /// `POST` sends an approval request.
    pub const ONETOUCH: &str = "/api/accountsecurity/onetouch";
    /// `POST` reads its status, and signs in once it is approved.
    pub const ONETOUCH_STATUS: &str = "/api/accountsecurity/onetouchstatus";
    /// `POST` sends a code to any phone.
    pub const VERIFICATION_START: &str = "/api/verification/start";
    /// `POST` checks it.
    pub const VERIFICATION_VERIFY: &str = "/api/verification/verify";
    /// `GET` reads what a complete sign-in opens.
    pub const PROTECTED: &str = "/api/protected";
    /// `POST` says that the server answers.
    pub const TEST: &str = "/api/test";
}

/// Every call of the API, as its description names them.
pub const ALL: [&str; 35] = [
    USER,
    AUTHENTICATOR,
    AUTHENTICATOR_ID,
    AUTHENTICATOR_CONFIRM,
    SESSION,
    SESSION_CONTINUE,
    SESSION_PUSH,
    SESSION_RESEND,
    SESSION_VERIFY,
    AUTHY_STATUS,
    AUTHY_CALLBACK,
    USERS,
    USERS_ID,
    USERS_VERIFY,
    USERS_RESEND,
    APPROVALS,
    APPROVAL,
    APPROVAL_REDEEM,
    TWILIO_STATUS,
    OPENAPI,
    HEALTHZ,
    READYZ,
    cookie_api::REGISTER,
    cookie_api::LOGIN,
    cookie_api::LOGOUT,
    cookie_api::LOGGED_IN,
    cookie_api::SMS,
    cookie_api::VOICE,
    cookie_api::VERIFY,
    cookie_api::ONETOUCH,
    cookie_api::ONETOUCH_STATUS,
    cookie_api::VERIFICATION_START,
    cookie_api::VERIFICATION_VERIFY,
    cookie_api::PROTECTED,
    cookie_api::TEST,
];

/// Header that carries a session's token.
pub const TOKEN_HEADER: &str = "X-API-TOKEN";
/// Request header by which a client says how it carries its session: `cookie` keeps tokens out of
/// answers, and the session is refused by [`TOKEN_HEADER`].
pub const CARRIER_HEADER: &str = "X-Session-Carrier";

/// Paths of the page; the server answers each with the page itself.
pub mod page {
    /// The start page.
    pub const HOME: &str = "/";
    /// Make an account.
    pub const SIGN_UP: &str = "/signup";
    /// First factor: the password.
    pub const LOG_IN: &str = "/login";
    /// Second factor: waiting for the phone.
    pub const APPROVE: &str = "/approve";
    /// Second factor: a code.
    pub const CODE: &str = "/code";
    /// Second factor: all sign-in methods.
    pub const METHODS: &str = "/2fa";
    /// Verify a phone: that of the account, or any other.
    pub const VERIFICATION: &str = "/verification";
    /// The phone is verified.
    pub const VERIFIED: &str = "/verified";
    /// What a complete sign-in opens.
    pub const PROTECTED: &str = "/protected";
    /// Money, sent only when the phone approves.
    pub const SEND: &str = "/send";
    /// Enrol an authenticator app.
    pub const AUTHENTICATOR: &str = "/authenticator";
    /// The signed-in person's own page.
    pub const ACCOUNT: &str = "/account";
    /// After signing out.
    pub const SIGNED_OUT: &str = "/signed-out";

    /// All of them, for the server's route table.
    pub const ALL: [&str; 13] = [
        HOME,
        SIGN_UP,
        LOG_IN,
        APPROVE,
        CODE,
        METHODS,
        VERIFICATION,
        VERIFIED,
        PROTECTED,
        SEND,
        AUTHENTICATOR,
        ACCOUNT,
        SIGNED_OUT,
    ];
}
