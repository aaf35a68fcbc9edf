//! Tests that need Node.js: the conformance of the sandbox and the browser.

use std::{fs, process::Command};

use crate::{
    step::{Result, output, root, step, succeed},
    tools,
};

/// The packages the tests use: clients nobody here wrote, a browser driver, axe.
pub fn packages() -> Result {
    let version = output(Command::new("node").arg("--version"))
        .and_then(|text| text.trim_start_matches('v').split('.').next()?.parse::<u32>().ok());
    if version.is_none_or(|major| major < 20) {
        return Err("install Node.js 20 or newer with npm (needed: conformance and browser tests)".into());
    }
    let changed =
        |file: &str| fs::metadata(root().join("tests").join(file)).and_then(|file| file.modified()).ok();
    // npm writes the second when it has installed what stands in the first.
    if changed("node_modules/.package-lock.json") > changed("package-lock.json") {
        return Ok(());
    }
    step("Installing the tests' npm packages (10 seconds)", || {
        let mut npm = Command::new("npm");
        npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(root().join("tests"));
        succeed(&mut npm)
    })
}

/// Chromium, wherever it is.
pub fn chromium() -> Result<String> {
    let find = || {
        let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
        let own = std::env::var("CHROMIUM").ok();
        own.or_else(|| names.into_iter().find_map(tools::on_path).map(|file| file.display().to_string()))
    };
    if let Some(found) = find() {
        return Ok(found);
    }
    tools::debian_package(
        &["chromium"],
        "the browser tests use the page in it",
        "install Chromium, or name it in the variable CHROMIUM",
    )?;
    find().ok_or_else(|| "Chromium is installed, but not on the PATH".into())
}

/// Runs the tests of one folder.
pub fn test(folder: &str, variables: &[(&str, String)]) -> Result {
    let tests = root().join("tests");
    let entries = fs::read_dir(tests.join(folder)).map_err(|error| format!("{folder}: {error}"))?;
    let files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut files: Vec<_> = files.filter(|file| file.to_string_lossy().ends_with(".test.mjs")).collect();
    files.sort();
    let mut node = Command::new("node");
    node.args(["--test", "--test-concurrency=1", "--test-reporter=spec"]).args(files).current_dir(tests);
    node.envs(variables.iter().map(|(name, value)| (name, value)));
    succeed(&mut node)
}
