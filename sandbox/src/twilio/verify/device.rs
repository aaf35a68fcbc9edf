//! What a device signs: its registration, its own tokens, its answers. ECDSA over P-256 with SHA-256.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ring::signature::{ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::{Map, Value};
use shared::sandbox::ACCOUNT_SID;

/// What stands before the point of a P-256 key in its SubjectPublicKeyInfo (RFC 5480).
pub(super) const P256_HEADER: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// Of an uncompressed point.
const POINT_LENGTH: usize = 65;
/// Characters of an answer.
const LONGEST_ANSWER: usize = 5456;

/// A JSON Web Token in parts; nothing of it is believed yet.
pub(super) struct Token<'a> {
    pub(super) header: Map<String, Value>,
    pub(super) payload: Map<String, Value>,
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> Token<'a> {
    /// Reads the compact form (RFC 7515).
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        let object = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
        Some(Self {
            header: object(header)?,
            payload: object(payload)?,
            signed,
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    /// Whether this key has signed it.
    pub(super) fn is_signed_by(&self, point: &[u8]) -> bool {
        self.header.get("alg").is_some_and(|algorithm| algorithm == "ES256")
            && UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
                .verify(self.signed.as_bytes(), &self.signature)
                .is_ok()
    }

    /// Whether it is a device's own token for this account, at this time.
    pub(super) fn is_own_token(&self, now_ms: i64) -> bool {
        let number = |name: &str| self.payload.get(name).and_then(Value::as_i64);
        let now = now_ms / 1000;
        self.header.get("cty").is_some_and(|kind| kind == "twilio-pba;v=1")
            && self.payload.get("sub").is_some_and(|account| account == ACCOUNT_SID)
            && number("nbf").is_some_and(|from| from <= now)
            && number("exp").is_some_and(|end| now < end)
    }

    /// The names of the key in its header.
    pub(super) fn key_id(&self) -> Option<&str> {
        self.header.get("kid")?.as_str()
    }
}

/// The point of a public key in Base64 of its SubjectPublicKeyInfo.
pub(super) fn point(public_key: &str) -> Option<Vec<u8>> {
    let der = STANDARD.decode(public_key).ok()?;
    let point = der.strip_prefix(&P256_HEADER)?;
    (point.len() == POINT_LENGTH && point[0] == 4).then(|| point.to_vec())
}

/// Whether the proof of a registration is this key's signature over the id of its factor, in DER and Base64.
pub(super) fn is_proof(point: &[u8], factor: &str, proof: &str) -> bool {
    STANDARD.decode(proof).is_ok_and(|signature| {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(factor.as_bytes(), &signature).is_ok()
    })
}

/// What an answer says, if it is this key's answer to this challenge: every field that had to be signed has the
/// value it had when it was read. Compared by value, since devices write JSON differently.
pub(super) fn answer(point: &[u8], challenge: &Value, signed_fields: &[&str], answer: &str) -> Option<bool> {
    if answer.len() > LONGEST_ANSWER {
        return None;
    }
    let token = Token::read(answer).filter(|token| token.is_signed_by(point))?;
    let is_same = |name: &&str| *name == "status" || token.payload.get(*name) == challenge.get(*name);
    if !signed_fields.iter().all(is_same) {
        return None;
    }
    match token.payload.get("status")?.as_str()? {
        "approved" => Some(true),
        "denied" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Made with another implementation, from the description of the protocol.
    const PUBLIC_KEY: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAExHQ8eGppOP+fZEaDfqN2+LHuC6D7HVVsExiFr65lSi3kD5e7sGKwmIm6TPs51hgi+4eyDHjVOrrIHED0D9aB7g==";
    const PROOF: &str =
        "MEUCIQD4o8F3dzF0dSUL7A3f5Kv73Zd2FTSztaqy1iEnquBE0gIgM8VvL3fxyFVqWtpOI8VCiRjOIRf3Rg1gfMw2MHtYnq0=";
    const OWN_TOKEN: &str = "eyJjdHkiOiJ0d2lsaW8tcGJhO3Y9MSIsImtpZCI6IkNSNTU1NTU1NTU1NTU1NTU1NTU1NTU1NTU1NTU1NTU1NTUiLCJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJBQzExMTExMTExMTExMTExMTExMTExMTExMTExMTExMTExIiwiZXhwIjoxNzk1MjYyNDAwLCJuYmYiOjE3OTUyNjE4MDB9.wbC9PxYz3oZDZUWiIM-L-DrdSk9hsTqqXxP0c69VNME7KihLHBwl8jc2qjHwhQ7UMTv3oXSS5bNhLYtCFSP-sw";
    const APPROVED: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJzaWQiOiJZQzQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0IiwiYWNjb3VudF9zaWQiOiJBQzExMTExMTExMTExMTExMTExMTExMTExMTExMTExMTExIiwic2VydmljZV9zaWQiOiJWQTIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyIiwiZW50aXR5X3NpZCI6IllFNjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjYiLCJpZGVudGl0eSI6InVzZXItMDAwMSIsImZhY3Rvcl9zaWQiOiJZRjMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzIiwiZGF0ZV9jcmVhdGVkIjoiMjAyNi0xMS0yMVQxMjowMDowMFoiLCJkYXRlX3VwZGF0ZWQiOiIyMDI2LTExLTIxVDEyOjAwOjAwWiIsImRhdGVfcmVzcG9uZGVkIjpudWxsLCJleHBpcmF0aW9uX2RhdGUiOiIyMDI2LTExLTIxVDEyOjA1OjAwWiIsImRldGFpbHMiOnsibWVzc2FnZSI6IlNpZ24gaW4_IiwiZmllbGRzIjpbeyJsYWJlbCI6IkJyb3dzZXIiLCJ2YWx1ZSI6IkZpcmVmb3gifV19LCJoaWRkZW5fZGV0YWlscyI6eyJpcCI6IjE5Mi4wLjIuMSJ9LCJmYWN0b3JfdHlwZSI6InB1c2giLCJzdGF0dXMiOiJhcHByb3ZlZCJ9.BT_vd9LewD7UgF2KhZ2SCq12lDcTzkN9x0Ph9X0eYTCVIa9iBWcD5kIIShTZF8H2hvPU6fQmki7ZmMAgsImxBg";

    fn id(prefix: &str, digit: &str) -> String {
        format!("{prefix}{}", digit.repeat(32))
    }

    fn challenge() -> Value {
        json!({
            "sid": id("YC", "4"), "account_sid": id("AC", "1"), "service_sid": id("VA", "2"),
            "entity_sid": id("YE", "6"), "identity": "user-0001", "factor_sid": id("YF", "3"),
            "date_created": "2026-11-21T12:00:00Z", "date_updated": "2026-11-21T12:00:00Z",
            "date_responded": null, "expiration_date": "2026-11-21T12:05:00Z",
            "details": {"message": "Sign in?", "fields": [{"label": "Browser", "value": "Firefox"}]},
            "hidden_details": {"ip": "192.0.2.1"}, "factor_type": "push", "status": "pending",
        })
    }

    #[test]
    fn the_published_vectors_of_the_protocol_pass() {
        let key = point(PUBLIC_KEY).expect("a P-256 key");
        assert!(is_proof(&key, &id("YF", "3"), PROOF));
        let token = Token::read(OWN_TOKEN).expect("a token");
        assert!(token.is_signed_by(&key));
        assert_eq!(token.key_id(), Some(id("CR", "5").as_str()));
        let challenge = challenge();
        let fields: Vec<&str> =
            challenge.as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!(answer(&key, &challenge, &fields, APPROVED), Some(true));
    }

    #[test]
    fn what_is_signed_for_one_thing_proves_no_other() {
        let key = point(PUBLIC_KEY).expect("a P-256 key");
        assert!(!is_proof(&key, &id("YF", "4"), PROOF));
        let mut other = challenge();
        other["sid"] = json!(id("YC", "5"));
        let fields: Vec<&str> = other.as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!(answer(&key, &other, &fields, APPROVED), None);
        let changed = APPROVED.replace("eyJ0eXAi", "eyJ0eXAj");
        assert_eq!(answer(&key, &challenge(), &["sid"], &changed), None);
        assert!(point("MFkw").is_none());
    }
}
