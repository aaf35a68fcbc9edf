//! Allowed dependencies between the layers.

use std::{fs, path::Path};

/// The code lines below a folder that contain one of these words, as `file: line`.
fn lines_containing(folder: &str, words: &[&str]) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut found) = (vec![root.join(folder)], Vec::new());
    let mut files = 0;
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(at).expect("the folder exists") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            files += 1;
            let text = fs::read_to_string(&path).expect("a source file");
            let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            let hits = lines.filter(|line| words.iter().any(|word| line.contains(word)));
            found.extend(hits.map(|line| format!("{}: {}", path.display(), line.trim())));
        }
    }
    assert!(files > 0, "{folder} holds no files");
    found
}

const NONE: [String; 0] = [];

#[test]
fn handlers_use_neither_the_store_nor_sql() {
    // `StoreError` is the only part of the store that `http` may name.
    let uses = lines_containing("http", &["diesel", "crate::store", "store::"]);
    let uses: Vec<_> = uses.into_iter().filter(|line| !line.contains("store::StoreError")).collect();
    assert_eq!(uses, NONE);
}

#[test]
fn the_domain_uses_no_other_layer() {
    let other = ["actix", "reqwest", "crate::store", "crate::http", "crate::provider", "crate::services"];
    assert_eq!(lines_containing("domain", &other), NONE);
}

#[test]
fn store_provider_and_services_use_no_layer_above_them() {
    assert_eq!(lines_containing("store", &["crate::http", "crate::provider", "crate::services"]), NONE);
    assert_eq!(lines_containing("provider", &["crate::http", "crate::store", "crate::services"]), NONE);
    assert_eq!(lines_containing("services", &["crate::http", "actix"]), NONE);
}
