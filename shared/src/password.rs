//! Rules for a new password, checked by the page and the server before hashing.

/// Minimum length of a password, in characters.
pub const SHORTEST: usize = 8;
/// Maximum length of a password, in characters. All of them are significant.
pub const LONGEST: usize = 200;
/// Recommended length, in characters (NIST SP 800-63B-4).
pub const ADVISED: usize = 15;

/// So many words about the owner are looked for.
const MOST_WORDS: usize = 50;

/// The thousand most common passwords that satisfy the minimum length; sorted, which compresses better.
const COMMON: &str = include_str!("common_passwords.txt");

/// The result of checking a password against the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advice {
    /// In characters, not bytes.
    pub length: usize,
    /// Whether it is one of the thousand most common passwords, ignoring case.
    pub common: bool,
    /// Whether it contains a word of the owner's name, e-mail or username.
    pub personal: bool,
}

impl Advice {
    /// Checks a password. `about_owner`: full name, e-mail and username.
    #[must_use]
    pub fn on(password: &str, about_owner: &[&str]) -> Self {
        let length = password.chars().count();
        if length > LONGEST {
            // Refused in any case, and no work is done on it.
            return Self { length, common: false, personal: false };
        }
        let lower = password.to_lowercase();
        let personal = about_owner
            .iter()
            .flat_map(|text| text.split(|c: char| !c.is_alphanumeric()))
            .filter(|word| word.chars().count() > 3)
            .take(MOST_WORDS)
            .any(|word| lower.contains(&word.to_lowercase()));
        Self { length, common: COMMON.lines().any(|word| word == lower), personal }
    }

    /// Why the password is refused; `None` if it satisfies these rules.
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
