//! `SMTP_URL` and `MAIL_FROM`.

use super::source::Source;
use crate::{domain::secret::Secret, provider::mailer};

/// Who sends e-mail.
#[derive(Debug, Clone)]
pub struct MailAccount {
    /// `SMTP_URL`; `None` for the sandbox's mailbox where it runs, and for no e-mail otherwise.
    pub url: Option<Secret>,
    /// `MAIL_FROM`.
    pub from: String,
}

/// Said by `check` where nobody sends e-mail.
const OFF: &str = "SMTP_URL isn't set: password reset, email changes, and notices are off";

pub(super) fn read(from: &Source<'_>, app_name: &str, has_sandbox: bool) -> MailAccount {
    let url = from.text("SMTP_URL");
    let sender = from.text("MAIL_FROM");
    match &url {
        None if !has_sandbox => from.weak(OFF),
        None => {}
        Some(url) => {
            if mailer::transport(url).is_none() {
                from.wrong("SMTP_URL", "use smtp://host:port?tls=required or smtps://user:password@host");
            } else if from.production && !mailer::is_encrypted(url) {
                from.weak(
                    "SMTP_URL: the connection isn't encrypted for certain; use smtps:// or ?tls=required",
                );
            }
            if sender.is_none() && from.production {
                from.wrong("MAIL_FROM", "set this with SMTP_URL in production");
            }
        }
    }
    let default = format!("{} <no-reply@localhost>", app_name.replace(['"', '<', '>', ',', ';', ':'], " "));
    let sender = sender.unwrap_or(default);
    if mailer::sender(&sender).is_none() {
        from.wrong("MAIL_FROM", "use an address, such as Countersign <no-reply@example.com>");
    }
    MailAccount { url: url.map(Secret::new), from: sender }
}
