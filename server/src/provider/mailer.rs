//! Sending e-mail by SMTP (RFC 5321).

use std::time::Duration;

use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, MultiPart},
    transport::smtp::{AsyncSmtpTransportBuilder, PoolConfig},
};
use thiserror::Error;

use crate::domain::{mail::Mail, secret::Secret};

/// The longest one e-mail takes.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Who sends e-mail.
#[derive(Debug, Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

/// Why an e-mail was not sent.
#[derive(Debug, Error)]
pub enum MailError {
    /// It can't be written, or the server refuses it for good: another try is in vain.
    #[error("the e-mail is refused: {0}")]
    Refused(String),
    /// The server can't be reached, or asks for another try.
    #[error("the e-mail was not sent: {0}")]
    NotNow(#[source] lettre::transport::smtp::Error),
}

/// The server that a URL names; `None` if it can't be read.
#[must_use]
pub fn transport(url: &str) -> Option<AsyncSmtpTransportBuilder> {
    AsyncSmtpTransport::<Tokio1Executor>::from_url(url).ok()
}

/// Whether nobody on the way can read what is sent there. A machine may speak with itself as it likes.
#[must_use]
pub fn is_encrypted(url: &str) -> bool {
    let Ok(url) = url::Url::parse(url) else { return false };
    let is_local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let requires = url.query_pairs().any(|(name, value)| name == "tls" && value == "required");
    is_local || url.scheme() == "smtps" || requires
}

/// The sender that a text names; `None` if it can't be read.
#[must_use]
pub fn sender(text: &str) -> Option<Mailbox> {
    text.parse().ok()
}

impl Mailer {
    /// Sends by the server that `url` names, from `from`; `None` if one of them can't be read.
    #[must_use]
    pub fn new(url: &Secret, from: &str) -> Option<Self> {
        let transport = transport(url.reveal())?
            .timeout(Some(TIMEOUT))
            .pool_config(PoolConfig::new().max_size(2).idle_timeout(Duration::from_secs(30)))
            .build();
        Some(Self { transport, from: sender(from)? })
    }

    /// Sends an e-mail.
    ///
    /// # Errors
    /// [`MailError`].
    pub async fn send(&self, mail: Mail) -> Result<(), MailError> {
        let Mail { to, subject, text, html } = mail;
        let refused = |error: &dyn std::error::Error| MailError::Refused(error.to_string());
        let address: Address = to.parse().map_err(|error: lettre::address::AddressError| refused(&error))?;
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, address))
            .subject(subject)
            // Programs that answer for people who are away leave it alone (RFC 3834 §5).
            .header(AutoSubmitted)
            .multipart(MultiPart::alternative_plain_html(text, html))
            .map_err(|error| refused(&error))?;
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_permanent() => Err(refused(&error)),
            Err(error) => Err(MailError::NotNow(error)),
        }
    }
}

/// `Auto-Submitted: auto-generated`.
#[derive(Debug, Clone, Copy)]
struct AutoSubmitted;

impl lettre::message::header::Header for AutoSubmitted {
    fn name() -> lettre::message::header::HeaderName {
        lettre::message::header::HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> lettre::message::header::HeaderValue {
        lettre::message::header::HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}
