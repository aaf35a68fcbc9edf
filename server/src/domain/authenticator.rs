//! Authenticator apps: time-based one-time passwords (RFC 6238) and the QR code that enrols them.

use std::time::Duration;

use qrcode::{Color, QrCode};
use totp_rs::{Algorithm, Builder, Totp};

use super::{clock::Timestamp, code::Code, ids::Random};

/// Factors may be changed for so long after a factor passed in the same session (NIST SP 800-63B-4
/// §6.1.2.1).
pub const STEP_UP_LASTS: Duration = Duration::from_secs(20 * 60);
/// A second enrolment is refused while an unconfirmed one is younger than this.
pub const ENROLMENT_INTERVAL: Duration = Duration::from_secs(60);
/// An unconfirmed enrolment can be confirmed for so long.
pub const ENROLMENT_LIFETIME: Duration = Duration::from_secs(60 * 60);

/// Digits, seconds per step, and steps before and after the current one (RFC 6238 §5.2); the values
/// every authenticator app supports.
const DIGITS: u8 = 6;
const PERIOD: u64 = 30;
const SKEW: u16 = 1;
/// Blank modules around a QR code (ISO/IEC 18004 §6.3.8).
const QUIET_ZONE: usize = 4;

/// Bytes of a secret: 128 bits at least (RFC 4226 §4).
const LENGTHS: std::ops::RangeInclusive<usize> = 16..=64;

/// An authenticator app's secret: 160 bits where it was made here.
#[derive(Clone, PartialEq, Eq)]
pub struct TotpSecret(Vec<u8>);

/// What an app needs to know.
#[derive(Clone)]
pub struct Enrolment {
    /// The secret in base32.
    pub secret: String,
    /// The secret as an `otpauth` address (Key URI format).
    pub otpauth: String,
    /// The address as a QR code, an `svg` element.
    pub svg: String,
}

impl TotpSecret {
    /// A new one.
    #[must_use]
    pub fn new(random: Random) -> Self {
        Self(random.bytes::<20>().to_vec())
    }

    /// One that was stored; `None` where the length is wrong.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        LENGTHS.contains(&bytes.len()).then(|| Self(bytes.to_vec()))
    }

    /// One from elsewhere, in base32 (RFC 4648 §6); `None` where it is none or too short.
    #[must_use]
    pub fn from_base32(text: &str) -> Option<Self> {
        let text: String = text.chars().filter(|c| !c.is_whitespace() && *c != '=').collect();
        let alphabet = base32::Alphabet::Rfc4648 { padding: false };
        Self::from_bytes(&base32::decode(alphabet, &text.to_ascii_uppercase())?)
    }

    /// To be stored, encrypted.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    fn totp(&self) -> Builder {
        Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_digits(DIGITS)
            .with_step_duration(PERIOD)
            .with_skew(SKEW)
            .with_secret(self.0.clone())
    }

    /// The step a code belongs to: the current one or a neighbour, and later than `last_used`. A
    /// step is accepted once, and so are all steps before it (RFC 6238 §5.2).
    #[must_use]
    pub fn step_of(&self, code: &Code, now: Timestamp, last_used: Option<i64>) -> Option<i64> {
        let totp = self.totp().build().expect("the parameters are right");
        let seconds = u64::try_from(now.0.div_euclid(1000)).ok()?;
        let step = i64::try_from(totp.check(code.digits(), seconds)?).ok()?;
        (last_used.is_none_or(|used| step > used)).then_some(step)
    }

    /// What the app of `account` needs to know.
    #[must_use]
    pub fn enrolment(&self, issuer: &str, account: &str) -> Enrolment {
        // A colon separates issuer and account in the address.
        let (issuer, account) = (issuer.replace(':', " "), account.replace(':', "_"));
        let totp: Totp = self
            .totp()
            .with_issuer(Some(issuer))
            .with_account_name(account)
            .build()
            .expect("the parameters are right");
        let otpauth = totp.to_url().expect("the account has a name");
        let svg = svg(&otpauth);
        Enrolment { secret: totp.secret().to_base32(), otpauth, svg }
    }
}

/// One path of squares on a white ground: cameras need dark on light, whatever the page's colours.
fn svg(text: &str) -> String {
    let code = QrCode::new(text).expect("an address fits into a QR code");
    let width = code.width();
    let mut path = String::new();
    for (at, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            path += &format!("M{} {}h1v1h-1z", at % width + QUIET_ZONE, at / width + QUIET_ZONE);
        }
    }
    let side = width + 2 * QUIET_ZONE;
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h{side}v{side}H0z"/><path fill="#000" d="{path}"/></svg>"##
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238 appendix B, SHA-1; the last six of eight digits.
    #[test]
    fn codes_are_those_of_rfc_6238() {
        let secret = TotpSecret(b"12345678901234567890".to_vec());
        for (seconds, digits) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let code = Code::read(digits).expect("six digits");
            assert_eq!(secret.step_of(&code, Timestamp(seconds * 1000), None), Some(seconds / 30));
        }
    }

    #[test]
    fn one_step_before_and_after_is_accepted_and_no_step_twice() {
        let secret = TotpSecret(b"12345678901234567890".to_vec());
        let code = Code::read("287082").expect("six digits");
        let at = |seconds: i64, used| secret.step_of(&code, Timestamp(seconds * 1000), used);
        assert_eq!((at(0, None), at(29, None)), (Some(1), Some(1)), "one step early");
        assert_eq!((at(60, None), at(89, None)), (Some(1), Some(1)), "one step late");
        assert_eq!(at(90, None), None, "two steps late");
        assert_eq!(at(59, Some(0)), Some(1));
        assert_eq!((at(59, Some(1)), at(59, Some(2))), (None, None), "used, or a later one was");
    }

    #[test]
    fn an_enrolment_names_issuer_and_account_and_is_drawn() {
        let secret = TotpSecret(b"12345678901234567890".to_vec());
        let enrolment = secret.enrolment("Countersign", "ada:l@example.com");
        assert_eq!(enrolment.secret, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        let url = url::Url::parse(&enrolment.otpauth).expect("an address");
        assert_eq!((url.scheme(), url.host_str()), ("otpauth", Some("totp")));
        let value =
            |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        assert_eq!(value("secret").as_deref(), Some(enrolment.secret.as_str()));
        assert_eq!(value("issuer").as_deref(), Some("Countersign"));
        assert!(url.path().ends_with("ada_l%40example.com"), "{url}");
        assert!(enrolment.svg.starts_with("<svg ") && enrolment.svg.contains("M4 4h1v1h-1z"));
    }
}
