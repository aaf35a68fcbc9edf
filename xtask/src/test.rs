//! `cargo xtask test`: everything, in the order in which a mistake is found fastest.

use std::{env, time::Instant};

use crate::{
    node, page,
    postgres::{self, Cluster},
    step::{Result, cargo, root, step, succeed},
    tools,
};

/// What can be run alone.
pub const PARTS: [&str; 7] = ["format", "lint", "docs", "sqlite", "postgres", "conformance", "browser"];

pub fn all() -> Result {
    let began = Instant::now();
    // What a machine lacks shows before anything is compiled.
    tools::wasm_target()?;
    tools::component("rustfmt", "fmt")?;
    tools::component("clippy", "clippy")?;
    node::packages()?;
    node::chromium()?;
    postgres::programs()?;
    for part in PARTS {
        self::part(part)?;
    }
    println!("\nEverything passed in {:.0} s.", began.elapsed().as_secs_f64());
    Ok(())
}

pub fn part(name: &str) -> Result {
    match name {
        "format" => step("Formatting", || succeed(&mut cargo(&["fmt", "--all", "--check"]))),
        "lint" => lint(),
        "docs" => step("Documentation", || {
            let mut doc = cargo(&["doc", "--workspace", "--exclude", "frontend", "--no-deps", "--quiet"]);
            succeed(doc.env("RUSTDOCFLAGS", "--deny warnings"))
        }),
        "sqlite" => step("Unit tests, and API tests on SQLite", || {
            succeed(
                cargo(&["test", "--workspace", "--exclude", "frontend", "--quiet"])
                    .env_remove("TEST_DATABASE_URL"),
            )
        }),
        "postgres" => {
            let cluster = step("Starting a throw-away PostgreSQL", Cluster::start)?;
            step("API tests on PostgreSQL", || {
                let mut test = cargo(&["test", "--package", "server", "--lib", "--test", "api", "--quiet"]);
                succeed(test.env("TEST_DATABASE_URL", cluster.url()))
            })
        }
        "conformance" => {
            node::packages()?;
            programs()?;
            step("Conformance: the sandbox and clients nobody here wrote", || {
                node::test("conformance", &binaries())
            })
        }
        "browser" => {
            node::packages()?;
            let chromium = node::chromium()?;
            page::build()?;
            programs()?;
            let mut variables = binaries();
            variables.push(("CHROMIUM", chromium));
            step("Browser: the page in Chromium", || node::test("browser", &variables))
        }
        other => Err(format!("there is no part {other:?}: {}", PARTS.join(", "))),
    }
}

fn lint() -> Result {
    const DENY: [&str; 3] = ["--", "--deny", "warnings"];
    step("Lints", || {
        let words = ["clippy", "--workspace", "--exclude", "frontend", "--all-targets", "--quiet"];
        succeed(cargo(&words).args(DENY))
    })?;
    tools::wasm_target()?;
    step("Lints of the page", || {
        let words = ["clippy", "--package", "frontend", "--target", "wasm32-unknown-unknown", "--quiet"];
        succeed(cargo(&words).args(DENY))
    })
}

fn programs() -> Result {
    step("Building server and sandbox", || {
        succeed(&mut cargo(&["build", "--package", "server", "--package", "sandbox", "--quiet"]))
    })
}

/// Where the tests find the programs.
fn binaries() -> Vec<(&'static str, String)> {
    let target = root().join(env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()));
    let file = |name: &str| target.join("debug").join(name).display().to_string();
    vec![
        ("SERVER_PROGRAM", file("server")),
        ("SANDBOX_PROGRAM", file("sandbox")),
        ("PAGE_FOLDER", root().join("dist").display().to_string()),
    ]
}
