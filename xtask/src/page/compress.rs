//! Compressed copies of the page's files, which the server sends in their place.

use std::{
    ffi::OsStr,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use crate::step::Result;

/// Compresses the files of a folder. Returns their size with brotli, in bytes.
pub fn all(folder: &Path) -> Result<usize> {
    files(folder)?.iter().map(|file| compress(file)).sum()
}

/// The files of the page in a folder and below it, without compressed copies.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if path.is_dir() {
            found.extend(files(&path)?);
        } else if !has_ending(&path, "br") && !has_ending(&path, "gz") {
            found.push(path);
        }
    }
    Ok(found)
}

/// The size of a file as it is sent, in bytes.
pub fn sent_size(file: &Path) -> Result<u64> {
    let copy = with_ending(file, ".br");
    let sent = if copy.exists() { &copy } else { file };
    fs::metadata(sent).map(|file| file.len()).map_err(|error| format!("{}: {error}", sent.display()))
}

/// Writes a brotli and a gzip copy next to a file. Returns the size of the brotli copy.
fn compress(file: &Path) -> Result<usize> {
    let failed = |error: io::Error| format!("{}: {error}", file.display());
    let content = fs::read(file).map_err(failed)?;
    let mut brotli = Vec::new();
    let best = brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 22, ..Default::default() };
    brotli::BrotliCompress(&mut content.as_slice(), &mut brotli, &best).map_err(failed)?;
    fs::write(with_ending(file, ".br"), &brotli).map_err(failed)?;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&content).map_err(failed)?;
    fs::write(with_ending(file, ".gz"), gzip.finish().map_err(failed)?).map_err(failed)?;
    Ok(brotli.len())
}

fn with_ending(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn has_ending(file: &Path, ending: &str) -> bool {
    file.extension() == Some(OsStr::new(ending))
}
