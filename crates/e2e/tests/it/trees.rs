//! The tree of a grant: what a person, and an operator, see of a chain.

use std::process::Command;

use bailiwick_e2e::oauth::claims;
use bailiwick_e2e::probe::Tree;
use bailiwick_e2e::world::binary;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chain_is_a_tree_on_the_page_and_in_the_terminal() {
    let mut tree = Tree::grow(&[]).await;
    for (token, tool) in [(&tree.beas, "look"), (&tree.beas, "change"), (&tree.adas, "look")] {
        tree.call(token, tool).await;
    }
    let grant = claims(&tree.front)["dlg"]["gid"].as_str().unwrap().to_owned();

    let page = tree.alice.open(&tree.world.url("/account")).await;
    for shown in
        ["Who acts with it", "<strong>Ada</strong>", "<strong>Bea</strong>", "Stop Bea for Probe", "Stop Probe"]
    {
        assert!(page.body.contains(shown), "{shown}\n{}", page.body);
    }
    let drawn = show(&tree, &grant, &[]);
    for line in [
        "alice\n└─ Probe  app · notes:read notes:write · ",
        "   └─ Ada  agent · notes:read notes:write · 1 token · ",
        "      ├─ Bea  agent · notes:read (not notes:write) · 1 token · ",
        "      │  └─ ",
        "look ×1, last ",
        "change ×0, 1 refused, last ",
    ] {
        assert!(drawn.contains(line), "{line}\n{drawn}");
    }
    assert!(!drawn.contains('\u{1b}'), "no colours where nobody looks");

    tree.stop("agent:bea").await;

    assert_eq!(tree.call(&tree.beas, "look").await.status, 401);
    assert!(tree.call(&tree.adas, "look").await.is_result());
    let drawn = show(&tree, &grant, &[]);
    assert!(
        drawn.contains("■ stopped") && drawn.contains("Ada  agent · notes:read notes:write · 1 token · "),
        "{drawn}"
    );
    let json: serde_json::Value = serde_json::from_str(&show(&tree, &grant, &["--json"])).unwrap();
    let bea = &json["tree"]["parties"][0]["parties"][0];
    assert_eq!(
        (bea["id"].as_str(), bea["state"].as_str(), bea["live"].as_u64()),
        (Some("agent:bea"), Some("stopped"), Some(0))
    );
    let page = tree.alice.open(&tree.world.url("/account")).await;
    assert!(!page.body.contains("Stop Bea for Probe") && page.body.contains("Stop Ada for Probe"), "{}", page.body);
}

fn show(tree: &Tree, grant: &str, more: &[&str]) -> String {
    // Records of calls that change nothing are written a moment later.
    std::thread::sleep(std::time::Duration::from_millis(500));
    let output = Command::new(binary())
        .args(["grants", "show", grant, "--data"])
        .arg(tree.world.data())
        .args(more)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
