//! `/users`: the same accounts, made by people who prove their phone at once.

use actix_session::Session;
use actix_web::{
    HttpResponse,
    web::{Data, Json},
};
use shared::{
    ApiError, CodeSent, NewUser, PhoneVerified, Profile, Resend, UserCreated, VerifyCode, Via, routes,
};

use super::{
    accounts::confirmation,
    body::Body,
    caller::OwnAccount,
    client, cookie,
    error::{Error, Result},
    sessions,
};
use crate::{
    domain::rights::{Rights, TokenRotation},
    flow::{accounts::Accounts, confirmation::Confirmation, second_factor::SecondFactor},
    store::users,
};

/// Make an account and send a code
///
/// A send that fails loses no account: `codeSent` says so, and another may be asked for at once.
#[utoipa::path(
    post, path = routes::USERS, tag = "Account verification", request_body = NewUser, security(()),
    responses(
        (status = 201, description = "The account and its session", body = UserCreated),
        (status = 409, description = "E-mail or username are taken", body = ApiError),
        (status = 422, description = "Fields need another look", body = ApiError),
        (status = 429, description = "Too many accounts from this address", body = ApiError),
        (status = 502, description = "The provider could not enrol the phone", body = ApiError),
    )
)]
pub(super) async fn create(
    accounts: Data<Accounts>,
    cookie: Session,
    client: client::From,
    Body(new): Body<NewUser>,
) -> Result<HttpResponse> {
    let parts = &accounts.second_factor;
    let opened = accounts.register(new, Rights::SignedIn, &client.0).await?;
    cookie::hand_out(&cookie, &opened.token)?;
    let id = opened.user_id;
    let user = {
        let id = id.clone();
        parts.store.read(move |db| users::by_id(db, &id).map_err(Error::from)).await?
    };
    let code_sent = match user {
        Some(user) => match parts.send(&user, &opened.session_id, Via::Sms).await {
            Ok(_) => true,
            Err(failure) => {
                tracing::warn!(user.id = %id, error = %failure, "the first code was not sent");
                false
            }
        },
        None => false,
    };
    let token = opened.token.reveal().to_owned();
    Ok(HttpResponse::Created().json(UserCreated { id, verified: false, code_sent, token }))
}

/// Read what may be read of one's own account
#[utoipa::path(
    get, path = routes::USERS_ID, tag = "Account verification",
    params(("id" = String, Path, description = "The account")),
    responses(
        (status = 200, description = "Its owner reads it", body = Profile),
        (status = 404, description = "For anybody else", body = ApiError),
    )
)]
pub(super) async fn read(parts: Data<SecondFactor>, OwnAccount(live): OwnAccount) -> Result<Json<Profile>> {
    let user = live.user;
    let confirmation = confirmation(&parts, &user.id).await?;
    let verified = user.phone_proven_at.is_some();
    Ok(Json(Profile { id: user.id, full_name: user.full_name, verified, confirmation }))
}

/// Prove the phone
///
/// The first time, a text by Twilio Messages confirms it; its failure changes nothing but
/// `confirmationSent`.
#[utoipa::path(
    post, path = routes::USERS_VERIFY, tag = "Account verification", request_body = VerifyCode,
    params(("id" = String, Path, description = "The account")),
    responses(
        (status = 200, description = "The phone is proven", body = PhoneVerified),
        (status = 401, description = "Not the code, or one used before", body = ApiError),
        (status = 404, description = "For anybody but its owner", body = ApiError),
        (status = 422, description = "Not 4 to 10 digits", body = ApiError),
        (status = 429, description = "Too many wrong codes", body = ApiError),
    )
)]
pub(super) async fn verify(
    parts: Data<SecondFactor>,
    confirmations: Data<Confirmation>,
    rotation: Data<TokenRotation>,
    cookie: Session,
    OwnAccount(live): OwnAccount,
    Body(typed): Body<VerifyCode>,
) -> Result<Json<PhoneVerified>> {
    let user = live.user.clone();
    let verified = sessions::check(&parts, **rotation, &cookie, live, "code", &typed.code).await?;
    let confirmation_sent = verified.first
        && confirmations.confirm(&user).await.unwrap_or_else(|failure| {
            tracing::warn!(user.id = %user.id, error = %failure, "the confirmation was not noted");
            false
        });
    let token = verified.token.map(|token| token.reveal().to_owned());
    Ok(Json(PhoneVerified { verified: true, confirmation_sent, token }))
}

/// Send another code
#[utoipa::path(
    post, path = routes::USERS_RESEND, tag = "Account verification", request_body = Resend,
    params(("id" = String, Path, description = "The account")),
    responses(
        (status = 200, description = "It is on its way", body = CodeSent),
        (status = 404, description = "For anybody but its owner", body = ApiError),
        (status = 429, description = "Too soon or too often", body = ApiError),
        (status = 502, description = "The provider could not", body = ApiError),
    )
)]
pub(super) async fn resend(
    parts: Data<SecondFactor>,
    OwnAccount(live): OwnAccount,
    Body(wish): Body<Resend>,
) -> Result<Json<CodeSent>> {
    let via = sessions::via(&wish.via)?;
    Ok(Json(parts.send(&live.user, &live.session.id, via).await?))
}
