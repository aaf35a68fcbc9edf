//! Where an account is signed in, and which browsers are remembered.

use actix_session::Session;
use actix_web::{
    HttpResponse,
    web::{Data, Json, Path},
};
use serde_json::json;
use shared::{ApiError, DeviceEntry, DeviceList, SessionEntry, SessionList, SessionsEnded, routes};

use super::{auth::SignedIn, client::RequestClient, error::Result};
use crate::{
    domain::session::Carrier,
    services::{remembered::Remembered, sessions::Sessions},
};

/// List one's own sessions
#[utoipa::path(
    get, path = routes::SESSIONS, tag = "Account",
    responses(
        (status = 200, description = "Signed-in sessions, this one first", body = SessionList),
        (status = 403, description = "Not signed in", body = ApiError),
    )
)]
pub(super) async fn list(sessions: Data<Sessions>, SignedIn(session): SignedIn) -> Result<Json<SessionList>> {
    let list = sessions.list(&session).await?;
    let entry = |own: crate::services::sessions::OwnSession| SessionEntry {
        id: own.session.id.as_str().to_owned(),
        current: own.is_current,
        browser: own.session.browser,
        address: own.session.address,
        factor: own.session.factor.map(|factor| factor.wire_name().to_owned()),
        created_at: own.session.created_at.to_rfc3339(),
        seen_at: own.session.seen_at.to_rfc3339(),
    };
    Ok(Json(SessionList { sessions: list.into_iter().map(entry).collect() }))
}

/// End one of one's own sessions
#[utoipa::path(
    delete, path = routes::SESSIONS_ID, tag = "Account",
    params(("id" = String, Path, description = "The session")),
    responses(
        (status = 200, description = "It has ended"),
        (status = 403, description = "Not signed in", body = ApiError),
        (status = 404, description = "No such session, or another user's", body = ApiError),
    )
)]
pub(super) async fn end(
    sessions: Data<Sessions>,
    cookie: Session,
    RequestClient(client): RequestClient,
    SignedIn(session): SignedIn,
    id: Path<String>,
) -> Result<HttpResponse> {
    sessions.end_own(&session, &id, &client).await?;
    if session.has_id(&id) && session.carrier() == Carrier::Cookie {
        cookie.purge();
    }
    Ok(HttpResponse::Ok().json(json!({"message": "Session ended."})))
}

/// End all other sessions
#[utoipa::path(
    delete, path = routes::SESSIONS, tag = "Account",
    responses(
        (status = 200, description = "How many signed-in ones that were", body = SessionsEnded),
        (status = 403, description = "Not signed in", body = ApiError),
    )
)]
pub(super) async fn end_others(
    sessions: Data<Sessions>,
    RequestClient(client): RequestClient,
    SignedIn(session): SignedIn,
) -> Result<Json<SessionsEnded>> {
    let ended = sessions.end_others(&session, &client).await?;
    Ok(Json(SessionsEnded { ended: u32::try_from(ended).unwrap_or(u32::MAX) }))
}

/// List remembered browsers
#[utoipa::path(
    get, path = routes::DEVICES, tag = "Account",
    responses(
        (status = 200, description = "Browsers in which the password is enough", body = DeviceList),
        (status = 403, description = "Not signed in", body = ApiError),
    )
)]
pub(super) async fn devices(
    remembered: Data<Remembered>,
    RequestClient(client): RequestClient,
    SignedIn(session): SignedIn,
) -> Result<Json<DeviceList>> {
    let list = remembered.list(&session).await?;
    let current = client.remembered.as_ref().map(|claim| &claim.id);
    let devices = list.into_iter().map(|device| DeviceEntry {
        current: Some(&device.id) == current,
        id: device.id.as_str().to_owned(),
        browser: device.browser,
        address: device.address,
        created_at: device.created_at.to_rfc3339(),
        seen_at: device.seen_at.to_rfc3339(),
        expires_at: device.expires_at.to_rfc3339(),
    });
    Ok(Json(DeviceList { devices: devices.collect() }))
}

/// Forget a remembered browser
#[utoipa::path(
    delete, path = routes::DEVICES_ID, tag = "Account",
    params(("id" = String, Path, description = "The browser")),
    responses(
        (status = 200, description = "The second factor is needed there again"),
        (status = 403, description = "Not signed in", body = ApiError),
        (status = 404, description = "No such browser, or another user's", body = ApiError),
    )
)]
pub(super) async fn forget(
    remembered: Data<Remembered>,
    RequestClient(client): RequestClient,
    SignedIn(session): SignedIn,
    id: Path<String>,
) -> Result<HttpResponse> {
    remembered.forget(&session, &id, &client).await?;
    Ok(HttpResponse::Ok().json(json!({"message": "Device removed."})))
}
