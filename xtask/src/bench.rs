//! `cargo xtask bench`: measures the server and a baseline in one run.

use crate::{
    page,
    step::{Result, cargo, root, step, succeed},
};

pub fn bench() -> Result {
    page::build()?;
    step("Building in release mode (five minutes the first time)", || {
        succeed(&mut cargo(&["build", "--release", "--package", "server", "--package", "bench"]))
    })?;
    step("Measuring (a minute)", || {
        succeed(cargo(&["run", "--release", "--quiet", "--package", "bench"]).current_dir(root()))
    })?;
    println!("\n  page, compressed       {:>8.1} kB", page::compressed_size()? as f64 / 1000.0);
    Ok(())
}
