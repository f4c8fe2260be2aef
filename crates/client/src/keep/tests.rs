use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use super::*;

#[derive(Default)]
struct Counting(AtomicU8);
impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0.fetch_add(1, Ordering::Relaxed));
    }
}

fn server() -> ServerUrl {
    ServerUrl::parse("https://h.example/mcp").unwrap()
}

fn kept(access: &str) -> Kept {
    let account = format!(
        r#"{{"registration":{{"client_id":"i","method":"none","redirect_uri":null,"scope":"","expires_at":null}},
            "token_endpoint":"https://as.example/token","revocation_endpoint":null,"requested":"a",
            "tokens":{{"access":"{access}","scope":"a","expires_at":null}}}}"#
    );
    Kept {
        server: server().as_str().to_owned(),
        resource: "https://h.example/mcp".to_owned(),
        name: None,
        issuer: "https://as.example".to_owned(),
        accounts: [("https://as.example".to_owned(), serde_json::from_str(&account).unwrap())].into(),
    }
}

fn access(kept: &Kept) -> &str {
    kept.tokens().unwrap().access.expose()
}

#[test]
fn what_is_written_is_read_and_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let keep = Keep::at(dir.path());

    assert!(keep.read(&server()).unwrap().is_none());
    keep.write(&server(), &kept("one"), &Counting::default()).unwrap();
    assert_eq!(access(&keep.read(&server()).unwrap().unwrap()), "one");
    keep.forget(&server()).unwrap();
    keep.forget(&server()).unwrap();

    assert!(keep.read(&server()).unwrap().is_none());
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let keep = Keep::at(dir.path());

    keep.write(&server(), &kept("one"), &Counting::default()).unwrap();

    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&keep.path(&server(), "json")), 0o600);
    assert_eq!(mode(&keep.dir), 0o700);
}

#[test]
fn a_reader_never_meets_half_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let keep = Keep::at(dir.path());
    let long = "x".repeat(200_000);
    keep.write(&server(), &kept("short"), &Counting::default()).unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let reader = std::thread::spawn({
        let (keep, done) = (keep.clone(), Arc::clone(&done));
        move || {
            while !done.load(Ordering::Relaxed) {
                assert!(keep.read(&server()).unwrap().is_some());
            }
        }
    });

    let entropy = Counting::default();
    for _ in 0..20 {
        keep.write(&server(), &kept(&long), &entropy).unwrap();
        keep.write(&server(), &kept("short"), &entropy).unwrap();
    }
    done.store(true, Ordering::Relaxed);
    reader.join().unwrap();

    assert_eq!(fs::read_dir(&keep.dir).unwrap().count(), 1, "nothing is left beside the kept file");
}

#[test]
fn a_file_that_is_not_ours_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let keep = Keep::at(dir.path());
    keep.ready().unwrap();
    fs::write(keep.path(&server(), "json"), "{").unwrap();

    assert!(matches!(keep.read(&server()), Err(KeepError::Damaged(_))));
}

#[tokio::test]
async fn turns_are_taken_one_after_the_other() {
    let dir = tempfile::tempdir().unwrap();
    let keep = Keep::at(dir.path());
    let first = keep.turn(&server()).await.unwrap();
    let second = tokio::spawn({
        let keep = keep.clone();
        async move { keep.turn(&server()).await }
    });

    tokio::task::yield_now().await;
    assert!(!second.is_finished());
    drop(first);

    assert!(second.await.unwrap().is_ok());
}
