//! Rotating `APP_SECRET`: sealing again what was sealed under the previous one, and counting what is
//! left.

use crate::{
    domain::{ids::Random, keys::KeyRing, password::PasswordHasher},
    store::{Store, StoreError, factors, users},
};

use super::authenticators::place;

/// What still depends on another key than the current one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OldKeys {
    /// Authenticator secrets; [`rekey`] seals them again.
    pub secrets: usize,
    /// Of these, secrets no configured key opens.
    pub unreadable_secrets: usize,
    /// Passwords; each is hashed again at its owner's next sign-in.
    pub passwords: usize,
}

/// Counts what depends on another key than the current one.
///
/// # Errors
/// When the database fails.
pub async fn old_keys(store: &Store, keys: &KeyRing) -> Result<OldKeys, StoreError> {
    let keys = keys.clone();
    store
        .read(move |db| {
            let hasher = PasswordHasher::without_dummy(keys.clone());
            let hashes = users::password_hashes(db)?;
            let passwords = hashes.iter().filter(|(_, hash)| !hasher.is_current_key(hash)).count();
            let mut old = OldKeys { passwords, ..OldKeys::default() };
            for (id, sealed) in factors::secrets(db)? {
                if !sealed.starts_with(keys.current().id().as_str()) {
                    old.secrets += 1;
                    old.unreadable_secrets += usize::from(keys.open(&place(&id), &sealed).is_err());
                }
            }
            Ok(old)
        })
        .await
}

/// Seals all authenticator secrets under the current key; answers how many were sealed again.
///
/// # Errors
/// When the database fails. A secret no configured key opens is left as it is.
pub async fn rekey(store: &Store, keys: &KeyRing, random: Random) -> Result<usize, StoreError> {
    let keys = keys.clone();
    store
        .write(move |db| {
            let mut sealed_again = 0;
            for (id, sealed) in factors::secrets(db)? {
                if sealed.starts_with(keys.current().id().as_str()) {
                    continue;
                }
                if let Ok(secret) = keys.open(&place(&id), &sealed) {
                    factors::replace_secret(db, &id, &sealed, &keys.seal(&place(&id), &secret, random))?;
                    sealed_again += 1;
                }
            }
            Ok(sealed_again)
        })
        .await
}
