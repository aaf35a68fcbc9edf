//! The status of a session that waits for its phone: by plain poll, by long poll, and as a stream.

use std::time::Duration;

use actix_web::{
    HttpRequest, HttpResponse,
    dev::ServiceRequest,
    http::{Method, StatusCode, header},
    web::{Bytes, Data, Json},
};
use futures_util::stream;
use serde::Deserialize;
use shared::{ApiError, StatusAnswer, routes};

use super::{
    Network,
    auth::RequestToken,
    error::{Error, Result, invalid},
    headers::TOKEN,
    origin::foreign_origin,
};
use crate::{
    domain::{
        ids::{Random, Token},
        refusal::Refusal,
        session::Carrier,
    },
    services::{
        session_status::SessionStatus,
        status::{Follower, News, StatusReader},
    },
};

/// The longest wait for one response. Proxies close connections that are quiet for a minute.
const LONGEST_WAIT: u64 = 55;
/// A browser connects again after between so many milliseconds …
const RECONNECT_FROM_MS: u32 = 1000;
/// … and a hundred times so many more: not all at once, where a server has ended.
const RECONNECT_STEP_MS: u32 = 30;

/// What a long poll waits for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wait {
    wait: Option<String>,
    since: Option<String>,
}

/// Read the status of the approval request
///
/// That of this session's newest one; a pure read, and a client may poll it without pause. With `wait`, the
/// response comes as soon as there is something new.
#[utoipa::path(
    get, path = routes::AUTHY_STATUS, tag = "Sign-in",
    params(
        ("wait" = Option<u64>, Query, description = "Seconds to wait at most, up to 55"),
        ("since" = Option<String>, Query,
            description = "The `version` of an earlier response: wait until it differs. Without it, while the status is `pending`"),
    ),
    responses(
        (status = 200, description = "`unverified` if none was sent", body = StatusAnswer),
        (status = 404, description = "No session", body = ApiError),
        (status = 422, description = "`wait` isn't a number from 0 to 55", body = ApiError),
    )
)]
pub(super) async fn read(reader: Data<StatusReader>, request: HttpRequest) -> Result<Json<SessionStatus>> {
    let RequestToken { token, carrier } = RequestToken::of(&request).ok_or(Refusal::NoSession)?;
    if request.query_string().is_empty() {
        return Ok(Json(reader.status(&token, carrier).await?));
    }
    let query = actix_web::web::Query::<Wait>::from_query(request.query_string());
    let Wait { wait, since } =
        query.map_err(|_| Error::Unreadable("The request can't be read."))?.into_inner();
    let seconds = wait.unwrap_or_default();
    let seconds = if seconds.is_empty() { Some(0) } else { seconds.parse().ok() };
    let longest = seconds.filter(|seconds| *seconds <= LONGEST_WAIT).map(Duration::from_secs);
    let longest = longest.ok_or_else(|| invalid("wait", "Enter a number of seconds from 0 to 55."))?;
    // On the heap, because it is rare and large: every poll would carry it along.
    let waiting = Box::pin(reader.status_after(&token, carrier, since.as_deref(), longest));
    Ok(Json(waiting.await?))
}

/// The response to a plain poll by header, where the status was read a moment ago: without a span, a session
/// middleware or a handler. `None` for every other request: those go the usual way.
pub(super) fn held(request: &ServiceRequest) -> Option<HttpResponse> {
    if request.path() != routes::AUTHY_STATUS
        || *request.method() != Method::GET
        || !request.query_string().is_empty()
    {
        return None;
    }
    let token = Token::sent(request.headers().get(&*TOKEN)?.to_str().ok()?);
    let reader = request.app_data::<Data<StatusReader>>()?;
    Some(HttpResponse::Ok().json(reader.held(&token, Carrier::Header)?))
}

/// Follow the status of the approval request
///
/// An event stream (`Accept: text/event-stream`): an event `status` now and at every change, with what
/// `GET /authy/status` returns, and an event `end` when the session is signed in or has ended. Three streams per
/// session. A browser that connects again after the end gets 204.
#[utoipa::path(
    get, path = routes::AUTHY_STATUS_STREAM, tag = "Sign-in",
    responses(
        (status = 200, description = "Events", body = String, content_type = "text/event-stream"),
        (status = 204, description = "There is nothing more to follow"),
        (status = 403, description = "Opened by a page of another origin", body = ApiError),
        (status = 404, description = "No session", body = ApiError),
        (status = 429, description = "The session has three streams", body = ApiError),
        (status = 503, description = "Too many clients are waiting", body = ApiError),
    )
)]
pub(super) async fn follow(
    reader: Data<StatusReader>,
    network: Data<Network>,
    random: Data<Random>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    // A page elsewhere could use up the streams of a person's session.
    if let Some(foreign) = foreign_origin(&request, &network.origin(&request)) {
        return Err(Error::ForeignOrigin(foreign));
    }
    let RequestToken { token, carrier } = RequestToken::of(&request).ok_or(Refusal::NoSession)?;
    // A browser that was told `end` sends this when it connects again.
    let connects_again = request.headers().contains_key("last-event-id");
    if connects_again && reader.is_settled(&token, carrier).await? {
        return Ok(HttpResponse::NoContent().finish());
    }
    let follower = reader.into_inner().follow(token, carrier).await?;
    let retry_ms = RECONNECT_FROM_MS + RECONNECT_STEP_MS * random.below_100();
    let mut response = HttpResponse::build(StatusCode::OK);
    response
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        // nginx would keep events back until it has a bufferful of them.
        .insert_header(("x-accel-buffering", "no"));
    if *request.method() == Method::HEAD {
        return Ok(response.finish());
    }
    Ok(response.streaming(Box::pin(stream::unfold(State::Begins { follower, retry_ms }, State::next))))
}

/// How far a stream has come.
enum State {
    Begins { follower: Follower, retry_ms: u32 },
    Follows(Follower),
    Ended,
}

impl State {
    async fn next(self) -> Option<(std::result::Result<Bytes, std::convert::Infallible>, Self)> {
        let (mut follower, beginning) = match self {
            Self::Begins { follower, retry_ms } => (follower, format!("retry: {retry_ms}\n")),
            Self::Follows(follower) => (follower, String::new()),
            Self::Ended => return None,
        };
        let (event, next) = match follower.next().await {
            News::Status(status) => {
                let json = serde_json::to_string(&status).expect("a status is JSON");
                let event = format!("id: {}\nevent: status\ndata: {json}\n\n", status.version());
                (event, Self::Follows(follower))
            }
            News::StillHere => (":\n\n".to_owned(), Self::Follows(follower)),
            // An event without data is not dispatched.
            News::Over => ("event: end\ndata: {}\n\n".to_owned(), Self::Ended),
            News::Reconnect => (": reconnect\n\n".to_owned(), Self::Ended),
        };
        Some((Ok(Bytes::from(beginning + &event)), next))
    }
}
