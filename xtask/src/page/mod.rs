//! Builds the page in release mode into `dist/`, from which the server serves it.

mod bindings;
mod bundle;
mod compress;

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
    time::UNIX_EPOCH,
};

use crate::{
    step::{Result, cargo, output, root, step, succeed, target},
    tools::{self, WASM_TARGET},
};

/// What the page is built from: its code, what that depends on, and this program, which builds it.
const SOURCES: [&str; 6] = ["frontend", "shared", ".cargo", "Cargo.toml", "Cargo.lock", "xtask/src"];

/// Features that all supported browsers have and that rustc uses by default.
/// Of what was tried, what makes the program smallest as it is sent.
const PASSES: [&str; 5] = ["-Oz", "--flatten", "--rereloop", "-Oz", "-Oz"];
const FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-reference-types",
    "--enable-multivalue",
];

/// The page as it is to be built.
pub struct Page {
    wasm_opt: Option<PathBuf>,
    /// Everything that the result depends on, as text.
    sources: String,
}

/// Builds, unless neither the sources nor `dist/` have changed since the last build.
pub fn build() -> Result {
    let page = Page::prepare()?;
    if page.is_up_to_date() {
        println!("\n==> The page is up to date");
        return Ok(());
    }
    step("Compiling the page (two minutes the first time)", || succeed(&mut page.compilation()))?;
    page.bundle()
}

impl Page {
    /// Installs the tools that are missing, and reads the sources: before the build, so that a file that
    /// changes during the build causes another one.
    pub fn prepare() -> Result<Self> {
        tools::wasm_target()?;
        let wasm_opt = tools::wasm_opt();
        let sources = sources(wasm_opt.as_deref())?;
        Ok(Self { wasm_opt, sources })
    }

    /// Whether neither the sources nor `dist/` have changed since the last build.
    pub fn is_up_to_date(&self) -> bool {
        let last = fs::read_to_string(record()).ok();
        last.is_some() && last == listing(Path::new("dist")).ok().map(|dist| self.sources.clone() + &dist)
    }

    /// The command that compiles it.
    pub fn compilation(&self) -> Command {
        let mut command = cargo(&["rustc", "--package", "frontend", "--target", WASM_TARGET]);
        command.args(["--profile", "page", "--features", "split", "--bin", "frontend"]);
        // Where functions and data are used, by which the program is divided.
        command.args(["--", "-Clink-arg=--emit-relocs"]);
        command
    }

    /// Makes `dist/` of the compiled program.
    pub fn bundle(&self) -> Result {
        let program = target().join(WASM_TARGET).join("page").join("frontend.wasm");
        let staging = target().join("page-files");
        recreate(&staging)?;
        step("Bundling the page", || {
            let groups = bindings::generate(&program, &staging.join("program"))?;
            if let Some(wasm_opt) = &self.wasm_opt {
                let file = staging.join("program").join(bindings::WASM);
                let mut optimize = Command::new(wasm_opt);
                succeed(optimize.args(PASSES).args(FEATURES).arg(&file).arg("-o").arg(&file))?;
            }
            bundle::assemble(&root().join("frontend"), &staging, &groups)
        })?;
        step("Compressing the page", || {
            compress::all(&staging).map(|bytes| println!("    {bytes} bytes with brotli"))
        })?;
        replace_dist(&staging)?;
        let record = record();
        fs::write(&record, self.sources.clone() + &listing(Path::new("dist"))?)
            .map_err(|error| format!("{}: {error}", record.display()))
    }
}

/// At the very end, so that the page before can be served until there is another one.
fn replace_dist(staging: &Path) -> Result {
    let dist = root().join("dist");
    let failed = |error: io::Error| format!("{}: {error}", dist.display());
    if dist.exists() {
        fs::remove_dir_all(&dist).map_err(failed)?;
    }
    fs::rename(staging, &dist).map_err(failed)
}

/// What `dist/` was built from, and what it held then.
fn record() -> PathBuf {
    target().join("page-build")
}

/// Everything that the result depends on, as text: the compiler, wasm-opt, and the source files.
fn sources(wasm_opt: Option<&Path>) -> Result<String> {
    let compiler = output(Command::new("rustc").arg("-vV")).unwrap_or_default();
    let mut text = format!("{compiler}\n{wasm_opt:?}\n");
    for source in SOURCES {
        text += &listing(Path::new(source))?;
    }
    Ok(text)
}

/// The files at a path of the workspace, one per line, each with its size and time of change.
fn listing(path: &Path) -> Result<String> {
    let full = root().join(path);
    let failed = |error: std::io::Error| format!("{}: {error}", full.display());
    let metadata = fs::metadata(&full).map_err(failed)?;
    if metadata.is_dir() {
        let entries = fs::read_dir(&full).map_err(failed)?;
        let mut names: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.file_name())).collect();
        names.sort();
        return names.iter().map(|name| listing(&path.join(name))).collect();
    }
    let changed = metadata.modified().map_err(failed)?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(format!("{} {} {}\n", path.display(), metadata.len(), changed.as_nanos()))
}

fn recreate(folder: &Path) -> Result {
    let failed = |error: io::Error| format!("{}: {error}", folder.display());
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(failed)?;
    }
    fs::create_dir_all(folder).map_err(failed)
}

/// The size of the files that the first view of the start page loads, as they are sent, in bytes.
pub fn first_view_size() -> Result<u64> {
    let is_needed = |file: &&PathBuf| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let is_later = name.starts_with("split_") || name.starts_with("chunk_");
        !is_later && (!name.ends_with(".html") || name == "home.html")
    };
    let files = compress::files(&root().join("dist"))?;
    files.iter().filter(is_needed).map(|file| compress::sent_size(file)).sum()
}
