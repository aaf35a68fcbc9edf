//! Actions a person approves on the phone: which are valid, and which are the same.

use std::{collections::BTreeMap, time::Duration};

use shared::{Logo, NewApproval};

use super::{
    approval::RequestContent,
    ids::digest,
    refusal::Refusal,
    text::{is_visible, nfc},
};

/// Lifetime of a request when the client names none, in seconds.
const DEFAULT_LIFETIME: u64 = 120;
/// Lifetimes a client may choose, in seconds; at most ten minutes (NIST SP 800-63B-4 §5.1.3.2).
const LIFETIMES: std::ops::RangeInclusive<u64> = 10..=600;
/// How long an approval may be used after it was given.
pub const REDEEM_WITHIN: Duration = Duration::from_secs(600);
/// The provider's libraries refuse longer ones.
const LONGEST_MESSAGE: usize = 200;
const LONGEST_VALUE: usize = 200;
const LONGEST_LABEL: usize = 20;
const LONGEST_URL: usize = 500;
const MOST_DETAILS: usize = 20;

/// A valid action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// What the phone shows.
    pub content: RequestContent,
    /// How long it is open.
    pub lifetime: Duration,
}

impl Action {
    /// Reads what a client wants to have approved.
    ///
    /// # Errors
    /// [`Refusal::InvalidFields`].
    pub fn read(new: NewApproval) -> Result<Self, Refusal> {
        let mut wrong = BTreeMap::new();
        let mut note = |field, problem: Option<&str>| {
            if let Some(problem) = problem {
                wrong.insert(field, problem.to_owned());
            }
        };
        note("message", message_problem(new.message.trim()));
        note("details", details_problem(&new.details));
        note("hidden_details", details_problem(&new.hidden_details));
        note("logos", logos_problem(&new.logos));
        let lifetime = match new.seconds_to_expire.trim() {
            "" => Some(DEFAULT_LIFETIME),
            text => text.parse().ok().filter(|seconds| LIFETIMES.contains(seconds)),
        };
        note("seconds_to_expire", lifetime.is_none().then_some("Set 10 to 600 seconds."));
        if !new.unknown.is_empty() {
            let names: Vec<&str> = new.unknown.keys().map(String::as_str).take(5).collect();
            wrong.insert("unknown", format!("There is no such field: {}.", names.join(", ")));
        }
        if !wrong.is_empty() {
            return Err(Refusal::InvalidFields(wrong));
        }
        let content = RequestContent {
            message: nfc(new.message.trim()),
            details: normalized(new.details),
            hidden_details: normalized(new.hidden_details),
            logos: new.logos,
            number_asked: None,
        };
        Ok(Self { content, lifetime: Duration::from_secs(lifetime.unwrap_or(DEFAULT_LIFETIME)) })
    }

    /// Equal for the same data, different for any other.
    #[must_use]
    pub fn digest(&self) -> String {
        let RequestContent { message, details, hidden_details, logos, number_asked: _ } = &self.content;
        let counts = [details.len(), hidden_details.len(), logos.len()].map(|count| count.to_string());
        let mut parts: Vec<&str> = vec!["approval", message];
        parts.extend(counts.iter().map(String::as_str));
        for (label, value) in details.iter().chain(hidden_details) {
            parts.extend([label.as_str(), value]);
        }
        for logo in logos {
            parts.extend([logo.res.as_str(), &logo.url]);
        }
        digest(&parts)
    }
}

fn normalized(details: BTreeMap<String, String>) -> BTreeMap<String, String> {
    details.into_iter().map(|(label, value)| (nfc(&label), nfc(&value))).collect()
}

fn message_problem(message: &str) -> Option<&'static str> {
    if message.is_empty() {
        Some("Enter a message.")
    } else if message.chars().count() > LONGEST_MESSAGE {
        Some("Too long: 200 characters are the most.")
    } else if !is_visible(message) {
        Some("Remove invisible and control characters.")
    } else {
        None
    }
}

fn details_problem(details: &BTreeMap<String, String>) -> Option<&'static str> {
    if details.len() > MOST_DETAILS {
        Some("Use 20 details or fewer.")
    } else if !details.keys().all(|label| (1..=LONGEST_LABEL).contains(&label.chars().count())) {
        Some("Use 1 to 20 characters per label.")
    } else if !details.values().all(|value| value.chars().count() <= LONGEST_VALUE) {
        Some("Use up to 200 characters per value.")
    } else if !details.iter().all(|(label, value)| is_visible(label) && is_visible(value)) {
        Some("Remove invisible and control characters.")
    } else if details.keys().any(|label| label.contains(['[', ']'])) {
        // The provider's form encoding would read them as structure.
        Some("Remove square brackets from labels.")
    } else {
        None
    }
}

fn logos_problem(logos: &[Logo]) -> Option<&'static str> {
    let resolutions: Vec<&str> = logos.iter().map(|logo| logo.res.as_str()).collect();
    let fits = |(at, res): (usize, &&str)| {
        matches!(*res, "default" | "low" | "med" | "high") && !resolutions[..at].contains(res)
    };
    if !resolutions.iter().enumerate().all(fits) {
        Some("Use each resolution once: default, low, med, or high.")
    } else if !logos.is_empty() && !resolutions.contains(&"default") {
        Some("Add a default logo.")
    } else if !logos.iter().all(|logo| is_picture_address(&logo.url)) {
        Some("Use https addresses up to 500 characters.")
    } else {
        None
    }
}

fn is_picture_address(address: &str) -> bool {
    address.len() <= LONGEST_URL
        && url::Url::parse(address).is_ok_and(|url| url.scheme() == "https" && url.has_host())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payment() -> NewApproval {
        let pairs = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect()
        };
        NewApproval {
            message: "Send £5.00?".into(),
            details: pairs(&[("To", "Charles"), ("Amount", "£5.00")]),
            hidden_details: pairs(&[("ip", "192.0.2.1")]),
            logos: vec![Logo { res: "default".into(), url: "https://example.com/logo.png".into() }],
            ..NewApproval::default()
        }
    }

    fn wrong(change: impl FnOnce(&mut NewApproval)) -> Vec<&'static str> {
        let mut new = payment();
        change(&mut new);
        match Action::read(new) {
            Err(Refusal::InvalidFields(fields)) => fields.into_keys().collect(),
            Err(other) => panic!("unexpected {other:?}"),
            Ok(_) => Vec::new(),
        }
    }

    #[test]
    fn every_field_has_its_borders() {
        assert!(wrong(|_| ()).is_empty());
        for message in ["", " ", "a\u{1b}[2J", "pay\u{202e}5", "pay\u{200b}", &"é".repeat(201)] {
            assert_eq!(wrong(|new| new.message = message.into()), ["message"], "{message:?}");
        }
        assert!(wrong(|new| new.message = "é".repeat(200)).is_empty());
        let label = |label: &str| wrong(|new| drop(new.details.insert(label.into(), "x".into())));
        assert!(label(&"l".repeat(20)).is_empty());
        for bad in ["", "a[b]", "a\nb", &"l".repeat(21)] {
            assert_eq!(label(bad), ["details"], "{bad:?}");
        }
        assert_eq!(wrong(|new| drop(new.details.insert("To".into(), "x".repeat(201)))), ["details"]);
        assert_eq!(
            wrong(|new| drop(new.hidden_details.insert("ip".into(), "x\r\ny".into()))),
            ["hidden_details"]
        );
        let many = |count: usize| (0..count).map(|at| (format!("label {at}"), "x".to_owned())).collect();
        assert!(wrong(|new| new.details = many(20)).is_empty());
        assert_eq!(wrong(|new| new.details = many(21)), ["details"]);
        for (res, url) in [
            ("huge", "https://example.com/a"),
            ("low", "https://example.com/a"),
            ("default", "http://example.com/a"),
            ("default", "javascript:alert(1)"),
            ("default", &format!("https://example.com/{}", "a".repeat(500))),
        ] {
            let logos = vec![Logo { res: res.into(), url: url.into() }];
            assert_eq!(wrong(|new| new.logos = logos), ["logos"], "{res} {url}");
        }
        assert_eq!(wrong(|new| new.logos.push(new.logos[0].clone())), ["logos"]);
        for seconds in ["9", "601", "-1", "soon", "1e2"] {
            assert_eq!(
                wrong(|new| new.seconds_to_expire = seconds.into()),
                ["seconds_to_expire"],
                "{seconds}"
            );
        }
    }

    #[test]
    fn any_change_of_the_data_is_another_digest_and_the_life_is_none() {
        let digest_of = |change: fn(&mut NewApproval)| {
            let mut new = payment();
            change(&mut new);
            Action::read(new).expect("a good action").digest()
        };
        let same = digest_of(|_| ());
        assert_eq!(digest_of(|new| new.seconds_to_expire = "30".into()), same);
        let changes: [fn(&mut NewApproval); 7] = [
            |new| new.message = "Send £50.00?".into(),
            |new| drop(new.details.insert("Amount".into(), "£5.01".into())),
            |new| drop(new.details.remove("To")),
            |new| drop(new.hidden_details.insert("ip".into(), "192.0.2.2".into())),
            |new| new.logos.clear(),
            // What is shown and what is hidden are not the same, with the same words.
            |new| {
                let ip = new.hidden_details.remove("ip").unwrap_or_default();
                new.details.insert("ip".into(), ip);
            },
            // Nor does a border between two texts move unseen.
            |new| {
                new.details.remove("To");
                new.details.insert("ToC".into(), "harles".into());
            },
        ];
        for (at, change) in changes.into_iter().enumerate() {
            assert_ne!(digest_of(change), same, "change {at}");
        }
    }
}
