//! Builds the page in release form, makes it smaller and compresses it.

use std::{
    ffi::OsStr,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    step::{Result, root, step, succeed},
    tools,
};

/// Features every browser that is still supported has, and which rustc uses by default.
const FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-reference-types",
    "--enable-multivalue",
];

/// Builds into `dist/`, where the server looks for it.
pub fn build() -> Result {
    tools::wasm_target()?;
    let (trunk, wasm_bindgen) = (tools::trunk()?, tools::wasm_bindgen()?);
    let wasm_opt = tools::wasm_opt();
    step("Building the page (two minutes the first time)", || {
        let mut build = Command::new(trunk.join("trunk"));
        build.args(["build", "--offline", "--skip-version-check"]).current_dir(root());
        // Trunk reads NO_COLOR as a yes or no of its own.
        build.env_remove("NO_COLOR");
        succeed(tools::with_path(&mut build, &[wasm_bindgen])?)
    })?;
    let files = files(&root().join("dist"))?;
    if let Some(wasm_opt) = wasm_opt {
        step("Making the page smaller", || {
            for file in files.iter().filter(|file| has_ending(file, "wasm")) {
                let mut shrink = Command::new(&wasm_opt);
                succeed(shrink.arg("-Oz").args(FEATURES).arg(file).arg("-o").arg(file))?;
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

/// Puts a brotli and a gzip copy beside a file; answers the size of the first.
fn compress(file: &Path) -> Result<usize> {
    let failed = |error: std::io::Error| format!("{}: {error}", file.display());
    let content = fs::read(file).map_err(failed)?;
    let beside = |ending: &str| {
        let mut name = file.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    let mut brotli = Vec::new();
    let best = brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 22, ..Default::default() };
    brotli::BrotliCompress(&mut content.as_slice(), &mut brotli, &best).map_err(failed)?;
    fs::write(beside(".br"), &brotli).map_err(failed)?;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&content).map_err(failed)?;
    fs::write(beside(".gz"), gzip.finish().map_err(failed)?).map_err(failed)?;
    Ok(brotli.len())
}

/// Size of all files of the page as they travel, in bytes.
pub fn compressed_size() -> Result<u64> {
    let dist = root().join("dist");
    let mut size = 0;
    for file in files(&dist)? {
        let mut name = file.clone().into_os_string();
        name.push(".br");
        let travels = if Path::new(&name).exists() { PathBuf::from(name) } else { file };
        size += fs::metadata(&travels).map_err(|error| error.to_string())?.len();
    }
    Ok(size)
}
