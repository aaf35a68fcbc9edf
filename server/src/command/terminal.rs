//! What commands print, and what they ask.

use std::{
    io::{self, BufRead, IsTerminal},
    process::ExitCode,
};

use crate::domain::text::is_visible;

#[expect(clippy::print_stdout, reason = "what a command tells goes to the terminal")]
pub(super) fn say(line: &str) {
    println!("{line}");
}

pub(super) fn fail(line: &str) -> ExitCode {
    eprintln!("{line}");
    ExitCode::FAILURE
}

/// Asks the person at the terminal; no answer is no.
pub(super) fn asks(question: &str) -> bool {
    say(&format!("{question} [y/N]"));
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    read.is_ok() && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
}

/// Asks before something is changed, unless the words said yes already. Where nobody can be asked, nothing is changed.
pub(super) fn confirm(question: &str, yes: bool) -> Result<(), ExitCode> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(fail(
            "countersign: stdin isn't a terminal, so nothing was changed; add --yes to go ahead",
        ));
    }
    if asks(question) {
        return Ok(());
    }
    say("Nothing changed");
    Err(ExitCode::FAILURE)
}

/// A text that somebody else has written. What can't be seen, as what controls a terminal, is not printed; accounts of the
/// first versions may have it.
pub(super) fn plain(text: &str) -> String {
    if is_visible(text) {
        return text.to_owned();
    }
    let shown =
        |c: char| if is_visible(c.encode_utf8(&mut [0; 4])) { c } else { char::REPLACEMENT_CHARACTER };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_controls_a_terminal_is_not_printed() {
        assert_eq!(plain("Zoë علی\u{200C}رضا"), "Zoë علی\u{200C}رضا");
        assert_eq!(plain("Ada\u{1b}[2J\nroot"), "Ada\u{fffd}[2J\u{fffd}root");
    }
}
