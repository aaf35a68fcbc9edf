//! The words after the program's name.

mod accounts;

use std::{num::NonZeroU32, path::PathBuf};

use lexopt::{Arg, Parser, ValueExt};

use crate::provider::ProviderKind;

pub(super) use accounts::{Change, ChangeUser, Events, Import, USAGE as ACCOUNTS_USAGE, UserCommand};

/// What is printed for help, and after a mistake.
pub(super) const USAGE: &str = "usage: countersign [serve | check | rekey | setup verify | migrate | user | events]

  serve   run the server (also without a command)
  check   print every problem and weak spot of the settings, what still depends on APP_SECRET_PREVIOUS,
          and whether Twilio Verify fits the settings
  rekey   encrypt all secrets in the database under APP_SECRET again

  setup verify [--yes]
          make the services and the webhook at Twilio Verify, and print the settings;
          --yes makes what is missing without asking

  migrate authy --to verify [--dry-run] [--batch N] [--with-push] [--report FILE]
  migrate verify --to authy …
          move users to the provider that PROVIDER names, also while servers run, and again after it was stopped
          --dry-run      tell what would be done
          --batch N      users read at once (100)
          --with-push    also those who approve requests with the other provider's app or devices
          --report FILE  write the report as JSON, too";

/// A command with its options.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command {
    Serve,
    Check,
    Rekey,
    Help,
    SetupVerify {
        /// Nothing is asked.
        yes: bool,
    },
    Migrate(Migrate),
    User(UserCommand),
    Events(Events),
}

/// Options of `migrate`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Migrate {
    pub(super) from: ProviderKind,
    pub(super) to: ProviderKind,
    pub(super) dry_run: bool,
    pub(super) with_push: bool,
    pub(super) batch: u32,
    pub(super) report: Option<PathBuf>,
}

const BATCH: u32 = 100;

/// Reads the words after the program's name; the failure is for people.
pub(super) fn read(words: &[String]) -> Result<Command, String> {
    parse(Parser::from_args(words)).map_err(|error| error.to_string())
}

fn parse(mut words: Parser) -> Result<Command, lexopt::Error> {
    let command = match words.next()? {
        None => return Ok(Command::Serve),
        Some(Arg::Value(word)) => word.string()?,
        Some(Arg::Long("help") | Arg::Short('h')) => return Ok(Command::Help),
        Some(other) => return Err(other.unexpected()),
    };
    match command.as_str() {
        "serve" => ended(words, Command::Serve),
        "check" => ended(words, Command::Check),
        "rekey" => ended(words, Command::Rekey),
        "help" => Ok(Command::Help),
        "setup" => setup(words),
        "migrate" => migrate(words).map(Command::Migrate),
        "user" => accounts::user(words).map(Command::User),
        "events" => accounts::events(words).map(Command::Events),
        other => Err(format!("there is no command {other:?}").into()),
    }
}

fn ended(mut words: Parser, command: Command) -> Result<Command, lexopt::Error> {
    match words.next()? {
        None => Ok(command),
        Some(Arg::Long("help") | Arg::Short('h')) => Ok(Command::Help),
        Some(other) => Err(other.unexpected()),
    }
}

fn setup(mut words: Parser) -> Result<Command, lexopt::Error> {
    let (mut what, mut yes) = (None, false);
    while let Some(word) = words.next()? {
        match word {
            Arg::Value(word) if what.is_none() && word == "verify" => what = Some(()),
            Arg::Long("yes") => yes = true,
            other => return Err(other.unexpected()),
        }
    }
    what.map(|()| Command::SetupVerify { yes }).ok_or_else(|| "write: setup verify".into())
}

fn migrate(mut words: Parser) -> Result<Migrate, lexopt::Error> {
    let (mut from, mut to) = (None, None);
    let (mut dry_run, mut with_push, mut batch, mut report) = (false, false, BATCH, None);
    while let Some(word) = words.next()? {
        match word {
            Arg::Value(word) if from.is_none() => from = Some(kind(&word.string()?)?),
            Arg::Long("to") => to = Some(kind(&words.value()?.string()?)?),
            Arg::Long("dry-run") => dry_run = true,
            Arg::Long("with-push") => with_push = true,
            Arg::Long("batch") => batch = words.value()?.parse::<NonZeroU32>()?.get(),
            Arg::Long("report") => report = Some(words.value()?.into()),
            other => return Err(other.unexpected()),
        }
    }
    match (from, to) {
        (Some(from), Some(to)) if from != to => Ok(Migrate { from, to, dry_run, with_push, batch, report }),
        _ => Err("write: migrate authy --to verify, or: migrate verify --to authy".into()),
    }
}

fn kind(word: &str) -> Result<ProviderKind, lexopt::Error> {
    match word {
        "authy" => Ok(ProviderKind::Authy),
        "verify" => Ok(ProviderKind::Verify),
        other => Err(format!("{other:?} is neither authy nor verify").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_words(line: &str) -> Result<Command, String> {
        read(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn a_command_is_read_with_its_options_and_nothing_else() {
        assert_eq!(read_words(""), Ok(Command::Serve));
        assert_eq!(read_words("setup verify --yes"), Ok(Command::SetupVerify { yes: true }));
        let wish = Migrate {
            from: ProviderKind::Authy,
            to: ProviderKind::Verify,
            dry_run: true,
            with_push: false,
            batch: 20,
            report: Some("report.json".into()),
        };
        let line = "migrate authy --to verify --dry-run --batch 20 --report report.json";
        assert_eq!(read_words(line), Ok(Command::Migrate(wish)));
        for line in [
            "unknown-command",
            "serve now",
            "check --all",
            "setup",
            "setup authy",
            "migrate",
            "migrate authy",
            "migrate authy --to authy",
            "migrate authy --to elsewhere",
            "migrate authy --to verify --batch 0",
            "migrate authy --to verify --force",
        ] {
            assert!(read_words(line).is_err(), "{line}");
        }
    }
}
