//! `/user`: making an account, reading one's own, authenticator apps.

use actix_session::Session;
use actix_web::{
    HttpResponse,
    web::{Data, Json, Path},
};
use serde_json::json;
use shared::{
    ApiError, Authenticator, AuthenticatorConfirmed, EnrolAuthenticator, NewUser, TokenAnswer, User,
    VerifyCode, routes,
};

use super::{
    auth::{SignedIn, VerifiedPhone, note_user},
    body::Body,
    client::RequestClient,
    cookie::set_session_cookie,
    error::Result,
    sessions::{answer_token, code},
};
use crate::{
    domain::session::Origin,
    services::{
        accounts::Accounts, authenticators::Authenticators, confirmations::Confirmations, sessions::Sessions,
    },
};

/// Make an account
///
/// Signs its owner in; the phone is enrolled, but not verified yet, and no code is sent.
#[utoipa::path(
    post, path = routes::USER, tag = "Sign-in", request_body = NewUser, security(()),
    responses(
        (status = 200, description = "The session, signed in, its phone not verified", body = TokenAnswer),
        (status = 409, description = "E-mail or username are taken", body = ApiError),
        (status = 422, description = "Fields are wrong", body = ApiError),
        (status = 429, description = "Too many accounts from this address", body = ApiError),
        (status = 502, description = "The provider could not enrol the phone", body = ApiError),
    )
)]
pub(super) async fn create(
    accounts: Data<Accounts>,
    cookie: Session,
    RequestClient(client): RequestClient,
    Body(new): Body<NewUser>,
) -> Result<Json<TokenAnswer>> {
    let session = accounts.register(new, Origin::SignUp, &client).await?;
    note_user(&session);
    set_session_cookie(&cookie, session.token())?;
    Ok(Json(TokenAnswer { token: answer_token(&session, session.token()) }))
}

/// Read one's own account
#[utoipa::path(
    get, path = routes::USER, tag = "Sign-in",
    responses(
        (status = 200, description = "The signed-in account", body = User),
        (status = 403, description = "Not signed in, or the second factor is missing", body = ApiError),
    )
)]
pub(super) async fn read(
    sessions: Data<Sessions>,
    authenticators: Data<Authenticators>,
    confirmations: Data<Confirmations>,
    SignedIn(session): SignedIn,
) -> Result<Json<User>> {
    let authenticator = authenticators.is_active(&session).await?;
    let confirmation = confirmations.newest(&session).await?;
    let user = session.user();
    Ok(Json(User {
        id: user.id.as_str().to_owned(),
        full_name: user.full_name.clone(),
        email: user.email.clone(),
        username: user.username.clone(),
        phone: user.phone.national().to_owned(),
        country_code: user.phone.calling_code().to_owned(),
        verified: user.is_phone_verified(),
        created_at: user.created_at.to_rfc3339(),
        authenticator,
        fresh: sessions.is_stepped_up(&session),
        confirmation,
    }))
}

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
    authenticators: Data<Authenticators>,
    RequestClient(client): RequestClient,
    SignedIn(session): SignedIn,
    id: Path<String>,
) -> Result<HttpResponse> {
    authenticators.remove(&session, &id, &client).await?;
    Ok(HttpResponse::Ok().json(json!({"message": "Authenticator app removed."})))
}
