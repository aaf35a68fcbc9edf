//! The project's own commands.
//!
//! - `cargo xtask run`: installs missing tools, builds the page, starts the server and the sandbox.
//! - `cargo xtask test`: installs what the tests need and runs all of them; `test <part>` runs one part.
//! - `cargo xtask bench`: measures the server and its yardsticks in the same run; `bench docs` writes the figures
//!   into the documents.
//! - `cargo xtask page`: builds the page.

mod bench;
mod builds;
mod node;
mod page;
mod postgres;
mod run;
mod step;
mod test;
mod tools;

use std::{env, process::ExitCode};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments.as_slice() {
        ["run"] => run::run(),
        ["test"] => test::all(),
        ["test", part] => test::part(part),
        ["bench", "docs"] => bench::docs(),
        ["bench", parts @ ..] => bench::bench(parts),
        ["page"] => page::build(),
        _ => Err(format!(
            "usage: cargo xtask run | test [{}] | bench [parts | docs] | page",
            test::PARTS.join(" | ")
        )),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("\nxtask: {problem}");
            ExitCode::FAILURE
        }
    }
}
