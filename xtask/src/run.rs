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
    println!(
        "
  The page             http://127.0.0.1:3000
  The sandbox's phone  http://127.0.0.1:3001

  Open both beside each other. Create an account on the page, with any number: nothing is sent
  anywhere. Log out, log in again, and approve on the phone. Stop with Ctrl-C.
"
    );
    succeed(&mut cargo(&["run", "--quiet", "--package", "server"]))
}
