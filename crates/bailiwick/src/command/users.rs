//! `bailiwick users`: accounts.

use std::io::Read as _;
use std::process::ExitCode;

use bailiwick_domain::entropy::draw;
use bailiwick_domain::text;
use clap::{Args, Subcommand};
use serde_json::Value;

use super::place::Place;
use super::table::table;
use crate::admin::order::Order;
use crate::wire::SystemEntropy;

/// `bailiwick users`.
#[derive(Args, Debug)]
pub(crate) struct Users {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List accounts
    List,
    /// Make an account; prints a password for it, unless one is given on standard input
    Add {
        /// The name to sign in with
        name: String,
        /// Read the password from standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// Stop an account and everything that acts for it, at once; says what died and what lives until when
    Disable {
        /// Its name
        name: String,
    },
    /// Let a disabled account sign in again
    Enable {
        /// Its name
        name: String,
    },
    /// Set the groups of an account, all of them; without any, show them
    Groups {
        /// Its name
        name: String,
        /// What `allow` calls `group:GROUP`
        #[arg(value_name = "GROUP", conflicts_with = "none")]
        groups: Vec<String>,
        /// Take it out of every group
        #[arg(long)]
        none: bool,
    },
    /// Set what an account may do in administration: admin, auditor or user
    Role {
        /// Its name
        name: String,
        /// The role
        role: String,
    },
    /// Set a new password and sign the account out everywhere; prints it, unless one is given on standard input
    Password {
        /// Its name
        name: String,
        /// Read the password from standard input
        #[arg(long)]
        password_stdin: bool,
    },
}

/// Runs the command.
pub(crate) async fn run(args: Users) -> ExitCode {
    let Users { place, verb } = args;
    match verb {
        Verb::List => place.print(place.order(Order::Users).await, listed),
        Verb::Add { name, password_stdin } => {
            with_password(&place, password_stdin, |password| Order::AddUser { name, password }, "made").await
        }
        Verb::Password { name, password_stdin } => {
            with_password(&place, password_stdin, |password| Order::Password { name, password }, "has a new password")
                .await
        }
        Verb::Disable { name } => {
            place.print(place.order(Order::DisableUser { name }).await, |told| ended(told, "user"))
        }
        Verb::Enable { name } => place.print(place.order(Order::EnableUser { name }).await, |told| {
            format!("{}: {}", word(told, "user"), word(told, "says"))
        }),
        Verb::Groups { name, groups, none } => {
            let groups = (none || !groups.is_empty()).then_some(groups);
            place.print(place.order(Order::Groups { name, groups }).await, sentence)
        }
        Verb::Role { name, role } => place.print(place.order(Order::Role { name, role }).await, sentence),
    }
}

fn sentence(told: &Value) -> String {
    format!("{} {}", word(told, "user"), word(told, "says"))
}

/// The password is drawn here where none is given; it is printed once and kept nowhere.
async fn with_password(place: &Place, stdin: bool, order: impl FnOnce(String) -> Order, done: &str) -> ExitCode {
    let given = if stdin { read_password() } else { Ok(None) };
    let given = match given {
        Ok(given) => given,
        Err(error) => return place.print(Err(format!("cannot read the password: {error}")), |_| String::new()),
    };
    let drawn = given.is_none();
    let password = given.unwrap_or_else(|| text::encode(&draw::<15>(&SystemEntropy)));
    let mut answer = place.order(order(password.clone())).await;
    if let (true, Ok(Value::Object(fields))) = (drawn, &mut answer) {
        fields.insert("password".to_owned(), password.into());
    }
    place.print(answer, |told| match told.get("password").and_then(Value::as_str) {
        Some(password) => format!("{} {done}; password: {password}", word(told, "user")),
        None => format!("{} {done}", word(told, "user")),
    })
}

fn read_password() -> std::io::Result<Option<String>> {
    let mut text = String::new();
    std::io::stdin().take(4096).read_to_string(&mut text)?;
    Ok(Some(text.trim_end_matches(['\n', '\r']).to_owned()))
}

fn listed(rows: &Value) -> String {
    let mut rows = rows.clone();
    for row in rows.as_array_mut().into_iter().flatten() {
        let groups = row.get("groups").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let groups = groups.collect::<Vec<_>>().join(",");
        if let Some(fields) = row.as_object_mut() {
            fields.insert("groups".to_owned(), if groups.is_empty() { Value::Null } else { groups.into() });
        }
    }
    let columns = [
        ("USER", "user"),
        ("STATE", "state"),
        ("ROLE", "role"),
        ("GROUPS", "groups"),
        ("GRANTS", "grants"),
        ("SESSIONS", "sessions"),
        ("MADE", "created_at"),
        ("DISABLED", "disabled_at"),
    ];
    table(&rows, &columns, "no account yet; `bailiwick users add NAME` makes one")
}

/// What died and what lives until when.
pub(super) fn ended(told: &Value, whom: &str) -> String {
    died(told, &format!("{} is disabled", word(told, whom)))
}

/// The same under a heading of its own.
pub(super) fn died(told: &Value, heading: &str) -> String {
    let says = |part: &str| told.get(part).and_then(|part| part.get("says")).and_then(Value::as_str).unwrap_or("-");
    format!("{heading}\n  died   {}\n  lives  {}", says("died"), says("lives"))
}

/// A field that is text.
pub(super) fn word<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or("-")
}
