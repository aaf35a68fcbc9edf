//! Reads an e-mail as it was sent: its header, its encodings and its parts.

use mail_parser::{Address, ContentType, Message, MessageParser, MessagePart, MimeHeaders, PartType};

use super::Mail;
use crate::random;

/// Reads what was sent to `to`. What can't be read stays empty, because a mail program shows such
/// e-mails, too.
pub(super) fn read(sent: &[u8], envelope_from: &str, to: &[String], at_ms: i64) -> Vec<Mail> {
    // There is none without a header: then all of it is text.
    let message = MessageParser::default().parse(sent);
    let message = message.as_ref();
    let from = message.and_then(Message::from).and_then(sender);
    let from = from.unwrap_or_else(|| envelope_from.to_owned());
    let subject = message.and_then(Message::subject).unwrap_or_default().to_owned();
    let text = match message {
        Some(message) => body(message, "plain").unwrap_or_default(),
        None => lines(&String::from_utf8_lossy(sent)),
    };
    let html = message.and_then(|message| body(message, "html"));
    to.iter()
        .map(|to| Mail {
            id: random::uuid(),
            to: to.clone(),
            from: from.clone(),
            subject: subject.clone(),
            text: text.clone(),
            html: html.clone(),
            code: None,
            at_ms,
        })
        .collect()
}

fn sender(from: &Address<'_>) -> Option<String> {
    let first = from.first()?;
    let address = first.address()?;
    Some(first.name().map_or_else(|| address.to_owned(), |name| format!("{name} <{address}>")))
}

/// The first part of type `text/{subtype}` that is no attachment. The library's `body_text` would make
/// a plain text of HTML, which hides that the sender wrote none.
fn body(message: &Message<'_>, subtype: &str) -> Option<String> {
    let is_wanted = |part: &&MessagePart<'_>| {
        // Without a type it is plain text.
        let found = part.content_type().and_then(|kind| kind.subtype()).unwrap_or("plain");
        let attached = part.content_disposition().is_some_and(ContentType::is_attachment);
        found.eq_ignore_ascii_case(subtype) && !attached
    };
    message.parts.iter().filter(is_wanted).find_map(|part| match &part.body {
        PartType::Text(text) | PartType::Html(text) => Some(lines(text)),
        _ => None,
    })
}

/// With the line ends that a page and a test expect.
fn lines(text: &str) -> String {
    text.replace("\r\n", "\n")
}
