//! `/user/authenticator` and `/user/factors`: what a user signs in with beside the password.

use actix_web::{
    HttpResponse,
    web::{Data, Json, Path},
};
use serde_json::json;
use shared::{
    ApiError, Authenticator, AuthenticatorConfirmed, DeviceToken, EnrolAuthenticator, RenameFactor,
    VerifyCode, routes,
};

use super::{
    auth::{SignedIn, VerifiedPhone},
    body::{Body, EmptyBody},
    client::RequestClient,
    error::Result,
    sessions::code,
};
use crate::services::{
    authenticators::Authenticators,
    factors::{Factors, view},
    push_devices::PushDevices,
};

/// Enrol an authenticator app
///
/// Answers a new secret and its QR code, once. It is not active before it was confirmed; the active
/// authenticator works until then. A factor must have passed in this session within 20 minutes.
#[utoipa::path(
    post, path = routes::AUTHENTICATOR, tag = "Sign-in", request_body = EnrolAuthenticator,
    responses(
        (status = 201, description = "What the app needs to know", body = Authenticator),
        (status = 403, description = "Not signed in, phone not verified, or step-up required", body = ApiError),
        (status = 409, description = "An unconfirmed one is younger than a minute", body = ApiError),
    )
)]
pub(super) async fn enrol_authenticator(
    authenticators: Data<Authenticators>,
    RequestClient(client): RequestClient,
    VerifiedPhone(session): VerifiedPhone,
    Body(wish): Body<EnrolAuthenticator>,
) -> Result<HttpResponse> {
    Ok(HttpResponse::Created().json(authenticators.enrol(&session, &wish.name, &client).await?))
}

/// Confirm an authenticator app
///
/// With a code it shows. The app is active then, and the one before it is removed.
#[utoipa::path(
    post, path = routes::AUTHENTICATOR_CONFIRM, tag = "Sign-in", request_body = VerifyCode,
    params(("id" = String, Path, description = "The factor")),
    responses(
        (status = 200, description = "Active", body = AuthenticatorConfirmed),
        (status = 401, description = "Wrong code", body = ApiError),
        (status = 403, description = "Not signed in, or phone not verified", body = ApiError),
        (status = 404, description = "No authenticator waits for confirmation under this id", body = ApiError),
    )
)]
pub(super) async fn confirm_authenticator(
    authenticators: Data<Authenticators>,
    RequestClient(client): RequestClient,
    VerifiedPhone(session): VerifiedPhone,
    id: Path<String>,
    Body(typed): Body<VerifyCode>,
) -> Result<Json<AuthenticatorConfirmed>> {
    let code = code("code", &typed.code)?;
    Ok(Json(authenticators.confirm(&session, &id, &code, &client).await?))
}

/// Remove an authenticator app
///
/// A factor must have passed in this session within 20 minutes.
#[utoipa::path(
    delete, path = routes::AUTHENTICATOR_ID, tag = "Sign-in",
    params(("id" = String, Path, description = "The factor")),
    responses(
        (status = 200, description = "Removed"),
        (status = 403, description = "Not signed in, or step-up required", body = ApiError),
        (status = 404, description = "No such authenticator", body = ApiError),
    )
)]
pub(super) async fn remove_authenticator(
    factors: Data<Factors>,
    RequestClient(client): RequestClient,
    SignedIn(session): SignedIn,
    id: Path<String>,
) -> Result<HttpResponse> {
    factors.remove_authenticator(&session, &id, &client).await?;
    Ok(HttpResponse::Ok().json(json!({"message": "Authenticator app removed."})))
}

/// Note that an invitation was read
///
/// After a move to another provider an authenticator app may have to be set up again; `GET /user` says so until then.
#[utoipa::path(
    delete, path = routes::AUTHENTICATOR_INVITATION, tag = "Sign-in",
    responses(
        (status = 200, description = "Noted"),
        (status = 403, description = "Not signed in", body = ApiError),
    )
)]
pub(super) async fn dismiss_invitation(
    factors: Data<Factors>,
    SignedIn(session): SignedIn,
) -> Result<HttpResponse> {
    factors.dismiss_invitation(&session).await?;
    Ok(HttpResponse::Ok().json(json!({"message": "Noted."})))
}

/// List factors
///
/// The phone, the authenticator app, and the devices that answer approval requests.
#[utoipa::path(
    get, path = routes::FACTORS, tag = "Sign-in",
    responses(
        (status = 200, description = "What the user signs in with", body = shared::Factors),
        (status = 403, description = "Not signed in", body = ApiError),
    )
)]
pub(super) async fn list(
    factors: Data<Factors>,
    SignedIn(session): SignedIn,
) -> Result<Json<shared::Factors>> {
    let rows = factors.list(&session).await?;
    Ok(Json(shared::Factors { factors: rows.iter().map(view).collect() }))
}

/// Name a factor
///
/// A factor must have passed in this session within 20 minutes.
#[utoipa::path(
    patch, path = routes::FACTOR, tag = "Sign-in", request_body = RenameFactor,
    params(("id" = String, Path, description = "The factor")),
    responses(
        (status = 200, description = "Named"),
        (status = 403, description = "Not signed in, or step-up required", body = ApiError),
        (status = 404, description = "No such factor", body = ApiError),
        (status = 422, description = "The name is too long or not visible", body = ApiError),
    )
)]
pub(super) async fn rename(
    factors: Data<Factors>,
    RequestClient(client): RequestClient,
    SignedIn(session): SignedIn,
    id: Path<String>,
    Body(wish): Body<RenameFactor>,
) -> Result<HttpResponse> {
    factors.rename(&session, &id, &wish.name, &client).await?;
    Ok(HttpResponse::Ok().json(json!({"message": "Name saved."})))
}

/// Remove a factor
///
/// A device or an authenticator app; the phone stays. A factor must have passed in this session within 20 minutes.
#[utoipa::path(
    delete, path = routes::FACTOR, tag = "Sign-in",
    params(("id" = String, Path, description = "The factor")),
    responses(
        (status = 200, description = "Removed"),
        (status = 403, description = "Not signed in, or step-up required", body = ApiError),
        (status = 404, description = "No such factor that can be removed", body = ApiError),
        (status = 502, description = "The provider could not remove it", body = ApiError),
    )
)]
pub(super) async fn remove(
    factors: Data<Factors>,
    RequestClient(client): RequestClient,
    SignedIn(session): SignedIn,
    id: Path<String>,
) -> Result<HttpResponse> {
    factors.remove(&session, &id, &client).await?;
    Ok(HttpResponse::Ok().json(json!({"message": "Sign-in method removed."})))
}

/// Get a token to register a device
///
/// For an app with the provider's device SDK: the device it registers answers approval requests from then on. A
/// factor must have passed in this session within 20 minutes.
#[utoipa::path(
    post, path = routes::DEVICE_TOKEN, tag = "Sign-in",
    responses(
        (status = 201, description = "What the app needs", body = DeviceToken),
        (status = 403, description = "Not signed in, phone not verified, or step-up required", body = ApiError),
        (status = 409, description = "The provider registers no devices so", body = ApiError),
        (status = 502, description = "The provider failed", body = ApiError),
    )
)]
pub(super) async fn device_token(
    devices: Data<PushDevices>,
    RequestClient(client): RequestClient,
    VerifiedPhone(session): VerifiedPhone,
    Body(EmptyBody {}): Body<EmptyBody>,
) -> Result<HttpResponse> {
    let issued = devices.token(&session, &client).await?;
    Ok(HttpResponse::Created().json(DeviceToken {
        token: issued.token,
        identity: issued.identity,
        service_sid: issued.service,
    }))
}
