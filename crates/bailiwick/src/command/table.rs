//! Rows as people read them.

use serde_json::Value;

/// Aligns these fields of each row under their headings; `nothing` where there is no row.
pub(crate) fn table(rows: &Value, columns: &[(&str, &str)], nothing: &str) -> String {
    let rows = rows.as_array().map(Vec::as_slice).unwrap_or_default();
    if rows.is_empty() {
        return nothing.to_owned();
    }
    let mut lines: Vec<Vec<String>> = vec![columns.iter().map(|(heading, _)| (*heading).to_owned()).collect()];
    lines.extend(rows.iter().map(|row| columns.iter().map(|(_, field)| cell(row.get(*field))).collect()));
    let width = |column: usize| {
        lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let line = |cells: &Vec<String>| {
        let padded: Vec<_> = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        padded.join("  ").trim_end().to_owned()
    };
    lines.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// One thing, a field a line.
pub(crate) fn card(thing: &Value) -> String {
    let fields = thing.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    fields
        .map(|(name, value)| format!("{:<14} {}", name.replace('_', " "), cell(Some(value))))
        .collect::<Vec<_>>()
        .join("\n")
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect(),
        Some(value) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn columns_stand_under_their_headings() {
        let rows = json!([{ "user": "alice", "grants": 2 }, { "user": "b", "grants": null }]);

        assert_eq!(
            table(&rows, &[("USER", "user"), ("GRANTS", "grants")], "nobody"),
            "USER   GRANTS\nalice  2\nb      -"
        );
        assert_eq!(table(&json!([]), &[("USER", "user")], "nobody"), "nobody");
    }
}
