//! Tests that need Node.js: the conformance of the sandbox and the browser.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use crate::{
    step::{Result, output, root, step, succeed},
    tools,
};

/// Installs the npm packages of the tests: the providers' client libraries, a browser driver, axe.
pub fn packages() -> Result {
    let version = output(Command::new("node").arg("--version"))
        .and_then(|text| text.trim_start_matches('v').split('.').next()?.parse::<u32>().ok());
    if version.is_none_or(|major| major < 20) {
        return Err("install Node.js 20 or newer with npm (needed: conformance and browser tests)".into());
    }
    let modified =
        |file: &str| fs::metadata(root().join("tests").join(file)).and_then(|file| file.modified()).ok();
    // npm writes the first file after it has installed the packages of the second.
    if modified("node_modules/.package-lock.json") > modified("package-lock.json") {
        return Ok(());
    }
    step("Installing the tests' npm packages (10 seconds)", || {
        let mut npm = Command::new("npm");
        npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(root().join("tests"));
        succeed(&mut npm)
    })
}

/// The path of Chromium; installs it if it is missing.
pub fn chromium() -> Result<String> {
    let find = || {
        let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
        let configured = std::env::var("CHROMIUM").ok();
        configured
            .or_else(|| names.into_iter().find_map(tools::on_path).map(|file| file.display().to_string()))
    };
    if let Some(found) = find() {
        return Ok(found);
    }
    tools::debian_package(
        &["chromium"],
        "the browser tests run in it",
        "install Chromium, or set the variable CHROMIUM to its path",
    )?;
    find().ok_or_else(|| "Chromium is installed, but not on the PATH".into())
}

/// Runs the tests of one folder.
pub fn test(folder: &str, variables: &[(&str, String)]) -> Result {
    let entries =
        fs::read_dir(root().join("tests").join(folder)).map_err(|error| format!("{folder}: {error}"))?;
    let files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut files: Vec<_> = files.filter(|file| file.to_string_lossy().ends_with(".test.mjs")).collect();
    files.sort();
    test_files(&files, variables)
}

/// Runs the tests of these files.
pub fn test_files(files: &[PathBuf], variables: &[(&str, String)]) -> Result {
    let mut node = Command::new("node");
    node.args(["--test", "--test-concurrency=1", "--test-reporter=spec"])
        .args(files)
        .current_dir(root().join("tests"));
    node.envs(variables.iter().map(|(name, value)| (name, value)));
    succeed(&mut node)
}

/// How soon the page is there over a slow line, in milliseconds.
pub struct FirstPaint {
    /// Until there is content.
    pub paint: f64,
    /// Until what is typed into a field can be sent.
    pub field: f64,
}

/// Measures the page of this server program in Chromium.
pub fn first_paint(server: &str, chromium: &str) -> Result<FirstPaint> {
    let mut node = Command::new("node");
    node.arg("browser/first_paint.mjs").current_dir(root().join("tests"));
    node.env("SERVER_PROGRAM", server).env("CHROMIUM", chromium).env("PAGE_FOLDER", root().join("dist"));
    // What it says when it fails is seen.
    let done = node.stdout(Stdio::piped()).spawn().and_then(std::process::Child::wait_with_output);
    let done = done.map_err(|error| format!("node cannot be run: {error}"))?;
    let printed = String::from_utf8_lossy(&done.stdout).into_owned();
    let field = |name: &str| {
        let (_, rest) = printed.split_once(&format!("\"{name}\":"))?;
        rest.split([',', '}']).next()?.parse().ok()
    };
    let measured = field("paint").zip(field("field"));
    let (paint, field) = measured.ok_or_else(|| format!("browser/first_paint.mjs printed {printed:?}"))?;
    Ok(FirstPaint { paint, field })
}
