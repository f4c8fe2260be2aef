//! Where npm finds its registry: a server that is fetched by `npx` sees no `.npmrc` of the person who runs this process,
//! for it may hold tokens; the two lines that lead to a registry of one's own are passed by name.

use std::path::{Path, PathBuf};

/// What is passed.
const PASSED: [&str; 2] = ["registry", "cafile"];

/// Adds to the environment what the person's `.npmrc` says of the registry, unless the operator says otherwise.
pub(super) fn configure(env: &mut Vec<(String, String)>, read: &mut Vec<PathBuf>) {
    let file = directories::BaseDirs::new().map(|dirs| dirs.home_dir().join(".npmrc"));
    let text = file.and_then(|file| std::fs::read_to_string(file).ok()).unwrap_or_default();
    for (name, value) in lines(&text) {
        let variable = format!("npm_config_{name}");
        if env.iter().any(|(known, _)| known.eq_ignore_ascii_case(&variable)) {
            continue;
        }
        if name == "cafile" && Path::new(value).is_file() {
            read.push(PathBuf::from(value));
        }
        env.push((variable, value.to_owned()));
    }
}

/// The lines that are passed: plain values without a password in them.
fn lines(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs
        .map(|(name, value)| (name.trim(), value.trim().trim_matches('"')))
        .filter(|(name, value)| PASSED.contains(name) && !value.contains(['@', '$']))
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn only_the_way_to_the_registry_is_passed() {
        let text = "registry = https://npm.example.com/\n//npm.example.com/:_authToken=secret\ncafile=/etc/ca.pem\nemail=a@b\n";

        let passed: Vec<_> = lines(text).collect();

        assert_eq!(passed, [("registry", "https://npm.example.com/"), ("cafile", "/etc/ca.pem")]);
    }

    #[test]
    fn a_password_in_an_address_is_not_passed() {
        assert_eq!(lines("registry=https://me:secret@npm.example.com/\nregistry=${SECRET}").count(), 0);
    }
}
