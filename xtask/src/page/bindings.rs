//! The JavaScript that loads the page's WebAssembly and connects it with the browser.

use std::path::Path;

use wasm_bindgen_cli_support::Bindgen;

use crate::step::Result;

/// The script, an ES module.
pub const SCRIPT: &str = "frontend.js";
/// The program.
pub const WASM: &str = "frontend_bg.wasm";

/// Writes both into a folder.
pub fn generate(program: &Path, folder: &Path) -> Result {
    let mut bindgen = Bindgen::new();
    bindgen.input_path(program).out_name("frontend").typescript(false);
    bindgen.remove_name_section(true).remove_producers_section(true);
    // The document names the program's file, which contains a hash.
    bindgen.omit_default_module_path(true);
    let written = bindgen.web(true).and_then(|bindgen| bindgen.generate(folder));
    written.map_err(|error| format!("{}: {error:#}", program.display()))
}
