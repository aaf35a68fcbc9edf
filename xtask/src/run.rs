//! `cargo xtask run`: builds the page and the server, then starts the server with its sandbox.

use crate::{
    builds::{self, Build},
    page::Page,
    step::{Result, cargo, step, succeed},
    tools,
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
    let mut server = cargo(&["build", "--package", "server"]);
    tools::openssl_headers()?;
    let page = Page::prepare()?;
    if page.is_up_to_date() {
        step("Building the server", || succeed(&mut server))?;
    } else {
        step("Building the server and the page (four minutes the first time)", || {
            builds::run(vec![
                Build { name: "server", command: server },
                Build { name: "page", command: page.compilation() },
            ])
        })?;
        page.bundle()?;
    }
    println!("\n==> Starting the server. It prints its URLs; stop it with Ctrl-C.\n");
    replace_process(&mut cargo(&["run", "--quiet", "--package", "server"]))
}
