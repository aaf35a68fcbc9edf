//! Random codes, secrets and identifiers.

/// Uniform decimal digits.
pub(crate) fn digits(count: usize) -> String {
    (0..count).map(|_| char::from(b'0' + below(10))).collect()
}

/// A uniform number below `limit`.
fn below(limit: u8) -> u8 {
    let unbiased = u8::MAX - u8::MAX % limit;
    loop {
        let [byte] = bytes();
        if byte < unbiased {
            return byte % limit;
        }
    }
}

/// Bytes from the operating system's generator.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system has random bytes");
    bytes
}

/// A random UUID (RFC 9562, version 4).
pub(crate) fn uuid() -> String {
    let mut bytes = bytes::<16>();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hex::encode(bytes);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
