//! The signature of Authy's callbacks.
//!
//! The signed text is `nonce|METHOD|url|parameters`. The signature is its HMAC-SHA256 with the
//! application's API key, in padded standard base64. The parameters of a body are first converted to
//! the canonical form that Rails' `Hash#to_query` produces. The parameters of a query are signed as
//! they were received.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use sha2::Sha256;

/// Header with the signature, 44 characters of base64.
pub const SIGNATURE_HEADER: &str = "X-Authy-Signature";
/// Header with the nonce; the real service uses the Unix time of sending.
pub const NONCE_HEADER: &str = "X-Authy-Signature-Nonce";

/// The parameters of a call, which are part of the signed text.
#[derive(Debug, Clone, Copy)]
pub enum Params<'a> {
    /// The parsed body of a POST. Its canonical form is signed.
    Body(&'a Value),
    /// The query of a GET, byte for byte as it was received.
    Query(&'a str),
}

/// The signed parts of a call.
#[derive(Debug, Clone, Copy)]
pub struct SignedCall<'a> {
    /// A unique text that the sender chose.
    pub nonce: &'a str,
    /// HTTP method in upper case.
    pub method: &'a str,
    /// Scheme, host, port unless it is the default, and path; no query.
    pub url: &'a str,
    /// The parameters.
    pub params: Params<'a>,
}

impl SignedCall<'_> {
    fn mac(&self, api_key: &str) -> Hmac<Sha256> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(api_key.as_bytes()).expect("HMAC accepts a key of any length");
        for part in [self.nonce, "|", self.method, "|", self.url, "|"] {
            mac.update(part.as_bytes());
        }
        match self.params {
            Params::Body(body) => mac.update(canonical(body).as_bytes()),
            Params::Query(query) => mac.update(query.as_bytes()),
        }
        mac
    }

    /// The signature of this call with `api_key`.
    #[must_use]
    pub fn sign(&self, api_key: &str) -> String {
        STANDARD.encode(self.mac(api_key).finalize().into_bytes())
    }

    /// Whether `signature` equals the result of [`sign`](Self::sign). Compares in constant time.
    #[must_use]
    pub fn verify(&self, api_key: &str, signature: &str) -> bool {
        STANDARD.decode(signature).is_ok_and(|claimed| self.mac(api_key).verify_slice(&claimed).is_ok())
    }
}

/// Converts a parsed body to the form that is signed.
///
/// Members become `outer[inner]=value`, elements become `outer[]=value`. The encoded pairs of an
/// object are sorted as bytes; below an array they keep the order of the source. `null` and `""` are
/// encoded as an empty value. Empty objects and arrays are left out together with their key.
#[must_use]
pub fn canonical(body: &Value) -> String {
    to_query(body, None)
}

fn to_query(value: &Value, name: Option<&str>) -> String {
    match value {
        Value::Object(members) => {
            let mut pairs: Vec<String> = members
                .iter()
                .filter(|(_, value)| !is_empty_container(value))
                .map(|(key, value)| match name {
                    Some(outer) => to_query(value, Some(&format!("{outer}[{key}]"))),
                    None => to_query(value, Some(key)),
                })
                .collect();
            if !name.is_some_and(|name| name.contains("[]")) {
                pairs.sort_unstable();
            }
            pairs.join("&")
        }
        Value::Array(elements) => {
            let name = format!("{}[]", name.unwrap_or_default());
            let pairs: Vec<String> = elements.iter().map(|element| to_query(element, Some(&name))).collect();
            pairs.join("&")
        }
        Value::Null => pair(name, ""),
        Value::String(text) => pair(name, text),
        Value::Bool(_) | Value::Number(_) => pair(name, &value.to_string()),
    }
}

fn is_empty_container(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.is_empty(),
        Value::Array(elements) => elements.is_empty(),
        _ => false,
    }
}

fn pair(name: Option<&str>, value: &str) -> String {
    format!("{}={}", form_encode(name.unwrap_or_default()), form_encode(value))
}

/// Form encoding as the signature requires it: a space is `+`, and only letters, digits and `_.-~`
/// are not escaped.
fn form_encode(text: &str) -> String {
    const ESCAPED: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'_').remove(b'.').remove(b'-').remove(b'~').remove(b' ');
    utf8_percent_encode(text, ESCAPED).to_string().replace(' ', "+")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Vector {
        name: String,
        api_key: String,
        nonce: String,
        method: String,
        url: String,
        body: Option<Value>,
        canonical: String,
        signature: String,
    }

    fn vectors() -> Vec<Vector> {
        let file: Value =
            serde_json::from_str(include_str!("../authy-vectors.json")).expect("vectors are JSON");
        let text = |vector: &Value, key: &str| vector[key].as_str().unwrap_or_default().to_owned();
        file["vectors"]
            .as_array()
            .expect("a list of vectors")
            .iter()
            .map(|vector| Vector {
                name: text(vector, "name"),
                api_key: text(vector, "api_key"),
                nonce: text(vector, "nonce"),
                method: text(vector, "method"),
                url: text(vector, "url"),
                body: vector["body_raw"]
                    .as_str()
                    .map(|raw| serde_json::from_str(raw).expect("bodies are JSON")),
                canonical: text(vector, "canonical_params"),
                signature: text(vector, "signature"),
            })
            .collect()
    }

    impl Vector {
        fn call(&self) -> SignedCall<'_> {
            SignedCall {
                nonce: &self.nonce,
                method: &self.method,
                url: &self.url,
                params: match &self.body {
                    Some(body) => Params::Body(body),
                    None => Params::Query(&self.canonical),
                },
            }
        }
    }

    #[test]
    fn every_body_has_the_canonical_form_of_its_vector() {
        assert_eq!(vectors().len(), 32);
        for vector in vectors() {
            if let Some(body) = &vector.body {
                assert_eq!(canonical(body), vector.canonical, "{}", vector.name);
            }
        }
    }

    #[test]
    fn every_vector_is_signed_and_verified() {
        for vector in vectors() {
            let call = vector.call();
            assert_eq!(call.sign(&vector.api_key), vector.signature, "{}", vector.name);
            assert!(call.verify(&vector.api_key, &vector.signature), "{}", vector.name);
        }
    }

    #[test]
    fn a_change_of_any_part_makes_the_signature_invalid() {
        for vector in vectors() {
            let (call, key) = (vector.call(), vector.api_key.as_str());
            let changed = [
                SignedCall { nonce: "1", ..call },
                SignedCall { method: "PUT", ..call },
                SignedCall { url: "https://elsewhere.test/", ..call },
                SignedCall { params: Params::Query("a=changed"), ..call },
            ];
            for other in changed {
                assert!(!other.verify(key, &vector.signature), "{}", vector.name);
            }
            assert!(!call.verify("another key", &vector.signature));
            for wrong in ["", "=", "AAAA", &vector.signature[..43], "not base64 at all"] {
                assert!(!call.verify(key, wrong), "{}", vector.name);
            }
        }
    }
}
