//! What an owner does with an account as a whole: reading what has happened, securing, exporting and deleting it.

use actix_session::Session;
use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Data, Json, Path, Query},
};
use serde::Deserialize;
use serde_json::json;
use shared::{
    AccountSecured, Activity, ActivityEvent, ActivityFilter, ApiError, DeleteAccount, DenialAnswer,
    SecureAccount, routes,
};

use super::{
    auth::{SignedIn, user_session},
    body::Body,
    client::RequestClient,
    error::Result,
};
use crate::{
    domain::{refusal::Refusal, session::Carrier},
    services::{activity::ActivityReader, own_data::OwnData, securing::Securing, sessions::Sessions},
};

/// `GET /user/events?before=…&show=…`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct EventsWanted {
    before: String,
    show: String,
}

/// List what has happened to the account
#[utoipa::path(
    get, path = routes::EVENTS, tag = "Account",
    params(
        ("before" = Option<String>, Query, description = "`next` of an earlier answer"),
        ("show" = Option<String>, Query, description = "`all`, `sign-ins` or `changes`"),
    ),
    responses(
        (status = 200, description = "The newest first, at most 50", body = Activity),
        (status = 403, description = "Not signed in", body = ApiError),
        (status = 422, description = "No answer has had this `next`", body = ApiError),
    )
)]
pub(super) async fn events(
    activity: Data<ActivityReader>,
    SignedIn(session): SignedIn,
    Query(wanted): Query<EventsWanted>,
) -> Result<Json<Activity>> {
    let page = activity.page(&session, &wanted.before, ActivityFilter::from_name(&wanted.show)).await?;
    let event = |row: crate::services::activity::EventRow| ActivityEvent {
        at: row.at.to_rfc3339(),
        kind: row.act.as_str().to_owned(),
        outcome: row.outcome.as_str().to_owned(),
        factor: row.factor.map(|factor| factor.wire_name().to_owned()),
        browser: row.browser,
        address: row.address,
    };
    let events = page.events.into_iter().map(event).collect();
    Ok(Json(Activity { events, next: page.next, days: page.days }))
}

/// Secure the account: "this wasn't me"
///
/// By the link of an e-mail, or in a signed-in session. All sessions end and remembered browsers are forgotten. By a
/// link, an e-mail and a phone that were changed within seven days come back. Where a link to set a new password can be
/// sent, the old password is void.
#[utoipa::path(
    post, path = routes::SECURE, tag = "Account", request_body = SecureAccount,
    responses(
        (status = 200, description = "Secured", body = AccountSecured),
        (status = 401, description = "The link has expired or was used", body = ApiError),
        (status = 403, description = "Neither a link nor a signed-in session", body = ApiError),
    )
)]
pub(super) async fn secure(
    securing: Data<Securing>,
    sessions: Data<Sessions>,
    cookie: Session,
    request: HttpRequest,
    RequestClient(client): RequestClient,
    Body(wish): Body<SecureAccount>,
) -> Result<Json<AccountSecured>> {
    if !wish.token.trim().is_empty() {
        return Ok(Json(AccountSecured { email: securing.by_link(&wish.token, &client).await? }));
    }
    let session = user_session(&request).await?.ok_or(Refusal::NotSignedIn)?;
    let session = sessions.require_signed_in(session).await?;
    let email = securing.own(&session, &client).await?;
    if session.carrier() == Carrier::Cookie {
        cookie.purge();
    }
    Ok(Json(AccountSecured { email }))
}

/// Answer whether a denied sign-in was one's own
///
/// If not, the account is secured: all sessions end, this one as well.
#[utoipa::path(
    post, path = routes::DENIED_SIGN_IN, tag = "Account", request_body = DenialAnswer,
    params(("id" = String, Path, description = "The denied sign-in")),
    responses(
        (status = 200, description = "Noted, or secured"),
        (status = 403, description = "Not signed in", body = ApiError),
        (status = 404, description = "No such denied sign-in, or it was answered", body = ApiError),
    )
)]
pub(super) async fn answer_denial(
    securing: Data<Securing>,
    cookie: Session,
    RequestClient(client): RequestClient,
    SignedIn(session): SignedIn,
    id: Path<String>,
    Body(answer): Body<DenialAnswer>,
) -> Result<HttpResponse> {
    securing.answer_denial(&session, &id).await?;
    if answer.mine {
        return Ok(HttpResponse::Ok().json(json!({"message": "Noted."})));
    }
    let email = securing.own(&session, &client).await?;
    if session.carrier() == Carrier::Cookie {
        cookie.purge();
    }
    Ok(HttpResponse::Ok().json(AccountSecured { email }))
}

/// Download everything that is stored about the account
///
/// A factor must have passed in this session within 20 minutes.
#[utoipa::path(
    get, path = routes::EXPORT, tag = "Account",
    responses(
        (status = 200, description = "Without secrets"),
        (status = 403, description = "Not signed in, or step-up required", body = ApiError),
    )
)]
pub(super) async fn export(
    data: Data<OwnData>,
    RequestClient(client): RequestClient,
    SignedIn(session): SignedIn,
) -> Result<HttpResponse> {
    let all = data.export(&session, &client).await?;
    let disposition = "attachment; filename=\"account.json\"";
    Ok(HttpResponse::Ok().insert_header((header::CONTENT_DISPOSITION, disposition)).json(all))
}

/// Delete the account
///
/// With its password. A factor must have passed in this session within 20 minutes.
#[utoipa::path(
    delete, path = routes::USER, tag = "Account", request_body = DeleteAccount,
    responses(
        (status = 200, description = "Everything that was stored about it is removed"),
        (status = 401, description = "Wrong password", body = ApiError),
        (status = 403, description = "Not signed in, or step-up required", body = ApiError),
        (status = 429, description = "Too many wrong passwords", body = ApiError),
    )
)]
pub(super) async fn delete(
    data: Data<OwnData>,
    cookie: Session,
    RequestClient(client): RequestClient,
    SignedIn(session): SignedIn,
    Body(wish): Body<DeleteAccount>,
) -> Result<HttpResponse> {
    data.delete(&session, wish.password, &client).await?;
    if session.carrier() == Carrier::Cookie {
        cookie.purge();
    }
    Ok(HttpResponse::Ok().json(json!({"message": "Your account was deleted."})))
}
