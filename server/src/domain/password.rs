//! Passwords at rest: bcrypt over a keyed pre-hash.
//!
//! bcrypt reads 72 bytes and stops at a zero byte; 200 characters can be 800 bytes. So the password
//! goes through HMAC-SHA-256 under a key derived from `APP_SECRET` first, in base64, which has neither
//! limit. The stored text names the scheme:
//!
//! | stored | scheme |
//! | --- | --- |
//! | `hs256n.<key id>$2b$…` | HMAC of the password in NFKC, under the key named |
//! | `hs256$$2b$…` | HMAC of the password as typed; the key is not named (earlier version) |
//! | `$2a$…`, `$2b$…`, `$2y$…` | plain bcrypt, from other systems |
//!
//! Each check computes one hash; a right password of an older scheme, key or cost is hashed anew.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use shared::password::Advice;

use super::{
    keys::{KeyRing, MasterKey},
    secret::Secret,
    text::nfkc,
};

const CURRENT_SCHEME: &str = "hs256n.";
/// The lowest cost of bcrypt: a millisecond.
pub const LOWEST_COST: u32 = 4;
/// What is stored where no password signs in until a new one is set: made under a key that nobody has.
pub const UNUSABLE_PASSWORD: &str = "hs256n.none$";
const UNNAMED_KEY: &str = "hs256$";
/// So much of a password is looked at for its strength: the estimate takes quadratic time.
const STRENGTH_LOOKS_AT: usize = 40;
/// Fewer guesses than this (as a power of ten) find the most used passwords, the owner's own words
/// and their usual variations.
const FEWEST_GUESSES_LOG10: f64 = 6.0;

/// Hashes and checks passwords. All of it is slow: run it by
/// [`PasswordWork`](crate::services::password_work::PasswordWork).
#[derive(Clone)]
pub struct PasswordHasher {
    keys: KeyRing,
    cost: u32,
    /// What is checked when there is no user, so that both cases take as long.
    nobody: String,
}

impl fmt::Debug for PasswordHasher {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("PasswordHasher").field("cost", &self.cost).finish_non_exhaustive()
    }
}

/// Result of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    /// Not the password.
    No,
    /// The password.
    Yes,
    /// The password, and a newer hash to store in place of the old one.
    YesRehashed(String),
}

impl PasswordHasher {
    /// Hashes under the current key; `cost` is bcrypt's, 4 to 15.
    #[must_use]
    pub fn new(keys: KeyRing, cost: u32) -> Self {
        let quick = Self { keys, cost: LOWEST_COST, nobody: String::new() };
        // Checking it takes as long as its cost says; whether it was made at that cost makes no difference.
        let nobody = quick.hash("").replacen("$04$", &format!("${cost:02}$"), 1);
        Self { cost, nobody, ..quick }
    }

    /// The same keys at another cost.
    #[must_use]
    pub fn at_cost(&self, cost: u32) -> Self {
        Self::new(self.keys.clone(), cost)
    }

    /// bcrypt's cost. One more takes twice as long.
    #[must_use]
    pub fn cost(&self) -> u32 {
        self.cost
    }

    /// Tells keys apart, and cannot check passwords of nobody: for commands that hash none.
    #[must_use]
    pub fn without_dummy(keys: KeyRing) -> Self {
        Self { keys, cost: 0, nobody: String::new() }
    }

    /// The text to store.
    #[must_use]
    pub fn hash(&self, password: &str) -> String {
        let key = self.keys.current();
        let hash = bcrypt::hash(pre_hash(key, &nfkc(password)), self.cost)
            .expect("the cost was checked at the start");
        format!("{CURRENT_SCHEME}{}{hash}", key.id())
    }

    /// Compares with what is stored. Without a user it takes as long, and does not match.
    #[must_use]
    pub fn check(&self, password: &str, stored: Option<&str>) -> Match {
        let against = stored.unwrap_or(&self.nobody);
        let (input, hash, is_current) = match self.scheme(against) {
            Scheme::Named(key, hash) => {
                let current = key.id() == self.keys.current().id() && cost_of(hash) == Some(self.cost);
                (pre_hash(key, &nfkc(password)), hash, current)
            }
            Scheme::Unnamed(key, hash) => (pre_hash(key, password), hash, false),
            Scheme::Plain(hash) => (password.to_owned(), hash, false),
            // Made under a secret nobody has any more: as slow as any other, and never right.
            Scheme::Lost => (String::new(), self.nobody_hash(), false),
        };
        let right = bcrypt::verify(input, hash).unwrap_or(false);
        let lost = matches!(self.scheme(against), Scheme::Lost);
        match (right && stored.is_some() && !lost, is_current) {
            (false, _) => Match::No,
            (true, true) => Match::Yes,
            (true, false) => Match::YesRehashed(self.hash(password)),
        }
    }

    /// Whether a stored text was made under the current key; plain bcrypt needs none.
    #[must_use]
    pub fn is_current_key(&self, stored: &str) -> bool {
        match self.scheme(stored) {
            Scheme::Named(key, _) => key.id() == self.keys.current().id(),
            Scheme::Unnamed(..) => self.keys.previous().is_none(),
            Scheme::Plain(_) => true,
            Scheme::Lost => false,
        }
    }

    fn nobody_hash(&self) -> &str {
        let at = CURRENT_SCHEME.len() + self.keys.current().id().as_str().len();
        &self.nobody[at..]
    }

    fn scheme<'a>(&'a self, stored: &'a str) -> Scheme<'a> {
        if let Some(rest) = stored.strip_prefix(CURRENT_SCHEME) {
            let (id, hash) = rest.split_at(rest.find('$').unwrap_or(rest.len()));
            return self.keys.by_id(id).map_or(Scheme::Lost, |key| Scheme::Named(key, hash));
        }
        match stored.strip_prefix(UNNAMED_KEY) {
            // Made before keys were named: during a rotation, under the secret that is being replaced.
            Some(hash) => Scheme::Unnamed(self.keys.previous().unwrap_or(self.keys.current()), hash),
            None => Scheme::Plain(stored),
        }
    }
}

enum Scheme<'a> {
    Named(&'a MasterKey, &'a str),
    Unnamed(&'a MasterKey, &'a str),
    Plain(&'a str),
    Lost,
}

fn cost_of(hash: &str) -> Option<u32> {
    hash.split('$').nth(2)?.parse().ok()
}

fn pre_hash(key: &MasterKey, password: &str) -> String {
    let key = key.derive("countersign password pre-hash");
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes a key of any length");
    mac.update(password.as_bytes());
    STANDARD_NO_PAD.encode(mac.finalize().into_bytes())
}

/// What is wrong with a new password that can be said at once: length, the most common ones, the
/// owner's own name.
#[must_use]
pub fn obvious_problem(password: &str, about_owner: &[&str]) -> Option<&'static str> {
    Advice::on(password, about_owner).refusal()
}

/// Whether a password is too easy to guess. Takes long.
#[must_use]
pub fn is_too_weak(password: &Secret, about_owner: &[&str]) -> bool {
    let looked_at: String = password.reveal().chars().take(STRENGTH_LOOKS_AT).collect();
    let mut known = about_owner.to_vec();
    known.push("countersign");
    zxcvbn::zxcvbn(&looked_at, &known).guesses_log10() < FEWEST_GUESSES_LOG10
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(current: &str, previous: Option<&str>) -> KeyRing {
        KeyRing::new(Secret::new(current.into()), previous.map(|secret| Secret::new(secret.into())))
    }

    fn hasher(cost: u32) -> PasswordHasher {
        PasswordHasher::new(keys("a secret of the application's own", None), cost)
    }

    #[test]
    fn no_character_of_a_long_password_is_cut() {
        let hasher = hasher(4);
        let long = "🔐".repeat(199);
        let stored = hasher.hash(&format!("{long}a"));
        assert_eq!(hasher.check(&format!("{long}a"), Some(&stored)), Match::Yes);
        assert_eq!(hasher.check(&format!("{long}b"), Some(&stored)), Match::No);
        assert_eq!(hasher.check(&long, Some(&stored)), Match::No);
        let zero = hasher.hash("before\0after");
        assert_eq!(hasher.check("before\0other", Some(&zero)), Match::No);
    }

    #[test]
    fn a_password_is_the_same_however_its_letters_are_composed() {
        let hasher = hasher(4);
        let stored = hasher.hash("fu\u{0308}nf öre");
        assert_eq!(hasher.check("fünf o\u{0308}re", Some(&stored)), Match::Yes);
    }

    #[test]
    fn plain_bcrypt_is_accepted_and_replaced() {
        let plain = bcrypt::hash("an old password", 4).expect("cost 4 is allowed");
        let hasher = hasher(4);
        let Match::YesRehashed(newer) = hasher.check("an old password", Some(&plain)) else {
            panic!("an old hash must be replaced");
        };
        assert!(newer.starts_with(CURRENT_SCHEME));
        assert_eq!(hasher.check("an old password", Some(&newer)), Match::Yes);
        assert_eq!(hasher.check("another", Some(&plain)), Match::No);
    }

    /// As the version before made it.
    fn unnamed(secret: &str, password: &str) -> String {
        let keys = keys(secret, None);
        format!("{UNNAMED_KEY}{}", bcrypt::hash(pre_hash(keys.current(), password), 4).expect("a hash"))
    }

    #[test]
    fn a_hash_of_the_version_before_opens_and_is_replaced() {
        // Not in NFKC: it was hashed as typed, and so it is checked.
        let stored = unnamed("the first secret", "ﬁne words");
        let same = PasswordHasher::new(keys("the first secret", None), 4);
        let Match::YesRehashed(newer) = same.check("ﬁne words", Some(&stored)) else {
            panic!("the old hash opens");
        };
        assert_eq!(same.check("fine words", Some(&stored)), Match::No);
        assert_eq!(same.check("fine words", Some(&newer)), Match::Yes);
        assert!(same.is_current_key(&stored), "no rotation is under way");
        let rotated = PasswordHasher::new(keys("the second secret", Some("the first secret")), 4);
        assert!(matches!(rotated.check("ﬁne words", Some(&stored)), Match::YesRehashed(_)));
        assert!(!rotated.is_current_key(&stored));
    }

    #[test]
    fn the_previous_secret_opens_and_the_one_before_it_does_not() {
        let stored = PasswordHasher::new(keys("the first secret", None), 4).hash("a password");
        let second = PasswordHasher::new(keys("the second secret", Some("the first secret")), 4);
        let Match::YesRehashed(newer) = second.check("a password", Some(&stored)) else {
            panic!("the previous key opens");
        };
        assert!(!second.is_current_key(&stored) && second.is_current_key(&newer));
        let third = PasswordHasher::new(keys("the third secret", Some("the second secret")), 4);
        assert_eq!(third.check("a password", Some(&stored)), Match::No);
        assert_eq!(third.check("", Some(&stored)), Match::No, "nor does the dummy's password");
        assert!(matches!(third.check("a password", Some(&newer)), Match::YesRehashed(_)));
    }

    #[test]
    fn another_cost_means_a_new_hash() {
        let stored = hasher(4).hash("a password");
        let Match::YesRehashed(newer) = hasher(5).check("a password", Some(&stored)) else {
            panic!("a hash of another cost must be replaced");
        };
        assert!(newer.contains("$05$"));
    }

    #[test]
    fn nobody_has_no_password() {
        assert_eq!(hasher(4).check("", None), Match::No);
    }

    /// A text that bcrypt cannot read would be refused at once, and show that there is no user.
    #[test]
    fn the_check_of_nobody_computes_a_hash_of_the_same_cost() {
        for cost in [4, 5, 12] {
            assert_eq!(cost_of(hasher(cost).nobody_hash()), Some(cost));
        }
        assert!(matches!(bcrypt::verify("another password", hasher(5).nobody_hash()), Ok(false)));
    }
}
