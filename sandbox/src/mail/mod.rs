//! The mailbox: e-mails that arrived by SMTP and those that the providers send themselves.

pub(crate) mod control;
mod message;
mod session;
pub(crate) mod smtp;

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// How many e-mails are kept; the oldest ones are dropped.
const MAX_MAILS: usize = 500;

/// Every e-mail that arrived, whoever it is for.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    /// Oldest first.
    mails: VecDeque<Mail>,
    /// What the SMTP listener does with new ones.
    pub(crate) mode: Mode,
}

/// An e-mail that arrived for one recipient.
#[derive(Debug, Clone)]
pub(crate) struct Mail {
    pub(crate) id: String,
    /// The recipient, as the sender wrote the address.
    pub(crate) to: String,
    /// The sender as a mail program shows it: `Name <address>`, or the address.
    pub(crate) from: String,
    pub(crate) subject: String,
    /// The plain text; empty where there is none.
    pub(crate) text: String,
    pub(crate) html: Option<String>,
    /// The code in it, where a provider sent it.
    pub(crate) code: Option<String>,
    pub(crate) at_ms: i64,
}

/// What the SMTP listener does with e-mails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// Keeps them.
    #[default]
    Accept,
    /// Asks the sender to try again later.
    Defer,
    /// Knows none of the recipients.
    Refuse,
}

impl Mailbox {
    /// Keeps an e-mail.
    pub(crate) fn deliver(&mut self, mail: Mail) {
        if self.mails.len() == MAX_MAILS {
            self.mails.pop_front();
        }
        self.mails.push_back(mail);
    }

    /// Those for an address, or all; newest first.
    pub(crate) fn newest_first(&self, to: Option<&str>) -> impl Iterator<Item = &Mail> {
        let to = to.map(str::to_lowercase);
        self.mails.iter().rev().filter(move |mail| to.as_ref().is_none_or(|to| mail.to.to_lowercase() == *to))
    }

    /// Drops all of them.
    fn clear(&mut self) {
        self.mails.clear();
    }
}
