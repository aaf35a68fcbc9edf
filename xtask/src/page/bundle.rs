//! Gives each file of the page a name with a hash of its content, and writes the document that names them.
//!
//! `frontend/index.html` marks what is to be bundled by `data-trunk`, so that Trunk can build it, too.

use std::{fs, path::Path};

use sha2::{Digest, Sha256};

use super::bindings::{SCRIPT, WASM};
use crate::step::Result;

/// Hexadecimal digits of a file name's hash.
const HASH_DIGITS: usize = 16;

/// Adds the assets of `source` to the bindings in `folder`, renames all by their hashes, and writes
/// `index.html`.
pub fn assemble(source: &Path, folder: &Path) -> Result {
    let document = read(&source.join("index.html"))?;
    let mut lines = Vec::new();
    for line in document.lines() {
        if !line.contains("data-trunk") {
            lines.push(line.to_owned());
            continue;
        }
        let href = attribute(line, "href");
        match (attribute(line, "rel"), href) {
            (Some("rust"), _) => lines.push(program(folder)?),
            (Some("icon"), Some(file)) => {
                let url = add(source, file, folder)?;
                lines.push(format!(r#"<link rel="icon" href="{url}" type="image/svg+xml">"#));
            }
            (Some("css"), Some(file)) => {
                let url = add(source, file, folder)?;
                lines.push(format!(r#"<link rel="stylesheet" href="{url}">"#));
            }
            _ => return Err(format!("index.html: this kind of asset is not known: {line}")),
        }
    }
    write(&folder.join("index.html"), lines.join("\n") + "\n")
}

/// What loads the program. Both files are requested at once: the script alone would name the other late.
fn program(folder: &Path) -> Result<String> {
    let wasm = rename(folder, WASM)?;
    let script = rename(folder, SCRIPT)?;
    Ok(format!(
        r#"<link rel="modulepreload" href="{script}">
<link rel="preload" href="{wasm}" as="fetch" type="application/wasm" crossorigin>
<script type="module">import start from "{script}"; start({{ module_or_path: "{wasm}" }});</script>"#
    ))
}

/// Copies a file into the page. Returns its URL.
fn add(source: &Path, file: &str, folder: &Path) -> Result<String> {
    let name = Path::new(file).file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| format!("index.html: {file} names no file"))?;
    let (from, to) = (source.join(file), folder.join(name));
    fs::copy(&from, &to).map_err(|error| format!("{}: {error}", from.display()))?;
    rename(folder, name)
}

/// Renames a file of the page by its hash. Returns its URL.
fn rename(folder: &Path, name: &str) -> Result<String> {
    let file = folder.join(name);
    let failed = |error: std::io::Error| format!("{}: {error}", file.display());
    let digest = hex::encode(Sha256::digest(fs::read(&file).map_err(failed)?));
    let (stem, ending) = name.rsplit_once('.').ok_or_else(|| format!("{name} has no ending"))?;
    let hashed = format!("{stem}-{}.{ending}", &digest[..HASH_DIGITS]);
    fs::rename(&file, folder.join(&hashed)).map_err(failed)?;
    Ok(format!("/{hashed}"))
}

/// The value of an attribute of the element on this line.
fn attribute<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (_, value) = line.split_once(&format!(" {name}=\""))?;
    value.split('"').next()
}

fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))
}

fn write(file: &Path, text: String) -> Result {
    fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))
}
