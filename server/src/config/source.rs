//! Reading variables one by one. A problem is noted with the variable's name and reading goes on, so
//! that all of them can be told at once.

use std::{cell::RefCell, fs, ops::RangeInclusive, str::FromStr, time::Duration};

use thiserror::Error;
use url::Url;

/// One line that says which variable is wrong, and how.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{name}: {problem}")]
pub struct ConfigError {
    name: String,
    problem: String,
}

/// A lookup by name.
pub(super) type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Reads variables, from the environment or from files they name.
pub(super) struct Source<'a> {
    lookup: Lookup<'a>,
    /// Whether the bounds of production hold.
    pub(super) production: bool,
    /// Whether what is missing is made and kept; a command that only looks makes nothing.
    pub(super) makes_files: bool,
    problems: RefCell<Vec<ConfigError>>,
    weak_spots: RefCell<Vec<String>>,
}

impl<'a> Source<'a> {
    pub(super) fn new(lookup: Lookup<'a>) -> Self {
        Self {
            lookup,
            production: false,
            makes_files: true,
            problems: RefCell::default(),
            weak_spots: RefCell::default(),
        }
    }

    /// Everything that was noted.
    pub(super) fn into_findings(self) -> (Vec<ConfigError>, Vec<String>) {
        (self.problems.into_inner(), self.weak_spots.into_inner())
    }

    /// Notes a problem.
    pub(super) fn wrong(&self, name: &str, problem: impl Into<String>) {
        let problem = ConfigError { name: name.to_owned(), problem: problem.into() };
        self.problems.borrow_mut().push(problem);
    }

    /// Notes a setting that is allowed and weaker than it could be.
    pub(super) fn weak(&self, spot: impl Into<String>) {
        self.weak_spots.borrow_mut().push(spot.into());
    }

    /// A variable's value; an empty one counts as not set.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let set = |name: &str| (self.lookup)(name).filter(|value| !value.trim().is_empty());
        let file = format!("{name}_FILE");
        match (set(name), set(&file)) {
            (Some(_), Some(_)) => {
                self.wrong(name, format!("is given here and by {file}; keep one"));
                None
            }
            (Some(value), None) => Some(value.trim().to_owned()),
            (None, Some(path)) => match fs::read_to_string(path.trim()) {
                Ok(value) => Some(value.trim().to_owned()).filter(|value| !value.is_empty()),
                Err(error) => {
                    self.wrong(&file, format!("the file cannot be read: {error}"));
                    None
                }
            },
            (None, None) => None,
        }
    }

    /// A value of a type; `what` names it for people.
    pub(super) fn parsed<T: FromStr>(&self, name: &str, what: &str) -> Option<T> {
        let text = self.text(name)?;
        let parsed = text.parse().ok();
        if parsed.is_none() {
            self.wrong(name, format!("{text:?} is not {what}"));
        }
        parsed
    }

    /// A number within a range that always holds.
    pub(super) fn number<T>(&self, name: &str, default: T, range: RangeInclusive<T>) -> T
    where
        T: FromStr + PartialOrd + std::fmt::Display + Copy,
    {
        let value = self.parsed(name, "a number").unwrap_or(default);
        if range.contains(&value) {
            return value;
        }
        self.wrong(name, format!("{value} is not between {} and {}", range.start(), range.end()));
        default
    }

    /// A duration, which is one second at least; `bounds` hold in production.
    pub(super) fn seconds(&self, name: &str, default: Duration, bounds: RangeInclusive<u64>) -> Duration {
        let seconds = self.parsed(name, "a number of seconds").unwrap_or(default.as_secs());
        self.bounded(name, seconds, default.as_secs(), bounds).map_or(default, Duration::from_secs)
    }

    /// A value of 1 or more; `bounds` hold in production.
    pub(super) fn bounded<T>(&self, name: &str, value: T, default: T, bounds: RangeInclusive<T>) -> Option<T>
    where
        T: PartialOrd + std::fmt::Display + From<u8> + Copy,
    {
        if value < T::from(1) {
            self.wrong(name, "at least 1 is needed");
            return None;
        }
        if self.production && !bounds.contains(&value) {
            let (least, most) = (bounds.start(), bounds.end());
            self.wrong(name, format!("{value} is not between {least} and {most}, as production needs"));
            return None;
        }
        if value > default {
            self.weak(format!("{name}={value} allows more than the default of {default}"));
        }
        Some(value)
    }

    /// One of a few words.
    pub(super) fn one_of<T: Copy>(&self, name: &str, words: &[(&str, T)], default: T) -> T {
        let Some(text) = self.text(name) else { return default };
        let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(&text));
        found.map_or_else(
            || {
                let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                self.wrong(name, format!("{text:?} is none of {}", words.join(", ")));
                default
            },
            |(_, value)| *value,
        )
    }

    /// A web address; in production with https.
    pub(super) fn web_address(&self, name: &str) -> Option<Url> {
        let url = self.parsed::<Url>(name, "an address")?;
        let plain =
            matches!(url.scheme(), "http" | "https") && url.query().is_none() && url.fragment().is_none();
        if !plain {
            self.wrong(name, "write http:// or https://, without query or fragment");
            return None;
        }
        if self.production && url.scheme() != "https" {
            self.wrong(name, "must be https in production");
            return None;
        }
        Some(url)
    }

    /// A key or token; in production neither published nor so short or monotonous that it was not
    /// made at random.
    pub(super) fn secret(&self, name: &str, shortest: usize) -> Option<String> {
        let secret = self.text(name)?;
        if self.production
            && let Some(problem) = secret_problem(&secret, shortest)
        {
            self.wrong(name, problem);
        }
        Some(secret)
    }
}

/// Words of examples; whatever contains one was copied from an example.
const PUBLISHED: [&str; 7] =
    ["change-me", "changeme", "change_me", "replace-this", "replace_this", "your-secret", "sandbox-"];
/// A random text of 16 characters has more different ones than this with near certainty.
const FEWEST_DIFFERENT: usize = 8;

fn secret_problem(secret: &str, shortest: usize) -> Option<String> {
    let lower = secret.to_lowercase();
    if PUBLISHED.iter().any(|word| lower.contains(word)) {
        return Some("is a published example; production needs your own".to_owned());
    }
    if secret.chars().count() < shortest {
        return Some(format!("at least {shortest} characters are needed"));
    }
    let mut different: Vec<char> = secret.chars().collect();
    different.sort_unstable();
    different.dedup();
    let bytes = secret.as_bytes();
    let repeats = |period: usize| bytes.iter().zip(&bytes[period..]).all(|(one, other)| one == other);
    let monotonous = different.len() < FEWEST_DIFFERENT || (1..=bytes.len() / 2).any(repeats);
    monotonous.then(|| "is too regular to be random; `openssl rand -hex 32` makes one".to_owned())
}
