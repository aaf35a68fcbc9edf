//! The signature of Twilio's callbacks.
//!
//! The signed text is the whole URL as it was called, including the query, followed by all form
//! fields sorted by name, each as name and value without a separator. For a JSON body, the URL has
//! the hash of the body as parameter `bodySHA256`. The signature is the HMAC-SHA1 of the text with the
//! account's auth token, in padded standard base64.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use url::Url;

/// Header with the signature, 28 characters of base64.
pub const SIGNATURE_HEADER: &str = "X-Twilio-Signature";
/// Parameter of the URL with the hash of a JSON body.
const BODY_HASH: &str = "bodySHA256";

/// The body of a callback.
#[derive(Debug, Clone, Copy)]
pub enum Body<'a> {
    /// The decoded fields of a form, in any order; empty for a GET.
    Form(&'a [(String, String)]),
    /// Any other body, as it was received.
    Raw(&'a [u8]),
}

/// The signature of a call with `auth_token`.
#[must_use]
pub fn sign(auth_token: &str, url: &str, body: Body<'_>) -> String {
    STANDARD.encode(mac(auth_token, url, body).finalize().into_bytes())
}

/// Whether `signature` is that of a call to `url`. Compares in constant time. Some senders sign the
/// URL with the port and some without it, so both are accepted.
#[must_use]
pub fn verify(auth_token: &str, url: &str, body: Body<'_>, signature: &str) -> bool {
    let Ok(claimed) = STANDARD.decode(signature) else { return false };
    if let Body::Raw(bytes) = body
        && body_hash(url).is_none_or(|hash| hash != hex::encode(Sha256::digest(bytes)))
    {
        return false;
    }
    let forms = [Some(url.to_owned()), with_port(url), without_port(url)];
    forms.into_iter().flatten().any(|url| mac(auth_token, &url, body).verify_slice(&claimed).is_ok())
}

fn mac(auth_token: &str, url: &str, body: Body<'_>) -> Hmac<Sha1> {
    let mut mac =
        Hmac::<Sha1>::new_from_slice(auth_token.as_bytes()).expect("HMAC accepts a key of any length");
    mac.update(url.as_bytes());
    if let Body::Form(fields) = body {
        let mut sorted: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, value) in fields {
            sorted.entry(name).or_default().push(value);
        }
        for (name, mut values) in sorted {
            values.sort_unstable();
            values.dedup();
            for value in values {
                mac.update(name.as_bytes());
                mac.update(value.as_bytes());
            }
        }
    }
    mac
}

fn body_hash(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    url.query_pairs().find(|(name, _)| name == BODY_HASH).map(|(_, hash)| hash.into_owned())
}

/// The index at which the host and port end. The URL is not normalized, since it was signed as it is.
fn authority_end(url: &str) -> Option<usize> {
    let start = url.find("://")? + 3;
    Some(url[start..].find(['/', '?', '#']).map_or(url.len(), |at| start + at))
}

/// The index of the colon before the port; `None` if there is no port.
fn port_colon(url: &str) -> Option<usize> {
    let end = authority_end(url)?;
    let colon = url[..end].rfind(':')?;
    url[colon + 1..end].parse::<u16>().is_ok().then_some(colon)
}

fn without_port(url: &str) -> Option<String> {
    let (colon, end) = (port_colon(url)?, authority_end(url)?);
    Some(format!("{}{}", &url[..colon], &url[end..]))
}

fn with_port(url: &str) -> Option<String> {
    if port_colon(url).is_some() {
        return None;
    }
    let port = if url.starts_with("https://") { 443 } else { 80 };
    let end = authority_end(url)?;
    Some(format!("{}:{port}{}", &url[..end], &url[end..]))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    struct Vector {
        id: String,
        token: String,
        url: String,
        equivalent_urls: Vec<String>,
        form: Vec<(String, String)>,
        raw: Option<String>,
        signature: String,
    }

    impl Vector {
        fn body(&self) -> Body<'_> {
            self.raw.as_ref().map_or(Body::Form(&self.form), |raw| Body::Raw(raw.as_bytes()))
        }
    }

    fn vectors() -> Vec<Vector> {
        let file: Value =
            serde_json::from_str(include_str!("../twilio-vectors.json")).expect("vectors are JSON");
        let texts = |value: &Value| -> Vec<String> {
            match value {
                Value::Array(values) => {
                    values.iter().flat_map(|one| one.as_str()).map(str::to_owned).collect()
                }
                Value::String(text) => vec![text.clone()],
                _ => Vec::new(),
            }
        };
        let all = file["vectors"].as_array().expect("a list of vectors").iter();
        all.filter(|vector| vector["algorithm"] == "HMAC_SHA1")
            .map(|vector| {
                let text = |key: &str| vector[key].as_str().unwrap_or_default().to_owned();
                let fields = vector["params"].as_object().into_iter().flatten();
                Vector {
                    id: text("id"),
                    token: text("auth_token"),
                    url: text("url"),
                    equivalent_urls: texts(&vector["also_accepted_for_urls"]),
                    form: fields
                        .flat_map(|(name, value)| {
                            texts(value).into_iter().map(|value| (name.clone(), value)).collect::<Vec<_>>()
                        })
                        .collect(),
                    raw: vector["raw_body"].as_str().map(str::to_owned),
                    signature: text("signature"),
                }
            })
            .collect()
    }

    #[test]
    fn every_vector_is_signed_and_verified() {
        assert_eq!(vectors().len(), 5);
        for vector in vectors() {
            assert_eq!(sign(&vector.token, &vector.url, vector.body()), vector.signature, "{}", vector.id);
            for url in vector.equivalent_urls.iter().chain([&vector.url]) {
                assert!(verify(&vector.token, url, vector.body(), &vector.signature), "{} {url}", vector.id);
            }
        }
    }

    #[test]
    fn a_change_of_any_part_makes_the_signature_invalid() {
        for vector in vectors() {
            let (url, body, signature) = (vector.url.as_str(), vector.body(), vector.signature.as_str());
            assert!(!verify(&format!("{}x", vector.token), url, body, signature), "{}", vector.id);
            assert!(!verify(&vector.token, &format!("{url}&x=1"), body, signature), "{}", vector.id);
            assert!(!verify(&vector.token, &url.to_uppercase(), body, signature), "{}", vector.id);
            for wrong in ["", "=", "AAAA", &signature[..27], "not base64 at all"] {
                assert!(!verify(&vector.token, url, body, wrong), "{}", vector.id);
            }
            match body {
                Body::Raw(raw) => {
                    let changed = [raw, b" "].concat();
                    assert!(!verify(&vector.token, url, Body::Raw(&changed), signature));
                }
                Body::Form(fields) => {
                    let more = [fields, &[("Extra".to_owned(), "1".to_owned())]].concat();
                    assert!(!verify(&vector.token, url, Body::Form(&more), signature), "{}", vector.id);
                }
            }
        }
    }

    #[test]
    fn a_json_body_without_its_hash_in_the_url_is_refused() {
        let signature = sign("token", "https://app.example.com/x", Body::Raw(b"{}"));
        assert!(!verify("token", "https://app.example.com/x", Body::Raw(b"{}"), &signature));
    }
}
