//! Builds the page in release mode, makes it smaller and compresses it.

use std::{
    ffi::OsStr,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    time::UNIX_EPOCH,
};

use crate::{
    step::{Result, output, root, step, succeed, target},
    tools,
};

/// What the page is built from: its code, what that depends on, and this program, which builds it.
const SOURCES: [&str; 6] = ["frontend", "shared", "Cargo.toml", "Cargo.lock", "Trunk.toml", "xtask/src"];

/// Features that all supported browsers have and that rustc uses by default.
const FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-reference-types",
    "--enable-multivalue",
];

/// Builds into `dist/`, from which the server serves it, unless neither the sources nor `dist/` have
/// changed since the last build.
pub fn build() -> Result {
    tools::wasm_target()?;
    let (trunk, wasm_bindgen) = (tools::trunk()?, tools::wasm_bindgen()?);
    let wasm_opt = tools::wasm_opt();
    // Read before the build, so that a file that changes during the build causes another one.
    let sources = sources(wasm_opt.as_deref())?;
    let record = target().join("page-build");
    let dist = || listing(Path::new("dist"));
    let last = fs::read_to_string(&record).ok();
    if last.is_some() && last == dist().ok().map(|dist| sources.clone() + &dist) {
        println!("\n==> The page is up to date");
        return Ok(());
    }
    build_all(&trunk, wasm_bindgen, wasm_opt.as_deref())?;
    fs::write(&record, sources + &dist()?).map_err(|error| format!("{}: {error}", record.display()))
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

fn build_all(trunk: &Path, wasm_bindgen: PathBuf, wasm_opt: Option<&Path>) -> Result {
    step("Building the page (two minutes the first time)", || {
        let mut build = Command::new(trunk.join("trunk"));
        build.args(["build", "--offline", "--skip-version-check"]).current_dir(root());
        // Trunk accepts only `true` or `false` as the value of NO_COLOR.
        build.env_remove("NO_COLOR");
        succeed(tools::with_path(&mut build, &[wasm_bindgen])?)
    })?;
    let files = files(&root().join("dist"))?;
    if let Some(wasm_opt) = wasm_opt {
        step("Making the page smaller", || {
            for file in files.iter().filter(|file| has_ending(file, "wasm")) {
                let mut optimize = Command::new(wasm_opt);
                succeed(optimize.arg("-Oz").args(FEATURES).arg(file).arg("-o").arg(file))?;
            }
            Ok(())
        })?;
    }
    step("Compressing the page", || {
        let all = files.iter().filter(|file| !has_ending(file, "html"));
        all.map(|file| compress(file))
            .sum::<Result<usize>>()
            .map(|bytes| println!("    {bytes} bytes with brotli"))
    })
}

fn has_ending(file: &Path, ending: &str) -> bool {
    file.extension() == Some(OsStr::new(ending))
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let files = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|file| file.is_file());
    Ok(files.filter(|file| !has_ending(file, "br") && !has_ending(file, "gz")).collect())
}

/// Writes a brotli and a gzip copy next to a file. Returns the size of the brotli copy.
fn compress(file: &Path) -> Result<usize> {
    let failed = |error: std::io::Error| format!("{}: {error}", file.display());
    let content = fs::read(file).map_err(failed)?;
    let copy = |ending: &str| {
        let mut name = file.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    let mut brotli = Vec::new();
    let best = brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 22, ..Default::default() };
    brotli::BrotliCompress(&mut content.as_slice(), &mut brotli, &best).map_err(failed)?;
    fs::write(copy(".br"), &brotli).map_err(failed)?;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&content).map_err(failed)?;
    fs::write(copy(".gz"), gzip.finish().map_err(failed)?).map_err(failed)?;
    Ok(brotli.len())
}

/// The size of all files of the page as they are sent, in bytes.
pub fn compressed_size() -> Result<u64> {
    let dist = root().join("dist");
    let mut size = 0;
    for file in files(&dist)? {
        let mut name = file.clone().into_os_string();
        name.push(".br");
        let sent = if Path::new(&name).exists() { PathBuf::from(name) } else { file };
        size += fs::metadata(&sent).map_err(|error| error.to_string())?.len();
    }
    Ok(size)
}
