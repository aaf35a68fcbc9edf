//! `cargo xtask run`: from a fresh clone to two addresses.

use crate::{
    page,
    step::{Result, cargo, step, succeed},
};

/// In the place of this process, where that is possible: a signal sent to it reaches the server.
fn become_it(command: &mut std::process::Command) -> Result {
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        Err(format!("the server cannot be run: {}", command.exec()))
    }
    #[cfg(not(unix))]
    succeed(command)
}

pub fn run() -> Result {
    page::build()?;
    step("Building the server (two minutes the first time)", || {
        succeed(&mut cargo(&["build", "--package", "server"]))
    })?;
    println!("\n==> Starting; the addresses and what to do next follow. Stop with Ctrl-C.\n");
    become_it(&mut cargo(&["run", "--quiet", "--package", "server"]))
}
