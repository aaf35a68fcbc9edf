//! Reading variables one by one, each failure with its name.

use std::{fs, str::FromStr, time::Duration};

use thiserror::Error;
use url::Url;

/// One line that says which variable is wrong, and how.
#[derive(Debug, Error)]
#[error("{name}: {problem}")]
pub struct ConfigError {
    name: String,
    problem: String,
}

pub(super) fn wrong(name: &str, problem: impl Into<String>) -> ConfigError {
    ConfigError { name: name.to_owned(), problem: problem.into() }
}

/// Reads variables, from the environment or from files they name.
pub(super) struct Source<'a>(pub(super) &'a dyn Fn(&str) -> Option<String>);

impl Source<'_> {
    /// An empty value is none.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, ConfigError> {
        let own = (self.0)(name).filter(|value| !value.trim().is_empty());
        let file = format!("{name}_FILE");
        match (own, (self.0)(&file).filter(|value| !value.trim().is_empty())) {
            (Some(_), Some(_)) => Err(wrong(name, format!("is given here and by {file}; keep one"))),
            (Some(value), None) => Ok(Some(value.trim().to_owned())),
            (None, Some(path)) => match fs::read_to_string(path.trim()) {
                Ok(value) => Ok(Some(value.trim().to_owned()).filter(|value| !value.is_empty())),
                Err(error) => Err(wrong(&file, format!("the file cannot be read: {error}"))),
            },
            (None, None) => Ok(None),
        }
    }

    pub(super) fn parsed<T: FromStr>(&self, name: &str, what: &str) -> Result<Option<T>, ConfigError> {
        match self.text(name)? {
            Some(text) => text.parse().map(Some).map_err(|_| wrong(name, format!("{text:?} is not {what}"))),
            None => Ok(None),
        }
    }

    pub(super) fn seconds(&self, name: &str, default: Duration) -> Result<Duration, ConfigError> {
        let seconds = self.parsed(name, "a number of seconds")?;
        Ok(seconds.map_or(default, Duration::from_secs))
    }

    pub(super) fn one_of<T: Copy>(
        &self,
        name: &str,
        words: &[(&str, T)],
        default: T,
    ) -> Result<T, ConfigError> {
        let Some(text) = self.text(name)? else { return Ok(default) };
        let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(&text));
        found.map(|(_, value)| *value).ok_or_else(|| {
            let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            wrong(name, format!("{text:?} is none of {}", words.join(", ")))
        })
    }

    pub(super) fn web_address(&self, name: &str) -> Result<Option<Url>, ConfigError> {
        let Some(url) = self.parsed::<Url>(name, "an address")? else { return Ok(None) };
        let plain =
            matches!(url.scheme(), "http" | "https") && url.query().is_none() && url.fragment().is_none();
        if plain {
            Ok(Some(url))
        } else {
            Err(wrong(name, "write http:// or https://, without query or fragment"))
        }
    }
}

pub(super) fn within<T: PartialOrd + std::fmt::Display>(
    name: &str,
    value: T,
    range: std::ops::RangeInclusive<T>,
) -> Result<T, ConfigError> {
    if range.contains(&value) {
        Ok(value)
    } else {
        Err(wrong(name, format!("{value} is not between {} and {}", range.start(), range.end())))
    }
}
