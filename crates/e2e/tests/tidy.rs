//! Holds the floors: a crate uses only lower ones, neighbours never meet, and the rules know no I/O.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test binary")]

use std::process::Command;

use serde_json::Value;

/// Each crate and the floor it stands on.
const FLOORS: [(&str, u32); 11] = [
    ("bailiwick-domain", 0),
    ("bailiwick-store", 1),
    ("bailiwick-net", 1),
    ("bailiwick-saml", 1),
    ("bailiwick-resource", 2),
    ("bailiwick-client", 2),
    ("bailiwick-broker", 3),
    ("bailiwick-authority", 4),
    ("bailiwick-gateway", 4),
    ("bailiwick", 5),
    ("bailiwick-e2e", 6),
];

/// What the rules must not know.
const IO: [&str; 9] = ["tokio", "axum", "hyper", "sqlx", "reqwest", "rand", "tracing", "http-body", "futures-util"];

fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO")).args(["metadata", "--format-version=1", "--no-deps"]).output().unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

fn floor(name: &str) -> u32 {
    FLOORS.iter().find(|(known, _)| *known == name).expect(name).1
}

#[test]
fn a_crate_uses_only_lower_floors() {
    for package in packages() {
        let name = package["name"].as_str().unwrap();
        for dependency in package["dependencies"].as_array().unwrap() {
            let below = dependency["name"].as_str().unwrap();
            if below.starts_with("bailiwick") && dependency["kind"].is_null() {
                assert!(floor(below) < floor(name), "{name} must not use {below}");
            }
        }
    }
}

#[test]
fn the_rules_name_no_io_crate() {
    let packages = packages();
    let domain = packages.iter().find(|package| package["name"] == "bailiwick-domain").expect("domain");

    for dependency in domain["dependencies"].as_array().unwrap() {
        let name = dependency["name"].as_str().unwrap();
        assert!(!(dependency["kind"].is_null() && IO.contains(&name)), "domain must not use {name}");
    }
}

#[test]
fn no_file_is_named_by_laziness() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let mut waiting = vec![std::path::PathBuf::from(root)];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                waiting.push(path);
                continue;
            }
            let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or("");
            let lazy = ["util", "utils", "common", "helper", "helpers", "misc"].contains(&stem);
            assert!(!lazy, "{} says nothing of its duty", path.display());
            report_length(&path);
        }
    }
}

/// File lengths are only reported.
fn report_length(path: &std::path::Path) {
    if path.extension().is_some_and(|extension| extension == "rs") {
        let lines = std::fs::read_to_string(path).unwrap().lines().count();
        if lines > 400 {
            println!("long: {lines:>5} {}", path.display());
        }
    }
}
