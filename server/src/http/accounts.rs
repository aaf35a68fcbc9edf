//! `/user`: making an account, reading one's own.

use actix_session::Session;
use actix_web::web::{Data, Json};
use shared::{NewUser, TokenAnswer, User};

use super::{body::Body, caller::SignedIn, client, cookie, error::Result};
use crate::flow::accounts::Accounts;

/// Makes an account and signs its owner in; the phone is not proven yet.
pub(super) async fn create(
    accounts: Data<Accounts>,
    cookie: Session,
    client: client::From,
    Body(new): Body<NewUser>,
) -> Result<Json<TokenAnswer>> {
    let token = accounts.register(new, &client.0).await?;
    cookie::hand_out(&cookie, &token)?;
    Ok(Json(TokenAnswer { token: token.reveal().to_owned() }))
}

/// The account of whoever is signed in.
pub(super) async fn read(SignedIn(live): SignedIn) -> Json<User> {
    let user = live.user;
    Json(User {
        id: user.id,
        full_name: user.full_name,
        email: user.email,
        username: user.username,
        phone: user.national_number,
        country_code: user.calling_code,
        verified: user.phone_proven_at.is_some(),
        created_at: user.created_at.to_rfc3339(),
    })
}
