//! Divides the compiled page into the files that are loaded one after the other, and generates the
//! JavaScript that loads them and connects them with the browser.

use std::{collections::HashMap, fs, path::Path};

use wasm_bindgen_cli_support::Bindgen;
use wasm_split_cli_support::Options;

use crate::step::Result;

/// The script, an ES module.
pub const SCRIPT: &str = "frontend.js";
/// The program that it starts.
pub const WASM: &str = "frontend_bg.wasm";
/// The script that loads groups of pages.
pub const GROUPS: &str = "groups.js";

/// What the streams of server functions are called in the script.
const STREAMS: &str = "IntoUnderlying";

/// The files of each group of pages.
pub type Groups = HashMap<String, Vec<String>>;

/// Writes all into a folder.
pub fn generate(program: &Path, folder: &Path) -> Result<Groups> {
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error:#}", program.display());
    let compiled = fs::read(program).map_err(|error| failed(&error))?;
    // Of the whole program, what no group is needed for; made smaller by the next step.
    let first = folder.join("first.wasm");
    let (script, groups) = (format!("./{SCRIPT}"), format!("./{GROUPS}"));
    let mut options = Options::new(&compiled);
    options.output_dir = folder;
    options.main_out_path = &first;
    options.main_module = &script;
    options.link_name = &groups;
    let split = wasm_split_cli_support::transform(options).map_err(|error| failed(&error))?;

    let mut bindgen = Bindgen::new();
    bindgen.input_path(&first).out_name("frontend").typescript(false);
    bindgen.remove_name_section(true).remove_producers_section(true);
    // The groups use functions of the program, which nothing else may.
    bindgen.keep_lld_exports(true);
    // The document names the program's file.
    bindgen.omit_default_module_path(true);
    let written = bindgen.web(true).and_then(|bindgen| bindgen.generate(folder));
    written.map_err(|error| failed(&error))?;
    fs::remove_file(&first).map_err(|error| failed(&error))?;
    shorten(&folder.join(SCRIPT))?;
    reduce(&folder.join(WASM))?;
    split.split_modules.iter().try_for_each(|file| reduce(file))?;
    let files = |stems: Vec<String>| stems.into_iter().map(|stem| format!("{stem}.wasm")).collect();
    Ok(split.prefetch_map.into_iter().map(|(group, stems)| (group, files(stems))).collect())
}

/// Removes the names of functions, and what Leptos exports for the streams of server functions, which this
/// page has none of, with all that only they use.
fn reduce(program: &Path) -> Result {
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error:#}", program.display());
    let mut config = walrus::ModuleConfig::new();
    config.generate_name_section(false).generate_producers_section(false);
    let mut module = config.parse_file(program).map_err(|error| failed(&error))?;
    let streams = module.exports.iter().filter(|export| export.name.contains(&STREAMS.to_lowercase()));
    for export in streams.map(walrus::Export::id).collect::<Vec<_>>() {
        module.exports.delete(export);
    }
    walrus::passes::gc::run(&mut module);
    module.emit_wasm_file(program).map_err(|error| failed(&error))
}

/// Makes the generated script smaller: without comments and indentation, which are not in its strings, and
/// without the classes of the streams that [`reduce`] removes.
fn shorten(script: &Path) -> Result {
    let failed = |error: std::io::Error| format!("{}: {error}", script.display());
    let (class, constant) = (format!("export class {STREAMS}"), format!("const {STREAMS}"));
    let (mut short, mut left_out) = (String::new(), None);
    for line in fs::read_to_string(script).map_err(failed)?.lines() {
        let end = left_out.or_else(|| match line.trim_start() {
            text if text.starts_with("/**") => Some("*/"),
            text if text.starts_with(&class) => Some("}"),
            text if text.starts_with(&constant) => Some(";"),
            _ => None,
        });
        let is_last = |end| line.ends_with(end) && (end != "}" || line == "}");
        left_out = end.filter(|end| !is_last(*end));
        if end.is_none() && !line.is_empty() && !line.starts_with(&format!("if (Symbol.dispose) {STREAMS}")) {
            short.push_str(line.trim());
            short.push('\n');
        }
    }
    fs::write(script, short).map_err(failed)
}
