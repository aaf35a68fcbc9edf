//! The calls of a signed-in account, and those that lead back into one.

use gloo_net::http::Method;
use shared::{
    AccountSecured, Activity, ActivityFilter, Authenticator, ChangeEmail, ChangePassword, ChangePhone,
    CodeSent, ConfirmEmail, DeleteAccount, DenialAnswer, DeviceEntry, DeviceList, EmailConfirmed,
    EnrolAuthenticator, Factor, Factors, ForgotPassword, RecoveryCodes, RecoveryCodesLeft, RenameFactor,
    ResetPassword, SecureAccount, SessionEntry, SessionList, SessionsEnded, VerifyCode, VerifyNewPhone,
    routes,
};

use super::{ApiResult, EMPTY, get, json, parse, post, post_only, send};

pub async fn enrol_authenticator() -> ApiResult<Authenticator> {
    post(routes::AUTHENTICATOR, &EnrolAuthenticator::default()).await
}

pub async fn confirm_authenticator(id: &str, code: String) -> ApiResult<()> {
    let code = VerifyCode { code, ..VerifyCode::default() };
    post_only(&with_id(routes::AUTHENTICATOR_CONFIRM, id), &code).await
}

pub async fn dismiss_invitation() -> ApiResult<()> {
    delete(routes::AUTHENTICATOR_INVITATION.to_owned()).await
}

pub async fn factors() -> ApiResult<Vec<Factor>> {
    get::<Factors>(routes::FACTORS).await.map(|answer| answer.factors)
}

pub async fn rename_factor(id: &str, name: String) -> ApiResult<()> {
    let body = json(&RenameFactor { name })?;
    send(Method::PATCH, with_id(routes::FACTOR, id), Some(body)).await.map(drop)
}

pub async fn remove_factor(id: &str) -> ApiResult<()> {
    delete(with_id(routes::FACTOR, id)).await
}

pub async fn create_recovery_codes() -> ApiResult<Vec<String>> {
    post::<RecoveryCodes>(routes::RECOVERY_CODES, &EMPTY).await.map(|answer| answer.codes)
}

pub async fn recovery_codes_left() -> ApiResult<RecoveryCodesLeft> {
    get(routes::RECOVERY_CODES).await
}

pub async fn sessions() -> ApiResult<Vec<SessionEntry>> {
    get::<SessionList>(routes::SESSIONS).await.map(|answer| answer.sessions)
}

pub async fn end_session(id: &str) -> ApiResult<()> {
    delete(with_id(routes::SESSIONS_ID, id)).await
}

/// Returns how many were ended.
pub async fn end_other_sessions() -> ApiResult<u32> {
    let answer = send(Method::DELETE, routes::SESSIONS.to_owned(), None).await?;
    parse::<SessionsEnded>(&answer).map(|answer| answer.ended)
}

pub async fn devices() -> ApiResult<Vec<DeviceEntry>> {
    get::<DeviceList>(routes::DEVICES).await.map(|answer| answer.devices)
}

pub async fn remove_device(id: &str) -> ApiResult<()> {
    delete(with_id(routes::DEVICES_ID, id)).await
}

pub async fn events(filter: ActivityFilter, before: Option<&str>) -> ApiResult<Activity> {
    let before = before.map(|before| format!("&before={before}")).unwrap_or_default();
    get(&format!("{}?show={}{before}", routes::EVENTS, filter.as_str())).await
}

/// Everything that is stored about the account, as JSON.
pub async fn export() -> ApiResult<String> {
    send(Method::GET, routes::EXPORT.to_owned(), None).await
}

pub async fn change_password(change: &ChangePassword) -> ApiResult<()> {
    post_only(routes::PASSWORD, change).await
}

pub async fn forgot_password(email: String) -> ApiResult<()> {
    post_only(routes::PASSWORD_FORGOT, &ForgotPassword { email }).await
}

pub async fn reset_password(token: String, password: String) -> ApiResult<()> {
    post_only(routes::PASSWORD_RESET, &ResetPassword { token, password }).await
}

pub async fn change_email(email: String) -> ApiResult<()> {
    post_only(routes::EMAIL, &ChangeEmail { email }).await
}

/// Returns the account's email from now on.
pub async fn confirm_email(token: String) -> ApiResult<String> {
    post::<EmailConfirmed>(routes::EMAIL_CONFIRM, &ConfirmEmail { token }).await.map(|answer| answer.email)
}

pub async fn change_phone(change: &ChangePhone) -> ApiResult<CodeSent> {
    post(routes::PHONE, change).await
}

pub async fn verify_new_phone(code: String) -> ApiResult<()> {
    post_only(routes::PHONE_VERIFY, &VerifyNewPhone { code }).await
}

/// Returns whether a link to set a new password was sent. The token is empty in a signed-in session.
pub async fn secure_account(token: String) -> ApiResult<bool> {
    post::<AccountSecured>(routes::SECURE, &SecureAccount { token }).await.map(|answer| answer.email)
}

pub async fn admit_denied_sign_in(id: &str) -> ApiResult<()> {
    post_only(&with_id(routes::DENIED_SIGN_IN, id), &DenialAnswer { mine: true }).await
}

/// Secures the account; returns as [`secure_account`] does.
pub async fn disown_denied_sign_in(id: &str) -> ApiResult<bool> {
    let answer = DenialAnswer { mine: false };
    post::<AccountSecured>(&with_id(routes::DENIED_SIGN_IN, id), &answer).await.map(|answer| answer.email)
}

pub async fn delete_account(password: String) -> ApiResult<()> {
    let body = json(&DeleteAccount { password })?;
    send(Method::DELETE, routes::USER.to_owned(), Some(body)).await.map(drop)
}

async fn delete(path: String) -> ApiResult<()> {
    send(Method::DELETE, path, None).await.map(drop)
}

fn with_id(path: &str, id: &str) -> String {
    path.replace("{id}", id)
}
