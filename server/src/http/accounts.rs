//! `/user`: making an account, reading one's own.

use std::collections::BTreeMap;

use actix_session::Session;
use actix_web::web::{Data, Json};
use shared::{ApiError, DeniedSignIn, NewUser, TokenAnswer, User, routes};

use super::{
    auth::{SignedIn, note_user},
    body::Body,
    client::RequestClient,
    cookie::set_session_cookie,
    error::Result,
    sessions::answer_token,
};
use crate::{
    domain::{clock::Timestamp, session::Origin},
    services::{
        accounts::Accounts,
        authenticators::Authenticators,
        confirmations::Confirmations,
        recovery::Recovery,
        securing::{Denied, Securing},
        sessions::Sessions,
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
    recovery: Data<Recovery>,
    securing: Data<Securing>,
    SignedIn(session): SignedIn,
) -> Result<Json<User>> {
    let authenticator = authenticators.is_active(&session).await?;
    let confirmation = confirmations.newest(&session).await?;
    let user = session.user();
    Ok(Json(User {
        id: user.id.as_str().to_owned(),
        full_name: user.full_name.clone(),
        email: user.email.clone(),
        email_verified: user.is_email_verified(),
        username: user.username.clone(),
        phone: user.phone.national().to_owned(),
        country_code: user.phone.calling_code().to_owned(),
        verified: user.is_phone_verified(),
        created_at: user.created_at.to_rfc3339(),
        password_changed_at: user.password_changed_at.map(Timestamp::to_rfc3339),
        recovery_codes_left: recovery.left(&session).await?.map(|(left, _)| left),
        mail: sessions.sends_mail(),
        may_correct_phone: sessions.may_correct_phone(&session),
        denied_sign_in: securing.denied_sign_in(&session).await?.as_ref().map(denied),
        authenticator,
        authenticator_lost: user
            .authenticator_lost
            .filter(|_| !authenticator)
            .map(|why| why.as_str().to_owned()),
        code_channels: sessions.code_channels(&session),
        fresh: sessions.is_stepped_up(&session),
        confirmation,
    }))
}

/// A denied sign-in, as its owner is asked about it.
fn denied(denied: &Denied) -> DeniedSignIn {
    let details: BTreeMap<String, String> = serde_json::from_str(&denied.details).unwrap_or_default();
    let detail =
        |labels: [&str; 2]| labels.iter().find_map(|label| details.get(*label)).cloned().unwrap_or_default();
    DeniedSignIn {
        id: denied.id.as_str().to_owned(),
        at: denied.at.to_rfc3339(),
        browser: detail(["Browser", "Reason"]),
        address: detail(["Address", "Location"]),
    }
}
