//! `docs/credentials.md`, taken apart: each configuration, and what the tool and the authorization server see with it.

const PAGE: &str = include_str!("../../../../../docs/credentials.md");

/// A configuration and what comes of it.
#[derive(Debug)]
pub(super) struct Case {
    /// The section it stands in.
    pub(super) title: String,
    pub(super) config: String,
    /// What must be seen, in order.
    pub(super) sights: Vec<Sight>,
    /// What a child must find in its environment.
    pub(super) environment: Vec<(String, String)>,
}

/// One request, as the page shows it.
#[derive(Debug)]
pub(super) struct Sight {
    /// Its method, its path, and how it comes about.
    pub(super) line: Vec<String>,
    /// Headers and fields of a form.
    pub(super) fields: Vec<(String, String)>,
    /// The claims of the token in it.
    pub(super) claims: Option<String>,
}

/// Every fenced block: its language and its text, or, for a heading, `#` and the heading.
fn blocks() -> Vec<(&'static str, String)> {
    let mut blocks: Vec<(&str, String)> = Vec::new();
    let mut open = false;
    for line in PAGE.lines() {
        match (line.strip_prefix("```"), line.strip_prefix("## "), open) {
            (Some(language), _, false) => {
                blocks.push((language, String::new()));
                open = true;
            }
            (Some(_), _, true) => open = false,
            (None, _, true) => blocks.last_mut().unwrap().1.extend([line, "\n"]),
            (None, Some(title), false) => blocks.push(("#", title.to_owned())),
            (None, None, false) => {}
        }
    }
    blocks
}

/// The text of the first block in that language.
pub(super) fn first(language: &str) -> String {
    blocks().into_iter().find(|(own, _)| *own == language).expect("a block").1
}

/// Every configuration of the page.
pub(super) fn cases() -> Vec<Case> {
    let (mut cases, mut title): (Vec<Case>, String) = (Vec::new(), String::new());
    for (language, text) in blocks() {
        match language {
            "#" => title = text,
            "toml" => {
                let (sights, environment) = (Vec::new(), Vec::new());
                cases.push(Case { title: title.clone(), config: text, sights, environment });
            }
            "env" => {
                let pairs = text.lines().map(|line| line.split_once('=').expect("a variable"));
                let own = &mut cases.last_mut().unwrap().environment;
                own.extend(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
            }
            "http" => cases.last_mut().unwrap().sights.push(sight(&text)),
            "json" => cases.last_mut().unwrap().sights.last_mut().unwrap().claims = Some(text),
            "sh" | "yaml" => {}
            other => panic!("a block in {other:?}"),
        }
    }
    cases
}

fn sight(text: &str) -> Sight {
    let mut lines = text.lines();
    let line = lines.next().unwrap().split(' ').map(str::to_owned).collect();
    let field = |line: &str| {
        let (name, value) = line.split_once(": ").or_else(|| line.split_once('=')).expect("a header or a field");
        (name.to_ascii_lowercase(), value.to_owned())
    };
    Sight { line, fields: lines.map(field).collect(), claims: None }
}
