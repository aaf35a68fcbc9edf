//! Cargo builds that run beside each other, with one line that says how far each is.
//!
//! Two builds that use different profiles or targets do not wait for each other, and the long last step
//! of one (linking) leaves a core to the other.

use std::{
    io::{IsTerminal, Read, Write, stdout},
    process::{Child, Command, Stdio},
    sync::mpsc::{self, RecvTimeoutError, Sender},
    thread,
    time::{Duration, Instant},
};

use crate::step::Result;

/// A build to be run.
pub struct Build {
    /// What is built, as the progress names it.
    pub name: &'static str,
    /// The command: `cargo build …`.
    pub command: Command,
}

/// How often the line is written anew.
const ON_TERMINAL: Duration = Duration::from_millis(250);
const IN_LOG: Duration = Duration::from_secs(20);

/// A build that runs.
struct Running {
    name: &'static str,
    child: Child,
    progress: Option<Progress>,
    /// What cargo printed beside its progress: warnings and errors.
    printed: Vec<String>,
    ended: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Progress {
    done: u32,
    total: u32,
}

enum Message {
    Progress(usize, Progress),
    Line(usize, String),
    Ended(usize),
}

/// Runs all builds to their ends. The first failure ends the others; what that build printed is shown.
pub fn run(builds: Vec<Build>) -> Result {
    let (sender, messages) = mpsc::channel();
    let mut running = Vec::new();
    for (index, Build { name, mut command }) in builds.into_iter().enumerate() {
        // Cargo knows how many units there are; it says so in its progress bar alone.
        command.env("CARGO_TERM_PROGRESS_WHEN", "always").env("CARGO_TERM_PROGRESS_WIDTH", "80");
        command
            .env("CARGO_TERM_COLOR", "never")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("cargo cannot be run: {error}"))?;
        let output = child.stderr.take().expect("it is piped");
        let sender = sender.clone();
        thread::spawn(move || read(index, output, &sender));
        running.push(Running { name, child, progress: None, printed: Vec::new(), ended: false });
    }
    drop(sender);
    let started = Instant::now();
    let interval = if stdout().is_terminal() { ON_TERMINAL } else { IN_LOG };
    let mut next = started + interval;
    loop {
        match messages.recv_timeout(next.saturating_duration_since(Instant::now())) {
            Ok(Message::Progress(index, progress)) => running[index].progress = Some(progress),
            Ok(Message::Line(index, line)) => running[index].printed.push(line),
            Ok(Message::Ended(index)) => {
                running[index].ended = true;
                let status = running[index].child.wait().map_err(|error| error.to_string())?;
                if !status.success() {
                    end_others(&mut running);
                    return Err(failure(&running[index]));
                }
            }
            Err(RecvTimeoutError::Timeout) => {
                show(&running, started.elapsed());
                next = Instant::now() + interval;
            }
            Err(RecvTimeoutError::Disconnected) => {
                show(&running, started.elapsed());
                if stdout().is_terminal() {
                    println!();
                }
                return Ok(());
            }
        }
    }
}

fn end_others(running: &mut [Running]) {
    for build in running.iter_mut().filter(|build| !build.ended) {
        // An error means that it has ended already.
        let _ = build.child.kill();
        let _ = build.child.wait();
    }
}

fn failure(build: &Running) -> String {
    println!();
    for line in &build.printed {
        println!("{line}");
    }
    format!("{} cannot be built", build.name)
}

/// Writes the line that says how far each build is.
fn show(running: &[Running], elapsed: Duration) {
    let each = running.iter().map(|build| match (build.ended, build.progress) {
        (true, _) => format!("{} done", build.name),
        (false, None) => format!("{} begins", build.name),
        (false, Some(Progress { done, total })) => format!("{} {done} of {total}", build.name),
    });
    let each: Vec<String> = each.collect();
    let seconds = elapsed.as_secs();
    let line = format!("    {} ({}:{:02})", each.join(", "), seconds / 60, seconds % 60);
    if stdout().is_terminal() {
        // Back to the beginning of the line, and clear what was there.
        print!("\r\x1b[K{line}");
        let _ = stdout().flush();
    } else {
        println!("{line}");
    }
}

/// Reads what a build prints until it ends.
fn read(index: usize, mut output: impl Read, sender: &Sender<Message>) {
    let (mut buffer, mut text) = ([0; 4096], Vec::new());
    while let Ok(size @ 1..) = output.read(&mut buffer) {
        for &byte in &buffer[..size] {
            if byte != b'\r' && byte != b'\n' {
                text.push(byte);
                continue;
            }
            let line = String::from_utf8_lossy(&text).replace("\x1b[K", "");
            text.clear();
            let message = match progress(&line) {
                Some(progress) => Message::Progress(index, progress),
                None if is_news(&line) => Message::Line(index, line),
                None => continue,
            };
            let _ = sender.send(message);
        }
    }
    let _ = sender.send(Message::Ended(index));
}

/// Of cargo's progress bar: `Building [=====>    ] 12/345: names`.
fn progress(line: &str) -> Option<Progress> {
    let (_, counts) = line.trim_start().strip_prefix("Building [")?.split_once("] ")?;
    let (done, rest) = counts.split_once('/')?;
    let total: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some(Progress { done: done.trim().parse().ok()?, total: total.parse().ok()? })
}

/// Whether a line is more than cargo's account of what it does.
fn is_news(line: &str) -> bool {
    const ROUTINE: [&str; 8] =
        ["Compiling", "Finished", "Downloading", "Downloaded", "Updating", "Locking", "Blocking", "Fresh"];
    let word = line.split_whitespace().next().unwrap_or_default();
    !word.is_empty() && !ROUTINE.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_read_from_cargos_bar() {
        let found = progress("    Building [======>          ] 120/311: serde, syn(build)");
        assert_eq!(found, Some(Progress { done: 120, total: 311 }));
        assert_eq!(progress("    Building [==================] 9/9"), Some(Progress { done: 9, total: 9 }));
        assert_eq!(progress("   Compiling serde v1.0.228"), None);
    }

    #[test]
    fn warnings_and_errors_are_kept() {
        assert!(is_news("error[E0308]: mismatched types"));
        assert!(is_news("  --> server/src/main.rs:3:5"));
        assert!(!is_news("   Compiling serde v1.0.228"));
        assert!(!is_news(""));
    }
}
