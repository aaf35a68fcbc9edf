//! `cargo xtask test`: all tests, the fastest first.

use std::time::Instant;

use crate::{
    node, page,
    postgres::{self, Cluster},
    step::{Result, cargo, root, step, succeed, target},
    tools,
};

/// The parts, which can also be run alone.
pub const PARTS: [&str; 7] = ["format", "lint", "docs", "sqlite", "postgres", "conformance", "browser"];

pub fn all() -> Result {
    let started = Instant::now();
    // Missing tools are reported before anything is compiled.
    tools::wasm_target()?;
    tools::component("rustfmt", "fmt")?;
    tools::component("clippy", "clippy")?;
    node::packages()?;
    node::chromium()?;
    postgres::programs()?;
    for part in PARTS {
        self::part(part)?;
    }
    println!("\nEverything passed in {:.0} s.", started.elapsed().as_secs_f64());
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
            let cluster = step("Starting a temporary PostgreSQL", Cluster::start)?;
            step("API tests on PostgreSQL", || {
                let mut test = cargo(&["test", "--package", "server", "--lib", "--test", "api", "--quiet"]);
                succeed(test.env("TEST_DATABASE_URL", cluster.url()))
            })
        }
        "conformance" => {
            node::packages()?;
            programs()?;
            step("Conformance: the sandbox and the providers' client libraries", || {
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
        other => Err(format!("unknown part {other:?}; the parts are {}", PARTS.join(", "))),
    }
}

fn lint() -> Result {
    const DENY: [&str; 3] = ["--", "--deny", "warnings"];
    step("Lints", || {
        let arguments = ["clippy", "--workspace", "--exclude", "frontend", "--all-targets", "--quiet"];
        succeed(cargo(&arguments).args(DENY))
    })?;
    step("Lints of the server without the emulator", || {
        let arguments =
            ["clippy", "--package", "server", "--lib", "--bins", "--no-default-features", "--quiet"];
        succeed(cargo(&arguments).args(DENY))
    })?;
    tools::wasm_target()?;
    step("Lints of the page", || {
        let arguments = ["clippy", "--package", "frontend", "--target", "wasm32-unknown-unknown", "--quiet"];
        succeed(cargo(&arguments).args(DENY))
    })
}

fn programs() -> Result {
    step("Building server and sandbox", || {
        succeed(&mut cargo(&["build", "--package", "server", "--package", "sandbox", "--quiet"]))
    })
}

/// The variables that tell the tests where the programs and the page are.
fn binaries() -> Vec<(&'static str, String)> {
    let file = |name: &str| target().join("debug").join(name).display().to_string();
    vec![
        ("SERVER_PROGRAM", file("server")),
        ("SANDBOX_PROGRAM", file("sandbox")),
        ("PAGE_FOLDER", root().join("dist").display().to_string()),
    ]
}
