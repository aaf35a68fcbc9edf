//! Phone numbers: validation, grouping and masking.

use std::{borrow::Cow, fmt};

use crate::countries::{COUNTRIES, Country};

/// A stored number, grouped for display: `+44 7700 900123`.
#[must_use]
pub fn written(calling_code: &str, national: &str) -> String {
    let country = COUNTRIES.iter().find(|country| country.calling_code.to_string() == calling_code);
    let grouped = country.map_or_else(|| national.to_owned(), |country| country.group(national));
    format!("+{calling_code} {grouped}")
}

/// An E.164 number, grouped for display.
#[must_use]
pub fn written_e164(number: &str) -> String {
    match PhoneNumber::from_e164(number) {
        Some(phone) => written(phone.calling_code(), phone.national()),
        None => number.to_owned(),
    }
}

/// The number of digits of the calling code at the start of `digits`. The codes of zones 1 and 7 have one
/// digit, the listed codes two, all others three. No code is a prefix of another (ITU-T E.164, list of
/// assigned country codes).
fn calling_code_length(digits: &str) -> usize {
    const TWO_DIGITS: [&str; 44] = [
        "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47", "48",
        "49", "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65", "66", "81",
        "82", "84", "86", "90", "91", "92", "93", "94", "95", "98",
    ];
    match digits.get(..2) {
        _ if digits.starts_with(['1', '7']) => 1,
        Some(two) if TWO_DIGITS.contains(&two) => 2,
        _ => 3,
    }
}

/// A possible phone number: calling code and national digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhoneNumber {
    calling_code: String,
    national: String,
}

/// Why a text is not a possible phone number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PhoneProblem {
    /// No country has this calling code.
    UnknownCallingCode,
    /// Nothing was given.
    Empty,
    /// It contains characters other than digits and punctuation.
    NotDigits,
    /// It starts with another calling code than the chosen one.
    OtherCallingCode,
    /// It has an impossible number of digits.
    Length {
        /// Name of the country, or the calling code if several countries share it.
        place: String,
        /// Number of national digits given.
        given: usize,
        /// Smallest possible number of digits.
        least: u8,
        /// Largest possible number of digits.
        most: u8,
    },
}

impl PhoneProblem {
    /// The problem of a number with `given` digits, which is not a possible length in this country.
    #[must_use]
    pub fn length_in(country: &Country, given: usize) -> Self {
        Self::Length {
            place: article(country.name).into_owned(),
            given,
            least: country.lengths.iter().copied().min().unwrap_or_default(),
            most: country.lengths.iter().copied().max().unwrap_or_default(),
        }
    }
}

impl fmt::Display for PhoneProblem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownCallingCode => out.write_str("No country has this calling code."),
            Self::Empty => out.write_str("Enter the number of your phone."),
            Self::NotDigits => out.write_str("A phone number has digits only."),
            Self::OtherCallingCode => {
                out.write_str("This number begins with another country code than the one chosen.")
            }
            Self::Length { place, given, least, most } => {
                let how = if given < &usize::from(*least) {
                    "Too short"
                } else if given > &usize::from(*most) {
                    "Too long"
                } else {
                    "Not a length in use"
                };
                let needed = if least == most { least.to_string() } else { format!("{least} to {most}") };
                write!(out, "{how} for {place}: {given} digits, {needed} needed.")
            }
        }
    }
}

/// What is wrong with a number typed for this country; `None` if it is possible. It uses only the table
/// of countries, for feedback during input. The server parses numbers with the full numbering plans.
#[must_use]
pub fn problem(country: &Country, number: &str) -> Option<PhoneProblem> {
    let Some(all) = digits(number) else { return Some(PhoneProblem::NotDigits) };
    if all.is_empty() {
        return Some(PhoneProblem::Empty);
    }
    let code = country.calling_code.to_string();
    let international = match number.trim_start().strip_prefix('+') {
        Some(_) => Some(all.as_str()),
        None => all.strip_prefix("00"),
    };
    let national = match international.map(|digits| digits.strip_prefix(code.as_str())) {
        Some(None) => return Some(PhoneProblem::OtherCallingCode),
        Some(Some(national)) => national,
        None => &all,
    };
    let possible = |digits: &str| country.lengths.iter().any(|length| usize::from(*length) == digits.len());
    let without_trunk = national.strip_prefix(country.trunk).unwrap_or(national);
    if possible(national) || possible(without_trunk) {
        return None;
    }
    let national = if country.trunk == "0" { without_trunk } else { national };
    Some(PhoneProblem::length_in(country, national.len()))
}

impl PhoneNumber {
    #[cfg(feature = "numbering")]
    pub(crate) fn of(calling_code: String, national: String) -> Self {
        Self { calling_code, national }
    }

    /// Splits a stored number, `+` and digits, into calling code and national number; `None` if it does
    /// not have that form. Whether the number is possible is not checked.
    #[must_use]
    pub fn from_e164(number: &str) -> Option<Self> {
        let digits = number.strip_prefix('+')?;
        let is_number = (5..=17).contains(&digits.len()) && digits.bytes().all(|c| c.is_ascii_digit());
        let (calling_code, national) =
            digits.split_at_checked(calling_code_length(digits)).filter(|_| is_number)?;
        Some(Self { calling_code: calling_code.to_owned(), national: national.to_owned() })
    }

    /// Calling code, digits only.
    #[must_use]
    pub fn calling_code(&self) -> &str {
        &self.calling_code
    }

    /// National number, digits only, without trunk prefix.
    #[must_use]
    pub fn national(&self) -> &str {
        &self.national
    }

    /// `+` and all digits (ITU-T E.164).
    #[must_use]
    pub fn e164(&self) -> String {
        format!("+{}{}", self.calling_code, self.national)
    }
}

/// The name of a country within a sentence, with its article.
pub(crate) fn article(name: &str) -> Cow<'_, str> {
    let takes_one = ["United ", "Netherlands", "Philippines", "Bahamas", "Maldives", "Gambia"];
    if takes_one.iter().any(|start| name.starts_with(start)) || name.ends_with(" Islands") {
        Cow::Owned(format!("the {name}"))
    } else {
        Cow::Borrowed(name)
    }
}

/// The ASCII digits of a text; `None` if it contains letters or other digits.
pub(crate) fn digits(text: &str) -> Option<String> {
    text.chars().filter(|c| c.is_alphanumeric()).map(|c| c.is_ascii_digit().then_some(c)).collect()
}

/// The masked number that is shown before sign-in is complete: `+1 •••-•••-1234`. Of a number with fewer
/// than eight national digits only the last two are shown.
#[must_use]
pub fn mask(calling_code: &str, national: &str) -> String {
    let shown = if national.len() < 8 { 2 } else { 4 };
    let tail = &national[national.len().saturating_sub(shown)..];
    format!("+{calling_code} •••-•••-{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(iso: &str, number: &str) -> Option<PhoneProblem> {
        problem(Country::by_iso(iso).expect("a country"), number)
    }

    #[test]
    fn every_example_can_be_and_keeps_its_digits_when_grouped() {
        for country in &COUNTRIES {
            assert_eq!(problem(country, country.example), None, "{}", country.iso);
            let grouped = country.group(country.example);
            assert_eq!(grouped.replace(' ', ""), country.example);
            assert_eq!(problem(country, &format!("+{} {grouped}", country.calling_code)), None);
        }
    }

    #[test]
    fn national_and_international_forms_can_be() {
        for written in
            ["7700 900123", "07700 900123", "+44 7700 900123", "0044 7700-900123", "(07700) 900.123"]
        {
            assert_eq!(said("GB", written), None, "{written}");
        }
        assert_eq!(said("US", "1 (212) 555-0134"), None);
        assert_eq!(said("IT", "06 1234 5678"), None);
    }

    #[test]
    fn what_cannot_be_is_said_with_its_reason() {
        assert_eq!(said("GB", ""), Some(PhoneProblem::Empty));
        assert_eq!(said("GB", "７７００９００１２３"), Some(PhoneProblem::NotDigits));
        assert_eq!(said("GB", "+1 212 555 0134"), Some(PhoneProblem::OtherCallingCode));
        let short = said("SE", "123").expect("three digits are too few");
        assert!(short.to_string().starts_with("Too short for Sweden: 3 digits,"), "{short}");
        let long = said("US", "212555013412").expect("twelve digits are too many");
        assert_eq!(long.to_string(), "Too long for the United States: 12 digits, 10 needed.");
    }

    #[test]
    fn the_calling_code_of_every_country_is_split_off_its_e164_number() {
        for country in &COUNTRIES {
            let number = format!("+{}{}", country.calling_code, country.example);
            let phone = PhoneNumber::from_e164(&number).expect("a number");
            assert_eq!(phone.calling_code(), country.calling_code.to_string(), "{number}");
            assert_eq!(phone.national(), country.example);
            assert_eq!(phone.e164(), number);
        }
    }

    #[test]
    fn the_digits_tell_which_country_a_number_belongs_to() {
        for (number, said) in [
            ("+447700900123", "+44 7700 900123"),
            ("+12125550134", "+1 212 555 0134"),
            ("+35812345678", "+358 12 345678"),
            ("+999", "+999"),
            ("", ""),
        ] {
            assert_eq!(written_e164(number).replace(' ', ""), said.replace(' ', ""));
            assert_eq!(written_e164(number).split(' ').next(), said.split(' ').next(), "{number}");
        }
    }

    #[test]
    fn a_mask_leaves_the_end_alone() {
        assert_eq!(mask("1", "2125550134"), "+1 •••-•••-0134");
        assert_eq!(mask("247", "40123"), "+247 •••-•••-23");
    }
}
