//! What an authenticator app is told, and its picture.

use std::time::Duration;

use qrcode::{Color, QrCode};
use shared::Authenticator;
use url::Url;

/// A factor is changed only so soon after the phone has answered in the same session
/// (NIST SP 800-63B-4 §6.1.2.1).
pub const FRESH_FOR: Duration = Duration::from_secs(20 * 60);

/// Blank modules around the picture (ISO/IEC 18004 §6.3.8).
const QUIET: usize = 4;

/// Reads an `otpauth` address (Key URI format) and draws it; `None` where it is none, or its
/// secret has fewer than 112 bits (NIST SP 800-63B-4 §5.1.4.1).
#[must_use]
pub fn of_uri(uri: &str) -> Option<Authenticator> {
    const SHORTEST_SECRET: usize = 112 / 5;
    let url = Url::parse(uri).ok()?;
    if url.scheme() != "otpauth" || url.host_str() != Some("totp") {
        return None;
    }
    let value =
        |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let secret = value("secret")?;
    let is_base32 = |c: u8| c.is_ascii_uppercase() || (b'2'..=b'7').contains(&c) || c == b'=';
    if secret.len() < SHORTEST_SECRET || !secret.bytes().all(is_base32) {
        return None;
    }
    let path = percent_encoding::percent_decode_str(url.path().trim_start_matches('/')).decode_utf8_lossy();
    let (before, label) = path.split_once(':').unwrap_or(("", &path));
    Some(Authenticator {
        issuer: value("issuer").unwrap_or_else(|| before.to_owned()),
        label: label.trim().to_owned(),
        secret,
        svg: svg(uri)?,
        uri: uri.to_owned(),
    })
}

/// One path of squares on a white ground: cameras want dark on light, whatever the page's colours.
fn svg(text: &str) -> Option<String> {
    let code = QrCode::new(text).ok()?;
    let width = code.width();
    let mut path = String::new();
    for (at, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            path += &format!("M{} {}h1v1h-1z", at % width + QUIET, at / width + QUIET);
        }
    }
    let side = width + 2 * QUIET;
    Some(format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h{side}v{side}H0z"/><path fill="#000" d="{path}"/></svg>"##
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "MZXW6YTBMZXW6YTBMZXW6YTBMZXW6YTB";

    #[test]
    fn an_address_is_read_and_drawn() {
        let uri = format!("otpauth://totp/Countersign:ada%40example.com?secret={SECRET}&issuer=Countersign");
        let read = of_uri(&uri).expect("a good address");
        assert_eq!((read.issuer.as_str(), read.label.as_str()), ("Countersign", "ada@example.com"));
        assert_eq!(read.secret, SECRET);
        assert!(read.svg.starts_with("<svg ") && read.svg.contains("M4 4h1v1h-1z"));
    }

    #[test]
    fn what_is_no_such_address_is_none() {
        for uri in [
            "".to_owned(),
            format!("https://totp/x?secret={SECRET}"),
            format!("otpauth://hotp/x?secret={SECRET}"),
            "otpauth://totp/x".to_owned(),
            "otpauth://totp/x?secret=MZXW6YTB".to_owned(),
            format!("otpauth://totp/x?secret={}", SECRET.to_lowercase()),
        ] {
            assert!(of_uri(&uri).is_none(), "{uri}");
        }
    }
}
