//! Paths of the API and of the page.

/// `POST` creates an account, `GET` reads the signed-in one.
pub const USER: &str = "/user";
/// `POST` checks a password and starts a session, `DELETE` ends it.
pub const SESSION: &str = "/session";
/// `POST` rotates the token of an approved session.
pub const SESSION_CONTINUE: &str = "/session/continue";
/// `POST` sends another approval request.
pub const SESSION_PUSH: &str = "/session/push";
/// `POST` sends a code by SMS or call.
pub const SESSION_RESEND: &str = "/session/resend";
/// `POST` checks a code.
pub const SESSION_VERIFY: &str = "/session/verify";
/// `GET` reads the status of this session's newest approval request.
pub const AUTHY_STATUS: &str = "/authy/status";
/// `GET` follows that status as an event stream.
pub const AUTHY_STATUS_STREAM: &str = "/authy/status/stream";
/// The provider's webhook.
pub const AUTHY_CALLBACK: &str = "/authy/callback";
/// `POST` enrols an authenticator app and returns its secret once.
pub const AUTHENTICATOR: &str = "/user/authenticator";
/// `DELETE` removes an authenticator app.
pub const AUTHENTICATOR_ID: &str = "/user/authenticator/{id}";
/// `POST` confirms an authenticator app with one of its codes.
pub const AUTHENTICATOR_CONFIRM: &str = "/user/authenticator/{id}/confirm";
/// `DELETE` notes that the user has read that an authenticator app has to be set up again.
pub const AUTHENTICATOR_INVITATION: &str = "/user/authenticator/invitation";
/// `GET` lists what the user signs in with.
pub const FACTORS: &str = "/user/factors";
/// `PATCH` names a factor, `DELETE` removes it.
pub const FACTOR: &str = "/user/factors/{id}";
/// `POST` makes a set of recovery codes and returns it once, `GET` tells how many are left.
pub const RECOVERY_CODES: &str = "/user/recovery-codes";
/// `POST` completes the second factor with a recovery code.
pub const SESSION_RECOVER: &str = "/session/recover";
/// `POST` gives the number that the phone shows with an approval request.
pub const SESSION_PUSH_MATCH: &str = "/session/push/match";
/// `GET` lists signed-in sessions, `DELETE` ends all others.
pub const SESSIONS: &str = "/sessions";
/// `DELETE` ends a session.
pub const SESSIONS_ID: &str = "/sessions/{id}";
/// `GET` lists remembered browsers.
pub const DEVICES: &str = "/devices";
/// `DELETE` forgets a remembered browser.
pub const DEVICES_ID: &str = "/devices/{id}";
/// `POST` changes the password.
pub const PASSWORD: &str = "/user/password";
/// `POST` sends a link to set a new password.
pub const PASSWORD_FORGOT: &str = "/password/forgot";
/// `POST` sets a new password by such a link.
pub const PASSWORD_RESET: &str = "/password/reset";
/// `POST` sends a link to the account's new e-mail.
pub const EMAIL: &str = "/user/email";
/// `POST` verifies the e-mail by such a link.
pub const EMAIL_CONFIRM: &str = "/user/email/confirm";
/// `POST` sends a code to the account's new phone.
pub const PHONE: &str = "/user/phone";
/// `POST` verifies the new phone by that code.
pub const PHONE_VERIFY: &str = "/user/phone/verify";
/// `POST` ends all sessions and asks for a new password: "this wasn't me".
pub const SECURE: &str = "/user/secure";
/// `POST` answers whether a denied sign-in was the owner's.
pub const DENIED_SIGN_IN: &str = "/user/denied-sign-ins/{id}";
/// `GET` lists what has happened to the account.
pub const EVENTS: &str = "/user/events";
/// `GET` returns everything that is stored about the account.
pub const EXPORT: &str = "/user/export";
/// `POST` returns a token by which an app registers its device.
pub const DEVICE_TOKEN: &str = "/user/factors/push/token";
/// `POST` creates an account and sends a code to its phone.
pub const USERS: &str = "/users";
/// `GET` reads the profile of the signed-in account.
pub const USERS_ID: &str = "/users/{id}";
/// `POST` verifies the phone of the account.
pub const USERS_VERIFY: &str = "/users/{id}/verify";
/// `POST` sends another code.
pub const USERS_RESEND: &str = "/users/{id}/resend";
/// `POST` sends a request to approve an action.
pub const APPROVALS: &str = "/approvals";
/// `GET` reads the status of the request.
pub const APPROVAL: &str = "/approvals/{uuid}";
/// `POST` redeems the approval, once, for exactly the data that was approved.
pub const APPROVAL_REDEEM: &str = "/approvals/{uuid}/redeem";
/// The provider's delivery reports on text messages.
pub const TWILIO_STATUS: &str = "/twilio/status";
/// Twilio Verify's webhook.
pub const TWILIO_VERIFY: &str = "/twilio/verify";
/// `GET` returns the OpenAPI document.
pub const OPENAPI: &str = "/openapi.json";
/// `GET` shows the API documentation.
pub const DOCS: &str = "/docs";
/// `GET` answers 200 while the process runs.
pub const HEALTHZ: &str = "/healthz";
/// `GET` answers 200 if the database is available and migrated.
pub const READYZ: &str = "/readyz";

/// The cookie API, for clients that sign in by username and request each code or approval themselves.
pub mod cookie_api {
    /// `POST` creates an account.
    pub const REGISTER: &str = "/api/user/register";
    /// `POST` checks a password.
    pub const LOGIN: &str = "/api/login";
    /// `GET` ends the session.
    pub const LOGOUT: &str = "/api/logout";
    /// `POST` returns the page for the current session.
    pub const LOGGED_IN: &str = "/api/loggedIn";
    /// `POST` sends a code by SMS.
    pub const SMS: &str = "/api/accountsecurity/sms";
    /// `POST` sends a code by call.
    pub const VOICE: &str = "/api/accountsecurity/voice";
    /// `POST` checks a code.
    pub const VERIFY: &str = "/api/accountsecurity/verify";
    /// `POST` sends an approval request.
    pub const ONETOUCH: &str = "/api/accountsecurity/onetouch";
    /// `POST` reads the status of the request, and signs in when it is approved.
    pub const ONETOUCH_STATUS: &str = "/api/accountsecurity/onetouchstatus";
    /// `POST` sends a code to any phone.
    pub const VERIFICATION_START: &str = "/api/verification/start";
    /// `POST` checks a code and verifies the phone.
    pub const VERIFICATION_VERIFY: &str = "/api/verification/verify";
    /// `GET` reads the protected content.
    pub const PROTECTED: &str = "/api/protected";
    /// `POST` tests the connection.
    pub const TEST: &str = "/api/test";
}

/// Every path of the API that the OpenAPI document describes.
pub const ALL: [&str; 59] = [
    USER,
    PASSWORD,
    PASSWORD_FORGOT,
    PASSWORD_RESET,
    EMAIL,
    EMAIL_CONFIRM,
    PHONE,
    PHONE_VERIFY,
    SECURE,
    DENIED_SIGN_IN,
    EVENTS,
    EXPORT,
    RECOVERY_CODES,
    SESSIONS,
    SESSIONS_ID,
    DEVICES,
    DEVICES_ID,
    SESSION_RECOVER,
    SESSION_PUSH_MATCH,
    AUTHENTICATOR,
    AUTHENTICATOR_ID,
    AUTHENTICATOR_CONFIRM,
    AUTHENTICATOR_INVITATION,
    FACTORS,
    FACTOR,
    DEVICE_TOKEN,
    SESSION,
    SESSION_CONTINUE,
    SESSION_PUSH,
    SESSION_RESEND,
    SESSION_VERIFY,
    AUTHY_STATUS,
    AUTHY_STATUS_STREAM,
    AUTHY_CALLBACK,
    USERS,
    USERS_ID,
    USERS_VERIFY,
    USERS_RESEND,
    APPROVALS,
    APPROVAL,
    APPROVAL_REDEEM,
    TWILIO_STATUS,
    TWILIO_VERIFY,
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
/// Request header that selects the carrier of the session. With `cookie`, responses contain no token and
/// the session is refused by [`TOKEN_HEADER`].
pub const CARRIER_HEADER: &str = "X-Session-Carrier";

/// Paths of the page. The server returns the same document for each.
pub mod page {
    /// The start page.
    pub const HOME: &str = "/";
    /// Sign-up.
    pub const SIGN_UP: &str = "/signup";
    /// First factor: the password.
    pub const LOG_IN: &str = "/login";
    /// Second factor: an approval request.
    pub const APPROVE: &str = "/approve";
    /// Second factor: a one-time code.
    pub const CODE: &str = "/code";
    /// Second factor: all sign-in methods.
    pub const METHODS: &str = "/2fa";
    /// Verification of the account's phone or of another one.
    pub const VERIFICATION: &str = "/verification";
    /// Shown after the phone was verified.
    pub const VERIFIED: &str = "/verified";
    /// The protected content.
    pub const PROTECTED: &str = "/protected";
    /// Example of an action that needs an approval: sending money.
    pub const SEND: &str = "/send";
    /// Enrolment of an authenticator app.
    pub const AUTHENTICATOR: &str = "/authenticator";
    /// The account of the signed-in user.
    pub const ACCOUNT: &str = "/account";
    /// Password, e-mail, and what the user signs in with beside the password.
    pub const SECURITY: &str = "/account/security";
    /// New recovery codes.
    pub const RECOVERY_CODES: &str = "/account/recovery-codes";
    /// Sessions and remembered browsers.
    pub const SESSIONS: &str = "/account/sessions";
    /// What has happened to the account.
    pub const ACTIVITY: &str = "/account/activity";
    /// Change of the password.
    pub const PASSWORD: &str = "/account/password";
    /// Change of the e-mail.
    pub const EMAIL: &str = "/account/email";
    /// Change of the phone.
    pub const PHONE: &str = "/account/phone";
    /// Download and deletion of the account.
    pub const DATA: &str = "/account/data";
    /// Second factor: a recovery code.
    pub const RECOVER: &str = "/recover";
    /// A forgotten password.
    pub const FORGOT: &str = "/forgot";
    /// A new password, by a link from an e-mail. The token is in the fragment, which is not sent to servers.
    pub const RESET: &str = "/reset";
    /// Verification of an e-mail, by a link; the token is in the fragment.
    pub const CONFIRM_EMAIL: &str = "/email";
    /// "This wasn't me", by a link; the token is in the fragment. Nothing happens before a button is pressed.
    pub const SECURE: &str = "/secure";
    /// Shown after sign-out.
    pub const SIGNED_OUT: &str = "/signed-out";

    /// All paths, for the server's route table.
    pub const ALL: [&str; 26] = [
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
        SECURITY,
        RECOVERY_CODES,
        SESSIONS,
        ACTIVITY,
        PASSWORD,
        EMAIL,
        PHONE,
        DATA,
        RECOVER,
        FORGOT,
        RESET,
        CONFIRM_EMAIL,
        SECURE,
        SIGNED_OUT,
    ];
}
