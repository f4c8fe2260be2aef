use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn raw(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).unwrap()
}

fn kept(text: &str, keep: &[&str]) -> Option<String> {
    retain(&raw(text), |name| keep.contains(&name))
}

#[test]
fn a_page_is_read() {
    let result = raw(r#"{"tools":[
            {"name":"a","title":"A","description":"d","annotations":{"title":"no","readOnlyHint":true}},
            {"name":"b","annotations":{"title":"B","destructiveHint":true,"readOnlyHint":"yes"}},
            {"title":"nameless"}, {"name":7}, 7, {"name":""}, {"name":"c\u202e"}
        ],"nextCursor":"x"}"#);

    let page = page(&result).unwrap();

    let a = ToolFacts {
        name: "a".to_owned(),
        title: Some("A".to_owned()),
        description: Some("d".to_owned()),
        read_only: Some(true),
        destructive: None,
    };
    let b = ToolFacts {
        name: "b".to_owned(),
        title: Some("B".to_owned()),
        destructive: Some(true),
        ..ToolFacts::default()
    };
    assert_eq!(page, Page { tools: vec![a, b], next: Some("x".to_owned()) });
}

#[test]
fn what_is_kept_stays_byte_for_byte() {
    let result = r#" { "ttlMs": 1.0e2, "tools" : [ {"name":"a", "x":[1 , 2]} , {"name":"b"},{"n\u0061me":"c"} ], "_meta":{"k":"\u00e9"}}"#;
    assert_eq!(
        kept(result, &["a", "c"]).as_deref(),
        Some(
            r#" { "ttlMs": 1.0e2, "tools" : [{"name":"a", "x":[1 , 2]},{"n\u0061me":"c"}], "_meta":{"k":"\u00e9"}}"#
                .trim_start()
        )
    );
    assert_eq!(kept(r#"{"tools":[{"name":"a"}]}"#, &[]).as_deref(), Some(r#"{"tools":[]}"#));
}

#[test]
fn a_tool_of_two_names_is_dropped() {
    for twice in [r#"{"name":"a","name":"b"}"#, r#"{"name":"a","Name":"b"}"#] {
        assert_eq!(kept(&format!(r#"{{"tools":[{twice}]}}"#), &["a", "b"]).as_deref(), Some(r#"{"tools":[]}"#));
    }
}

#[test]
fn what_is_no_listing_is_not_filtered_but_refused() {
    for result in ["7", "{}", r#"{"tools":{}}"#, r#"{"tools":null}"#, r#"{"tools":[],"tools":[{"name":"a"}]}"#] {
        assert_eq!(kept(result, &["a"]), None, "{result}");
        assert_eq!(page(&raw(result)), None, "{result}");
    }
}

proptest! {
    #[test]
    fn the_filter_is_the_filter_of_the_parsed_listing(
        names in prop::collection::vec("[a-d]|\"|\\\\|é", 0..8),
        wanted in prop::collection::btree_set("[a-d]|\"|\\\\|é", 0..4),
    ) {
        let tools: Vec<Value> = names.iter().map(|name| serde_json::json!({ "name": name, "x": [1] })).collect();
        let whole = serde_json::json!({ "a": 1, "tools": tools, "z": {} });

        let filtered = retain(&raw(&whole.to_string()), |name| wanted.contains(name)).unwrap();

        let mut expected = whole;
        expected["tools"].as_array_mut().unwrap().retain(|tool| wanted.contains(tool["name"].as_str().unwrap()));
        prop_assert_eq!(serde_json::from_str::<Value>(&filtered).unwrap(), expected);
    }

    #[test]
    fn no_listing_makes_it_panic(inner in "[\\[\\]{}\",:a-z0-9 ]{0,40}") {
        if let Ok(result) = RawValue::from_string(format!("{{\"tools\":[{inner}]}}")) {
            let _ = (page(&result), retain(&result, |_| true));
        }
    }
}
