//! Connecting where nothing is left: a person agrees to the name that is told of them.

use bailiwick_domain::text;
use bailiwick_e2e::connecting::{client, leave, link};
use bailiwick_e2e::giver::{Giver, field};
use bailiwick_e2e::honeypot::Honeypot;
use bailiwick_e2e::{Setup, Visitor};
use serde_json::json;
use tempfile::TempDir;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_named_in_an_assertion_before_they_agreed_to_the_name() {
    let (erp, giver, folder) = (Honeypot::start().await, Giver::start().await, TempDir::new().unwrap());
    let pair = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
    let key = folder.path().join("erp.pem");
    std::fs::write(&key, pair.serialize_pem()).unwrap();
    let config = format!(
        "[server.erp]\nupstream = \"{}\"\ntitle = \"ERP\"\ndiscovery = {{ kind = \"none\" }}\n\
         [server.erp.credential]\nkind = \"saml_bearer\"\ntoken_url = \"{}\"\naudience = \"https://erp.example\"\n\
         key = {{ file = \"{}\" }}\nname_id = \"name\"\nper = \"user\"\n",
        erp.url,
        giver.token_url,
        key.display()
    );
    let world = Setup::config(config).start();
    let mut alice = Visitor::new(&world.base);
    alice.set_up(&world.setup_link(), "alice", "correct horse battery").await;
    let client = client(&world, &alice, "erp").await;

    let link = link(&world, &client.call("look", json!({})).await);
    assert_eq!((giver.count(), erp.calls()), (0, 0));
    let page = alice.open(&link).await;
    assert!(page.body.contains("erp.example") && page.body.contains("<strong>alice</strong>"), "{}", page.body);
    let done = alice.submit(&page, &page.form("form_token"), None).await;
    assert!(done.body.contains("ERP is connected"), "{}", done.body);
    let answer = client.call("look", json!({})).await;

    assert!(answer.is_result(), "{} {}", answer.status, answer.text);
    let asked = giver.asked();
    let assertion = String::from_utf8(text::decode(field(&asked[0].0, "assertion")).unwrap()).unwrap();
    assert!(assertion.contains(">alice<"), "{assertion}");
    assert!(erp.shown().iter().any(|token| token.starts_with("e30.")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_account_page_says_so_where_a_server_has_moved() {
    let (crm, elsewhere) = (Honeypot::start().await, Honeypot::start().await);
    let config = |url: &str| {
        format!(
            "[server.crm]\nupstream = \"{url}\"\ntitle = \"CRM\"\ndiscovery = {{ kind = \"none\" }}\n\
             credential = {{ kind = \"api_key\", header = \"x-api-key\", per = \"user\" }}\n"
        )
    };
    let world = Setup::config(config(&crm.url)).start();
    let mut alice = Visitor::new(&world.base);
    alice.set_up(&world.setup_link(), "alice", "correct horse battery").await;
    let client = client(&world, &alice, "crm").await;
    leave(&mut alice, &link(&world, &client.call("look", json!({})).await), "alices-own-key").await;
    let page = alice.open(&world.url("/account")).await;
    assert!(page.body.contains(">connected<"), "{}", page.body);
    let ended = world.stop();

    let world = Setup::config(config(&elsewhere.url)).after(&ended).start();

    let page = alice.open(&world.url("/account")).await;
    assert!(page.body.contains("It was connected for another place"), "{}", page.body);
}
