mod host;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bailiwick_domain::time::Timestamp;
use bailiwick_domain::uri::DocumentUrl;

use self::host::{Authority, Canary, Host, Names};
use super::{Documents, FetchError, Guard, GuardSettings, Missing, Patience, Private, Trust};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const GOOD: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

type Fetcher = Documents<String, String>;

fn read(_: &DocumentUrl, bytes: &[u8]) -> Result<String, String> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    if text.starts_with('{') { Ok(text) } else { Err("no object".to_owned()) }
}

fn quick() -> Patience {
    Patience { connect: Duration::from_secs(2), total: Duration::from_millis(1500) }
}

fn url(host: &str, port: u16) -> DocumentUrl {
    DocumentUrl::parse(&format!("https://{host}:{port}/client.json")).unwrap()
}

/// A fetcher that finds `names`, allows `private`, and believes `authority` there.
fn fetcher(names: Names, authority: &Authority, private: &[&DocumentUrl], ports: &[u16]) -> Fetcher {
    let private = private.iter().map(|url| Private::parse(url.authority()).unwrap()).collect();
    let trust = Trust::new(Some(&authority.file)).unwrap();
    let settings = GuardSettings { resolver: Arc::new(names), private, ports: ports.to_vec(), trust };
    Documents::new(Guard::new(settings), quick(), 64, read)
}

/// What comes of a document whose host answers with `answer`.
async fn answered(answer: &str) -> Result<String, Missing<String>> {
    let authority = Authority::new();
    let host = Host::start(&authority, "docs.example", answer.as_bytes()).await;
    let url = url("docs.example", host.port);
    fetcher(Names::fixed(LOCAL), &authority, &[&url], &[]).get(&url, NOW).await
}

fn not(error: FetchError) -> Result<String, Missing<String>> {
    Err(Missing::Fetch(error))
}

#[tokio::test]
async fn a_good_document_is_read() {
    let authority = Authority::new();
    let host = Host::start(&authority, "docs.example", GOOD.as_bytes()).await;
    let url = url("docs.example", host.port);

    let document = fetcher(Names::fixed(LOCAL), &authority, &[&url], &[]).get(&url, NOW).await;

    assert_eq!(document, Ok("{}".to_owned()));
    let asked = host.asked();
    let asked = asked.first().unwrap().to_ascii_lowercase();
    assert!(asked.starts_with("get /client.json http/1.1\r\n"), "{asked}");
    assert!(asked.contains(&format!("host: docs.example:{}\r\n", host.port)), "{asked}");
    for never in ["cookie", "authorization", "accept-encoding", "forwarded", "referer"] {
        assert!(!asked.contains(&format!("{never}:")), "{asked}");
    }
}

#[tokio::test]
async fn nothing_but_200_is_a_document_and_no_redirect_is_followed() {
    let canary = Canary::start().await;
    for status in [201, 203, 204, 206, 301, 302, 303, 307, 308, 400, 401, 404, 410, 429, 500, 503] {
        let to = canary.address;
        let answer = format!(
            "HTTP/1.1 {status} X\r\nlocation: https://{to}/x\r\ncontent-type: application/json\r\ncontent-length: 0\r\n\r\n"
        );
        assert_eq!(answered(&answer).await, not(FetchError::Status(status)), "{status}");
    }
    assert_eq!(canary.touched(), 0);
}

#[tokio::test]
async fn a_document_is_short_json_in_plain_bytes() {
    let json = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    let long = "x".repeat(65);
    let cases = [
        (format!("{json}content-length: 65\r\n\r\n{long}"), FetchError::TooBig(64)),
        (format!("{json}transfer-encoding: chunked\r\n\r\n41\r\n{long}\r\n0\r\n\r\n"), FetchError::TooBig(64)),
        (format!("{json}content-length: 99999999999\r\n\r\n"), FetchError::TooBig(64)),
        (format!("{json}content-encoding: gzip\r\ncontent-length: 2\r\n\r\n{{}}"), FetchError::Encoded),
        (
            "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 2\r\n\r\n{}".to_owned(),
            FetchError::ContentType,
        ),
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}".to_owned(), FetchError::ContentType),
    ];
    for (answer, error) in cases {
        assert_eq!(answered(&answer).await, not(error), "{answer}");
    }
    let typed = GOOD.replace("application/json", "application/oauth-client+json; charset=utf-8");
    assert_eq!(answered(&typed).await, Ok("{}".to_owned()));
    assert!(matches!(
        answered("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n").await,
        Err(Missing::Fetch(FetchError::Slow))
    ));
}

#[tokio::test]
async fn a_slow_document_is_given_up() {
    let dripping = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 60\r\n\r\n{";

    assert_eq!(answered(dripping).await, not(FetchError::Slow));
    assert_eq!(answered("").await, not(FetchError::Slow));
}

#[tokio::test]
async fn the_certificate_is_for_the_name_and_from_an_authority_trusted_there() {
    let authority = Authority::new();
    let other = Host::start(&authority, "other.example", GOOD.as_bytes()).await;
    let named = url("docs.example", other.port);
    let outcome = fetcher(Names::fixed(LOCAL), &authority, &[&named], &[]).get(&named, NOW).await;
    assert!(matches!(outcome, Err(Missing::Fetch(FetchError::Tls(_)))), "{outcome:?}");

    let stranger = Authority::new();
    let host = Host::start(&stranger, "docs.example", GOOD.as_bytes()).await;
    let named = url("docs.example", host.port);
    let outcome = fetcher(Names::fixed(LOCAL), &authority, &[&named], &[]).get(&named, NOW).await;
    assert!(matches!(outcome, Err(Missing::Fetch(FetchError::Tls(_)))), "{outcome:?}");
}

#[tokio::test]
async fn an_address_that_is_not_public_is_never_touched() {
    let (authority, canary) = (Authority::new(), Canary::start().await);
    let port = canary.address.port();
    let named = url("evil.example", port);
    for address in ["127.0.0.1", "::1", "169.254.169.254", "::ffff:127.0.0.1", "10.0.0.1", "fd00:ec2::254", "0.0.0.0"] {
        let address: IpAddr = address.parse().unwrap();
        let fetcher = fetcher(Names::fixed(address), &authority, &[], &[port]);
        assert_eq!(fetcher.get(&named, NOW).await, not(FetchError::Address(address)));
    }
    assert_eq!(canary.touched(), 0);
}

#[tokio::test]
async fn one_bad_address_among_good_ones_spoils_the_name() {
    let (authority, canary) = (Authority::new(), Canary::start().await);
    let port = canary.address.port();
    let names = Names::of(move |_| vec![IpAddr::from([1, 1, 1, 1]), LOCAL]);

    let outcome = fetcher(names, &authority, &[], &[port]).get(&url("mixed.example", port), NOW).await;

    assert_eq!(outcome, not(FetchError::Address(LOCAL)));
    assert_eq!(canary.touched(), 0);
}

#[tokio::test]
async fn an_exception_reaches_no_metadata_service() {
    let authority = Authority::new();
    let named = url("internal.example", 8443);
    let metadata = IpAddr::from([169, 254, 169, 254]);

    let outcome = fetcher(Names::fixed(metadata), &authority, &[&named], &[]).get(&named, NOW).await;

    assert_eq!(outcome, not(FetchError::Address(metadata)));
}

#[tokio::test]
async fn a_name_that_changes_its_mind_is_asked_once_and_gains_nothing() {
    let (authority, canary) = (Authority::new(), Canary::start().await);
    let port = canary.address.port();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    // An address that will do (here by exception) when it is vetted; the canary's ever after.
    let host = Host::start_at(&authority, "rebind.example", GOOD.as_bytes(), Some(([127, 0, 0, 2], port).into())).await;
    let names = Names::of(move |_| {
        let first = count.fetch_add(1, Ordering::SeqCst) == 0;
        vec![if first { IpAddr::from([127, 0, 0, 2]) } else { LOCAL }]
    });
    let url = url("rebind.example", port);
    let fetcher = fetcher(names, &authority, &[&url], &[]);

    assert_eq!(fetcher.get(&url, NOW).await, Ok("{}".to_owned()));

    assert_eq!((host.asked().len(), asked.load(Ordering::SeqCst), canary.touched()), (1, 1, 0), "looked up once");
}

#[tokio::test]
async fn a_name_that_turns_private_is_refused_when_it_is_fetched_again() {
    let (authority, canary) = (Authority::new(), Canary::start().await);
    let port = canary.address.port();
    let names = Names::of(|_| vec![LOCAL]);
    let (target, fetcher) = (url("rebind.example", port), fetcher(names, &authority, &[], &[port]));

    for minute in 0..3 {
        let outcome = fetcher.get(&target, NOW.after(Duration::from_mins(minute))).await;
        assert_eq!(outcome, not(FetchError::Address(LOCAL)));
    }
    assert_eq!(canary.touched(), 0);
}

#[tokio::test]
async fn other_ports_need_leave() {
    let authority = Authority::new();
    let names = Names::of(|_| panic!("nobody looks up a name whose port will not do"));

    let outcome = fetcher(names, &authority, &[], &[8444]).get(&url("docs.example", 8443), NOW).await;

    assert_eq!(outcome, not(FetchError::Port(8443)));
}

#[tokio::test]
async fn many_who_ask_at_once_are_answered_by_one_request() {
    let authority = Authority::new();
    let host = Host::start(&authority, "docs.example", GOOD.as_bytes()).await;
    let url = url("docs.example", host.port);
    let fetcher = Arc::new(fetcher(Names::fixed(LOCAL), &authority, &[&url], &[]));

    let asking = (0..16).map(|_| {
        let (fetcher, url) = (Arc::clone(&fetcher), url.clone());
        tokio::spawn(async move { fetcher.get(&url, NOW).await })
    });
    for outcome in futures_util::future::join_all(asking).await {
        assert_eq!(outcome.unwrap(), Ok("{}".to_owned()));
    }

    assert_eq!(host.asked().len(), 1);
}

#[tokio::test]
async fn a_good_document_is_kept_and_a_bad_one_only_for_a_moment() {
    let authority = Authority::new();
    let good = GOOD.replace("200 OK\r\n", "200 OK\r\ncache-control: max-age=60\r\n");
    let host = Host::start(&authority, "docs.example", good.as_bytes()).await;
    let named = url("docs.example", host.port);
    let fetcher = fetcher(Names::fixed(LOCAL), &authority, &[&named], &[]);
    let later = |seconds| NOW.after(Duration::from_secs(seconds));
    assert_eq!(fetcher.kept(&named, NOW), None);
    assert!(fetcher.get(&named, NOW).await.is_ok());

    host.answer(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n[]");
    assert!(fetcher.get(&named, later(59)).await.is_ok(), "still fresh");
    assert_eq!(host.asked().len(), 1);
    let invalid = Err(Missing::Invalid("no object".to_owned()));
    assert_eq!(fetcher.get(&named, later(60)).await, invalid, "a good document does not cover for a bad one");
    assert_eq!(fetcher.get(&named, later(69)).await, invalid, "not asked again at once");
    assert_eq!(host.asked().len(), 2);

    host.answer(good.as_bytes());
    assert!(fetcher.get(&named, later(71)).await.is_ok(), "and forgiven soon");
    assert_eq!(host.asked().len(), 3);
}

#[test]
fn a_file_of_authorities_must_be_one() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ca.pem");

    assert!(Trust::new(Some(&file)).is_err(), "missing");
    std::fs::write(&file, "nothing").unwrap();
    assert!(Trust::new(Some(&file)).is_err(), "empty");
    assert!(Trust::new(None).is_ok());
}
