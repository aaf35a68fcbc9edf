//! Allowed dependencies between the layers.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// The source files below a folder of `src`, without their comment lines.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut found) = (vec![root.join(folder)], Vec::new());
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(at).expect("the folder exists") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).expect("a source file");
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            found.push((path, code.collect::<Vec<_>>().join("\n")));
        }
    }
    assert!(!found.is_empty(), "{folder} holds no files");
    found
}

/// The modules of the crate's root that a source names: `crate::store::…` and those of `use crate::{…}`.
fn modules_named(source: &str) -> BTreeSet<&str> {
    let mut named = BTreeSet::new();
    for (at, prefix) in source.match_indices("crate::") {
        let rest = &source[at + prefix.len()..];
        match rest.strip_prefix('{') {
            Some(group) => named.extend(first_segments(group)),
            None => _ = named.insert(first_segment(rest)),
        }
    }
    named
}

/// The first segment of each path of a `use` group whose opening brace has been read.
fn first_segments(group: &str) -> Vec<&str> {
    let (mut depth, mut begins, mut segments) = (0_usize, true, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => begins = true,
            _ if begins && !c.is_whitespace() => {
                segments.push(first_segment(&group[at..]));
                begins = false;
            }
            _ => {}
        }
    }
    segments
}

fn first_segment(path: &str) -> &str {
    let end = path.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(path.len());
    &path[..end]
}

/// The files below a folder that name one of these modules, as `file: module`.
fn uses(folder: &str, forbidden: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (path, source) in sources(folder) {
        let named = modules_named(&source);
        let hits = named.iter().filter(|module| forbidden.contains(module));
        found.extend(hits.map(|module| format!("{}: {module}", path.display())));
    }
    found
}

/// The files below a folder that contain one of these words, as `file: word`.
fn contain(folder: &str, words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (path, source) in sources(folder) {
        let hits = words.iter().filter(|word| source.contains(**word));
        found.extend(hits.map(|word| format!("{}: {word}", path.display())));
    }
    found
}

const NONE: [String; 0] = [];

#[test]
fn modules_are_found_in_paths_and_groups() {
    let source =
        "use crate::{\n    domain::{ids::UserId, http::x},\n    store,\n};\nfn f(a: crate::http::Error) {}";
    assert_eq!(modules_named(source), BTreeSet::from(["domain", "store", "http"]));
}

#[test]
fn handlers_use_neither_the_store_nor_sql() {
    for (path, source) in sources("http") {
        // `StoreError` is the only part of the store that `http` may name.
        let source = source.replace("store::StoreError", "");
        assert!(!modules_named(&source).contains("store"), "{}", path.display());
    }
    assert_eq!(contain("http", &["diesel"]), NONE);
}

#[test]
fn the_domain_uses_no_other_layer() {
    let layers = ["store", "http", "provider", "services", "config", "startup", "command"];
    assert_eq!(uses("domain", &layers), NONE);
    assert_eq!(contain("domain", &["actix", "reqwest"]), NONE);
}

#[test]
fn store_provider_and_services_use_no_layer_above_them() {
    let above = ["http", "config", "startup", "command"];
    assert_eq!(uses("services", &above), NONE);
    assert_eq!(uses("store", &[&above[..], &["provider", "services"]].concat()), NONE);
    assert_eq!(uses("provider", &[&above[..], &["store", "services"]].concat()), NONE);
    assert_eq!(contain("services", &["actix"]), NONE);
}

#[test]
fn no_path_leaves_a_layer_by_its_parent() {
    for layer in ["domain", "store", "provider", "services", "http"] {
        assert_eq!(contain(layer, &["super::super"]), NONE);
    }
}
