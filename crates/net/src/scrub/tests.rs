//! What is found, what is not, and that it does not matter where chunks end.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;
use zeroize::Zeroizing;

use super::Scrubber;

const MARK: &str = "[removed by bailiwick]";

fn scrubber(secrets: &[&str]) -> Scrubber {
    let secrets: Vec<_> = secrets.iter().map(|secret| Zeroizing::new((*secret).to_owned())).collect();
    Scrubber::new(&secrets)
}

/// The same in pieces that end at these places.
fn in_pieces(scrubber: &Scrubber, text: &[u8], ends: &[usize]) -> Vec<u8> {
    let mut ends: Vec<usize> = ends.iter().map(|end| end % (text.len() + 1)).collect();
    ends.extend([0, text.len()]);
    ends.sort_unstable();
    let mut stream = scrubber.stream();
    let mut out = Vec::new();
    for pair in ends.windows(2) {
        out.extend_from_slice(&stream.push(Bytes::copy_from_slice(&text[pair[0]..pair[1]])));
    }
    out.extend_from_slice(&stream.finish());
    out
}

fn percent(text: &str, keep: impl Fn(u8) -> bool) -> String {
    text.bytes().map(|byte| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02x}") }).collect()
}

/// A text that holds the secret in one of its spellings.
fn spelled(secret: &str, way: usize) -> String {
    let json = json!(secret).to_string();
    let inner = json.trim_matches('"');
    let units = secret.encode_utf16().map(|unit| format!("\\u{unit:04X}"));
    let wide = units.collect::<Vec<_>>().concat();
    match way {
        0 => secret.to_owned(),
        1 => json,
        2 => json!(inner).to_string(),
        3 => wide,
        4 => percent(secret, |_| false),
        5 => percent(secret, |byte| byte.is_ascii_alphanumeric()).to_ascii_uppercase_percent(),
        6 => secret.replace('/', "\\/"),
        7 => STANDARD.encode(secret),
        8 => URL_SAFE_NO_PAD.encode(format!("x{secret}y")),
        9 => STANDARD_NO_PAD.encode(format!("xy{secret}z")),
        _ => STANDARD.encode(format!("user:{secret}")),
    }
}

trait Percent {
    fn to_ascii_uppercase_percent(self) -> String;
}

impl Percent for String {
    /// `%c3` as `%C3`, all else as it is.
    fn to_ascii_uppercase_percent(self) -> String {
        let mut upper = 0;
        let one = |c: char| {
            let now = if upper > 0 { c.to_ascii_uppercase() } else { c };
            upper = if c == '%' { 2 } else { u32::saturating_sub(upper, 1) };
            now
        };
        self.chars().map(one).collect()
    }
}

#[test]
fn a_secret_is_found_in_every_spelling() {
    for secret in ["s3cr3t-key-of-alice", "pa\"ss\\wörd/\n+ 100%", "eyJhbGciOiJFUzI1NiJ9.e30.abc_def-ghi", "🔑🔑🔑 key"]
    {
        let scrubber = scrubber(&[secret]);
        for way in 0..=10 {
            let text = format!("before {} after", spelled(secret, way));
            let clean = scrubber.text(&text).into_owned();
            assert!(clean.starts_with("before ") && clean.ends_with(" after"), "{clean}");
            assert!(clean.contains(MARK), "{way}: {text} became {clean}");
            assert!(clean.len() < 7 + MARK.len() + 6 + 12, "{way}: {clean}");
        }
    }
}

#[test]
fn json_stays_json() {
    let scrubber = scrubber(&["nsecret-with-n", "quoted\"secret"]);
    for value in ["\nsecret-with-n", "a nsecret-with-n", "quoted\"secret", "\\quoted\"secret\\"] {
        let text = json!({ "echo": value, "again": json!({ "echo": value }).to_string() }).to_string();
        let clean = scrubber.text(&text).into_owned();
        let read: serde_json::Value = serde_json::from_str(&clean).unwrap_or_else(|error| panic!("{error}: {clean}"));
        assert!(read["echo"].as_str().unwrap().contains(MARK), "{clean}");
        serde_json::from_str::<serde_json::Value>(read["again"].as_str().unwrap()).unwrap();
    }
}

#[test]
fn nothing_else_changes() {
    let scrubber = scrubber(&["s3cr3t-key", "short"]);
    for text in ["", "s3cr3t-ke", "S3CR3T-KEY", "short", "100% \\ + plain", "s3cr3t_key", "{\"a\":\"\\u0073\"}"] {
        assert_eq!(scrubber.text(text), text);
    }
    assert!(Scrubber::default().is_idle() && super::Scrubber::new(&[]).is_idle());
    assert!(Scrubber::new(&[Zeroizing::new("12345".to_owned())]).is_idle());
}

#[test]
fn the_longest_of_two_is_taken_out() {
    let scrubber = scrubber(&["secret", "secret-and-more"]);
    assert_eq!(scrubber.text("a secret-and-more b secret-and c"), format!("a {MARK} b {MARK}-and c"));
    assert_eq!(in_pieces(&scrubber, b"secret-and-more", &[6, 8]), MARK.as_bytes());
}

#[test]
fn what_is_certain_is_not_held_back() {
    let scrubber = scrubber(&["s3cr3t-key"]);
    let mut stream = scrubber.stream();
    assert_eq!(stream.push(Bytes::from_static(b"data: hello\n\n")), "data: hello\n\n");
    assert_eq!(stream.push(Bytes::from_static(b"data: s3c")), "data: ");
    assert_eq!(stream.push(Bytes::from_static(b"ond\n\n")), "s3cond\n\n");
    assert_eq!(stream.push(Bytes::from_static(b"s3cr3t-key!")), format!("{MARK}!"));
    assert_eq!(stream.push(Bytes::from_static(b"%")), "");
    assert_eq!(stream.finish(), "%");
}

proptest! {
    #[test]
    fn it_does_not_matter_where_chunks_end(
        secret in "[a-z\"\\\\/%+ é🔑n0-9=]{6,24}",
        around in vec("[a-z\"\\\\/%+ é🔑nu0-9=]{0,12}", 3),
        ways in vec(0_usize..=10, 2),
        ends in vec(0_usize..10_000, 0..12),
    ) {
        let scrubber = scrubber(&[&secret, "another-secret"]);
        let text = format!("{}{}{}{}{}", around[0], spelled(&secret, ways[0]), around[1], spelled(&secret, ways[1]), around[2]);

        let whole = scrubber.whole(text.as_bytes()).into_owned();

        prop_assert_eq!(in_pieces(&scrubber, text.as_bytes(), &ends), whole.clone());
        let bytes: Vec<usize> = (0..text.len()).collect();
        prop_assert_eq!(in_pieces(&scrubber, text.as_bytes(), &bytes), whole.clone());
        let clean = String::from_utf8(whole).unwrap();
        prop_assert!(!clean.replace(MARK, "\u{1}").contains(&secret), "{} in {}", secret, clean);
    }

    #[test]
    fn bytes_that_are_no_text_pass(bytes in vec(any::<u8>(), 0..200), ends in vec(0_usize..200, 0..8)) {
        let scrubber = scrubber(&["s3cr3t-key"]);
        prop_assert_eq!(in_pieces(&scrubber, &bytes, &ends), bytes);
    }
}
