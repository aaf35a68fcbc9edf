//! The only place that talks to the server: one function per call, one kind of failure.

use gloo_net::http::{Request, RequestBuilder, Response};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use shared::{
    ApiError, CodeSent, ErrorCode, Login, LoginAnswer, NewUser, PushAnswer, Resend, StatusAnswer,
    TokenAnswer, User, VerifyCode, Via, routes,
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

pub async fn sign_up(new: &NewUser) -> Answer<()> {
    post::<TokenAnswer>(routes::USER, new).await.map(drop)
}

pub async fn user() -> Answer<User> {
    send(Request::get(routes::USER)).await
}

pub async fn log_in(login: &Login) -> Answer<PushAnswer> {
    // The token is for clients without a cookie; here it is thrown away.
    post::<LoginAnswer>(routes::SESSION, login).await.map(|answer| answer.authy_response)
}

pub async fn log_out() -> Answer<()> {
    send::<Value>(Request::delete(routes::SESSION)).await.map(drop)
}

pub async fn status() -> Answer<StatusAnswer> {
    send(Request::get(routes::AUTHY_STATUS)).await
}

pub async fn go_on() -> Answer<()> {
    post::<TokenAnswer>(routes::SESSION_CONTINUE, &json!({})).await.map(drop)
}

pub async fn push() -> Answer<PushAnswer> {
    post(routes::SESSION_PUSH, &json!({})).await
}

pub async fn send_code(via: Via) -> Answer<CodeSent> {
    post(routes::SESSION_RESEND, &Resend { via: via.to_string() }).await
}

pub async fn verify(code: String) -> Answer<()> {
    post::<TokenAnswer>(routes::SESSION_VERIFY, &VerifyCode { code }).await.map(drop)
}

async fn post<T: DeserializeOwned>(path: &str, body: &impl Serialize) -> Answer<T> {
    let request = Request::post(path).json(body).map_err(|_| Failure::Unreachable)?;
    read(request.send().await.map_err(|_| Failure::Unreachable)?).await
}

async fn send<T: DeserializeOwned>(request: RequestBuilder) -> Answer<T> {
    read(request.send().await.map_err(|_| Failure::Unreachable)?).await
}

async fn read<T: DeserializeOwned>(answer: Response) -> Answer<T> {
    if answer.ok() {
        return answer.json().await.map_err(|_| Failure::Unreachable);
    }
    let retry_after = answer.headers().get("Retry-After").and_then(|seconds| seconds.parse().ok());
    match answer.json().await {
        Ok(error) => Err(Failure::Refused { error, retry_after }),
        Err(_) => Err(Failure::Unreachable),
    }
}
