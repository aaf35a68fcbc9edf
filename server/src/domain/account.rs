//! Accounts: the fields of a sign-up, read into valid values.

use std::collections::BTreeMap;

use shared::{
    NewUser,
    account::{email_problem, name_problem},
    phone::{PhoneNumber, PhoneProblem},
};

use super::{
    numbers::NumberRules,
    password::obvious_problem,
    phone::Phone,
    refusal::Refusal,
    secret::Secret,
    text::{is_visible, is_visible_address, nfc},
};

const USERNAME: std::ops::RangeInclusive<usize> = 3..=64;

/// A sign-up whose fields are valid. Whether the password is hard enough to guess is checked
/// together with hashing it, for both take long.
#[derive(Debug)]
pub struct Registration {
    /// In NFC, without blanks around it.
    pub full_name: String,
    /// In NFC.
    pub email: String,
    /// As given.
    pub username: Option<String>,
    /// A possible number that codes may be sent to.
    pub phone: Phone,
    /// Not hashed yet.
    pub password: Secret,
}

/// What e-mails and usernames are compared by: without letter case.
#[must_use]
pub fn key(text: &str) -> String {
    text.trim().to_lowercase()
}

impl Registration {
    /// Reads all fields.
    ///
    /// # Errors
    /// [`Refusal::InvalidFields`] with what is wrong with each.
    pub fn read(new: &NewUser, numbers: &NumberRules) -> Result<Self, Refusal> {
        let mut wrong = BTreeMap::new();
        let mut note = |field, problem: Option<String>| {
            if let Some(problem) = problem {
                wrong.insert(field, problem);
            }
        };
        let (full_name, email) = (nfc(new.full_name.trim()), nfc(new.email.trim()));
        let username = new.username.trim();
        note("fullName", visible_name_problem(&full_name).map(str::to_owned));
        note("email", visible_email_problem(&email).map(str::to_owned));
        note("username", username_problem(username).map(str::to_owned));
        note("password", obvious_problem(&new.password, &[&full_name, &email, username]).map(str::to_owned));
        let phone = checked_phone(&new.country_code, &new.phone, numbers, &mut |field, problem| {
            note(field, Some(problem));
        });
        match phone {
            Some(phone) if wrong.is_empty() => Ok(Self {
                full_name,
                email,
                username: (!username.is_empty()).then(|| username.to_owned()),
                phone: Phone::new(phone),
                password: Secret::new(new.password.clone()),
            }),
            _ => Err(Refusal::InvalidFields(wrong)),
        }
    }
}

/// Reads an e-mail.
///
/// # Errors
/// [`Refusal::InvalidFields`].
pub fn read_email(typed: &str) -> Result<String, Refusal> {
    let email = nfc(typed.trim());
    match visible_email_problem(&email) {
        Some(problem) => Err(Refusal::InvalidFields([("email", problem.to_owned())].into())),
        None => Ok(email),
    }
}

/// Reads a phone that codes may be sent to.
///
/// # Errors
/// [`Refusal::InvalidFields`] with what is wrong with which field.
pub fn read_phone(country_code: &str, phone: &str, numbers: &NumberRules) -> Result<Phone, Refusal> {
    let mut wrong = BTreeMap::new();
    match checked_phone(country_code, phone, numbers, &mut |field, problem| {
        drop(wrong.insert(field, problem));
    }) {
        Some(phone) if wrong.is_empty() => Ok(Phone::new(phone)),
        _ => Err(Refusal::InvalidFields(wrong)),
    }
}

/// A phone, and what is wrong with it.
fn checked_phone(
    country_code: &str,
    phone: &str,
    numbers: &NumberRules,
    note: &mut dyn FnMut(&'static str, String),
) -> Option<PhoneNumber> {
    let read = PhoneNumber::read(country_code, phone);
    if country_code.trim().is_empty() {
        note("countryCode", "Choose the country of this number.".to_owned());
        if phone.trim().is_empty() {
            note("phone", PhoneProblem::Empty.to_string());
        }
        return None;
    }
    match read {
        Err(problem) => {
            let field = match problem {
                PhoneProblem::UnknownCallingCode => "countryCode",
                _ => "phone",
            };
            note(field, problem.to_string());
            None
        }
        Ok(phone) => {
            if let Some(problem) = numbers.problem(&phone) {
                note("phone", problem);
            }
            Some(phone)
        }
    }
}

const INVISIBLE: &str = "Remove invisible and control characters.";

pub(super) fn visible_name_problem(name: &str) -> Option<&'static str> {
    name_problem(name).or_else(|| (!is_visible(name)).then_some(INVISIBLE))
}

fn visible_email_problem(email: &str) -> Option<&'static str> {
    email_problem(email).or_else(|| (!is_visible_address(email)).then_some(INVISIBLE))
}

pub(super) fn username_problem(username: &str) -> Option<&'static str> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if username.is_empty() {
        None
    } else if !USERNAME.contains(&username.chars().count()) {
        Some("A username has 3 to 64 characters.")
    } else if !username.chars().all(allowed) {
        // Without @, a username cannot be somebody's e-mail at the login.
        Some("A username has letters a to z, digits, dots, dashes and underscores.")
    } else {
        None
    }
}

impl Registration {
    /// The owner's own words, which make a password easier to guess.
    #[must_use]
    pub fn about_owner(&self) -> Vec<String> {
        let username = self.username.clone().unwrap_or_default();
        vec![self.full_name.clone(), self.email.clone(), username]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ada() -> NewUser {
        NewUser {
            full_name: "Ada Lovelace".into(),
            email: "ada@example.com".into(),
            phone: "7700 900123".into(),
            country_code: "44".into(),
            password: "notes on the engine".into(),
            username: String::new(),
        }
    }

    fn wrong(change: impl FnOnce(&mut NewUser)) -> Vec<&'static str> {
        let mut new = ada();
        change(&mut new);
        match Registration::read(&new, &NumberRules::default()) {
            Err(Refusal::InvalidFields(fields)) => fields.into_keys().collect(),
            Err(other) => panic!("unexpected {other:?}"),
            Ok(_) => Vec::new(),
        }
    }

    #[test]
    fn every_field_has_its_borders() {
        assert!(wrong(|_| ()).is_empty());
        assert!(wrong(|new| new.full_name = "é".repeat(200)).is_empty());
        assert_eq!(wrong(|new| new.full_name = "é".repeat(201)), ["fullName"]);
        assert_eq!(wrong(|new| new.full_name = " ".into()), ["fullName"]);
        assert_eq!(wrong(|new| new.full_name = "Ada\nRoot".into()), ["fullName"]);
        assert!(wrong(|new| new.email = format!("{}@example.com", "a".repeat(242))).is_empty());
        assert_eq!(wrong(|new| new.email = format!("{}@example.com", "a".repeat(243))), ["email"]);
        for email in ["", "ada", "ada@example", "@example.com", "a b@example.com", "ada@.com", "ada@example."]
        {
            assert_eq!(wrong(|new| new.email = email.into()), ["email"], "{email}");
        }
        for username in ["ab", "ada@example.com", "a da", &"a".repeat(65)] {
            assert_eq!(wrong(|new| new.username = username.into()), ["username"], "{username}");
        }
        assert_eq!(wrong(|new| new.country_code = "999".into()), ["countryCode"]);
        assert_eq!(wrong(|new| new.phone = "12".into()), ["phone"]);
    }

    #[test]
    fn what_cannot_be_seen_is_refused_and_one_look_is_one_text() {
        for hidden in ["\u{200b}", "\u{202e}", "\u{ad}"] {
            assert_eq!(wrong(|new| new.email = format!("ada{hidden}@example.com")), ["email"]);
            assert_eq!(wrong(|new| new.full_name = format!("Ada{hidden}")), ["fullName"]);
        }
        let mut new = ada();
        new.email = "zoe\u{308}@example.com".into();
        let read = Registration::read(&new, &NumberRules::default()).expect("a good e-mail");
        assert_eq!(read.email, "zoë@example.com");
    }

    #[test]
    fn passwords_people_guess_first_are_refused() {
        for password in ["1234567", "iloveyou1", "Countersign1", "countersign", "ada@example.com", "passw0rd"]
        {
            let mut new = ada();
            new.password = password.into();
            let weak = match Registration::read(&new, &NumberRules::default()) {
                Ok(registration) => {
                    let about: Vec<String> = registration.about_owner();
                    let about: Vec<&str> = about.iter().map(String::as_str).collect();
                    crate::domain::password::is_too_weak(&registration.password, &about)
                }
                Err(_) => true,
            };
            assert!(weak, "{password}");
        }
        assert!(wrong(|new| new.password = "🔐🔑🗝️🚪🏠🐦🌲🌊".into()).is_empty());
    }
}
