//! Hosted servers are not trusted.

use std::process::Command;

use bailiwick_domain::control::Control;
use bailiwick_e2e::hostile::Hostile;
use bailiwick_e2e::world::binary;
use serde_json::json;
use tempfile::TempDir;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hostile_child_reaches_nothing() {
    let house = Hostile::start(&[], "").await;

    assert_eq!(house.attack().await, json!({}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_reaches_everything_where_there_are_no_walls() {
    let walls =
        [Control::ChildView, Control::ChildFiles, Control::ChildProcesses, Control::ChildNetwork, Control::ChildLimits];
    let reached = Hostile::start(&walls, "").await.attack().await;

    for kind in ["files", "sockets", "processes", "network", "limits"] {
        assert!(reached.get(kind).is_some(), "the attack on {kind} is none: {reached}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_the_network_it_reaches_addresses_and_nothing_else() {
    let reached = Hostile::start(&[], "sandbox = { network = true }").await.attack().await;

    let kinds: Vec<_> = reached.as_object().unwrap().keys().collect();
    assert_eq!(kinds, ["network"], "{reached}");
    assert!(!reached.to_string().contains('@'), "an abstract socket is no network: {reached}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_above_the_data_may_be_given_and_the_data_stays_hidden() {
    let above = std::env::temp_dir();
    let reached =
        Hostile::start(&[], &format!("sandbox = {{ read = [\"{}\"] }}", above.display())).await.attack().await;

    assert_eq!(reached, json!({}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_has_a_home_that_it_finds_again_and_no_powers() {
    let house = Hostile::start(&[], "").await;
    let first = house.ask(&house.session().await, "own", json!({})).await;
    let second = house.ask(&house.session().await, "own", json!({})).await;

    assert_eq!((&first["kept"], &second["kept"]), (&json!(false), &json!(true)));
    assert_ne!(first["me"], second["me"], "each session has a process of its own");
    assert_eq!(first["no_new_privs"], "1");
    for powers in ["powers", "bounding"] {
        assert_eq!(first[powers], "0000000000000000", "{powers}");
    }
    let home = std::path::Path::new(first["home"].as_str().unwrap());
    assert!(home.starts_with(house.world.data().join("children")), "{}", home.display());
    assert!(!house.program().join("hostile").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_child_serves_all_sessions_of_a_person_where_the_operator_says_so() {
    let house = Hostile::start(&[], "isolate = \"user\"").await;
    let (one, two) = (house.session().await, house.session().await);
    let first = house.ask(&one, "own", json!({})).await;
    let second = house.ask(&two, "own", json!({})).await;

    assert_eq!(first["me"], second["me"]);
    assert!(first["home"].as_str().unwrap().contains("/home-us_"), "{first}");
}

/// Starts `serve` where no user namespaces can be made.
fn without_namespaces(args: &[&str]) -> (bool, String) {
    let data = TempDir::new().unwrap();
    let script = "echo 0 > /proc/sys/user/max_user_namespaces && exec timeout 5 \"$@\"";
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "sh", "-c", script, "sh"])
        .arg(binary())
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(data.path())
        .args(args)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code() == Some(1), String::from_utf8(said).unwrap())
}

#[test]
fn a_kernel_that_cannot_build_the_walls_is_told_and_nothing_starts() {
    let (refused, said) = without_namespaces(&[]);

    assert!(refused, "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(
        said.contains("user namespaces") && said.contains("--no-sandbox") && said.contains("weak = true"),
        "{said}"
    );
}

#[test]
fn going_on_without_walls_is_said_loudly() {
    let (refused, said) = without_namespaces(&["--no-sandbox"]);

    assert!(!refused && said.contains("!! --no-sandbox") && said.contains("is ready at"), "{said}");
}

#[test]
fn a_weak_sandbox_says_what_it_lacks() {
    let config = TempDir::new().unwrap();
    let file = config.path().join("weak.toml");
    let me = binary();
    std::fs::write(
        &file,
        format!("[server.notes]\ncommand = [\"{}\", \"demo-server\"]\nsandbox = {{ weak = true }}\n", me.display()),
    )
    .unwrap();

    let (refused, said) = without_namespaces(&["--config", file.to_str().unwrap()]);

    assert!(!refused && said.contains("!! weak sandbox") && said.contains("shares processes"), "{said}");
    assert!(said.contains("tools)"), "the server works: {said}");
}
