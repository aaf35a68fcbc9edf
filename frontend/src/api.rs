//! The only place that talks to the server: one function per call, one kind of failure.

use gloo_net::http::{Method, RequestBuilder};
use serde::{Serialize, de::DeserializeOwned};
use shared::{
    ApiError, Approval, ApprovalCreated, Authenticator, CodeSent, EnrolAuthenticator, ErrorCode, Login,
    LoginAnswer, NewApproval, NewUser, PhoneVerified, PushAnswer, Redeemed, Resend, StatusAnswer,
    TokenAnswer, User, VerifyCode, Via,
    cookie_api::{
        CheckVerification, Protected, StartVerification, VerificationPassed, VerificationStarted, Whereabouts,
    },
    routes::{self, cookie_api},
};

/// Why a call brought nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// No answer, or none that could be read.
    Unreachable,
    /// The server said no.
    Refused {
        /// What it said.
        error: ApiError,
        /// Seconds until it may be tried again.
        retry_after: Option<u32>,
    },
}

impl Failure {
    /// What a program acts on.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Unreachable => ErrorCode::Unknown,
            Self::Refused { error, .. } => error.code,
        }
    }

    /// What a person reads.
    pub fn message(&self) -> String {
        match self {
            Self::Unreachable => {
                "The server cannot be reached. Check the connection and try again.".to_owned()
            }
            Self::Refused { error, .. } => error.message.clone(),
        }
    }

    /// What is wrong with a field, by its name on the wire.
    pub fn field(&self, name: &str) -> Option<String> {
        match self {
            Self::Unreachable => None,
            Self::Refused { error, .. } => error.fields.get(name).cloned(),
        }
    }

    /// Seconds until it may be tried again.
    pub fn retry_after(&self) -> Option<u32> {
        match self {
            Self::Unreachable => None,
            Self::Refused { retry_after, .. } => *retry_after,
        }
    }
}

type Answer<T> = Result<T, Failure>;

/// The body of a call that needs none.
const NOTHING: Nothing = Nothing {};

#[derive(Serialize)]
struct Nothing {}

pub async fn sign_up(new: &NewUser) -> Answer<()> {
    post::<TokenAnswer>(routes::USER, new).await.map(drop)
}

pub async fn user() -> Answer<User> {
    get(routes::USER).await
}

pub async fn log_in(login: &Login) -> Answer<PushAnswer> {
    // The token is for clients without a cookie; here it is thrown away.
    post::<LoginAnswer>(routes::SESSION, login).await.map(|answer| answer.authy_response)
}

pub async fn log_out() -> Answer<()> {
    call(Method::DELETE, routes::SESSION.to_owned(), None).await.map(drop)
}

pub async fn status() -> Answer<StatusAnswer> {
    get(routes::AUTHY_STATUS).await
}

pub async fn go_on() -> Answer<()> {
    post::<TokenAnswer>(routes::SESSION_CONTINUE, &NOTHING).await.map(drop)
}

pub async fn push() -> Answer<PushAnswer> {
    post(routes::SESSION_PUSH, &NOTHING).await
}

pub async fn send_code(via: Via) -> Answer<CodeSent> {
    post(routes::SESSION_RESEND, &Resend { via: via.to_string() }).await
}

pub async fn verify(code: String) -> Answer<()> {
    post::<TokenAnswer>(routes::SESSION_VERIFY, &VerifyCode { code }).await.map(drop)
}

pub async fn verify_account(id: &str, code: String) -> Answer<()> {
    let path = routes::USERS_VERIFY.replace("{id}", id);
    post::<PhoneVerified>(&path, &VerifyCode { code }).await.map(drop)
}

pub async fn enrol_authenticator(replace: bool) -> Answer<Authenticator> {
    post(routes::AUTHENTICATOR, &EnrolAuthenticator { replace }).await
}

pub async fn ask_approval(data: &NewApproval) -> Answer<ApprovalCreated> {
    post(routes::APPROVALS, data).await
}

pub async fn approval(uuid: &str) -> Answer<Approval> {
    get(&routes::APPROVAL.replace("{uuid}", uuid)).await
}

pub async fn redeem(uuid: &str, data: &NewApproval) -> Answer<Redeemed> {
    post(&routes::APPROVAL_REDEEM.replace("{uuid}", uuid), data).await
}

pub async fn protected() -> Answer<Protected> {
    get(cookie_api::PROTECTED).await
}

pub async fn whereabouts() -> Answer<Whereabouts> {
    post(cookie_api::LOGGED_IN, &NOTHING).await
}

pub async fn start_verification(wish: &StartVerification) -> Answer<VerificationStarted> {
    post(cookie_api::VERIFICATION_START, wish).await
}

pub async fn check_verification(typed: &CheckVerification) -> Answer<VerificationPassed> {
    post(cookie_api::VERIFICATION_VERIFY, typed).await
}

async fn post<T: DeserializeOwned>(path: &str, body: &impl Serialize) -> Answer<T> {
    let body = serde_json::to_string(body).map_err(|_| Failure::Unreachable)?;
    parse(&call(Method::POST, path.to_owned(), Some(body)).await?)
}

async fn get<T: DeserializeOwned>(path: &str) -> Answer<T> {
    parse(&call(Method::GET, path.to_owned(), None).await?)
}

fn parse<T: DeserializeOwned>(text: &str) -> Answer<T> {
    serde_json::from_str(text).map_err(|_| Failure::Unreachable)
}

/// One call, whatever it brings: compiled once, not once per answer.
async fn call(method: Method, path: String, body: Option<String>) -> Answer<String> {
    let request = RequestBuilder::new(&path).method(method);
    let sent = match body {
        Some(body) => match request.header("Content-Type", "application/json").body(body) {
            Ok(request) => request.send().await,
            Err(_) => return Err(Failure::Unreachable),
        },
        None => request.send().await,
    };
    let answer = sent.map_err(|_| Failure::Unreachable)?;
    let retry_after = answer.headers().get("Retry-After").and_then(|seconds| seconds.parse().ok());
    let ok = answer.ok();
    let text = answer.text().await.map_err(|_| Failure::Unreachable)?;
    if ok {
        return Ok(text);
    }
    Err(parse(&text).map_or(Failure::Unreachable, |error| Failure::Refused { error, retry_after }))
}
