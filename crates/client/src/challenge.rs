//! `WWW-Authenticate` as a client reads it (RFC 9110 §11.6.1, RFC 6750 §3, RFC 9728 §5.1). The reader is strict: a
//! header that breaks the grammar, or says one thing twice, says nothing.

use std::collections::BTreeMap;

use bailiwick_domain::scope::ScopeSet;
use bailiwick_domain::text::presentable;
use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;

/// What a server says of itself when it turns a request away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Challenge {
    /// Where the server's RFC 9728 metadata is.
    pub resource_metadata: Option<String>,
    /// The scopes that would do.
    pub scope: Option<ScopeSet>,
    /// The `error` code.
    pub error: Option<String>,
    /// The reason in words, fit to be shown.
    pub says: Option<String>,
}

impl Challenge {
    /// The first `Bearer` challenge among the headers of an answer.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok()).find_map(Self::parse)
    }

    /// The first `Bearer` challenge of one header value.
    pub fn parse(value: &str) -> Option<Self> {
        let mut reader = Reader { rest: value };
        let all = reader.challenges()?;
        all.into_iter().find(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, of)| Self::made_of(of))
    }

    fn made_of(mut of: BTreeMap<String, String>) -> Self {
        let code = |text: String| text.bytes().all(|b| b.is_ascii_graphic()).then_some(text);
        Self {
            resource_metadata: of.remove("resource_metadata"),
            scope: of.remove("scope").and_then(|raw| ScopeSet::parse(&raw)).filter(|set| !set.is_empty()),
            error: of.remove("error").and_then(code),
            says: of.remove("error_description").map(|raw| presentable(&raw, 300)),
        }
    }

    /// True for RFC 6750's `insufficient_scope`.
    pub fn asks_for_scope(&self) -> bool {
        self.error.as_deref() == Some("insufficient_scope")
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    /// `1#challenge`: schemes with parameters, told from one another by what follows a token.
    fn challenges(&mut self) -> Option<Vec<(&'a str, BTreeMap<String, String>)>> {
        let mut all: Vec<(&str, BTreeMap<String, String>)> = Vec::new();
        let mut takes_parameters = false;
        loop {
            while self.skip_blanks().eat(',') {}
            if self.rest.is_empty() {
                return (!all.is_empty()).then_some(all);
            }
            let word = self.token()?;
            if self.begins_value() {
                let value = self.value()?;
                let (_, parameters) = all.last_mut().filter(|_| takes_parameters)?;
                if parameters.insert(word.to_ascii_lowercase(), value).is_some() {
                    return None;
                }
            } else {
                all.push((word, BTreeMap::new()));
                takes_parameters = self.after_scheme()?;
                continue;
            }
            if !self.skip_blanks().rest.is_empty() && !self.rest.starts_with(',') {
                return None;
            }
        }
    }

    /// After a scheme: the end, a comma, or at least one space; a token68 credential is passed over. True when
    /// parameters may follow.
    fn after_scheme(&mut self) -> Option<bool> {
        if self.rest.is_empty() || self.rest.starts_with(',') {
            return Some(false);
        }
        if !self.rest.starts_with(' ') {
            return None;
        }
        self.skip_blanks();
        let end = self.rest.find(',').unwrap_or(self.rest.len());
        let word = self.rest.get(..end)?.trim_end_matches(' ');
        let body = word.trim_end_matches('=');
        let fits = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b);
        if body.is_empty() || !body.bytes().all(fits) {
            return Some(true);
        }
        self.rest = self.rest.get(end..)?;
        Some(false)
    }

    fn begins_value(&self) -> bool {
        self.rest.trim_start_matches([' ', '\t']).starts_with('=')
    }

    fn value(&mut self) -> Option<String> {
        self.skip_blanks().eat('=').then_some(())?;
        if self.skip_blanks().eat('"') { self.quoted() } else { self.token().map(str::to_owned) }
    }

    fn quoted(&mut self) -> Option<String> {
        let mut out = String::new();
        let mut chars = self.rest.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.rest = self.rest.get(at + 1..)?;
                    return Some(out);
                }
                '\\' => out.push(chars.next()?.1),
                c => out.push(c),
            }
        }
        None
    }

    fn token(&mut self) -> Option<&'a str> {
        let fits = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        let end = self.rest.find(|c| !fits(c)).unwrap_or(self.rest.len());
        let (token, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        (!token.is_empty()).then_some(token)
    }

    fn skip_blanks(&mut self) -> &mut Self {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
        self
    }

    fn eat(&mut self, c: char) -> bool {
        let rest = self.rest.strip_prefix(c);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }
}

#[cfg(test)]
mod tests;
