//! The tools that a build needs. Each is looked up and, if missing, installed; the announcement says
//! what it is for and how long it takes.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::step::{Result, cache, cargo, output, root, step, succeed};

const TRUNK: &str = "0.21.14";
const BINARYEN: &str = "132.0.0";
/// What the page is compiled for.
pub const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// The program of this name on the PATH.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// Prepends folders to the PATH of a command.
pub fn with_path<'a>(command: &'a mut Command, folders: &[PathBuf]) -> Result<&'a mut Command> {
    let current = env::var_os("PATH").unwrap_or_default();
    let all = folders.iter().cloned().chain(env::split_paths(&current));
    let joined = env::join_paths(all).map_err(|error| format!("PATH: {error}"))?;
    Ok(command.env("PATH", joined))
}

/// Rust's standard library for WebAssembly.
pub fn wasm_target() -> Result {
    let installed = || {
        let folder =
            output(Command::new("rustc").args(["--print", "target-libdir", "--target", WASM_TARGET]));
        folder.is_some_and(|folder| Path::new(&folder).is_dir())
    };
    if installed() {
        return Ok(());
    }
    step("Installing Rust's wasm32 target: compiles the page (half a minute)", || {
        succeed(Command::new("rustup").args(["target", "add", WASM_TARGET]))
            .map_err(|problem| format!("{problem}; install the target {WASM_TARGET} for this Rust by hand"))
    })
}

/// A component of the Rust toolchain; `subcommand` is the cargo subcommand that it provides.
pub fn component(name: &str, subcommand: &str) -> Result {
    if output(&mut cargo(&[subcommand, "--version"])).is_some() {
        return Ok(());
    }
    step(&format!("Installing {name} (half a minute)"), || {
        succeed(Command::new("rustup").args(["component", "add", name]))
            .map_err(|problem| format!("{problem}; install {name} for this Rust by hand"))
    })
}

/// A tool of a fixed version that cargo installs into the cache. Returns its folder.
fn cargo_tool(package: &str, program: &str, version: &str, locked: bool, purpose: &str) -> Result<PathBuf> {
    let has_version = |file: &Path| {
        let printed = output(Command::new(file).arg("--version"));
        printed.is_some_and(|text| text.split_whitespace().any(|word| word == version))
    };
    if let Some(folder) = on_path(program).filter(|file| has_version(file)).and_then(folder_of) {
        return Ok(folder);
    }
    let home = cache().join(format!("{package}-{version}"));
    let bin = home.join("bin");
    if has_version(&bin.join(program)) {
        return Ok(bin);
    }
    step(&format!("Installing {package} {version}: {purpose}"), || {
        let mut install = cargo(&["install", package, "--version", version, "--root"]);
        install.arg(&home).args(locked.then_some("--locked"));
        succeed(&mut install)
    })?;
    Ok(bin)
}

fn folder_of(file: PathBuf) -> Option<PathBuf> {
    file.parent().map(Path::to_owned)
}

/// Trunk, which bundles the page.
pub fn trunk() -> Result<PathBuf> {
    cargo_tool("trunk", "trunk", TRUNK, true, "bundles the page (4 to 7 minutes)")
}

/// wasm-bindgen, of exactly the version that the page is compiled with.
pub fn wasm_bindgen() -> Result<PathBuf> {
    let version = locked_version("wasm-bindgen")?;
    cargo_tool(
        "wasm-bindgen-cli",
        "wasm-bindgen",
        &version,
        false,
        "generates the JavaScript that loads the page's WebAssembly (3 minutes)",
    )
}

/// The version of a package in `Cargo.lock`.
fn locked_version(package: &str) -> Result<String> {
    let lock =
        fs::read_to_string(root().join("Cargo.lock")).map_err(|error| format!("Cargo.lock: {error}"))?;
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name);
    let version = lines.nth(1).and_then(|line| line.strip_prefix("version = \""));
    let version = version.and_then(|line| line.strip_suffix('"'));
    version.map(str::to_owned).ok_or_else(|| format!("Cargo.lock has no package {package}"))
}

/// wasm-opt, which makes the page smaller. Optional: without npm, the page is built without it.
pub fn wasm_opt() -> Option<PathBuf> {
    if let Some(file) = on_path("wasm-opt") {
        return Some(file);
    }
    let home = cache().join(format!("binaryen-{BINARYEN}"));
    let file = home.join("node_modules/.bin/wasm-opt");
    if file.exists() {
        return Some(file);
    }
    on_path("npm")?;
    let installed =
        step(&format!("Installing binaryen {BINARYEN}: makes the page smaller (10 seconds)"), || {
            fs::create_dir_all(&home).map_err(|error| error.to_string())?;
            let mut npm = Command::new("npm");
            npm.args(["install", "--no-save", "--no-audit", "--no-fund", "--prefix"]);
            succeed(npm.arg(&home).arg(format!("binaryen@{BINARYEN}")))
        });
    if let Err(problem) = installed {
        println!("    the page is built without it: {problem}");
    }
    file.exists().then_some(file)
}

/// The program `openssl`, which makes certificates for tests.
pub fn openssl_program() -> Result {
    if on_path("openssl").is_some() {
        return Ok(());
    }
    debian_package(
        &["openssl"],
        "makes a certificate for the tests' PostgreSQL",
        "install the program openssl",
    )
}

/// What the client library of PostgreSQL is built with: it links OpenSSL.
pub fn openssl_headers() -> Result {
    let found = |package: &str| output(Command::new("pkg-config").args(["--exists", package])).is_some();
    if !cfg!(target_os = "linux") || found("openssl") || env::var_os("OPENSSL_DIR").is_some() {
        return Ok(());
    }
    debian_package(
        &["pkg-config", "libssl-dev"],
        "PostgreSQL's client library uses OpenSSL for TLS",
        "install pkg-config and the headers of OpenSSL (libssl-dev, openssl-devel)",
    )
}

/// Installs Debian packages if this is Debian and the user is root. `remedy` says what to do otherwise.
pub fn debian_package(packages: &[&str], purpose: &str, remedy: &str) -> Result {
    let root_user = output(Command::new("id").arg("-u")).as_deref() == Some("0");
    if !root_user || on_path("apt-get").is_none() {
        return Err(format!("{remedy} (needed: {purpose})"));
    }
    step(&format!("Installing {}: {purpose} (a minute)", packages.join(" and ")), || {
        let apt = |arguments: &[&str]| {
            let mut command = Command::new("apt-get");
            command.args(["-qq", "-y", "-o", "Dpkg::Use-Pty=0"]).args(arguments);
            command.env("DEBIAN_FRONTEND", "noninteractive");
            command
        };
        succeed(&mut apt(&["update"]))?;
        succeed(apt(&["install", "--no-install-recommends"]).args(packages))
    })
    .map_err(|problem| format!("{problem}; {remedy}"))
}
