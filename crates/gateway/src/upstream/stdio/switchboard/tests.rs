use super::{Heard, Switchboard};

const CALL: &str =
    r#"{"jsonrpc":"2.0", "id":"a\u0062" ,"method":"tools/call","params":{"name":"x","_meta":{"progressToken":"p"}}}"#;

#[test]
fn ids_toward_the_child_are_ours_and_answers_carry_the_callers_as_it_was_spelled() {
    let mut board = Switchboard::default();

    let mut placed = board.place(CALL, true).unwrap();
    board.hear(r#"{"jsonrpc":"2.0","id":1,"result":{"z":1.50}}"#);

    assert_eq!(
        placed.line,
        r#"{"jsonrpc":"2.0", "id":1 ,"method":"tools/call","params":{"name":"x","_meta":{"progressToken":1}}}"#
    );
    assert_eq!(placed.answer.try_recv().unwrap(), r#"{"jsonrpc":"2.0","id":"a\u0062","result":{"z":1.50}}"#);
}

#[test]
fn two_callers_with_one_id_get_their_own_answers() {
    let mut board = Switchboard::default();
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let (mut one, mut two) = (board.place(ping, false).unwrap(), board.place(ping, false).unwrap());

    board.hear(r#"{"jsonrpc":"2.0","id":2,"result":"second"}"#);

    assert_eq!(two.answer.try_recv().unwrap(), r#"{"jsonrpc":"2.0","id":1,"result":"second"}"#);
    assert!(one.answer.try_recv().is_err());
}

#[test]
fn progress_goes_to_its_request_with_the_callers_token() {
    let mut board = Switchboard::default();
    let mut placed = board.place(CALL, true).unwrap();
    let mut listening = board.listen().unwrap();

    board.hear(r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":5}}"#);

    assert_eq!(
        placed.asides.try_recv().unwrap(),
        r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"p","progress":5}}"#
    );
    assert!(listening.messages.try_recv().is_err());
}

#[test]
fn what_belongs_to_no_request_goes_to_the_listener_then_to_the_youngest_request_then_waits() {
    let mut board = Switchboard::default();
    let asked = r#"{"jsonrpc":"2.0","id":"s","method":"roots/list"}"#;

    board.hear(asked);
    let mut listening = board.listen().unwrap();
    assert_eq!(listening.messages.try_recv().unwrap(), asked);

    let mut placed = board.place(CALL, true).unwrap();
    board.hear(asked);
    assert_eq!(listening.messages.try_recv().unwrap(), asked);

    board.hush(listening.number);
    board.hear(asked);
    assert_eq!(placed.asides.try_recv().unwrap(), asked);
}

#[test]
fn a_second_listener_takes_the_place_of_the_first() {
    let mut board = Switchboard::default();
    let mut first = board.listen().unwrap();
    let mut second = board.listen().unwrap();
    board.hush(first.number);

    let heard = board.hear(r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#);

    assert_eq!(heard, Heard::ToolsChanged);
    assert!(second.messages.try_recv().is_ok());
    assert!(first.messages.try_recv().is_err());
}

#[test]
fn a_cancellation_names_the_request_by_our_number() {
    let mut board = Switchboard::default();
    board.place(CALL, true).unwrap();
    let cancel = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"ab"}}"#;

    assert_eq!(
        board.pass(cancel).unwrap(),
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#
    );
    board.forget(1);
    assert_eq!(board.pass(cancel), None);
}

#[test]
fn what_is_no_message_is_noise() {
    let mut board = Switchboard::default();

    assert_eq!(board.hear("Server running on stdio"), Heard::Noise);
}

#[test]
fn the_end_of_the_child_ends_every_wait() {
    let mut board = Switchboard::default();
    let placed = board.place(CALL, true).unwrap();

    board.end();

    assert!(placed.answer.blocking_recv().is_err());
    assert!(board.place(CALL, true).is_none());
    assert!(board.listen().is_none());
}
