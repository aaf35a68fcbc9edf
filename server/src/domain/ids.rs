//! Ids and tokens, and the randomness they are made of.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// Where randomness comes from.
#[derive(Clone, Copy)]
pub struct Random(fn(&mut [u8]));

impl fmt::Debug for Random {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Random")
    }
}

impl Random {
    /// The operating system's generator.
    #[must_use]
    pub fn system() -> Self {
        Self(|bytes| getrandom::fill(bytes).expect("the operating system has random bytes"))
    }

    /// A source of one's own, for tests that want to know what comes.
    #[must_use]
    pub fn from_fn(fill: fn(&mut [u8])) -> Self {
        Self(fill)
    }

    /// Random bytes.
    #[must_use]
    pub fn bytes<const N: usize>(self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.0)(&mut bytes);
        bytes
    }

    /// 128 bits as 32 hexadecimal digits.
    #[must_use]
    pub fn id(self) -> String {
        hex::encode(self.bytes::<16>())
    }

    /// A number from 0 to 99; the bias of one in 2³² is no help to anybody.
    #[must_use]
    pub fn below_100(self) -> u32 {
        u32::from_le_bytes(self.bytes()) % 100
    }
}

/// What a client holds to prove its session: 256 random bits. Shown once, never stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// A new one.
    #[must_use]
    pub fn new(random: Random) -> Self {
        Self(URL_SAFE_NO_PAD.encode(random.bytes::<32>()))
    }

    /// One that a client sent.
    #[must_use]
    pub fn sent(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// What is stored of it.
    #[must_use]
    pub fn hash(&self) -> String {
        digest(&[&self.0])
    }

    /// The token itself, for the one answer that brings it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Token")
    }
}

/// Numbers requests for the log: 64 random bits of the process and a count. Nothing hangs on
/// somebody guessing the next one.
#[derive(Debug)]
pub struct RequestIds {
    process: u64,
    count: AtomicU64,
}

impl RequestIds {
    /// Begins to count.
    #[must_use]
    pub fn new(random: Random) -> Self {
        Self { process: u64::from_le_bytes(random.bytes()), count: AtomicU64::new(0) }
    }

    /// The next one, 32 hexadecimal digits.
    #[must_use]
    pub fn next(&self) -> String {
        format!("{:016x}{:016x}", self.process, self.count.fetch_add(1, Ordering::Relaxed))
    }
}

/// SHA-256 over parts with their borders, as text.
#[must_use]
pub fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    URL_SAFE_NO_PAD.encode(hash.finalize())
}
