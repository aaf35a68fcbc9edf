//! What both sides say about a new password before anything is hashed.

/// Fewest characters a password may have.
pub const SHORTEST: usize = 8;
/// Most characters a password may have; all of them count.
pub const LONGEST: usize = 200;
/// From this length on a password of ordinary words is hard to guess (NIST SP 800-63B-4).
pub const ADVISED: usize = 15;

/// The thousand most common passwords that are long enough to be accepted otherwise.
const COMMON: &str = include_str!("common_passwords.txt");

/// What can be said of a password without knowing who guesses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advice {
    /// Characters, not bytes.
    pub length: usize,
    /// Whether it is among the thousand most common ones, letter case aside.
    pub common: bool,
    /// Whether it contains the name or the e-mail of its owner.
    pub personal: bool,
}

impl Advice {
    /// Looks at a password beside the full name, the e-mail and the username of its owner.
    #[must_use]
    pub fn on(password: &str, about_owner: &[&str]) -> Self {
        let lower = password.to_lowercase();
        let personal = about_owner
            .iter()
            .flat_map(|text| text.split(|c: char| !c.is_alphanumeric()))
            .filter(|word| word.chars().count() > 3)
            .any(|word| lower.contains(&word.to_lowercase()));
        Self { length: password.chars().count(), common: COMMON.lines().any(|word| word == lower), personal }
    }

    /// Why the password cannot be taken; `None` when this much speaks for it.
    #[must_use]
    pub fn refusal(&self) -> Option<&'static str> {
        if self.length == 0 {
            Some("Choose a password.")
        } else if self.length < SHORTEST {
            Some("Too short: 8 characters are the least.")
        } else if self.length > LONGEST {
            Some("Too long: 200 characters are the most.")
        } else if self.common {
            Some("This is one of the passwords guessed first. Pick three or four unrelated words.")
        } else if self.personal {
            Some("This password contains your name or e-mail. Pick words nobody links to you.")
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: &[&str] = &["Ada Lovelace", "ada.byron@example.com"];

    fn refused(password: &str) -> bool {
        Advice::on(password, ADA).refusal().is_some()
    }

    #[test]
    fn length_counts_characters_and_has_two_ends() {
        assert!(refused(""));
        assert!(refused("7 chars"));
        assert!(!refused("fünf öre"));
        assert!(!refused(&"🔐".repeat(200)));
        assert!(refused(&"🔐".repeat(201)));
    }

    #[test]
    fn common_and_personal_passwords_are_refused_whatever_their_case() {
        assert!(refused("password"));
        assert!(refused("PassWord"));
        assert!(refused("xlovelacex"));
        assert!(refused("MyByronPoems"));
        assert!(!refused("notes on the engine"));
    }
}
