//! Providers that say too much, too slowly, or that the answer is elsewhere.

use std::time::{Duration, Instant};

use bailiwick_e2e::connecting::leads;
use bailiwick_e2e::documents::{Canary, Mouth, Tail};
use bailiwick_e2e::probe::inward::House;
use http::StatusCode;

/// Whoever waits for a provider waits no longer than this.
const PATIENCE: Duration = Duration::from_secs(50);

/// A person wants to connect an account at that provider.
async fn given_up(mouth: &Mouth) {
    let mut house = House::start(&[], &format!(", issuer = \"{}\", client_id = \"bailiwick\"", mouth.origin)).await;
    let link = house.link().await;
    let began = Instant::now();

    let (seen, there) = leads(&mut house.alice, &link).await;

    assert_eq!((seen.status, there), (StatusCode::BAD_GATEWAY, None), "{}", seen.body);
    assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
}

const GOOD: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 104857600\r\n\r\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t25_a_provider_that_sends_us_on_is_not_followed() {
    let canary = Canary::start().await;
    for status in ["301 M", "302 F", "303 S", "307 T", "308 P"] {
        let to = format!("http://{}/.well-known/openid-configuration", canary.address);
        let words = format!("HTTP/1.1 {status}\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        given_up(&Mouth::start(|_| words, Tail::Nothing).await).await;
    }
    assert_eq!(canary.touched(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t25_a_hundred_megabytes_are_not_read() {
    let mouth = Mouth::start(|_| GOOD.to_owned(), Tail::Flood).await;
    given_up(&mouth).await;
    // What lies between two sockets counts as well.
    assert!(mouth.said() < 16 << 20, "{} bytes were taken", mouth.said());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t25_a_provider_that_speaks_too_slowly_is_not_waited_for() {
    let (body, head) = (
        Mouth::start(|_| GOOD.to_owned(), Tail::Drip).await,
        Mouth::start(|_| "HTTP/1.1 200 OK\r\nx-long: ".to_owned(), Tail::Drip).await,
    );
    tokio::join!(given_up(&body), given_up(&head));
    assert!(body.said() > 10 && head.said() > 10, "both were heard");
}
