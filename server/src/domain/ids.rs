//! Ids, tokens and digests, and the randomness they are made of.

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

    /// Another source, for tests that need to know the result.
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

    /// A number from 0 to 99, with a bias of less than one in 2²⁵.
    #[must_use]
    pub fn below_100(self) -> u32 {
        u32::from_le_bytes(self.bytes()) % 100
    }
}

/// Declares a text with a meaning of its own, also as a database column.
macro_rules! text_type {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(
            Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, diesel::expression::AsExpression,
            diesel::deserialize::FromSqlRow,
        )]
        #[diesel(sql_type = diesel::sql_types::Text)]
        pub struct $name(String);

        impl $name {
            /// Takes a text that is known to be one: from the database, from a digest, from a test.
            #[must_use]
            pub fn from_text(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text itself.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str(&self.0)
            }
        }
    };
}
pub(super) use text_type;

/// Ids of 128 random bits as text.
macro_rules! random_id {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => {$(
        text_type!($(#[$meta])* $name);

        impl $name {
            /// A new one.
            #[must_use]
            pub fn new(random: Random) -> Self {
                Self(random.id())
            }

            /// One that a client has sent; `None` for what can't be one. PostgreSQL refuses texts with a zero byte.
            #[must_use]
            pub fn sent(text: &str) -> Option<Self> {
                let fits = text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
                fits.then(|| Self(text.to_owned()))
            }
        }
    )+};
}

random_id!(
    /// A user's id.
    UserId,
    /// A session's id. It outlives the session's tokens.
    SessionId,
    /// Our own id of an approval request; the outside knows the provider's uuid.
    ApprovalId,
    /// A factor's id.
    FactorId,
    /// Our own id of a text message.
    MessageId,
    /// Names one counted attempt, so that it can be taken back.
    AttemptId,
    /// Names one code that was sent.
    SendId,
    /// Names one code that was checked.
    CheckId,
    /// A known device's id.
    DeviceId,
    /// A remembered browser's id.
    RememberedId,
    /// An e-mail that waits to be sent.
    MailId,
    /// Names one event.
    EventId,
);

text_type!(
    /// What is stored of a session's token: its digest.
    TokenHash
);

/// A session's token: 256 random bits. The client gets it once; it is not stored.
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
    pub fn hash(&self) -> TokenHash {
        TokenHash(digest(&[&self.0]))
    }

    /// The token itself, for the answer that carries it.
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

/// Numbers requests for the log: 64 random bits of the process and a count. The next number may be
/// guessed; nothing depends on it.
#[derive(Debug)]
pub struct RequestIds {
    process: u64,
    count: AtomicU64,
}

impl RequestIds {
    /// Starts to count.
    #[must_use]
    pub fn new(random: Random) -> Self {
        Self { process: u64::from_le_bytes(random.bytes()), count: AtomicU64::new(0) }
    }

    /// The next one, 32 hexadecimal digits.
    #[must_use]
    pub fn next(&self) -> String {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let number = u128::from(self.process) << 64 | u128::from(count);
        let mut digits = vec![0; 32];
        hex::encode_to_slice(number.to_be_bytes(), &mut digits).expect("two digits for each byte");
        String::from_utf8(digits).expect("digits are ASCII")
    }
}

/// SHA-256 over parts, each with its length, as text.
#[must_use]
pub fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    URL_SAFE_NO_PAD.encode(hash.finalize())
}
