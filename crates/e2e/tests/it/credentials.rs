//! `docs/credentials.md`, held to its word: each configuration of it runs as it is pasted, and what arrives at the tool
//! and at the authorization server is compared with what the page says.

mod counterpart;
mod page;
mod run;

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use bailiwick_e2e::world::free_port;
use bailiwick_e2e::{App, Mcp, Setup};
use futures_util::StreamExt as _;
use serde_json::json;
use tempfile::TempDir;

use self::page::{Case, cases, first};
use self::run::Run;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_configuration_does_what_the_page_says() {
    let cases = cases();
    assert!(cases.len() >= 20, "the page has lost some: {}", cases.len());
    futures_util::stream::iter(cases).for_each_concurrent(4, does_what_it_says).await;
}

async fn does_what_it_says(case: Case) {
    let says = !case.sights.is_empty() || !case.environment.is_empty();
    assert!(says, "{}: nothing says what the tool sees", case.title);
    let files = TempDir::new().unwrap();
    let mut run = Run::start(case, &files).await;
    let sights = std::mem::take(&mut run.case.sights);
    // What leads to a call stands before it.
    for sights in sights.split_inclusive(|sight| sight.tool().is_some()) {
        run.call(sights.last().unwrap()).await;
        for sight in sights {
            run.compare(sight);
        }
    }
    run.compare_environment().await;
}

/// Ends with the test.
struct Tool(Child);

impl Drop for Tool {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_example_at_the_top_does_what_it_says() {
    let directory = TempDir::new().unwrap();
    let example = first("sh").replace("3000", &free_port().to_string());
    let (files, run) = example.split_once("python3 tool.py &\n").unwrap();
    assert_eq!(run, "WEATHER_KEY=a-key-of-ours bailiwick serve --config bailiwick.toml\n");
    let written = Command::new("sh").arg("-c").arg(files).current_dir(directory.path()).status().unwrap();
    assert!(written.success());
    let mut python = Command::new("python3");
    python.arg("tool.py").current_dir(directory.path()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut tool = Tool(python.spawn().unwrap());
    let config = std::fs::read_to_string(directory.path().join("bailiwick.toml")).unwrap();
    let document = directory.path().join("weather.yaml");
    let config = config.replace("weather.yaml", document.to_str().unwrap());

    let world = Setup::config(config).env("WEATHER_KEY", "a-key-of-ours").approving("alice").start();
    let resource = world.url("/mcp/weather");
    let token = App::register_for(&world.base, &resource).await.tokens("weather:read").await.access;
    let mut client = Mcp::new(&resource, Some(&token));
    client.begin().await;
    let answer = client.call("today", json!({})).await;

    assert_eq!(answer.body["result"]["content"][0]["text"], "sunny", "{} {}", answer.status, answer.text);
    let mut line = String::new();
    BufReader::new(tool.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "the tool sees X-Api-Key: a-key-of-ours\n");
}
