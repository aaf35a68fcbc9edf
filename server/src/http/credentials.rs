//! Changing the password, the e-mail and the phone of an account, and a forgotten password.

use actix_session::Session;
use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Json},
};
use serde_json::json;
use shared::{
    ApiError, ChangeEmail, ChangePassword, ChangePhone, CodeSent, ConfirmEmail, EmailConfirmed,
    ForgotPassword, ResetPassword, TokenAnswer, VerifyNewPhone, routes,
};

use super::{
    auth::{AnySession, SignedIn},
    body::Body,
    browser_cookies::set_known_device,
    client::RequestClient,
    error::Result,
    sessions::{answer_token, code, complete, via},
};
use crate::{
    domain::account::read_email,
    services::{accounts::Accounts, emails::Emails, phone_change::PhoneChanges},
};

/// Change the password
///
/// All other sessions end, and remembered browsers are forgotten. A factor must have passed in this session within 20
/// minutes.
#[utoipa::path(
    post, path = routes::PASSWORD, tag = "Account", request_body = ChangePassword,
    responses(
        (status = 200, description = "Changed"),
        (status = 401, description = "Wrong current password", body = ApiError),
        (status = 403, description = "Not signed in, or step-up required", body = ApiError),
        (status = 422, description = "The new password is too short, too easy to guess, or the current one", body = ApiError),
        (status = 429, description = "Too many wrong passwords", body = ApiError),
    )
)]
pub(super) async fn change_password(
    accounts: Data<Accounts>,
    request: HttpRequest,
    RequestClient(client): RequestClient,
    SignedIn(session): SignedIn,
    Body(change): Body<ChangePassword>,
) -> Result<HttpResponse> {
    let session = accounts.change_password(&session, change, &client).await?;
    // What is signed with the old password's version is void: the device is known by the new one from now on.
    set_known_device(&request, &session, &client);
    Ok(HttpResponse::Ok().json(json!({"message": "Password changed. All other sessions were ended."})))
}

/// Ask for a link to set a new password
///
/// It is sent to the verified e-mail of an account. The answer is the same for any e-mail.
#[utoipa::path(
    post, path = routes::PASSWORD_FORGOT, tag = "Account", request_body = ForgotPassword, security(()),
    responses(
        (status = 202, description = "Whatever the e-mail is"),
        (status = 409, description = "This server sends no e-mail", body = ApiError),
        (status = 422, description = "This is no e-mail", body = ApiError),
        (status = 429, description = "Too many links were asked for from this address", body = ApiError),
    )
)]
pub(super) async fn forgot_password(
    accounts: Data<Accounts>,
    RequestClient(client): RequestClient,
    Body(wish): Body<ForgotPassword>,
) -> Result<HttpResponse> {
    let email = read_email(&wish.email)?;
    accounts.forgot_password(&email, &client).await?;
    let told = "If an account uses this email, you'll get a link within a few minutes. It works once, for 30 minutes.";
    Ok(HttpResponse::Accepted().json(json!({"message": told})))
}

/// Set a new password by a link
///
/// All sessions end. The second factor is needed to sign in, as before.
#[utoipa::path(
    post, path = routes::PASSWORD_RESET, tag = "Account", request_body = ResetPassword, security(()),
    responses(
        (status = 200, description = "Set"),
        (status = 401, description = "The link has expired or was used", body = ApiError),
        (status = 422, description = "The password is too short or too easy to guess; the link still works", body = ApiError),
    )
)]
pub(super) async fn reset_password(
    accounts: Data<Accounts>,
    RequestClient(client): RequestClient,
    Body(reset): Body<ResetPassword>,
) -> Result<HttpResponse> {
    accounts.reset_password(reset, &client).await?;
    Ok(HttpResponse::Ok().json(json!({"message": "Password changed. Sign in with your new password."})))
}

/// Change the e-mail
///
/// A link is sent to the new one; the account keeps the one of now until that is opened. Also to verify the one of now.
/// A factor must have passed in this session within 20 minutes.
#[utoipa::path(
    post, path = routes::EMAIL, tag = "Account", request_body = ChangeEmail,
    responses(
        (status = 202, description = "A link was sent"),
        (status = 403, description = "Not signed in, or step-up required", body = ApiError),
        (status = 409, description = "This server sends no e-mail", body = ApiError),
        (status = 422, description = "This is no e-mail", body = ApiError),
        (status = 429, description = "Too many links were sent", body = ApiError),
    )
)]
pub(super) async fn change_email(
    emails: Data<Emails>,
    RequestClient(client): RequestClient,
    SignedIn(session): SignedIn,
    Body(wish): Body<ChangeEmail>,
) -> Result<HttpResponse> {
    emails.change(&session, &wish.email, &client).await?;
    Ok(HttpResponse::Accepted()
        .json(json!({"message": "Open the link we sent. It works once, for 30 minutes."})))
}

/// Verify the e-mail by a link
#[utoipa::path(
    post, path = routes::EMAIL_CONFIRM, tag = "Account", request_body = ConfirmEmail,
    responses(
        (status = 200, description = "It is the account's e-mail", body = EmailConfirmed),
        (status = 401, description = "The link has expired, was used, or is another account's", body = ApiError),
        (status = 403, description = "Not signed in", body = ApiError),
        (status = 409, description = "Another account has verified this e-mail", body = ApiError),
    )
)]
pub(super) async fn confirm_email(
    emails: Data<Emails>,
    RequestClient(client): RequestClient,
    SignedIn(session): SignedIn,
    Body(typed): Body<ConfirmEmail>,
) -> Result<Json<EmailConfirmed>> {
    Ok(Json(EmailConfirmed { email: emails.confirm(&session, &typed.token, &client).await? }))
}

/// Change the phone
///
/// A code is sent to the new number; the one of now works until the new one is verified. A factor must have passed in
/// this session within 20 minutes. While the phone was never verified, within a week of the sign-up, the password is
/// enough, also in a pending session.
#[utoipa::path(
    post, path = routes::PHONE, tag = "Account", request_body = ChangePhone,
    responses(
        (status = 200, description = "A code was sent to the new number", body = CodeSent),
        (status = 401, description = "Wrong password", body = ApiError),
        (status = 403, description = "Step-up required", body = ApiError),
        (status = 404, description = "No session", body = ApiError),
        (status = 422, description = "Codes can't be sent to this number", body = ApiError),
        (status = 429, description = "Too many codes were sent", body = ApiError),
        (status = 502, description = "The provider failed", body = ApiError),
    )
)]
pub(super) async fn change_phone(
    phones: Data<PhoneChanges>,
    RequestClient(client): RequestClient,
    AnySession(session): AnySession,
    Body(wish): Body<ChangePhone>,
) -> Result<Json<CodeSent>> {
    let via = via(&wish.via)?;
    Ok(Json(phones.start(&session, wish, via, &client).await?))
}

/// Verify the new phone
///
/// With the code that was sent to it. It is the account's phone from then on; other sessions end. The code counts as a
/// factor of this session.
#[utoipa::path(
    post, path = routes::PHONE_VERIFY, tag = "Account", request_body = VerifyNewPhone,
    responses(
        (status = 200, description = "Changed; a new token for cookies", body = TokenAnswer),
        (status = 401, description = "Wrong code", body = ApiError),
        (status = 403, description = "The number is verified for as many accounts as are allowed", body = ApiError),
        (status = 404, description = "No session, or no code was sent in it", body = ApiError),
        (status = 422, description = "Not 4 to 10 digits", body = ApiError),
        (status = 429, description = "Too many wrong codes", body = ApiError),
    )
)]
pub(super) async fn verify_phone(
    phones: Data<PhoneChanges>,
    cookie: Session,
    request: HttpRequest,
    RequestClient(client): RequestClient,
    AnySession(session): AnySession,
    Body(typed): Body<VerifyNewPhone>,
) -> Result<Json<TokenAnswer>> {
    let code = code("code", &typed.code)?;
    let verified = phones.verify(&session, &code, &client).await?;
    complete(&cookie, &request, &session, &client, &verified)?;
    let token = verified.token.as_ref().unwrap_or(session.token());
    Ok(Json(TokenAnswer { token: answer_token(&session, token) }))
}
