//! Orders over `admin.sock`, without starting a command for each.

use std::path::Path;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

/// Has an order carried out by the process that runs on `data`.
pub async fn order(data: &Path, order: &Value) -> Result<Value, String> {
    let token = std::fs::read_to_string(data.join("admin.token")).unwrap();
    let body = order.to_string();
    let mut stream = UnixStream::connect(data.join("admin.sock")).await.unwrap();
    let request = format!(
        "POST /orders HTTP/1.1\r\nHost: admin\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let body = answer.split_once("\r\n\r\n").expect("an answer").1;
    let end: Result<Value, String> =
        serde_json::from_str::<Result<Value, String>>(body).unwrap_or_else(|_| panic!("{answer}"));
    end
}
