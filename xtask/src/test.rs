//! `cargo xtask test`: all tests, the fastest first.

use std::{fs, process::Command, time::Instant};

use crate::{
    node, page,
    postgres::{self, Cluster},
    step::{Result, cargo, root, step, succeed, target},
    tools,
};

/// The parts, which can also be run alone.
pub const PARTS: [&str; 7] = ["format", "lint", "docs", "sqlite", "postgres", "conformance", "browser"];

/// Parts that are not part of `cargo xtask test`: they take long, and what they hold seldom changes.
pub const LONG_PARTS: [&str; 1] = ["trunk"];

pub fn all() -> Result {
    let started = Instant::now();
    // Missing tools are reported before anything is compiled.
    tools::openssl_headers()?;
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
                // The same packages as above: with others, the dependencies are compiled with other features.
                let mut test = cargo(&["test", "--workspace", "--exclude", "frontend", "--quiet"]);
                // Some need a database that several servers can share.
                test.args(["--lib", "--test", "api", "--", "--include-ignored"]);
                test.env("TEST_DATABASE_ROOT", cluster.root_certificate());
                succeed(test.env("TEST_DATABASE_URL", cluster.url()))
            })
        }
        "conformance" => {
            node::packages()?;
            programs()?;
            step("Conformance: the sandbox and the providers' client libraries", || {
                let report = root().join("target/conformance");
                // Left over by an earlier run.
                let _ = fs::remove_dir_all(&report);
                fs::create_dir_all(&report).map_err(|error| format!("{}: {error}", report.display()))?;
                let mut variables = binaries();
                variables.push(("CONFORMANCE_REPORT", report.display().to_string()));
                node::test("conformance", &variables)?;
                node::test("fidelity", &variables)
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
        "trunk" => trunk(),
        other => {
            let parts = [&PARTS[..], &LONG_PARTS[..]].concat().join(", ");
            Err(format!("unknown part {other:?}; the parts are {parts}"))
        }
    }
}

/// The page as Trunk builds it signs people in as well.
fn trunk() -> Result {
    tools::wasm_target()?;
    let (trunk, wasm_bindgen) = (tools::trunk()?, tools::wasm_bindgen()?);
    node::packages()?;
    let chromium = node::chromium()?;
    let folder = target().join("trunk-page");
    step("Building the page with Trunk", || {
        let mut build = Command::new(trunk.join("trunk"));
        build.args(["build", "--offline", "--skip-version-check", "--dist"]).arg(&folder).current_dir(root());
        // Trunk accepts only `true` or `false` as the value of NO_COLOR.
        build.env_remove("NO_COLOR");
        succeed(tools::with_path(&mut build, &[wasm_bindgen])?)
    })?;
    programs()?;
    let mut variables = binaries();
    variables.retain(|(name, _)| *name != PAGE_FOLDER);
    variables.extend([(PAGE_FOLDER, folder.display().to_string()), ("CHROMIUM", chromium)]);
    step("Browser: signing in on the page that Trunk built", || {
        node::test_files(&[root().join("tests/browser/sign_in.test.mjs")], &variables)
    })
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
    // Divided into files and in one.
    step("Lints of the page", || {
        let arguments = ["clippy", "--package", "frontend", "--target", "wasm32-unknown-unknown", "--quiet"];
        succeed(cargo(&arguments).args(["--features", "split"]).args(DENY))?;
        succeed(cargo(&arguments).args(DENY))
    })
}

fn programs() -> Result {
    step("Building server and sandbox", || {
        succeed(&mut cargo(&["build", "--package", "server", "--package", "sandbox", "--quiet"]))
    })
}

const PAGE_FOLDER: &str = "PAGE_FOLDER";

/// The variables that tell the tests where the programs and the page are.
fn binaries() -> Vec<(&'static str, String)> {
    let file = |name: &str| target().join("debug").join(name).display().to_string();
    vec![
        ("SERVER_PROGRAM", file("server")),
        ("SANDBOX_PROGRAM", file("sandbox")),
        (PAGE_FOLDER, root().join("dist").display().to_string()),
    ]
}
