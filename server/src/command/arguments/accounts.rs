//! The words of the commands that look after accounts.

use std::path::PathBuf;

use lexopt::{Arg, Parser, ValueExt};

use crate::domain::clock::Timestamp;

/// What is printed for help, after the other commands.
pub(in crate::command) const USAGE: &str = "  user find <email | username | phone | id>
          print what is known about an account, with its whole phone number

  user unlock <user>         end the lock for wrong codes, and forget wrong codes
  user end-sessions <user>   end all sessions and forget remembered browsers
  user disable <user>        end all sessions; nobody signs in until `user enable <user>`
  user enable <user>
  user delete <user>         remove the account and everything stored about it
  user remove-factor <user> <factor id | recovery-codes>
          remove an authenticator app, a device, or the recovery codes
          <user>         an email, a username or an id
          --yes          do it without asking

  user import <file.csv | file.jsonl> [--dry-run] [--report FILE] [--yes]
          make accounts with bcrypt hashes of another system, also again after it was stopped
          --dry-run      tell what would be done
          --report FILE  write the report as JSON, too

  events --user <user> [--since YYYY-MM-DD] [--json]
          print what has happened to an account, the newest first";

/// A command about one account, or about many.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::command) enum UserCommand {
    Find {
        /// An email, a username, a phone or an id.
        named: String,
    },
    Change(ChangeUser),
    Import(Import),
}

/// What is changed about an account.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::command) struct ChangeUser {
    /// An email, a username or an id.
    pub(in crate::command) user: String,
    pub(in crate::command) change: Change,
    /// Nothing is asked.
    pub(in crate::command) yes: bool,
}

/// A change of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::command) enum Change {
    Unlock,
    EndSessions,
    /// The id of a factor.
    RemoveFactor(String),
    RemoveRecoveryCodes,
    Disable,
    Enable,
    Delete,
}

/// Options of `user import`.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::command) struct Import {
    pub(in crate::command) file: PathBuf,
    pub(in crate::command) report: Option<PathBuf>,
    pub(in crate::command) dry_run: bool,
    /// Nothing is asked.
    pub(in crate::command) yes: bool,
}

/// Options of `events`.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::command) struct Events {
    /// An email, a username or an id.
    pub(in crate::command) user: String,
    pub(in crate::command) since: Option<Timestamp>,
    /// One JSON object on each line.
    pub(in crate::command) json: bool,
}

const COMMANDS: &str =
    "write: user find, unlock, end-sessions, remove-factor, disable, enable, delete or import";

/// Reads the words after `user`.
pub(super) fn user(mut words: Parser) -> Result<UserCommand, lexopt::Error> {
    let command = match words.next()? {
        Some(Arg::Value(word)) => word.string()?,
        Some(other) => return Err(other.unexpected()),
        None => return Err(COMMANDS.into()),
    };
    let change = match command.as_str() {
        "find" => return find(words),
        "import" => return import(words).map(UserCommand::Import),
        "unlock" => Change::Unlock,
        "end-sessions" => Change::EndSessions,
        "remove-factor" => Change::RemoveFactor(String::new()),
        "disable" => Change::Disable,
        "enable" => Change::Enable,
        "delete" => Change::Delete,
        _ => return Err(COMMANDS.into()),
    };
    self::change(words, &command, change).map(UserCommand::Change)
}

fn find(mut words: Parser) -> Result<UserCommand, lexopt::Error> {
    // A phone may come in groups.
    let mut named: Vec<String> = Vec::new();
    while let Some(word) = words.next()? {
        match word {
            Arg::Value(word) => named.push(word.string()?),
            other => return Err(other.unexpected()),
        }
    }
    match named.join(" ") {
        named if named.trim().is_empty() => Err("write: user find <email | username | phone | id>".into()),
        named => Ok(UserCommand::Find { named }),
    }
}

fn change(mut words: Parser, command: &str, mut change: Change) -> Result<ChangeUser, lexopt::Error> {
    let (mut user, mut factor, mut yes) = (None, None, false);
    let takes_factor = matches!(change, Change::RemoveFactor(_));
    while let Some(word) = words.next()? {
        match word {
            Arg::Value(word) if user.is_none() => user = Some(word.string()?),
            Arg::Value(word) if takes_factor && factor.is_none() => factor = Some(word.string()?),
            Arg::Long("yes") => yes = true,
            other => return Err(other.unexpected()),
        }
    }
    if takes_factor {
        change = match factor.as_deref() {
            None => return Err("write: user remove-factor <user> <factor id | recovery-codes>".into()),
            Some("recovery-codes") => Change::RemoveRecoveryCodes,
            Some(id) => Change::RemoveFactor(id.to_owned()),
        };
    }
    match user {
        Some(user) => Ok(ChangeUser { user, change, yes }),
        None => Err(format!("write: user {command} <user>").into()),
    }
}

fn import(mut words: Parser) -> Result<Import, lexopt::Error> {
    let (mut file, mut report, mut dry_run, mut yes) = (None, None, false, false);
    while let Some(word) = words.next()? {
        match word {
            Arg::Value(word) if file.is_none() => file = Some(word.into()),
            Arg::Long("report") => report = Some(words.value()?.into()),
            Arg::Long("dry-run") => dry_run = true,
            Arg::Long("yes") => yes = true,
            other => return Err(other.unexpected()),
        }
    }
    match file {
        Some(file) => Ok(Import { file, report, dry_run, yes }),
        None => Err("write: user import <file.csv | file.jsonl>".into()),
    }
}

/// Reads the words after `events`.
pub(super) fn events(mut words: Parser) -> Result<Events, lexopt::Error> {
    let (mut user, mut since, mut json) = (None, None, false);
    while let Some(word) = words.next()? {
        match word {
            Arg::Long("user") => user = Some(words.value()?.string()?),
            Arg::Long("since") => since = Some(day(&words.value()?.string()?)?),
            Arg::Long("json") => json = true,
            other => return Err(other.unexpected()),
        }
    }
    match user {
        Some(user) => Ok(Events { user, since, json }),
        None => Err("write: events --user <user>".into()),
    }
}

fn day(text: &str) -> Result<Timestamp, lexopt::Error> {
    let day = Timestamp::read(text).filter(|_| text.len() == "2026-03-02".len());
    day.ok_or_else(|| format!("{text:?} isn't a date; write YYYY-MM-DD").into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::arguments::{Command, read};

    fn read_words(line: &str) -> Result<Command, String> {
        read(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    fn changed(line: &str) -> (Change, bool) {
        match read_words(line) {
            Ok(Command::User(UserCommand::Change(ChangeUser { user, change, yes }))) => {
                assert_eq!(user, "ada@example.com");
                (change, yes)
            }
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn an_account_is_named_once_and_asked_about_unless_the_words_say_yes() {
        assert_eq!(changed("user unlock ada@example.com"), (Change::Unlock, false));
        assert_eq!(changed("user end-sessions --yes ada@example.com"), (Change::EndSessions, true));
        let factor = Change::RemoveFactor("0123".to_owned());
        assert_eq!(changed("user remove-factor ada@example.com 0123"), (factor, false));
        let codes = changed("user remove-factor ada@example.com recovery-codes --yes");
        assert_eq!(codes, (Change::RemoveRecoveryCodes, true));
        let found = read_words("user find +44 7700 900123");
        assert_eq!(found, Ok(Command::User(UserCommand::Find { named: "+44 7700 900123".to_owned() })));
        for line in [
            "user",
            "user forget ada",
            "user find",
            "user find --yes ada",
            "user unlock",
            "user unlock ada grace",
            "user disable ada --force",
            "user remove-factor ada",
            "user remove-factor ada 0123 4567",
            "user import",
            "user import a.csv b.csv",
        ] {
            assert!(read_words(line).is_err(), "{line}");
        }
    }

    #[test]
    fn an_import_and_events_are_read_with_their_options() {
        let import = Import {
            file: "people.csv".into(),
            report: Some("report.json".into()),
            dry_run: true,
            yes: false,
        };
        let line = "user import people.csv --report report.json --dry-run";
        assert_eq!(read_words(line), Ok(Command::User(UserCommand::Import(import))));
        let events = Events { user: "ada".to_owned(), since: Some(Timestamp(1_772_409_600_000)), json: true };
        assert_eq!(read_words("events --user ada --since 2026-03-02 --json"), Ok(Command::Events(events)));
        for line in [
            "events",
            "events ada",
            "events --user ada --since march",
            "events --user ada --since 2026-03-02T10:00:00Z",
        ] {
            assert!(read_words(line).is_err(), "{line}");
        }
    }
}
