//! Parsing of phone numbers with the numbering plans of libphonenumber.
//!
//! Only impossible numbers are refused: those with an unknown calling code or a length that the country
//! does not use. Numbers reserved for fiction are accepted.

use rlibphonenumber::{
    NumberLengthType, PHONE_NUMBER_UTIL, ParseError, PhoneNumber as Parsed, PhoneNumberType, ValidationError,
    get_national_significant_number_owned as significant,
};

use crate::{
    countries::{COUNTRIES, Country},
    phone::{PhoneNumber, PhoneProblem, article, digits},
};

/// No notation of a number is longer, including RFC 3966 with all its punctuation.
const LONGEST: usize = 64;

impl PhoneNumber {
    /// Reads a calling code and a number, each with any punctuation. The number may be national,
    /// with or without trunk digit, or international after a plus or `00`.
    ///
    /// # Errors
    /// When it is not a possible number.
    pub fn read(calling_code: &str, number: &str) -> Result<Self, PhoneProblem> {
        let code = digits(calling_code).ok_or(PhoneProblem::UnknownCallingCode)?;
        let region = code.parse().ok().filter(|_| code.len() <= 3 && !code.starts_with('0'));
        let region = region.and_then(|code: i32| PHONE_NUMBER_UTIL.get_region_for_country_code(code));
        let region = region.ok_or(PhoneProblem::UnknownCallingCode)?;
        let all = digits(number).ok_or(PhoneProblem::NotDigits)?;
        if all.is_empty() {
            return Err(PhoneProblem::Empty);
        }
        if number.len() > LONGEST {
            return Err(wrong_length(&code, all.len()));
        }
        let international = match number.trim_start().strip_prefix('+') {
            Some(_) => Some(all.as_str()),
            None => all.strip_prefix("00"),
        };
        let parsed = match international {
            Some(digits) if !digits.starts_with(&code) => return Err(PhoneProblem::OtherCallingCode),
            Some(digits) => PHONE_NUMBER_UTIL.parse(format!("+{digits}"), None),
            None => PHONE_NUMBER_UTIL.parse(&all, Some(region)),
        };
        possible(parsed, &code, all.len())
    }

    /// Reads a number in international form, including the plus.
    ///
    /// # Errors
    /// When it is not a possible number.
    pub fn read_e164(number: &str) -> Result<Self, PhoneProblem> {
        let all = digits(number).ok_or(PhoneProblem::NotDigits)?;
        if all.is_empty() {
            return Err(PhoneProblem::Empty);
        }
        if !number.trim_start().starts_with('+') || number.len() > LONGEST {
            return Err(PhoneProblem::UnknownCallingCode);
        }
        let parsed = PHONE_NUMBER_UTIL.parse(format!("+{all}"), None);
        let code = parsed.as_ref().map(|parsed| parsed.country_code.to_string()).unwrap_or_default();
        let given = all.len().saturating_sub(code.len());
        possible(parsed, &code, given)
    }
}

/// Calling codes of expensive non-geographic services: satellite and global networks, universal
/// personal and shared-cost numbers (ITU-T E.164, list of assigned codes).
const COSTLY_CALLING_CODES: [&str; 10] =
    ["808", "870", "875", "876", "877", "878", "881", "882", "883", "979"];

impl PhoneNumber {
    /// Whether it is a premium-rate, shared-cost, personal, pager or satellite number, which costs the caller more than
    /// usual or pays its owner.
    #[must_use]
    pub fn is_costly(&self) -> bool {
        if COSTLY_CALLING_CODES.contains(&self.calling_code()) {
            return true;
        }
        let parsed = PHONE_NUMBER_UTIL.parse(self.e164(), None);
        let kind = parsed.ok().map(|parsed| PHONE_NUMBER_UTIL.get_number_type(&parsed));
        use PhoneNumberType::{Pager, PersonalNumber, PremiumRate, SharedCost};
        matches!(kind, Some(PremiumRate | SharedCost | PersonalNumber | Pager))
    }

    /// The regions this number can belong to, as ISO 3166 codes: one if the number identifies it,
    /// otherwise all regions that share its calling code.
    #[must_use]
    pub fn regions(&self) -> Vec<String> {
        let parsed = PHONE_NUMBER_UTIL.parse(self.e164(), None).ok();
        let exact = parsed.and_then(|parsed| PHONE_NUMBER_UTIL.get_region_for_number(&parsed));
        if let Some(region) = exact {
            // The names of the variants are the ISO codes.
            return vec![format!("{region:?}")];
        }
        let code = self.calling_code().parse().unwrap_or_default();
        let all = PHONE_NUMBER_UTIL.get_regions_for_country_calling_code(code);
        all.map(|regions| regions.map(|region| format!("{region:?}")).collect()).unwrap_or_default()
    }
}

fn possible(
    parsed: Result<Parsed, ParseError>,
    code: &str,
    given: usize,
) -> Result<PhoneNumber, PhoneProblem> {
    let parsed = match parsed {
        Ok(parsed) if parsed.country_code.to_string() == code => parsed,
        Ok(_) => return Err(PhoneProblem::OtherCallingCode),
        Err(ParseError::InvalidCountryCode) => return Err(PhoneProblem::UnknownCallingCode),
        Err(_) => return Err(wrong_length(code, given)),
    };
    let national = significant(&parsed);
    match PHONE_NUMBER_UTIL.is_possible_number_with_reason(&parsed) {
        Ok(NumberLengthType::IsPossible) => Ok(PhoneNumber::of(code.to_owned(), national)),
        Err(ValidationError::InvalidCountryCode) => Err(PhoneProblem::UnknownCallingCode),
        // A number without an area code cannot receive a message.
        Ok(NumberLengthType::IsPossibleLocalOnly) | Err(_) => Err(wrong_length(code, national.len())),
    }
}

fn wrong_length(code: &str, given: usize) -> PhoneProblem {
    let places: Vec<&Country> =
        COUNTRIES.iter().filter(|country| country.calling_code.to_string() == code).collect();
    let lengths = || places.iter().flat_map(|at| at.lengths.iter().copied());
    PhoneProblem::Length {
        place: match places.as_slice() {
            [only] => article(only.name).into_owned(),
            _ => format!("+{code}"),
        },
        given,
        least: lengths().min().unwrap_or(4),
        most: lengths().max().unwrap_or(15),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn national(code: &str, number: &str) -> Result<String, PhoneProblem> {
        PhoneNumber::read(code, number).map(|phone| phone.national().to_owned())
    }

    #[test]
    fn the_examples_of_every_region_are_read_in_every_form() {
        use rlibphonenumber::{PhoneNumberFormat, PhoneNumberType};
        let mut seen = 0;
        for region in PHONE_NUMBER_UTIL.get_supported_regions() {
            for kind in [PhoneNumberType::Mobile, PhoneNumberType::FixedLine] {
                let Ok(example) = PHONE_NUMBER_UTIL.get_example_number_for_type_and_region(region, kind)
                else {
                    continue;
                };
                let (code, digits) = (example.country_code.to_string(), significant(&example));
                for format in
                    [PhoneNumberFormat::E164, PhoneNumberFormat::International, PhoneNumberFormat::National]
                {
                    let written = PHONE_NUMBER_UTIL.format(&example, format).into_owned();
                    assert_eq!(national(&code, &written).as_ref(), Ok(&digits), "{region:?} {written}");
                }
                assert_eq!(national(&code, &digits).as_ref(), Ok(&digits), "{region:?} {digits}");
                let e164 = format!("+{code}{digits}");
                let read = PhoneNumber::read_e164(&e164).map(|phone| phone.e164());
                assert_eq!(read.as_ref(), Ok(&e164), "{region:?}");
                seen += 1;
            }
        }
        assert!(seen > 450, "{seen}");
    }

    #[test]
    fn every_country_of_the_picker_is_a_calling_code_with_its_example() {
        for country in &COUNTRIES {
            let code = country.calling_code.to_string();
            assert_eq!(national(&code, country.example).as_deref(), Ok(country.example), "{}", country.iso);
        }
    }

    #[test]
    fn national_and_international_forms_are_one_number() {
        for written in
            ["7700 900123", "07700 900123", "+44 7700 900123", "0044 7700-900123", "(07700) 900.123"]
        {
            assert_eq!(national("44", written).as_deref(), Ok("7700900123"), "{written}");
        }
        assert_eq!(national("+1", "1 (212) 555-0134").as_deref(), Ok("2125550134"));
        // Italian numbers keep the zero. Some Russian numbers start with the trunk digit.
        assert_eq!(national("39", "06 1234 5678").as_deref(), Ok("0612345678"));
        assert_eq!(national("39", "391 231 2312").as_deref(), Ok("3912312312"));
        assert_eq!(national("7", "8 (800) 555-35-35").as_deref(), Ok("8005553535"));
        assert_eq!(national("7", "+7 800 555 35 35").as_deref(), Ok("8005553535"));
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_reason() {
        for code in ["999", "", "0", "044", "12345678", "x"] {
            assert_eq!(national(code, "12345678"), Err(PhoneProblem::UnknownCallingCode), "{code}");
        }
        assert_eq!(national("44", ""), Err(PhoneProblem::Empty));
        assert_eq!(national("44", " - "), Err(PhoneProblem::Empty));
        assert_eq!(national("44", "７７００９００１２３"), Err(PhoneProblem::NotDigits));
        assert_eq!(national("44", "7700 900 ADA"), Err(PhoneProblem::NotDigits));
        assert_eq!(national("44", "+1 212 555 0134"), Err(PhoneProblem::OtherCallingCode));
        let short = national("46", "123").expect_err("three digits are too few");
        assert!(short.to_string().starts_with("Too short for Sweden: 3 digits,"), "{short}");
        let long = national("1", "212555013412").expect_err("twelve digits are too many");
        assert_eq!(long.to_string(), "Too long for +1: 12 digits, 10 needed.");
        assert!(matches!(national("44", &"7".repeat(5000)), Err(PhoneProblem::Length { .. })));
        for bad in ["", "7700900123", "447700900123", "+", "+999123456", "+44", "+12", "+1212555013412"] {
            assert!(PhoneNumber::read_e164(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn numbers_that_cost_more_are_known() {
        let costly = |number: &str| PhoneNumber::read_e164(number).expect("a number").is_costly();
        for number in ["+449098790123", "+19002345678", "+881612345678", "+870773111632", "+448431234567"] {
            assert!(costly(number), "{number}");
        }
        for number in ["+447700900123", "+12125550134", "+4915112345678"] {
            assert!(!costly(number), "{number}");
        }
    }

    #[test]
    fn a_number_tells_its_regions() {
        let regions = |number: &str| PhoneNumber::read_e164(number).expect("a number").regions();
        assert_eq!(regions("+12125550134"), ["US"]);
        assert_eq!(regions("+14165550134"), ["CA"]);
        assert!(regions("+447700900123").contains(&"GB".to_owned()));
    }
}
