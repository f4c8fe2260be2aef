//! JSON as editors write it: with comments and commas before a closing bracket. Both become blanks, so that an error
//! still names the right line.

/// The text as strict JSON.
pub(super) fn strict(text: &str) -> String {
    let text = text.trim_start_matches('\u{feff}');
    let mut out = String::with_capacity(text.len());
    // Where a comma stands in `out` that nothing but blanks has followed yet.
    let mut comma = None;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match (c, rest.peek()) {
            ('"', _) => {
                comma = None;
                out.push(c);
                copy_string(&mut rest, &mut out);
            }
            ('/', Some('/')) => while rest.next_if(|c| *c != '\n').is_some() {},
            ('/', Some('*')) => skip_block(&mut rest, &mut out),
            (',', _) => {
                comma = Some(out.len());
                out.push(c);
            }
            ('}' | ']', _) => {
                if let Some(place) = comma.take() {
                    out.replace_range(place..=place, " ");
                }
                out.push(c);
            }
            _ => {
                if !c.is_whitespace() {
                    comma = None;
                }
                out.push(c);
            }
        }
    }
    out
}

type Letters<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn copy_string(rest: &mut Letters<'_>, out: &mut String) {
    while let Some(c) = rest.next() {
        out.push(c);
        match c {
            '"' => return,
            '\\' => out.extend(rest.next()),
            _ => {}
        }
    }
}

fn skip_block(rest: &mut Letters<'_>, out: &mut String) {
    rest.next();
    let mut last = ' ';
    for c in rest {
        if (last, c) == ('*', '/') {
            return;
        }
        if c == '\n' {
            out.push(c);
        }
        last = c;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_closing_commas_go_and_strings_stay() {
        for (text, value) in [
            ("{\"a\": [1, 2,], // none\n}", serde_json::json!({ "a": [1, 2] })),
            ("/* one\n two */ {\"url\": \"http://x//y, }\", }", serde_json::json!({ "url": "http://x//y, }" })),
            ("\u{feff}{\"quote\": \"\\\" // no\", /* , */ }", serde_json::json!({ "quote": "\" // no" })),
            ("{\"a\": 1 , /* x */ \"b\": 2}", serde_json::json!({ "a": 1, "b": 2 })),
        ] {
            assert_eq!(serde_json::from_str::<serde_json::Value>(&strict(text)).unwrap(), value, "{text}");
        }
    }

    #[test]
    fn an_error_names_the_line_of_the_file() {
        let refused = serde_json::from_str::<serde_json::Value>(&strict("// one\n/* two\n*/ {\"a\" 1}")).unwrap_err();

        assert_eq!(refused.line(), 3);
    }
}
