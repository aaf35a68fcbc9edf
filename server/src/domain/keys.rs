//! Keys derived from `APP_SECRET`, and what they protect at rest.
//!
//! Each sealed value, keyed hash and signed cookie names the key it was made under by a short
//! [`KeyId`]. During a rotation `APP_SECRET_PREVIOUS` still opens old values; new ones are always made
//! under `APP_SECRET`.

use std::fmt;

use aes_gcm::{
    Aes256Gcm, KeyInit as _, Nonce,
    aead::{Aead, Payload},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac};
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::{ids::Random, secret::Secret};

/// Length of AES-GCM's nonce (NIST SP 800-38D §8.2).
const NONCE: usize = 12;

/// Names a master key without revealing it: 32 bits of a digest, as 8 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyId(String);

impl KeyId {
    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// One application secret and the keys derived from it.
#[derive(Clone)]
pub struct MasterKey {
    id: KeyId,
    secret: Secret,
}

impl MasterKey {
    fn new(secret: Secret) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"countersign key id\0");
        hash.update(secret.reveal());
        let id = KeyId(hex::encode(&hash.finalize()[..4]));
        Self { id, secret }
    }

    /// What values made under it are marked with.
    #[must_use]
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// The secret itself, for a library that derives its own key.
    #[must_use]
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// A key for one purpose (HMAC-SHA-256 as a key derivation function, NIST SP 800-108).
    #[must_use]
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        mac(self.secret.reveal().as_bytes(), purpose.as_bytes())
    }
}

/// The current application secret, and the previous one during a rotation.
#[derive(Clone)]
pub struct KeyRing {
    current: MasterKey,
    previous: Option<MasterKey>,
    /// Derived once: counters are looked up at every login.
    subjects: [u8; 32],
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("KeyRing").field("current", &self.current.id.0).finish_non_exhaustive()
    }
}

/// Why a sealed value could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum OpenError {
    /// It was made under a key that is neither the current nor the previous one.
    #[error("sealed under an unknown key")]
    UnknownKey,
    /// It was changed, belongs to another row, or is not a sealed value.
    #[error("not a value sealed here")]
    Invalid,
}

impl KeyRing {
    /// Keys of `APP_SECRET` and `APP_SECRET_PREVIOUS`.
    #[must_use]
    pub fn new(current: Secret, previous: Option<Secret>) -> Self {
        let current = MasterKey::new(current);
        let subjects = current.derive("countersign counter subjects");
        Self { current, previous: previous.map(MasterKey::new), subjects }
    }

    /// The key new values are made under.
    #[must_use]
    pub fn current(&self) -> &MasterKey {
        &self.current
    }

    /// The key before it, during a rotation.
    #[must_use]
    pub fn previous(&self) -> Option<&MasterKey> {
        self.previous.as_ref()
    }

    /// The key with this id.
    #[must_use]
    pub fn by_id(&self, id: &str) -> Option<&MasterKey> {
        std::iter::once(&self.current).chain(&self.previous).find(|key| key.id.0 == id)
    }

    /// A keyed digest over parts: what a counter is about cannot be found by trying all phones or
    /// addresses against a stolen database.
    #[must_use]
    pub fn subject(&self, parts: &[&str]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.subjects).expect("HMAC takes a key of any length");
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    }

    /// Encrypts a value for one place (AES-256-GCM). `place` names row and column; a value moved to
    /// another place does not open there.
    #[must_use]
    pub fn seal(&self, place: &str, value: &[u8], random: Random) -> String {
        let nonce = random.bytes::<NONCE>();
        let payload = Payload { msg: value, aad: place.as_bytes() };
        let sealed = cipher(&self.current)
            .encrypt(Nonce::from_slice(&nonce), payload)
            .expect("a short value can be encrypted");
        let bytes = [nonce.as_slice(), &sealed].concat();
        format!("{}.{}", self.current.id, URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Decrypts what [`seal`](Self::seal) made for the same place.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(&self, place: &str, sealed: &str) -> Result<Vec<u8>, OpenError> {
        let (id, text) = sealed.split_once('.').ok_or(OpenError::Invalid)?;
        let key = self.by_id(id).ok_or(OpenError::UnknownKey)?;
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| OpenError::Invalid)?;
        let (nonce, msg) = bytes.split_at_checked(NONCE).ok_or(OpenError::Invalid)?;
        let payload = Payload { msg, aad: place.as_bytes() };
        cipher(key).decrypt(Nonce::from_slice(nonce), payload).map_err(|_| OpenError::Invalid)
    }

    /// A keyed digest under the current key, with the key's id.
    #[must_use]
    pub fn sign(&self, purpose: &str, text: &str) -> String {
        format!("{}.{}", self.current.id, signature(&self.current, purpose, text))
    }

    /// Whether `signed` is [`sign`](Self::sign)'s result for this text, under either key.
    #[must_use]
    pub fn verify(&self, purpose: &str, text: &str, signed: &str) -> bool {
        let Some((id, given)) = signed.split_once('.') else { return false };
        let Some(key) = self.by_id(id) else { return false };
        let Ok(given) = URL_SAFE_NO_PAD.decode(given) else { return false };
        let mut mac = Hmac::<Sha256>::new_from_slice(&key.derive(purpose)).expect("HMAC takes any key");
        mac.update(text.as_bytes());
        mac.verify_slice(&given).is_ok()
    }
}

fn signature(key: &MasterKey, purpose: &str, text: &str) -> String {
    URL_SAFE_NO_PAD.encode(mac(&key.derive(purpose), text.as_bytes()))
}

fn cipher(key: &MasterKey) -> Aes256Gcm {
    Aes256Gcm::new_from_slice(&key.derive("countersign sealed values")).expect("a key of 256 bits")
}

fn mac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(text);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(current: &str, previous: Option<&str>) -> KeyRing {
        KeyRing::new(Secret::new(current.into()), previous.map(|secret| Secret::new(secret.into())))
    }

    #[test]
    fn a_sealed_value_opens_in_its_place_alone() {
        let ring = ring("a secret of the application's own", None);
        let sealed = ring.seal("factors/1", b"seed", Random::system());
        assert!(!sealed.contains("seed"));
        assert_eq!(ring.open("factors/1", &sealed).as_deref(), Ok(b"seed".as_slice()));
        assert_eq!(ring.open("factors/2", &sealed), Err(OpenError::Invalid));
        let mut changed = sealed.into_bytes();
        let last = changed.len() - 1;
        changed[last] = if changed[last] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).expect("still ASCII");
        assert_eq!(ring.open("factors/1", &changed), Err(OpenError::Invalid));
    }

    #[test]
    fn the_previous_secret_opens_and_the_one_before_it_does_not() {
        let old = ring("the first secret of them all", None);
        let sealed = old.seal("p", b"seed", Random::system());
        let signed = old.sign("device", "text");
        let rotated = ring("the second secret of them all", Some("the first secret of them all"));
        assert_eq!(rotated.open("p", &sealed).as_deref(), Ok(b"seed".as_slice()));
        assert!(rotated.verify("device", "text", &signed));
        assert!(!rotated.verify("device", "other", &signed));
        assert!(!rotated.verify("another purpose", "text", &signed));
        let third = ring("the third secret of them all", Some("the second secret of them all"));
        assert_eq!(third.open("p", &sealed), Err(OpenError::UnknownKey));
        assert!(!third.verify("device", "text", &signed));
    }

    #[test]
    fn subjects_depend_on_the_secret_and_on_the_borders_of_their_parts() {
        let one = ring("a secret", None);
        assert_eq!(one.subject(&["a", "b"]), one.subject(&["a", "b"]));
        assert_ne!(one.subject(&["a", "b"]), one.subject(&["ab", ""]));
        assert_ne!(one.subject(&["a"]), ring("another", None).subject(&["a"]));
    }
}
