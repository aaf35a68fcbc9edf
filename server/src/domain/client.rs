//! The client a request comes from, as limits and approval requests see it.

use std::net::{IpAddr, SocketAddr};

use super::ids::{DeviceId, RememberedId, Token};

/// Who is asking.
#[derive(Debug, Clone)]
pub struct Client {
    /// Browser or program, in words.
    pub browser: String,
    /// Network address.
    pub address: IpAddr,
    /// Whether limits per address apply: in development not to loopback.
    pub limited: bool,
    /// What the device cookie claims, if its signature is right.
    pub device: Option<DeviceClaim>,
    /// What the cookie of a remembered browser claims.
    pub remembered: Option<RememberedClaim>,
    /// Whether the client keeps its session in the cookie alone.
    pub cookie_only: bool,
}

/// What a cookie of a remembered browser claims.
#[derive(Debug, Clone)]
pub struct RememberedClaim {
    /// The browser.
    pub id: RememberedId,
    /// Its token.
    pub token: Token,
}

impl RememberedClaim {
    /// Reads a cookie's value.
    #[must_use]
    pub fn read(cookie: &str) -> Option<Self> {
        let (id, token) = cookie.split_once('.')?;
        Some(Self { id: RememberedId::sent(id)?, token: Token::sent(token) })
    }
}

/// A device cookie's content. It is a known device of the user only if the password version is the
/// user's current one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceClaim {
    /// The device.
    pub device: DeviceId,
    /// The user who signed in there.
    pub user: super::ids::UserId,
    /// Version of the user's password at that time.
    pub password_version: i32,
}

impl Client {
    /// The rate-limit key: an IPv4 address, or the /64 one IPv6 customer has (RFC 6177).
    #[must_use]
    pub fn narrow_key(&self) -> String {
        match self.address {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("{:x}/64", u128::from(address) >> 64),
        }
    }

    /// The wider network around an IPv6 address, its /48.
    #[must_use]
    pub fn wide_key(&self) -> Option<String> {
        match self.address {
            IpAddr::V4(_) => None,
            IpAddr::V6(address) => Some(format!("{:x}/48", u128::from(address) >> 80)),
        }
    }

    /// The known device of this user, if the request comes from one.
    #[must_use]
    pub fn known_device(&self, user: &super::ids::UserId, password_version: i32) -> Option<&DeviceId> {
        let claim = self.device.as_ref()?;
        (claim.user == *user && claim.password_version == password_version).then_some(&claim.device)
    }
}

/// Reads an address as proxies write it: with or without a port, brackets around IPv6, any letter
/// case; IPv4 mapped into IPv6 becomes IPv4 (RFC 4291 §2.5.5.2).
#[must_use]
pub fn read_address(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"');
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse::<IpAddr>().ok();
    let address = address.or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()));
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(address: &str) -> Client {
        Client {
            browser: String::new(),
            address: read_address(address).expect("an address"),
            limited: true,
            device: None,
            remembered: None,
            cookie_only: false,
        }
    }

    #[test]
    fn an_address_is_the_same_however_it_is_written() {
        for written in [
            "198.51.100.1",
            " 198.51.100.1 ",
            "198.51.100.1:4711",
            "::ffff:198.51.100.1",
            "::FFFF:c633:6401",
            "[::ffff:198.51.100.1]:443",
        ] {
            assert_eq!(read_address(written), Some(IpAddr::from([198, 51, 100, 1])), "{written}");
        }
        assert_eq!(read_address("[2001:DB8::1]:443"), read_address("2001:db8::1"));
        for wrong in ["", "unknown", "198.51.100", "198.51.100.1:port", "_hidden"] {
            assert_eq!(read_address(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn one_customer_is_a_v4_address_or_a_v6_network() {
        assert_eq!(client("198.51.100.1").narrow_key(), "198.51.100.1");
        assert_eq!(client("198.51.100.1").wide_key(), None);
        let (one, same) = (client("2001:db8:1:2::1"), client("2001:db8:1:2:ffff::9"));
        assert_eq!(one.narrow_key(), same.narrow_key());
        let near = client("2001:db8:1:3::1");
        assert_ne!(one.narrow_key(), near.narrow_key());
        assert_eq!(one.wide_key(), near.wide_key());
        assert_ne!(one.wide_key(), client("2001:db8:2::1").wide_key());
    }
}
