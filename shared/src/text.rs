//! Lenient deserialization of text fields: a number is accepted as text, `null` as the empty text.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize,
    de::{Deserializer, Error, Visitor},
};

/// Deserializes a text or a number as text, and `null` as the empty text.
pub(crate) fn lenient<'de, D: Deserializer<'de>>(input: D) -> Result<String, D::Error> {
    input.deserialize_any(Lenient)
}

/// Deserializes a boolean, also from the text of a form. `null` and the empty text are `false`.
pub(crate) fn flag<'de, D: Deserializer<'de>>(input: D) -> Result<bool, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Flag(bool),
        Text(String),
        Nothing(()),
    }
    match Written::deserialize(input)? {
        Written::Flag(yes) => Ok(yes),
        Written::Nothing(()) => Ok(false),
        Written::Text(text) => match text.as_str() {
            "true" | "1" => Ok(true),
            "false" | "0" | "" => Ok(false),
            _ => Err(D::Error::custom("neither true nor false")),
        },
    }
}

/// Deserializes a map of texts or numbers, and `null` as the empty map.
pub(crate) fn lenient_map<'de, D: Deserializer<'de>>(input: D) -> Result<BTreeMap<String, String>, D::Error> {
    let map: Option<BTreeMap<String, Text>> = Option::deserialize(input)?;
    Ok(map.unwrap_or_default().into_iter().map(|(name, Text(value))| (name, value)).collect())
}

struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        lenient(input).map(Self)
    }
}

struct Lenient;

impl Visitor<'_> for Lenient {
    type Value = String;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_string<E: Error>(self, text: String) -> Result<String, E> {
        Ok(text)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_unit<E: Error>(self) -> Result<String, E> {
        Ok(String::new())
    }
}
