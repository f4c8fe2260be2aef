//! Behind a proxy: who a request comes from is what a trusted one says.

use bailiwick_e2e::probe::guesses_slowed;
use bailiwick_e2e::{Setup, Visitor};

use crate::reload::{until, write};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trusted_proxy_says_who_visits() {
    let world = Setup::config("trusted_proxies = [\"127.0.0.0/8\", \"::1\"]").start();
    let mut near = Visitor::new(&world.base);
    assert!(!near.open(&world.url("/setup")).await.has_form("link"), "who sits at the machine needs no link");

    let mut far = Visitor::new(&world.base);
    far.address = Some([203, 0, 113, 9].into());
    assert!(far.open(&world.url("/setup")).await.has_form("link"), "who comes through the proxy needs it");

    near.set_up(&world.setup_link(), "alice", "correct horse battery").await;
    assert!(!guesses_slowed(&world).await, "twelve people behind one proxy are twelve");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_is_trusted_from_the_moment_the_file_names_it() {
    let world = Setup::config("").start();
    let mut far = Visitor::new(&world.base);
    far.address = Some([203, 0, 113, 9].into());
    assert!(!far.open(&world.url("/setup")).await.has_form("link"), "nobody's word is taken for where she is");

    write(&world, "trusted_proxies = [\"127.0.0.0/8\", \"::1\"]");

    until("the proxy is believed", async || {
        // The next connection meets the new front.
        let mut far = Visitor::new(&world.base);
        far.address = Some([203, 0, 113, 9].into());
        far.open(&world.url("/setup")).await.has_form("link")
    })
    .await;
    write(&world, "trusted_proxies = [\"10.0.0.0/99\"]");
    until("the slip is told", async || world.log().contains("line 1, column 1: trusted_proxies")).await;
}

#[test]
fn what_is_no_network_is_named() {
    let said = Setup::config("trusted_proxies = [\"10.0.0.0/99\"]").refused();

    assert!(said.contains("trusted_proxies: \"10.0.0.0/99\""), "{said}");
}
