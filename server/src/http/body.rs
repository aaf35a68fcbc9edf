//! Request bodies: JSON or a form. An empty body is read as `{}`.

use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    error::PayloadError,
    web::{Bytes, BytesMut},
};
use percent_encoding::percent_decode;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use std::{future::Future, pin::Pin, time::Duration};

use super::error::{Error, Result};

/// The largest accepted body, in bytes.
pub const LARGEST_BODY: usize = 64 * 1024;
/// The time within which a body must arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(15);
/// The deepest nesting of form names, and the most elements of a form list. No call needs more.
const DEEPEST: usize = 3;
const MOST_ELEMENTS: usize = 20;

/// A body deserialized into `T`.
#[derive(Debug)]
pub(super) struct Body<T>(pub T);

/// The body of a call without fields. It must still be valid.
#[derive(Debug, Deserialize)]
pub(super) struct EmptyBody {}

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let kind = BodyType::of(request);
        let bytes = read_all(payload.take());
        Box::pin(async move {
            let tree = kind.tree(&bytes.await?)?;
            let tree = if kind == BodyType::Form { nested(tree)? } else { tree };
            into_fields(tree).map(Self)
        })
    }
}

/// Reads a whole body, within the limits of size and time.
pub(super) async fn read_all(payload: Payload) -> Result<Bytes> {
    let read = tokio::time::timeout(BODY_TIMEOUT, read_chunks(payload)).await;
    read.unwrap_or(Err(Error::Unreadable("The request is incomplete.")))
}

async fn read_chunks(mut payload: Payload) -> Result<Bytes> {
    use futures_util::StreamExt;
    let mut bytes = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| match error {
            PayloadError::Overflow => Error::TooLarge,
            _ => Error::Unreadable("The request is incomplete."),
        })?;
        if bytes.len() + chunk.len() > LARGEST_BODY {
            return Err(Error::TooLarge);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

/// A body's content type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyType {
    Json,
    Form,
    Other,
}

impl BodyType {
    pub(super) fn of(request: &HttpRequest) -> Self {
        let kind = request.content_type().trim();
        if kind.eq_ignore_ascii_case("application/json") {
            Self::Json
        } else if kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            Self::Form
        } else {
            Self::Other
        }
    }

    /// The body as JSON. An empty body is an empty object for every content type.
    pub(super) fn tree(self, bytes: &[u8]) -> Result<Value> {
        if bytes.is_empty() {
            return Ok(Value::Object(Map::new()));
        }
        let text =
            |bytes| std::str::from_utf8(bytes).map_err(|_| Error::Unreadable("The request isn't UTF-8."));
        match self {
            Self::Json => serde_json::from_str(text(bytes)?)
                .map_err(|_| Error::Unreadable("The request isn't valid JSON, or it's nested too deeply.")),
            Self::Form => form(text(bytes)?),
            Self::Other => Err(Error::UnsupportedType),
        }
    }
}

/// Nests the pairs of a form by their names: `a[b]` is the member `b` of `a`, `a[0]` an element of a list.
fn nested(form: Value) -> Result<Value> {
    let Value::Object(flat) = form else { return Ok(form) };
    let mut tree = Value::Object(Map::new());
    for (name, value) in flat {
        let (first, rest) = name.split_once('[').unwrap_or((&name, ""));
        let steps: Vec<&str> = rest.split('[').map(|step| step.strip_suffix(']').unwrap_or(step)).collect();
        let steps = if rest.is_empty() { &[][..] } else { &steps };
        if steps.len() > DEEPEST {
            return Err(Error::Unreadable("The form is nested too deeply."));
        }
        let mut at = &mut tree[first];
        for step in steps {
            at = match step.parse::<usize>() {
                Ok(index) if index < MOST_ELEMENTS && !at.is_object() => {
                    if !at.is_array() {
                        *at = Value::Array(Vec::new());
                    }
                    let elements = at.as_array_mut().expect("it was made an array");
                    if elements.len() <= index {
                        elements.resize(index + 1, Value::Null);
                    }
                    &mut elements[index]
                }
                _ => {
                    if !at.is_object() {
                        *at = Value::Object(Map::new());
                    }
                    &mut at[*step]
                }
            };
        }
        *at = value;
    }
    Ok(tree)
}

/// The pairs of a form or a query as an object of strings.
pub(super) fn form(pairs: &str) -> Result<Value> {
    percent_decode(pairs.as_bytes())
        .decode_utf8()
        .map_err(|_| Error::Unreadable("The request isn't UTF-8."))?;
    let pairs = url::form_urlencoded::parse(pairs.as_bytes());
    Ok(Value::Object(pairs.map(|(name, value)| (name.into_owned(), value.into())).collect()))
}

fn into_fields<T: DeserializeOwned>(tree: Value) -> Result<T> {
    if !tree.is_object() {
        return Err(Error::WrongType(String::new()));
    }
    serde_path_to_error::deserialize(tree).map_err(|error| {
        let path = error.path().to_string();
        Error::WrongType(if path == "." { String::new() } else { path })
    })
}
