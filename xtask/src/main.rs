//! The project's own commands.
//!
//! - `cargo xtask run`: sets up what is missing, builds the page, starts server and sandbox.
//! - `cargo xtask test`: sets up what the tests need and runs all of them.
//! - `cargo xtask bench`: measures, beside a yardstick in the same run.

mod bench;
mod node;
mod page;
mod postgres;
mod run;
mod step;
mod test;
mod tools;

use std::{env, process::ExitCode};

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["run"] => run::run(),
        ["test"] => test::all(),
        ["test", part] => test::part(part),
        ["bench"] => bench::bench(),
        ["page"] => page::build(),
        _ => Err(format!("usage: cargo xtask run | test [{}] | bench | page", test::PARTS.join(" | "))),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("\nxtask: {problem}");
            ExitCode::FAILURE
        }
    }
}
