//! `cargo xtask run`: from a fresh clone to two addresses.

use crate::{
    page,
    step::{Result, cargo, step, succeed},
};

pub fn run() -> Result {
    page::build()?;
    step("Building the server (two minutes the first time)", || {
        succeed(&mut cargo(&["build", "--package", "server"]))
    })?;
    println!("\n==> Starting; the addresses and what to do next follow. Stop with Ctrl-C.\n");
    succeed(&mut cargo(&["run", "--quiet", "--package", "server"]))
}
