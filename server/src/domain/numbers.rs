//! Which phone numbers codes may be sent to.

use std::collections::BTreeSet;

use shared::phone::PhoneNumber;

/// Premium-rate, shared-cost and satellite numbers are never sent to; `ALLOWED_COUNTRIES` narrows
/// further.
#[derive(Debug, Clone, Default)]
pub struct NumberRules {
    /// ISO 3166 codes; `None` for all.
    allowed: Option<BTreeSet<String>>,
}

impl NumberRules {
    /// Allows these countries alone.
    #[must_use]
    pub fn allowing(countries: BTreeSet<String>) -> Self {
        Self { allowed: Some(countries) }
    }

    /// Why nothing is sent to this number; `None` where it may be.
    #[must_use]
    pub fn problem(&self, phone: &PhoneNumber) -> Option<String> {
        if phone.is_costly() {
            return Some("We can't send codes to this kind of number. Use a mobile number.".to_owned());
        }
        let allowed = self.allowed.as_ref()?;
        let is_allowed = phone.regions().iter().any(|region| allowed.contains(region));
        (!is_allowed)
            .then(|| format!("Numbers from this country aren't supported (+{}).", phone.calling_code()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_that_are_not_listed_are_refused() {
        let rules = NumberRules::allowing(["GB", "US"].map(str::to_owned).into());
        let problem = |number: &str| rules.problem(&PhoneNumber::read_e164(number).expect("a number"));
        assert_eq!(problem("+447700900123"), None);
        assert_eq!(problem("+12125550134"), None);
        assert!(problem("+14165550134").is_some(), "Canada shares the calling code of the US");
        assert!(problem("+4915112345678").is_some());
        assert!(problem("+449098790123").is_some(), "premium-rate numbers are refused everywhere");
    }
}
