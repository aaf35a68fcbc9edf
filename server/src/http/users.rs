//! `/users`: the same accounts, made by people who verify their phone at once.

use actix_session::{Session, SessionExt};
use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Json},
};
use shared::{ApiError, CodeSent, NewUser, PhoneVerified, Profile, Resend, UserCreated, VerifyCode, routes};

use super::{
    auth::{OwnAccount, note_user},
    body::Body,
    client::RequestClient,
    cookie::set_session_cookie,
    error::Result,
    sessions::{answer_token, code, complete, via},
};
use crate::{
    domain::{refusal::Refusal, session::Origin},
    services::{accounts::Accounts, codes::Codes, confirmations::Confirmations, sessions::Sessions},
};

/// Make an account and send a code
///
/// A send that fails does not undo the account: `codeSent` says so, and another code may be requested
/// at once.
#[utoipa::path(
    post, path = routes::USERS, tag = "Account verification", request_body = NewUser, security(()),
    responses(
        (status = 201, description = "The account and its session", body = UserCreated),
        (status = 409, description = "E-mail or username are taken", body = ApiError),
        (status = 422, description = "Fields are wrong", body = ApiError),
        (status = 429, description = "Too many accounts from this address", body = ApiError),
        (status = 502, description = "The provider could not enrol the phone", body = ApiError),
    )
)]
pub(super) async fn create(
    accounts: Data<Accounts>,
    codes: Data<Codes>,
    cookie: Session,
    RequestClient(client): RequestClient,
    Body(new): Body<NewUser>,
) -> Result<HttpResponse> {
    let session = accounts.register(new, Origin::SignUp, &client).await?;
    note_user(&session);
    set_session_cookie(&cookie, session.token())?;
    let id = session.user().id.as_str().to_owned();
    let code_sent = match codes.send(&session, None, &client).await {
        Ok(_) => true,
        Err(error) => {
            tracing::warn!(user.id = %id, %error, "the first code was not sent");
            false
        }
    };
    let token = answer_token(&session, session.token());
    Ok(HttpResponse::Created().json(UserCreated { id, verified: false, code_sent, token }))
}

/// Read the public part of one's own account
#[utoipa::path(
    get, path = routes::USERS_ID, tag = "Account verification",
    params(("id" = String, Path, description = "The account")),
    responses(
        (status = 200, description = "Its owner reads it", body = Profile),
        (status = 404, description = "For anybody else", body = ApiError),
    )
)]
pub(super) async fn read(
    confirmations: Data<Confirmations>,
    OwnAccount(session): OwnAccount,
) -> Result<Json<Profile>> {
    let confirmation = confirmations.newest(&session).await?;
    let user = session.user();
    Ok(Json(Profile {
        id: user.id.as_str().to_owned(),
        full_name: user.full_name.clone(),
        verified: user.is_phone_verified(),
        confirmation,
    }))
}

/// Verify the phone
///
/// The first time, a text by Twilio Messages confirms it; its failure changes nothing but
/// `confirmationSent`.
#[utoipa::path(
    post, path = routes::USERS_VERIFY, tag = "Account verification", request_body = VerifyCode,
    params(("id" = String, Path, description = "The account")),
    responses(
        (status = 200, description = "The phone is verified", body = PhoneVerified),
        (status = 401, description = "Wrong code, or one used before", body = ApiError),
        (status = 403, description = "The number is verified for as many accounts as are allowed", body = ApiError),
        (status = 404, description = "For anybody but its owner", body = ApiError),
        (status = 422, description = "Not 4 to 10 digits", body = ApiError),
        (status = 429, description = "Too many wrong codes", body = ApiError),
    )
)]
pub(super) async fn verify(
    codes: Data<Codes>,
    sessions: Data<Sessions>,
    confirmations: Data<Confirmations>,
    request: HttpRequest,
    RequestClient(client): RequestClient,
    OwnAccount(session): OwnAccount,
    Body(typed): Body<VerifyCode>,
) -> Result<HttpResponse> {
    let code = code("code", &typed.code)?;
    let verified = codes.verify(&session, &code, &client).await?;
    complete(&request.get_session(), &request, &session, &client, &verified)?;
    if !sessions.is_phone_verified(&session).await? {
        // The code was right and the session goes on, with the new cookie.
        let refused = super::error::Error::from(Refusal::PhoneInUse);
        return Ok(actix_web::ResponseError::error_response(&refused));
    }
    let confirmation_sent = verified.first && confirmations.confirm(&session).await;
    let token = verified.token.as_ref().and_then(|token| answer_token(&session, token));
    Ok(HttpResponse::Ok().json(PhoneVerified { verified: true, confirmation_sent, token }))
}

/// Send another code
#[utoipa::path(
    post, path = routes::USERS_RESEND, tag = "Account verification", request_body = Resend,
    params(("id" = String, Path, description = "The account")),
    responses(
        (status = 200, description = "A code was sent", body = CodeSent),
        (status = 404, description = "For anybody but its owner", body = ApiError),
        (status = 429, description = "Too soon or too often", body = ApiError),
        (status = 502, description = "The provider failed", body = ApiError),
    )
)]
pub(super) async fn resend(
    codes: Data<Codes>,
    OwnAccount(session): OwnAccount,
    RequestClient(client): RequestClient,
    Body(wish): Body<Resend>,
) -> Result<Json<CodeSent>> {
    Ok(Json(codes.send(&session, via(&wish.via)?, &client).await?))
}
