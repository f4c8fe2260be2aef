//! What nobody finds on the disk afterwards.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bailiwick_e2e::Setup;
use tempfile::TempDir;

#[test]
fn no_core_dump_of_the_gateway_holds_a_credential() {
    let data = TempDir::new().unwrap();
    let setup = Setup::sample().command(data.path());
    // A shell that would let it.
    let mut command = Command::new("prlimit");
    command.arg("--core=65536:65536").arg(setup.get_program()).args(setup.get_args());
    command.envs(setup.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let allowed = || {
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", process.id())).unwrap();
        let line = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap().to_owned();
        line.split_whitespace().skip(4).take(2).collect::<Vec<_>>().join(" ")
    };
    let begun = Instant::now();
    while allowed() != "0 0" && begun.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(20));
    }
    let allowed = allowed();
    process.kill().unwrap();
    process.wait().unwrap();

    assert_eq!(allowed, "0 0", "soft and hard");
}
