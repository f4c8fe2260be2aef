//! What the client commands say: one line per error, with what to do about it.

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use bailiwick_client::{ConnectionError, LoginError, Progress, Refusal, ServerUrl};
use bailiwick_domain::scope::ScopeSet;
use bailiwick_domain::time::Timestamp;
use bailiwick_net::HttpError;

/// A URL, a scope or another word of a command, to be pasted into a shell.
fn word(raw: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/@%+=,".contains(c);
    if !raw.is_empty() && raw.chars().all(plain) { raw.to_owned() } else { format!("'{}'", raw.replace('\'', r"'\''")) }
}

/// A command for `server` to be typed next, under the name this program was started by.
pub(crate) fn command(verb: &str, server: &ServerUrl) -> String {
    let me = std::env::args().next().unwrap_or_else(|| "bailiwick".to_owned());
    format!("{} {verb} {}", word(&me), word(server.as_str()))
}

/// The command that asks for `scope` too.
fn login_command(server: &ServerUrl, scope: &ScopeSet) -> String {
    let asked = scope.iter().map(|scope| format!("--scope {}", word(scope.as_str())));
    std::iter::once(command("login", server)).chain(asked).collect::<Vec<_>>().join(" ")
}

/// Says on standard error how a login goes on.
pub(crate) fn progress(progress: &Progress<'_>) {
    note(&match progress {
        Progress::LoggingIn { server, issuer } => format!("Logging in to {server} at {issuer}"),
        Progress::Visit { url, opened: true } => {
            format!("Go on in the browser window that opens; if none does, open this address:\n  {url}")
        }
        Progress::Visit { url, opened: false } => format!("Open this address in a browser:\n  {url}"),
        Progress::Waiting { left } => {
            format!("Still waiting for the browser to come back ({} s left; Ctrl-C to stop)", left.as_secs())
        }
        Progress::Thinking { since } => format!("Still waiting for the server's answer ({} s)", since.as_secs()),
        Progress::SteppingUp { scope } => format!("This needs more: {scope}"),
    });
}

/// Says that something failed: exit code 1.
pub(crate) fn failed(says: &str) -> ExitCode {
    note(&format!("bailiwick: {says}"));
    ExitCode::from(1)
}

/// Says that the command itself cannot be understood: exit code 2.
pub(crate) fn misused(says: &str) -> ExitCode {
    note(&format!("bailiwick: {says}"));
    ExitCode::from(2)
}

/// Says that a login is needed: exit code 3.
pub(crate) fn login_needed(server: &ServerUrl) -> ExitCode {
    let command = login_command(server, &ScopeSet::default());
    note(&format!("bailiwick: no login is kept for {server}, or it ended; log in with: {command}"));
    ExitCode::from(3)
}

/// Says why a login failed.
pub(crate) fn login_failed(error: &LoginError) -> ExitCode {
    let down = matches!(error, LoginError::Http(HttpError::Connect { .. }));
    failed(&format!("{error}{}", if down { "; is the server running?" } else { "" }))
}

/// Says why there is no result; `what` was wanted.
pub(crate) fn no_result(what: &str, server: &ServerUrl, error: &ConnectionError) -> ExitCode {
    match error {
        ConnectionError::LoginNeeded => login_needed(server),
        ConnectionError::Refused(refusal) => failed(&refused(what, &login_command(server, &refusal.missing), refusal)),
        ConnectionError::Login(error) => login_failed(error),
        ConnectionError::Arguments(error) => misused(&error.to_string()),
        ConnectionError::Told { rule: Some(rule), .. } => failed(&format!("{what}: {error} (rule {rule})")),
        ConnectionError::Http(HttpError::Connect { .. }) => failed(&format!("{error}; is the server running?")),
        ConnectionError::Told { .. } | ConnectionError::Failed(_) => failed(&format!("{what}: {error}")),
        ConnectionError::Renew(_) | ConnectionError::Http(_) => failed(&error.to_string()),
    }
}

/// The line for a refused call: the missing scope, the rule and the next command.
fn refused(what: &str, next: &str, refusal: &Refusal) -> String {
    let Refusal { missing, rule, says } = refusal;
    let rule = rule.clone().unwrap_or_else(|| format!("scope:{missing}"));
    let says = says.as_ref().map(|says| format!(": {says}")).unwrap_or_default();
    if missing.is_empty() {
        return format!("{what} was refused{says} (rule {rule})");
    }
    format!("{what} was refused: it needs the scope {missing} (rule {rule}); ask for it with: {next}")
}

/// Text from a server, safe for a terminal: what could drive it is taken out. A file or a pipe gets every byte.
pub(crate) fn safe(text: &str, to_terminal: bool) -> String {
    if !to_terminal {
        return text.to_owned();
    }
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

/// Prints a result. Whoever reads may stop early, as `head` does: that is no failure of ours.
pub(crate) fn result(text: &str) {
    let _ = writeln!(std::io::stdout(), "{}", safe(text, std::io::stdout().is_terminal()));
}

/// Prints what is no result, on standard error.
pub(crate) fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "{}", safe(text, std::io::stderr().is_terminal()));
}

/// A moment in words, in UTC (civil date from days: Hinnant's algorithm).
pub(crate) fn moment(at: Timestamp) -> String {
    let (days, second) = (at.seconds().div_euclid(86_400), at.seconds().rem_euclid(86_400));
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02} UTC", second / 3600, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_scope_the_rule_and_the_next_command() {
        let missing = ScopeSet::parse("mcp:destructive").unwrap();
        let refusal = Refusal { missing, rule: None, says: None };

        assert_eq!(
            refused("delete_note", "bailiwick login http://localhost:8787/mcp", &refusal),
            "delete_note was refused: it needs the scope mcp:destructive (rule scope:mcp:destructive); ask for it with: \
             bailiwick login http://localhost:8787/mcp"
        );
    }

    #[test]
    fn words_survive_a_shell() {
        assert_eq!(word("http://localhost:8787/mcp"), "http://localhost:8787/mcp");
        assert_eq!(word("https://h.example/mcp?a=1&b=2"), "'https://h.example/mcp?a=1&b=2'");
        assert_eq!(word("it's"), r"'it'\''s'");
    }

    #[test]
    fn a_terminal_is_not_driven_by_a_server() {
        assert_eq!(safe("a\u{1b}[2Jb\n\tc\r", true), "a[2Jb\n\tc");
        assert_eq!(safe("a\u{1b}[2J", false), "a\u{1b}[2J");
    }

    #[test]
    fn moments_are_told_in_utc() {
        for (seconds, expected) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_399, "2000-02-28 23:59:59 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (1_767_225_599, "2025-12-31 23:59:59 UTC"),
            (-1, "1969-12-31 23:59:59 UTC"),
        ] {
            assert_eq!(moment(Timestamp::from_seconds(seconds)), expected);
        }
    }
}
