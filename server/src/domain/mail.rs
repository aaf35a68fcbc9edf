//! E-mails: a subject, plain text, and the same as plain HTML.
//!
//! The HTML needs no picture and loads nothing; its colours follow the reader's scheme. Everything that is not ours is
//! escaped.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

/// An e-mail that is ready to be sent.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// The recipient's address.
    pub to: String,
    /// One line.
    pub subject: String,
    /// The part in plain text.
    pub text: String,
    /// The part in HTML.
    pub html: String,
}

/// What an e-mail says, before it has a form.
#[derive(Debug, Clone, Default)]
pub struct Letter<'a> {
    /// What the product is called.
    pub app_name: &'a str,
    /// The recipient's name; empty where an e-mail may go to anybody, who is not to read a name of a stranger's choice.
    pub name: &'a str,
    /// One line; also the heading.
    pub subject: String,
    /// What has happened.
    pub paragraphs: Vec<String>,
    /// When, by which device, from where: a label and its value each.
    pub facts: Vec<(&'static str, String)>,
    /// What comes before the button.
    pub before_button: Option<&'static str>,
    /// What the button says, and the address it opens.
    pub button: Option<(&'static str, String)>,
    /// What follows the button.
    pub after_button: Option<&'static str>,
    /// Why the recipient gets it.
    pub footer: String,
}

const STYLE: &str = ":root{color-scheme:light dark;supported-color-schemes:light dark}\
@media(prefers-color-scheme:dark){.b{background:#161d1a!important;color:#e9efeb!important}\
.g{border-color:#6fd3a4!important;color:#6fd3a4!important}.k{color:#a3b0a9!important}}";

impl Letter<'_> {
    /// Writes it to an address.
    #[must_use]
    pub fn to(&self, address: &str) -> Mail {
        Mail { to: address.to_owned(), subject: self.subject.clone(), text: self.text(), html: self.html() }
    }

    fn hello(&self) -> String {
        if self.name.is_empty() { "Hi,".to_owned() } else { format!("Hi {},", self.name) }
    }

    fn text(&self) -> String {
        let mut text = format!("{}\n", self.hello());
        for paragraph in &self.paragraphs {
            let _ = write!(text, "\n{paragraph}\n");
        }
        if !self.facts.is_empty() {
            text.push('\n');
        }
        for (label, value) in &self.facts {
            let _ = writeln!(text, "{label}: {value}");
        }
        if let Some(before) = self.before_button {
            let _ = write!(text, "\n{before}\n");
        }
        if let Some((label, address)) = &self.button {
            let _ = write!(text, "\n{label}:\n{address}\n");
        }
        if let Some(after) = self.after_button {
            let _ = write!(text, "\n{after}\n");
        }
        let _ = write!(text, "\n{}\n", self.footer);
        text
    }

    fn html(&self) -> String {
        const PARAGRAPH: &str = "margin:0 0 16px";
        let quiet = "color:#4f5c55;font-size:14px";
        let subject = escaped(&self.subject);
        let mut html = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
<meta name=\"color-scheme\" content=\"light dark\">\n<title>{subject}</title>\n<style>{STYLE}</style>\n</head>\n\
<body class=\"b\" style=\"margin:0;padding:24px 16px;font:16px/1.5 system-ui,'Segoe UI',Roboto,sans-serif\">\n\
<main style=\"max-width:34rem;margin:0 auto;overflow-wrap:anywhere\">\n\
<p style=\"margin:0 0 24px;padding-bottom:12px;border-bottom:1px dashed #74817a;font-weight:600\">{}</p>\n\
<h1 style=\"margin:0 0 16px;font-size:22px;line-height:1.25\">{subject}</h1>\n\
<p style=\"{PARAGRAPH}\">{}</p>\n",
            escaped(self.app_name),
            escaped(&self.hello())
        );
        for paragraph in &self.paragraphs {
            let _ = writeln!(html, "<p style=\"{PARAGRAPH}\">{}</p>", escaped(paragraph));
        }
        if !self.facts.is_empty() {
            html += "<dl style=\"margin:0 0 16px\">\n";
            for (label, value) in &self.facts {
                let _ = writeln!(
                    html,
                    "<div style=\"padding:6px 0\"><dt class=\"k\" style=\"display:inline-block;width:100px;color:#4f5c55\">{label}</dt>\
<dd style=\"display:inline;margin:0\">{}</dd></div>",
                    escaped(value)
                );
            }
            html += "</dl>\n";
        }
        if let Some(before) = self.before_button {
            let _ = writeln!(html, "<p style=\"{PARAGRAPH}\">{}</p>", escaped(before));
        }
        if let Some((label, address)) = &self.button {
            let address = escaped(address);
            let _ = writeln!(
                html,
                "<p style=\"margin:24px 0 8px\"><a class=\"g\" href=\"{address}\" style=\"display:inline-block;padding:12px 20px;\
border:2px solid #0b6848;border-radius:6px;color:#0b6848;font-weight:600;text-decoration:none\">{}</a></p>\n\
<p class=\"k\" style=\"margin:0 0 16px;{quiet}\">{address}</p>",
                escaped(label)
            );
        }
        if let Some(after) = self.after_button {
            let _ = writeln!(html, "<p style=\"{PARAGRAPH}\">{}</p>", escaped(after));
        }
        let _ = writeln!(
            html,
            "<p class=\"k\" style=\"margin:32px 0 0;padding-top:12px;border-top:1px dashed #74817a;{quiet}\">{}</p>\n\
</main>\n</body>\n</html>",
            escaped(&self.footer)
        );
        html
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_parts_say_the_same_and_what_is_not_ours_is_escaped() {
        let letter = Letter {
            app_name: "Countersign",
            name: "<b>Ada</b>",
            subject: "New sign-in".to_owned(),
            paragraphs: vec!["Your account was used.".to_owned()],
            facts: vec![("Device", "Firefox & friends".to_owned())],
            before_button: Some("If this wasn’t you, secure your account."),
            button: Some(("This wasn’t me", "https://id.example/secure#token".to_owned())),
            after_button: None,
            footer: "This email is about the security of your account.".to_owned(),
        };
        let mail = letter.to("ada@example.com");
        for said in ["Your account was used.", "https://id.example/secure#token", "This wasn’t me"] {
            assert!(mail.text.contains(said), "{said}: {}", mail.text);
            assert!(mail.html.contains(said), "{said}: {}", mail.html);
        }
        assert!(mail.text.contains("Hi <b>Ada</b>,"), "{}", mail.text);
        assert!(mail.html.contains("Hi &lt;b&gt;Ada&lt;/b&gt;,"), "{}", mail.html);
        assert!(mail.html.contains("Firefox &amp; friends"), "{}", mail.html);
        assert!(!mail.html.contains("src="), "nothing is loaded");
    }
}
