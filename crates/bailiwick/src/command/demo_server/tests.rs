use super::*;

fn asked(notes: &mut Notes, line: &str) -> Value {
    serde_json::from_slice(&answer(notes, line.as_bytes()).unwrap()).unwrap()
}

fn called(notes: &mut Notes, tool: &str, arguments: &str) -> (String, bool) {
    let line = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}","arguments":{arguments}}}}}"#
    );
    let result = asked(notes, &line)["result"].clone();
    (result["content"][0]["text"].as_str().unwrap().to_owned(), result["isError"].as_bool().unwrap())
}

#[test]
fn the_handshake_agrees_on_a_revision_with_a_handshake() {
    let agreed = |asked_for: &str| {
        let line = format!(
            r#"{{"jsonrpc":"2.0","id":"a","method":"initialize","params":{{"protocolVersion":"{asked_for}"}}}}"#
        );
        let answer = asked(&mut Notes::seeded(), &line);
        assert_eq!(answer["id"], "a");
        answer["result"]["protocolVersion"].as_str().unwrap().to_owned()
    };
    for known in ["2025-03-26", "2025-06-18", "2025-11-25"] {
        assert_eq!(agreed(known), known);
    }
    for other in ["2026-07-28", "1999-01-01", ""] {
        assert_eq!(agreed(other), "2025-11-25");
    }
}

#[test]
fn the_listing_tells_the_risks_apart() {
    let answer = asked(&mut Notes::seeded(), r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#);

    let hint = |tool: &Value, name: &str| tool["annotations"][name].as_bool();
    let risks: Vec<String> = answer["result"]["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| format!("{} {:?} {:?}", tool["name"], hint(tool, "readOnlyHint"), hint(tool, "destructiveHint")))
        .collect();

    assert_eq!(
        risks,
        [
            r#""list_notes" Some(true) None"#,
            r#""read_note" Some(true) None"#,
            r#""search_notes" Some(true) None"#,
            r#""add_note" Some(false) Some(false)"#,
            r#""append_note" Some(false) Some(false)"#,
            r#""delete_note" Some(false) Some(true)"#,
        ]
    );
}

#[test]
fn notes_are_written_found_and_deleted() {
    let notes = &mut Notes::seeded();
    let fine = |text: &str| (text.to_owned(), false);

    assert_eq!(
        called(notes, "add_note", r#"{"title":"My 2nd Note!","text":"hello"}"#),
        fine("Added the note my-2nd-note.")
    );
    assert_eq!(
        called(notes, "add_note", r#"{"title":"my 2nd note","text":"x"}"#),
        fine("Added the note my-2nd-note-2.")
    );
    assert_eq!(
        called(notes, "append_note", r#"{"id":"my-2nd-note","text":"WORLD"}"#),
        fine("Added a line to my-2nd-note.")
    );
    assert_eq!(called(notes, "search_notes", r#"{"text":"world"}"#), fine("my-2nd-note: My 2nd Note!"));
    assert_eq!(called(notes, "read_note", r#"{"id":"my-2nd-note"}"#), fine("# My 2nd Note!\n\nhello\nWORLD"));
    assert_eq!(called(notes, "delete_note", r#"{"id":"my-2nd-note"}"#), fine("Deleted “My 2nd Note!” for good."));
    assert!(called(notes, "read_note", r#"{"id":"my-2nd-note"}"#).1);
    assert_eq!(called(notes, "search_notes", r#"{"text":"world"}"#), fine("No note holds these words."));
}

#[test]
fn every_tool_with_its_arguments_works_on_the_seeds() {
    let notes = &mut Notes::seeded();
    let (listed, failed) = called(notes, "list_notes", "{}");
    assert!(!failed);
    for line in listed.lines() {
        let (id, title) = line.split_once(": ").unwrap();
        assert_eq!(
            called(notes, "read_note", &json!({ "id": id }).to_string()).0.lines().next(),
            Some(&*format!("# {title}"))
        );
        assert!(!called(notes, "delete_note", &json!({ "id": id }).to_string()).1);
    }
    assert_eq!(called(notes, "list_notes", "{}").0, "There are no notes.");
}

#[test]
fn wrong_arguments_are_a_complaint_the_model_can_read() {
    let table = [
        ("read_note", "{}", "the argument id is missing"),
        ("read_note", r#"{"id":7}"#, "the argument id must be a string"),
        ("read_note", r#"{"id":""}"#, "the argument id must have 1 to 200 characters"),
        ("read_note", r#"{"id":"nowhere"}"#, "there is no note \"nowhere\"; list_notes shows the ids"),
        ("list_notes", r#"{"x":1}"#, "list_notes has no argument \"x\""),
        ("list_notes", "[]", "the arguments must be an object"),
    ];
    for (tool, arguments, complaint) in table {
        assert_eq!(called(&mut Notes::seeded(), tool, arguments), (complaint.to_owned(), true));
    }
}

#[test]
fn memory_stays_flat_whatever_is_written() {
    let notes = &mut Notes::seeded();
    let line = format!(r#"{{"id":"shopping","text":"{}"}}"#, "x".repeat(9_990));
    assert!(!called(notes, "append_note", &line).1);
    assert!(called(notes, "append_note", &line).1 || called(notes, "append_note", &line).1);
    let refused = (0..600).filter(|_| called(notes, "add_note", r#"{"title":"t","text":"x"}"#).1).count();
    assert_eq!(refused, 600 - 495);
}

#[test]
fn what_it_does_not_know_is_an_error_of_the_protocol() {
    let notes = &mut Notes::seeded();
    let code = |notes: &mut Notes, line: &str| asked(notes, line)["error"]["code"].as_i64();
    assert_eq!(code(notes, r#"{"jsonrpc":"2.0","id":1,"method":"server/discover"}"#), Some(-32601));
    assert_eq!(code(notes, r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x"}}"#), Some(-32602));
    assert_eq!(code(notes, "nonsense"), Some(-32700));
}

#[test]
fn one_line_in_is_at_most_one_line_out() {
    let input = "\n{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\r\n{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\r\n{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\"}";
    let mut output = Vec::new();

    serve(input.as_bytes(), &mut output, None).unwrap();

    let lines = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}\n";
    assert_eq!(String::from_utf8(output).unwrap(), lines);
}

#[test]
fn notes_in_a_file_are_shared_between_servers() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("notes.json");
    let deletes = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"delete_note","arguments":{"id":"delete-me"}}}"#;
    serve(deletes.as_bytes(), Vec::new(), Some(&file)).unwrap();

    let mut output = Vec::new();
    let lists = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_notes","arguments":{}}}"#;
    serve(lists.as_bytes(), &mut output, Some(&file)).unwrap();

    let listed = String::from_utf8(output).unwrap();
    assert!(listed.contains("plum-cake") && !listed.contains("delete-me"), "{listed}");
}
