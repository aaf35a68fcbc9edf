//! `/user`: making an account, reading one's own, enrolling an authenticator app.

use actix_session::Session;
use actix_web::web::{Data, Json};
use shared::{ApiError, Authenticator, Delivery, EnrolAuthenticator, NewUser, TokenAnswer, User, routes};

use super::{
    body::Body,
    caller::{PhoneProven, SignedIn},
    client, cookie,
    error::{Error, Result},
};
use crate::{
    domain::rights::Rights,
    flow::{accounts::Accounts, second_factor::SecondFactor},
    store::messages,
};

/// Make an account
///
/// Signs its owner in; the phone is enrolled, but not proven yet, and no code is sent.
#[utoipa::path(
    post, path = routes::USER, tag = "Sign-in", request_body = NewUser, security(()),
    responses(
        (status = 200, description = "The session, signed in, its phone not proven", body = TokenAnswer),
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
) -> Result<Json<TokenAnswer>> {
    let opened = accounts.register(new, Rights::SignedIn, &client.0).await?;
    cookie::hand_out(&cookie, &opened.token)?;
    Ok(Json(TokenAnswer { token: opened.token.reveal().to_owned() }))
}

/// Read one's own account
#[utoipa::path(
    get, path = routes::USER, tag = "Sign-in",
    responses(
        (status = 200, description = "The account of whoever is signed in", body = User),
        (status = 403, description = "Not signed in, or the phone has not answered", body = ApiError),
    )
)]
pub(super) async fn read(parts: Data<SecondFactor>, SignedIn(live): SignedIn) -> Result<Json<User>> {
    let fresh = parts.is_fresh(live.session.factor_at);
    let user = live.user;
    let confirmation = confirmation(&parts, &user.id).await?;
    Ok(Json(User {
        id: user.id,
        full_name: user.full_name,
        email: user.email,
        username: user.username,
        phone: user.national_number,
        country_code: user.calling_code,
        verified: user.phone_proven_at.is_some(),
        created_at: user.created_at.to_rfc3339(),
        authenticator: user.authenticator_at.is_some(),
        fresh,
        confirmation,
    }))
}

/// What became of the newest text to a user.
pub(super) async fn confirmation(parts: &SecondFactor, user_id: &str) -> Result<Option<Delivery>> {
    let id = user_id.to_owned();
    let text = parts.store.read(move |db| messages::newest(db, &id).map_err(Error::from)).await?;
    Ok(text.map(|text| Delivery {
        status: text.status,
        error_code: text.error_code,
        at: text.updated_at.to_rfc3339(),
    }))
}

/// Enrol an authenticator app
///
/// Answers a new secret and its QR code, this once. The phone must have answered in this session
/// within the last 20 minutes.
#[utoipa::path(
    post, path = routes::AUTHENTICATOR, tag = "Sign-in", request_body = EnrolAuthenticator,
    responses(
        (status = 200, description = "What the app has to know", body = Authenticator),
        (status = 403, description = "Not signed in, phone not proven, or not proven lately", body = ApiError),
        (status = 409, description = "A secret was shown before; say `replace`", body = ApiError),
        (status = 502, description = "The provider made none", body = ApiError),
    )
)]
pub(super) async fn enrol_authenticator(
    parts: Data<SecondFactor>,
    PhoneProven(live): PhoneProven,
    Body(wish): Body<EnrolAuthenticator>,
) -> Result<Json<Authenticator>> {
    let factor_at = live.session.factor_at;
    Ok(Json(parts.enrol_authenticator(&live.user, factor_at, wish.replace).await?))
}
