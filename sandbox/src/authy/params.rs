//! The parameters of a call, merged from query, form body (also a multipart one) and JSON body into one tree.

use std::convert::Infallible;

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header::CONTENT_TYPE, web::Bytes};
use futures_util::{future::LocalBoxFuture, stream};
use multer::Multipart;
use serde_json::{Map, Value};
use shared::sandbox::API_KEY;

use super::error::AuthyError;

/// Form parameters nested deeper than this are ignored.
const MAX_DEPTH: usize = 8;

/// The parameters of a call that has the right API key.
#[derive(Debug, Default)]
pub(crate) struct Params(Value);

impl FromRequest for Params {
    type Error = AuthyError;
    type Future = LocalBoxFuture<'static, Result<Self, AuthyError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = Bytes::from_request(request, payload);
        let query = request.query_string().to_owned();
        let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
        let key = header("x-authy-api-key").map(str::to_owned);
        let content_type = header(CONTENT_TYPE.as_str()).unwrap_or_default().to_owned();
        Box::pin(async move {
            let body = body.await.map_err(|_| AuthyError::InvalidRequest)?;
            let params = match multer::parse_boundary(&content_type) {
                Ok(boundary) => Self::of_multipart(&query, body, boundary).await?,
                Err(_) => Self::merge(&query, &body, content_type.contains("json"))?,
            };
            let key = key.or_else(|| params.text("api_key"));
            if key.as_deref() == Some(API_KEY) { Ok(params) } else { Err(AuthyError::InvalidKey) }
        })
    }
}

impl Params {
    /// The fields of a multipart body (RFC 7578), as some clients send them; a file counts as its text.
    async fn of_multipart(query: &str, body: Bytes, boundary: String) -> Result<Self, AuthyError> {
        let mut tree = Map::new();
        put_form(&mut tree, query);
        let mut parts = Multipart::new(stream::iter([Ok::<_, Infallible>(body)]), boundary);
        while let Some(part) = parts.next_field().await.map_err(|_| AuthyError::InvalidRequest)? {
            let Some(name) = part.name().map(str::to_owned) else { continue };
            let value = part.bytes().await.map_err(|_| AuthyError::InvalidRequest)?;
            let value = std::str::from_utf8(&value).map_err(|_| AuthyError::NotUtf8)?;
            put_named(&mut tree, &name, value);
        }
        Ok(Self(Value::Object(tree)))
    }

    fn merge(query: &str, body: &[u8], json: bool) -> Result<Self, AuthyError> {
        let body = std::str::from_utf8(body).map_err(|_| AuthyError::NotUtf8)?.trim();
        let mut tree = Map::new();
        put_form(&mut tree, query);
        if json || body.starts_with('{') {
            match serde_json::from_str(body) {
                Ok(Value::Object(members)) => tree.extend(members),
                Ok(_) => return Err(AuthyError::InvalidRequest),
                Err(_) if body.is_empty() => {}
                Err(_) => return Err(AuthyError::InvalidRequest),
            }
        } else {
            put_form(&mut tree, body);
        }
        Ok(Self(Value::Object(tree)))
    }

    /// The value at a path like `user.email`; `null` is absent.
    pub(crate) fn get(&self, path: &str) -> Option<&Value> {
        path.split('.').try_fold(&self.0, |at, name| at.get(name)).filter(|value| !value.is_null())
    }

    /// A string or a number at a path, as text.
    pub(crate) fn text(&self, path: &str) -> Option<String> {
        match self.get(path)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// Whether the value at a path is `true`, `True`, `1` or the JSON `true`.
    pub(crate) fn flag(&self, path: &str) -> bool {
        match self.get(path) {
            Some(Value::Bool(yes)) => *yes,
            Some(Value::String(text)) => matches!(text.as_str(), "true" | "True" | "1"),
            Some(Value::Number(number)) => number.as_u64() == Some(1),
            _ => false,
        }
    }

    /// The elements at a path: of an array, or of an object whose names are numbers, in their order.
    pub(crate) fn elements(&self, path: &str) -> Vec<&Value> {
        match self.get(path) {
            Some(Value::Array(elements)) => elements.iter().collect(),
            Some(Value::Object(members)) => {
                let numbered =
                    members.iter().filter_map(|(name, value)| Some((name.parse::<usize>().ok()?, value)));
                let mut numbered: Vec<(usize, &Value)> = numbered.collect();
                numbered.sort_by_key(|(at, _)| *at);
                numbered.into_iter().map(|(_, value)| value).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The object at a path; empty if there is none.
    pub(crate) fn map(&self, path: &str) -> Map<String, Value> {
        self.get(path).and_then(Value::as_object).cloned().unwrap_or_default()
    }
}

fn put_form(tree: &mut Map<String, Value>, pairs: &str) {
    for (name, value) in url::form_urlencoded::parse(pairs.as_bytes()) {
        put_named(tree, &name, &value);
    }
}

fn put_named(tree: &mut Map<String, Value>, name: &str, value: &str) {
    let (first, rest) = name.split_once('[').unwrap_or((name, ""));
    let path: Vec<&str> = rest
        .split('[')
        .filter(|_| !rest.is_empty())
        .map(|part| part.strip_suffix(']').unwrap_or(part))
        .collect();
    if path.len() <= MAX_DEPTH {
        let slot = tree.entry(first).or_insert(Value::Null);
        put(slot, &path, value);
    }
}

/// Inserts a value below `slot`. `[name]` is a member, also where the name is a number: labels may be numbers.
/// `[]` is an element; a member of `[]` that is repeated begins the next one.
fn put(slot: &mut Value, path: &[&str], value: &str) {
    let Some((step, rest)) = path.split_first() else {
        *slot = Value::String(value.to_owned());
        return;
    };
    if step.is_empty() {
        let elements = make_array(slot);
        let next = match (elements.last(), rest.first()) {
            (Some(Value::Object(last)), Some(member)) => last.contains_key(*member),
            _ => true,
        };
        if next {
            elements.push(Value::Null);
        }
        if let Some(last) = elements.last_mut() {
            put(last, rest, value);
        }
    } else {
        if !slot.is_object() {
            *slot = Value::Object(Map::new());
        }
        if let Value::Object(members) = slot {
            put(members.entry(*step).or_insert(Value::Null), rest, value);
        }
    }
}

fn make_array(slot: &mut Value) -> &mut Vec<Value> {
    if !slot.is_array() {
        *slot = Value::Array(Vec::new());
    }
    match slot {
        Value::Array(elements) => elements,
        _ => unreachable!("it was replaced by an array above"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_form_and_json_are_merged_into_one_tree() {
        let form = Params::merge("a=1", b"user[email]=x&l[][res]=d&l[][url]=u&l[][res]=e&m[0][k]=v", false);
        assert_eq!(
            form.expect("readable").0,
            serde_json::json!({
                "a": "1", "user": {"email": "x"}, "l": [{"res": "d", "url": "u"}, {"res": "e"}], "m": {"0": {"k": "v"}}
            })
        );
        let json = Params::merge("force=true", br#"{"user_ip":"::1","gone":null}"#, true).expect("readable");
        assert!(json.flag("force"));
        assert_eq!(json.text("user_ip").as_deref(), Some("::1"));
        assert!(json.get("gone").is_none());
        assert!(Params::merge("", b"", true).is_ok());
    }
}
