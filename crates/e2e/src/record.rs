//! The record as somebody sees it who has the data directory: commands of administration, and the database itself.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use bailiwick_domain::control::Control;
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};

use crate::world::binary;

/// Runs a command of administration with these controls switched off.
pub fn administer(data: &Path, words: &[&str], off: &[Control]) -> Output {
    let off: Vec<String> = off.iter().map(|control| control.name()).collect();
    let mut command = Command::new(binary());
    command.args(words).arg("--data").arg(data).env_clear().env("PATH", "/usr/bin:/bin");
    command.env("BAILIWICK_MUTANTS", off.join(",")).stdin(Stdio::null()).output().unwrap()
}

/// What a command said, on both ways.
pub fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Changes the database behind everybody's back.
pub async fn tamper(data: &Path, statements: &[&str]) {
    let mut connection = open(data).await;
    for statement in statements {
        let done = sqlx::query(AssertSqlSafe((*statement).to_owned())).execute(&mut connection).await.unwrap();
        assert!(done.rows_affected() > 0, "{statement} changed nothing");
    }
    connection.close().await.unwrap();
}

/// Reads one text from the database.
pub async fn read(data: &Path, query: &str) -> String {
    let mut connection = open(data).await;
    let value = sqlx::query_scalar(AssertSqlSafe(query.to_owned())).fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    value
}

async fn open(data: &Path) -> SqliteConnection {
    let url = format!("sqlite://{}", data.join("bailiwick.db").display());
    SqliteConnection::connect(&url).await.unwrap()
}
