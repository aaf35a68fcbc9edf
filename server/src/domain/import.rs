//! Accounts of another system: a row of a file, read into valid values.

use std::{collections::BTreeMap, str::FromStr};

use bcrypt::HashParts;
use shared::phone::PhoneNumber;

use super::{
    account::{read_email, read_phone, username_problem, visible_name_problem},
    clock::Timestamp,
    numbers::NumberRules,
    phone::Phone,
    refusal::Refusal,
    secret::Secret,
    text::nfc,
};

/// The columns of a file, and the fields of a line of JSON.
pub const COLUMNS: [&str; 9] = [
    "full_name",
    "email",
    "username",
    "password_hash",
    "country_code",
    "phone",
    "phone_verified",
    "email_verified",
    "created_at",
];
/// bcrypt's costs, as `BCRYPT_COST` may be. A sign-in by a hash of a higher cost would keep everybody else waiting.
const COSTS: std::ops::RangeInclusive<u32> = super::password::LOWEST_COST..=15;

/// What is wrong with a row, by its columns.
pub type Problems = BTreeMap<&'static str, String>;

/// A row, as it stands in a file.
#[derive(Clone, Default)]
pub struct ImportRow {
    texts: BTreeMap<&'static str, String>,
}

impl ImportRow {
    /// Sets a column's text; `false` where there is no such column.
    pub fn set(&mut self, column: &str, text: &str) -> bool {
        let known = COLUMNS.into_iter().find(|known| *known == column);
        if let Some(known) = known {
            self.texts.insert(known, text.trim().to_owned());
        }
        known.is_some()
    }

    fn text(&self, column: &str) -> &str {
        self.texts.get(column).map_or("", String::as_str)
    }
}

/// An account that can be stored.
#[derive(Debug, Clone)]
pub struct ImportedAccount {
    /// In NFC.
    pub full_name: String,
    /// In NFC.
    pub email: String,
    /// As given.
    pub username: Option<String>,
    /// A possible number that codes may be sent to.
    pub phone: Phone,
    /// Plain bcrypt.
    pub password_hash: Secret,
    /// Whether the other system has verified the phone.
    pub is_phone_verified: bool,
    /// Whether the other system has verified the e-mail.
    pub is_email_verified: bool,
    /// When the account was made there.
    pub created_at: Option<Timestamp>,
}

impl ImportedAccount {
    /// Reads a row by the rules of a sign-up.
    ///
    /// # Errors
    /// What is wrong with which column.
    pub fn read(row: &ImportRow, numbers: &NumberRules, now: Timestamp) -> Result<Self, Problems> {
        let mut problems = Problems::new();
        let full_name = nfc(row.text("full_name"));
        if let Some(problem) = visible_name_problem(&full_name) {
            problems.insert("full_name", problem.to_owned());
        }
        let username = row.text("username");
        if let Some(problem) = username_problem(username) {
            problems.insert("username", problem.to_owned());
        }
        let email = read_email(row.text("email")).map_err(|refusal| note(&mut problems, refusal));
        let phone = phone(row, numbers, &mut problems);
        let hash = row.text("password_hash");
        if let Some(problem) = hash_problem(hash) {
            problems.insert("password_hash", problem);
        }
        let is_phone_verified = is_yes(row, "phone_verified", &mut problems);
        let is_email_verified = is_yes(row, "email_verified", &mut problems);
        let created_at = match row.text("created_at") {
            "" => None,
            text => match Timestamp::read(text).filter(|at| *at <= now) {
                Some(at) => Some(at),
                None => {
                    let problem = "Use a date or a time of the past, such as 2026-03-02T14:02:31Z.";
                    problems.insert("created_at", problem.to_owned());
                    None
                }
            },
        };
        match (email, phone) {
            (Ok(email), Some(phone)) if problems.is_empty() => Ok(Self {
                full_name,
                email,
                username: (!username.is_empty()).then(|| username.to_owned()),
                phone,
                password_hash: Secret::new(hash.to_owned()),
                is_phone_verified,
                is_email_verified,
                created_at,
            }),
            _ => Err(problems),
        }
    }
}

/// Notes what the rules of a sign-up refuse, by the names of the columns.
fn note(problems: &mut Problems, refusal: Refusal) {
    let Refusal::InvalidFields(fields) = refusal else { return };
    for (field, problem) in fields {
        let column = if field == "countryCode" { "country_code" } else { field };
        problems.insert(column, problem);
    }
}

/// A phone in two columns, or in one as `+` and all digits.
fn phone(row: &ImportRow, numbers: &NumberRules, problems: &mut Problems) -> Option<Phone> {
    let (code, phone) = (row.text("country_code"), row.text("phone"));
    let in_one = code.is_empty().then(|| PhoneNumber::read_e164(phone));
    let code = match in_one {
        None => code.to_owned(),
        Some(Ok(number)) => number.calling_code().to_owned(),
        Some(Err(problem)) => {
            let problem = if phone.is_empty() || phone.starts_with('+') {
                problem.to_string()
            } else {
                "Begin with + and the country code, or fill in country_code.".to_owned()
            };
            problems.insert("phone", problem);
            return None;
        }
    };
    read_phone(&code, phone, numbers).map_err(|refusal| note(problems, refusal)).ok()
}

fn hash_problem(hash: &str) -> Option<String> {
    // `$2x$` stands for a flaw of an old implementation, whose hashes are others.
    if !["$2a$", "$2b$", "$2y$"].iter().any(|prefix| hash.starts_with(prefix)) {
        return Some("Use a bcrypt hash that begins with $2a$, $2b$ or $2y$.".to_owned());
    }
    match HashParts::from_str(hash) {
        Err(_) => Some("This isn't a whole bcrypt hash.".to_owned()),
        Ok(parts) if !COSTS.contains(&parts.get_cost()) => {
            Some(format!("Use a bcrypt hash with a cost from {} to {}.", COSTS.start(), COSTS.end()))
        }
        Ok(_) => None,
    }
}

fn is_yes(row: &ImportRow, column: &'static str, problems: &mut Problems) -> bool {
    match row.text(column).to_lowercase().as_str() {
        "yes" | "true" | "1" => true,
        "no" | "false" | "0" | "" => false,
        _ => {
            problems.insert(column, "Use yes or no.".to_owned());
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$2y$10$abcdefghijklmnopqrstuuKoSDdQ1rhnzTJjWKNS9JgZkPwlxgNzy";
    const NOW: Timestamp = Timestamp(1_772_460_151_000);

    fn row(changes: &[(&str, &str)]) -> ImportRow {
        let mut row = ImportRow::default();
        let good = [
            ("full_name", "Ada Lovelace"),
            ("email", "ada@example.com"),
            ("password_hash", HASH),
            ("phone", "+447700900123"),
        ];
        for (column, text) in good.iter().chain(changes) {
            assert!(row.set(column, text), "{column}");
        }
        row
    }

    fn wrong(changes: &[(&str, &str)]) -> Vec<&'static str> {
        let read = ImportedAccount::read(&row(changes), &NumberRules::default(), NOW);
        read.err().map(|problems| problems.into_keys().collect()).unwrap_or_default()
    }

    #[test]
    fn a_row_is_read_like_a_sign_up() {
        assert_eq!(wrong(&[]), [""; 0]);
        assert_eq!(wrong(&[("full_name", " ")]), ["full_name"]);
        assert_eq!(wrong(&[("email", "ada@example")]), ["email"]);
        assert_eq!(wrong(&[("username", "a da")]), ["username"]);
        assert_eq!(wrong(&[("phone_verified", "maybe")]), ["phone_verified"]);
        assert_eq!(wrong(&[("email_verified", "TRUE"), ("phone_verified", "No")]), [""; 0]);
        assert_eq!(wrong(&[("created_at", "2020-02-30")]), ["created_at"]);
        assert_eq!(wrong(&[("created_at", "2090-01-01")]), ["created_at"]);
        assert_eq!(wrong(&[("created_at", "2020-02-28T10:00:00+01:00")]), [""; 0]);
        assert!(!ImportRow::default().set("password", "notes on the engine"));
    }

    #[test]
    fn a_phone_stands_in_two_columns_or_in_one() {
        let read = |changes: &[(&str, &str)]| {
            let read = ImportedAccount::read(&row(changes), &NumberRules::default(), NOW);
            read.map(|account| account.phone.e164().to_owned())
        };
        assert_eq!(read(&[]).as_deref(), Ok("+447700900123"));
        assert_eq!(read(&[("phone", "+44 7700 900123")]).as_deref(), Ok("+447700900123"));
        assert_eq!(
            read(&[("country_code", "+44"), ("phone", "07700 900123")]).as_deref(),
            Ok("+447700900123")
        );
        assert_eq!(wrong(&[("phone", "07700 900123")]), ["phone"]);
        assert_eq!(wrong(&[("phone", "")]), ["phone"]);
        assert_eq!(wrong(&[("country_code", "999"), ("phone", "7700900123")]), ["country_code"]);
        assert_eq!(wrong(&[("phone", "+449098790123")]), ["phone"], "premium-rate");
    }

    #[test]
    fn a_hash_that_no_password_could_match_is_refused() {
        for prefix in ["$2a$", "$2b$"] {
            assert_eq!(wrong(&[("password_hash", &HASH.replacen("$2y$", prefix, 1))]), [""; 0]);
        }
        for hash in [
            "",
            "notes on the engine",
            "5f4dcc3b5aa765d61d8327deb882cf99",
            "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b4dWRWJTmaQvQmo",
            "hs256n.none$",
            &HASH[..59],
            &format!("{HASH}a"),
            &HASH.replacen("$2y$", "$2x$", 1),
            &HASH.replacen("$10$", "$03$", 1),
            &HASH.replacen("$10$", "$16$", 1),
            &HASH.replacen("$10$", "$1a$", 1),
            &HASH.replacen("abcd", "ab d", 1),
        ] {
            assert_eq!(wrong(&[("password_hash", hash)]), ["password_hash"], "{hash}");
        }
    }
}
