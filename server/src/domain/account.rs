//! Accounts: what a person gives, read into values that hold.

use std::collections::BTreeMap;

use shared::{
    NewUser,
    account::{email_problem, name_problem},
    password::Advice,
    phone::{PhoneNumber, PhoneProblem},
};

use super::{refusal::Refusal, secret::Secret};

const USERNAME: std::ops::RangeInclusive<usize> = 3..=64;

/// A sign-up whose every field can be.
#[derive(Debug)]
pub struct Registration {
    /// As given, without blanks around it.
    pub full_name: String,
    /// As given.
    pub email: String,
    /// As given.
    pub username: Option<String>,
    /// Checked for what a number can be, no more.
    pub phone: PhoneNumber,
    /// Not hashed yet.
    pub password: Secret,
}

/// What e-mails and usernames are compared by: letter case is no difference.
#[must_use]
pub fn key(text: &str) -> String {
    text.trim().to_lowercase()
}

impl Registration {
    /// Reads all fields and says of each what is wrong with it.
    ///
    /// # Errors
    /// [`Refusal::InvalidFields`].
    pub fn read(new: &NewUser) -> Result<Self, Refusal> {
        let mut wrong = BTreeMap::new();
        let mut note = |field, problem: Option<String>| {
            if let Some(problem) = problem {
                wrong.insert(field, problem);
            }
        };
        let (full_name, email, username) = (new.full_name.trim(), new.email.trim(), new.username.trim());
        note("fullName", name_problem(full_name).map(str::to_owned));
        note("email", email_problem(email).map(str::to_owned));
        note("username", username_problem(username).map(str::to_owned));
        note("password", password_problem(&new.password, &[full_name, email, username]));
        let phone = PhoneNumber::read(&new.country_code, &new.phone);
        if new.country_code.trim().is_empty() {
            note("countryCode", Some("Choose the country of this number.".to_owned()));
            note("phone", new.phone.trim().is_empty().then(|| PhoneProblem::Empty.to_string()));
        } else if let Err(problem) = &phone {
            let field = match problem {
                PhoneProblem::UnknownCallingCode => "countryCode",
                _ => "phone",
            };
            note(field, Some(problem.to_string()));
        }
        match phone {
            Ok(phone) if wrong.is_empty() => Ok(Self {
                full_name: full_name.to_owned(),
                email: email.to_owned(),
                username: (!username.is_empty()).then(|| username.to_owned()),
                phone,
                password: Secret::new(new.password.clone()),
            }),
            _ => Err(Refusal::InvalidFields(wrong)),
        }
    }
}

fn username_problem(username: &str) -> Option<&'static str> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if username.is_empty() {
        None
    } else if !USERNAME.contains(&username.chars().count()) {
        Some("A username has 3 to 64 characters.")
    } else if !username.chars().all(allowed) {
        // Without @, no username can pass for somebody's e-mail at the login.
        Some("A username has letters a to z, digits, dots, dashes and underscores.")
    } else {
        None
    }
}

/// Beyond what both sides check, the server asks zxcvbn how many guesses a password takes: a
/// million are through the most used ones, the owner's own words, and their usual variations.
fn password_problem(password: &str, about_owner: &[&str]) -> Option<String> {
    const FEWEST_GUESSES_LOG10: f64 = 6.0;
    if let Some(refusal) = Advice::on(password, about_owner).refusal() {
        return Some(refusal.to_owned());
    }
    let mut known = about_owner.to_vec();
    known.push("countersign");
    let guesses = zxcvbn::zxcvbn(password, &known).guesses_log10();
    (guesses < FEWEST_GUESSES_LOG10)
        .then(|| "Too easy to guess. Pick three or four unrelated words.".to_owned())
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
        match Registration::read(&new) {
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
    fn passwords_people_guess_first_are_refused() {
        for password in ["1234567", "iloveyou1", "Countersign1", "countersign", "ada@example.com", "passw0rd"]
        {
            assert_eq!(wrong(|new| new.password = password.into()), ["password"], "{password}");
        }
        assert!(wrong(|new| new.password = "🔐🔑🗝️🚪🏠🐦🌲🌊".into()).is_empty());
    }
}
