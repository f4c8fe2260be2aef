//! `tools/list` results: what the server says of its tools, and the same listing with some of them left out.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::members::Members;
use crate::policy::ToolFacts;
use crate::text::presentable;

/// One page of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// What it says of each tool; a tool without a proper name is not one.
    pub tools: Vec<ToolFacts>,
    /// Where the next page begins.
    pub next: Option<String>,
}

/// Reads one page; nothing where the result is no listing.
pub fn page(result: &RawValue) -> Option<Page> {
    let members = Members::read(result.get()).ok()?;
    let tools = elements(members.value("tools")?)?.into_iter().filter_map(facts).collect();
    Some(Page { tools, next: members.text("nextCursor").map(Cow::into_owned) })
}

/// The same result with only the tools whose names `keep` accepts. All else stays byte for byte as it was; nothing is
/// given back where the result is no listing.
pub fn retain(result: &RawValue, keep: impl Fn(&str) -> bool) -> Option<String> {
    let whole = result.get();
    let tools = Members::read(whole).ok()?.value("tools")?;
    let kept: Vec<&str> = elements(tools)?
        .into_iter()
        .filter(|tool| name(tool).is_some_and(|name| keep(&name)))
        .map(RawValue::get)
        .collect();
    let start = tools.get().as_ptr().addr().checked_sub(whole.as_ptr().addr())?;
    let (before, after) = (whole.get(..start)?, whole.get(start + tools.get().len()..)?);
    Some(format!("{before}[{}]{after}", kept.join(",")))
}

fn elements(tools: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str(tools.get()).ok()
}

/// The one name a tool goes by. A tool with two names has none, nor has one whose name a person could not read.
fn name(tool: &RawValue) -> Option<Cow<'_, str>> {
    let members = Members::read(tool.get()).ok()?;
    if members.disguised(&["name"]).is_some() {
        return None;
    }
    members.text("name").filter(|name| !name.is_empty() && presentable(name, 256) == *name)
}

fn boolean(raw: &RawValue) -> Option<bool> {
    serde_json::from_str(raw.get()).ok()
}

fn facts(tool: &RawValue) -> Option<ToolFacts> {
    let name = name(tool)?.into_owned();
    let members = Members::read(tool.get()).ok()?;
    let annotations = members.value("annotations").and_then(|raw| Members::read(raw.get()).ok());
    let hint = |name: &str| annotations.as_ref().and_then(|hints| hints.value(name)).and_then(boolean);
    let title = members.text("title").or_else(|| annotations.as_ref().and_then(|hints| hints.text("title")));
    Some(ToolFacts {
        name,
        title: title.map(Cow::into_owned),
        description: members.text("description").map(Cow::into_owned),
        read_only: hint("readOnlyHint"),
        destructive: hint("destructiveHint"),
    })
}

#[cfg(test)]
mod tests;
