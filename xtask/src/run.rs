//! `cargo xtask run`: builds the page and the server, then starts the server with its sandbox.

use crate::{
    page,
    step::{Result, cargo, step, succeed},
};

/// Replaces this process where possible, so that signals reach the server.
fn replace_process(command: &mut std::process::Command) -> Result {
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
    println!("\n==> Starting the server. It prints its URLs; stop it with Ctrl-C.\n");
    replace_process(&mut cargo(&["run", "--quiet", "--package", "server"]))
}
