//! Going on after an approval: a session is traded for one with a new id.

use super::{Failure, second_factor::SecondFactor};
use crate::{
    domain::{ids::Token, refusal::Refusal, rights::Rights},
    store::{approvals, sessions},
};

impl SecondFactor {
    /// Gives a session whose push was approved a new token and full rights; the old token dies.
    ///
    /// # Errors
    /// [`Refusal::NotApproved`]; [`Refusal::NoSession`] where somebody with the same token was faster.
    pub async fn go_on(&self, session_id: &str, presented: &Token) -> Result<Token, Failure> {
        let token = Token::new(self.random);
        let id = session_id.to_owned();
        let (old, new) = (presented.hash(), token.hash());
        let renewed = self.store.write(move |db| {
            let approved = match sessions::rights(db, &id)? {
                None => return Err(Refusal::NoSession.into()),
                Some(Rights::Anonymous | Rights::Pending) => false,
                Some(Rights::Proven) => true,
                // Signed in from the beginning: it goes on only from a push of its own.
                Some(Rights::SignedIn) => approvals::is_newest_approved(db, &id)?,
            };
            if !approved {
                return Err(Failure::from(Refusal::NotApproved));
            }
            sessions::renew(db, &id, &old, &new).map_err(Failure::from)
        });
        if renewed.await? { Ok(token) } else { Err(Refusal::NoSession.into()) }
    }
}
