//! All HTTP of the page: one function per endpoint, one failure type.

pub mod account;
mod read;

use gloo_net::http::{Method, RequestBuilder};
use js_sys::JSON;
use serde::{
    Serialize,
    de::{DeserializeOwned, IgnoredAny},
};
use serde_wasm_bindgen::Serializer;
use shared::{
    ApiError, Approval, ApprovalCreated, CodeSent, ContinueSession, ErrorCode, Login, LoginAnswer,
    MatchNumber, NewApproval, NewUser, PushAnswer, Recover, Resend, StatusAnswer, User, VerifyCode, Via,
    cookie_api::{CheckVerification, Protected, StartVerification, VerificationStarted, Whereabouts},
    routes::{self, cookie_api},
};

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApiFailure {
    /// No response, or none that can be read.
    Unreachable,
    /// The server responded with an error.
    Refused {
        error: ApiError,
        /// Seconds from the header `Retry-After`.
        retry_after: Option<u32>,
    },
}

impl ApiFailure {
    /// The server's error code; [`ErrorCode::Unknown`] without a response.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Unreachable => ErrorCode::Unknown,
            Self::Refused { error, .. } => error.code,
        }
    }

    /// The text for the person.
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

    /// Seconds until the call may be tried again, when the server said so.
    pub fn retry_after(&self) -> Option<u32> {
        match self {
            Self::Unreachable => None,
            Self::Refused { retry_after, .. } => *retry_after,
        }
    }
}

pub type ApiResult<T> = Result<T, ApiFailure>;

/// The body of a `POST` without fields.
const EMPTY: Empty = Empty {};

#[derive(Serialize)]
struct Empty {}

pub async fn sign_up(new: &NewUser) -> ApiResult<()> {
    post_only(routes::USER, new).await
}

pub async fn user() -> ApiResult<User> {
    get(routes::USER).await
}

pub async fn log_in(login: &Login) -> ApiResult<PushAnswer> {
    post::<LoginAnswer>(routes::SESSION, login).await.map(|answer| answer.authy_response)
}

pub async fn log_out() -> ApiResult<()> {
    send(Method::DELETE, routes::SESSION.to_owned(), None).await.map(drop)
}

pub async fn status() -> ApiResult<StatusAnswer> {
    get(routes::AUTHY_STATUS).await
}

pub async fn continue_session(remember_device: bool) -> ApiResult<()> {
    post_only(routes::SESSION_CONTINUE, &ContinueSession { remember_device }).await
}

pub async fn match_number(number: String, remember_device: bool) -> ApiResult<()> {
    post_only(routes::SESSION_PUSH_MATCH, &MatchNumber { number, remember_device }).await
}

pub async fn recover(code: String, remember_device: bool) -> ApiResult<()> {
    post_only(routes::SESSION_RECOVER, &Recover { code, remember_device }).await
}

pub async fn push() -> ApiResult<PushAnswer> {
    post(routes::SESSION_PUSH, &EMPTY).await
}

pub async fn send_code(via: Via) -> ApiResult<CodeSent> {
    post(routes::SESSION_RESEND, &Resend { via: via.to_string() }).await
}

pub async fn verify(code: String, remember_device: bool) -> ApiResult<()> {
    post_only(routes::SESSION_VERIFY, &VerifyCode { code, remember_device }).await
}

pub async fn verify_account(id: &str, code: String) -> ApiResult<()> {
    post_only(&routes::USERS_VERIFY.replace("{id}", id), &VerifyCode { code, remember_device: false }).await
}

pub async fn create_approval(data: &NewApproval) -> ApiResult<ApprovalCreated> {
    post(routes::APPROVALS, data).await
}

pub async fn approval(uuid: &str) -> ApiResult<Approval> {
    get(&routes::APPROVAL.replace("{uuid}", uuid)).await
}

pub async fn redeem(uuid: &str, data: &NewApproval) -> ApiResult<()> {
    post_only(&routes::APPROVAL_REDEEM.replace("{uuid}", uuid), data).await
}

pub async fn protected() -> ApiResult<Protected> {
    get(cookie_api::PROTECTED).await
}

pub async fn whereabouts() -> ApiResult<Whereabouts> {
    post(cookie_api::LOGGED_IN, &EMPTY).await
}

pub async fn start_verification(start: &StartVerification) -> ApiResult<VerificationStarted> {
    post(cookie_api::VERIFICATION_START, start).await
}

pub async fn check_verification(check: &CheckVerification) -> ApiResult<()> {
    post_only(cookie_api::VERIFICATION_VERIFY, check).await
}

async fn post<T: DeserializeOwned>(path: &str, body: &impl Serialize) -> ApiResult<T> {
    parse(&send(Method::POST, path.to_owned(), Some(json(body)?)).await?)
}

fn json(body: &impl Serialize) -> ApiResult<String> {
    let body = body.serialize(&Serializer::json_compatible()).map_err(|_| ApiFailure::Unreachable)?;
    JSON::stringify(&body).map(Into::into).map_err(|_| ApiFailure::Unreachable)
}

/// A `POST` whose response has nothing this page needs.
async fn post_only(path: &str, body: &impl Serialize) -> ApiResult<()> {
    post::<IgnoredAny>(path, body).await.map(drop)
}

async fn get<T: DeserializeOwned>(path: &str) -> ApiResult<T> {
    parse(&send(Method::GET, path.to_owned(), None).await?)
}

/// Reads JSON from the server.
pub fn parse<T: DeserializeOwned>(text: &str) -> ApiResult<T> {
    let value = JSON::parse(text).map_err(|_| ApiFailure::Unreachable)?;
    read::read(value).map_err(|_| ApiFailure::Unreachable)
}

/// Sends a request and returns the response as text. Not generic, so that it is compiled once.
async fn send(method: Method, path: String, body: Option<String>) -> ApiResult<String> {
    // The session is carried by the cookie alone: no response holds a token that scripts could read.
    let request = RequestBuilder::new(&path).method(method).header(routes::CARRIER_HEADER, "cookie");
    let sent = match body {
        Some(body) => match request.header("Content-Type", "application/json").body(body) {
            Ok(request) => request.send().await,
            Err(_) => return Err(ApiFailure::Unreachable),
        },
        None => request.send().await,
    };
    let response = sent.map_err(|_| ApiFailure::Unreachable)?;
    let retry_after = response.headers().get("Retry-After").and_then(|seconds| seconds.parse().ok());
    let ok = response.ok();
    let text = response.text().await.map_err(|_| ApiFailure::Unreachable)?;
    if ok {
        return Ok(text);
    }
    Err(parse(&text).map_or(ApiFailure::Unreachable, |error| ApiFailure::Refused { error, retry_after }))
}
