//! Gives the files of the page names that contain a hash, and writes the documents that name them.
//!
//! `frontend/index.html` marks what is to be bundled by `data-trunk`, so that Trunk can build it, too. Beside
//! it, each file in `frontend/frames` is what one page shows until the program runs; Trunk leaves them out.

use std::{fs, path::Path};

use sha2::{Digest, Sha256};

use super::{
    bindings::{GROUPS, Groups, SCRIPT, WASM},
    compress,
};
use crate::step::Result;

/// Hexadecimal digits of the hash in a name.
const HASH_DIGITS: usize = 16;
/// The folder of the documents with a frame.
const DOCUMENTS: &str = "documents";
/// What stands around the frame in `index.html`.
const FRAME: [&str; 2] = ["<!-- frame -->\n", "<!-- end of frame -->\n"];

/// The parts of a document.
struct Document {
    /// With the assets, without the frame.
    html: String,
    /// The folder of the program.
    program: String,
}

/// Puts the program in `staging/program` and the assets of `source` under names with their hashes, and
/// writes the documents: `index.html` without a frame, and one for each frame.
pub fn assemble(source: &Path, staging: &Path, groups: &Groups) -> Result {
    let program = name_program(staging)?;
    let mut lines = Vec::new();
    for line in read(&source.join("index.html"))?.lines() {
        if !line.contains("data-trunk") {
            lines.push(line.to_owned());
            continue;
        }
        let href = attribute(line, "href");
        match (attribute(line, "rel"), href) {
            (Some("rust"), _) => lines.push(start(&program)),
            (Some("icon"), Some(file)) => {
                let url = add(source, file, staging)?;
                lines.push(format!(r#"<link rel="icon" href="{url}" type="image/svg+xml">"#));
            }
            (Some("css"), Some(file)) => {
                let url = add(source, file, staging)?;
                lines.push(format!(r#"<link rel="stylesheet" href="{url}">"#));
            }
            _ => return Err(format!("index.html: this kind of asset is not known: {line}")),
        }
    }
    let document = Document { html: lines.join("\n") + "\n", program };
    write(&staging.join("index.html"), &document.html)?;
    let documents = staging.join(DOCUMENTS);
    fs::create_dir_all(&documents).map_err(|error| format!("{}: {error}", documents.display()))?;
    let frames = source.join("frames");
    for frame in compress::files(&frames)? {
        let name = frame.strip_prefix(&frames).map_err(|error| format!("{}: {error}", frame.display()))?;
        let with_frame = document.with_frame(&read(&frame)?, groups);
        let with_frame = with_frame.map_err(|problem| format!("{}: {problem}", frame.display()))?;
        let file = documents.join(name);
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        write(&file, &with_frame)?;
    }
    Ok(())
}

impl Document {
    /// The document with a frame, its title, and the group of pages that it needs.
    fn with_frame(&self, frame: &str, groups: &Groups) -> Result<String> {
        let head = frame.lines().next().unwrap_or_default();
        let title = attribute(head, "data-title").ok_or("the first line has no data-title")?;
        let content = frame.strip_prefix(head).and_then(|rest| rest.trim().strip_suffix("</template>"));
        let content = content.ok_or("a frame is a template")?.trim_start();
        let mut html = self.html.replacen("<title>", &format!("<title>{title} · "), 1);
        if let Some(group) = attribute(head, "data-group") {
            let files = groups.get(group).ok_or_else(|| format!("there is no group {group}"))?;
            let links = files.iter().map(|file| preload(&format!("/{}/{file}", self.program)) + "\n");
            html = html.replacen("</head>", &(links.collect::<String>() + "</head>"), 1);
        }
        let (before, rest) = html.split_once(FRAME[0]).ok_or("index.html has no frame")?;
        let (_, after) = rest.split_once(FRAME[1]).ok_or("the frame of index.html has no end")?;
        Ok(format!("{before}{content}{after}"))
    }
}

/// Names the folder of the program by the hash of what it holds, since its files name each other.
fn name_program(staging: &Path) -> Result<String> {
    let folder = staging.join("program");
    let mut files = compress::files(&folder)?;
    files.sort();
    let mut digest = Sha256::new();
    for file in files {
        digest.update(fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?);
    }
    let name = hex::encode(digest.finalize())[..HASH_DIGITS].to_owned();
    fs::rename(&folder, staging.join(&name)).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(name)
}

/// What starts the program. All its files are requested at once: the script alone would name the others
/// late.
fn start(program: &str) -> String {
    let (script, wasm) = (format!("/{program}/{SCRIPT}"), format!("/{program}/{WASM}"));
    format!(
        r#"<link rel="modulepreload" href="{script}">
<link rel="modulepreload" href="/{program}/{GROUPS}">
{}
<script type="module">import start from "{script}"; start({{ module_or_path: "{wasm}" }});</script>"#,
        preload(&wasm)
    )
}

fn preload(wasm: &str) -> String {
    format!(r#"<link rel="preload" href="{wasm}" as="fetch" type="application/wasm" crossorigin>"#)
}

/// Copies a file into the page, under a name with its hash. Returns its URL.
fn add(source: &Path, file: &str, staging: &Path) -> Result<String> {
    let from = source.join(file);
    let failed = |error: std::io::Error| format!("{}: {error}", from.display());
    let name = Path::new(file).file_name().and_then(|name| name.to_str());
    let (stem, ending) =
        name.and_then(|name| name.rsplit_once('.')).ok_or_else(|| format!("{file} names no file"))?;
    let content = fs::read(&from).map_err(failed)?;
    let digest = hex::encode(Sha256::digest(&content));
    let hashed = format!("{stem}-{}.{ending}", &digest[..HASH_DIGITS]);
    fs::write(staging.join(&hashed), content).map_err(failed)?;
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

fn write(file: &Path, text: &str) -> Result {
    fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))
}
