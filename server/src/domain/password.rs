//! Passwords at rest: bcrypt over a keyed pre-hash.
//!
//! bcrypt reads 72 bytes and stops at a zero byte; 200 characters can be 800 bytes. So the password
//! goes through HMAC-SHA-256 under a key from `APP_SECRET` first, in base64, which has neither
//! limit. A stored hash names its scheme: `hs256$` before the bcrypt string, or nothing for plain
//! bcrypt, which is accepted from older systems and replaced at the next login.

use std::{fmt, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tokio::sync::Semaphore;

use super::secret::Secret;

const KEYED: &str = "hs256$";

/// Hashes and checks passwords, on as many threads as there are cores and never on the async ones.
#[derive(Clone)]
pub struct Hasher(Arc<Inner>);

struct Inner {
    key: [u8; 32],
    cost: u32,
    /// What is checked when there is no user, so that nobody can tell.
    nobody: String,
    cores: Semaphore,
}

impl fmt::Debug for Hasher {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Hasher").field("cost", &self.0.cost).finish_non_exhaustive()
    }
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    /// Not the password.
    No,
    /// The password.
    Yes,
    /// The password, and a newer hash to store in place of the old.
    YesRehashed(String),
}

impl Hasher {
    /// Derives its key from the application's secret; `cost` is bcrypt's, 4 to 15.
    #[must_use]
    pub fn new(app_secret: &Secret, cost: u32) -> Self {
        let mut mac = keyed(app_secret.reveal().as_bytes());
        mac.update(b"countersign password pre-hash");
        let key = mac.finalize().into_bytes().into();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let inner = Inner { key, cost, nobody: String::new(), cores: Semaphore::new(cores) };
        let nobody = inner.hash("");
        Self(Arc::new(Inner { nobody, ..inner }))
    }

    /// The hash to store.
    pub async fn hash(&self, password: &Secret) -> String {
        let (inner, password) = (Arc::clone(&self.0), password.clone());
        self.on_a_core(move || inner.hash(password.reveal())).await
    }

    /// Compares with a stored hash. Without one it takes as long, and is no match.
    pub async fn check(&self, password: &Secret, stored: Option<String>) -> Match {
        let (inner, password) = (Arc::clone(&self.0), password.clone());
        self.on_a_core(move || inner.check(password.reveal(), stored.as_deref())).await
    }

    async fn on_a_core<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let _core = self.0.cores.acquire().await.expect("the semaphore is never closed");
        tokio::task::spawn_blocking(work).await.expect("hashing does not panic")
    }
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes a key of any length")
}

impl Inner {
    fn pre_hash(&self, password: &str) -> String {
        let mut mac = keyed(&self.key);
        mac.update(password.as_bytes());
        STANDARD_NO_PAD.encode(mac.finalize().into_bytes())
    }

    fn hash(&self, password: &str) -> String {
        let hash =
            bcrypt::hash(self.pre_hash(password), self.cost).expect("the cost was checked at the start");
        format!("{KEYED}{hash}")
    }

    fn check(&self, password: &str, stored: Option<&str>) -> Match {
        let against = stored.unwrap_or(&self.nobody);
        let (right, current) = match against.strip_prefix(KEYED) {
            Some(hash) => {
                let right = bcrypt::verify(self.pre_hash(password), hash).unwrap_or(false);
                let cost = hash.split('$').nth(2).and_then(|cost| cost.parse().ok());
                (right, cost == Some(self.cost))
            }
            None => (bcrypt::verify(password, against).unwrap_or(false), false),
        };
        match (right && stored.is_some(), current) {
            (false, _) => Match::No,
            (true, true) => Match::Yes,
            (true, false) => Match::YesRehashed(self.hash(password)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hasher(cost: u32) -> Hasher {
        Hasher::new(&Secret::new("a secret of the application's own".into()), cost)
    }

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    #[tokio::test]
    async fn no_character_of_a_long_password_is_cut() {
        let hasher = hasher(4);
        let long = "🔐".repeat(199);
        let stored = hasher.hash(&secret(&format!("{long}a"))).await;
        assert_eq!(hasher.check(&secret(&format!("{long}a")), Some(stored.clone())).await, Match::Yes);
        assert_eq!(hasher.check(&secret(&format!("{long}b")), Some(stored.clone())).await, Match::No);
        assert_eq!(hasher.check(&secret(&long), Some(stored)).await, Match::No);
        let zero = hasher.hash(&secret("before\0after")).await;
        assert_eq!(hasher.check(&secret("before\0other"), Some(zero)).await, Match::No);
    }

    #[tokio::test]
    async fn plain_bcrypt_is_accepted_and_replaced() {
        let plain = bcrypt::hash("an old password", 4).expect("cost 4 is allowed");
        let hasher = hasher(4);
        let Match::YesRehashed(newer) = hasher.check(&secret("an old password"), Some(plain.clone())).await
        else {
            panic!("an old hash must be replaced");
        };
        assert!(newer.starts_with(KEYED));
        assert_eq!(hasher.check(&secret("an old password"), Some(newer)).await, Match::Yes);
        assert_eq!(hasher.check(&secret("another"), Some(plain)).await, Match::No);
    }

    #[tokio::test]
    async fn another_cost_means_a_new_hash() {
        let stored = hasher(4).hash(&secret("a password")).await;
        let Match::YesRehashed(newer) = hasher(5).check(&secret("a password"), Some(stored)).await else {
            panic!("a hash of another cost must be replaced");
        };
        assert!(newer.contains("$05$"));
    }

    #[tokio::test]
    async fn nobody_has_no_password() {
        assert_eq!(hasher(4).check(&secret(""), None).await, Match::No);
    }
}
