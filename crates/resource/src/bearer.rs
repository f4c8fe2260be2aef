//! The `Authorization` header of a bearer (RFC 6750 §2.1).

/// What the header held.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Bearer<'a> {
    /// Nothing of ours: no header, or another scheme.
    Absent,
    /// The scheme, but no token.
    Malformed,
    /// A token.
    Token(&'a str),
}

impl<'a> Bearer<'a> {
    /// Reads the header; the scheme in any case, then spaces, then one token of RFC 7235 `token68` letters.
    pub(crate) fn read(authorization: Option<&'a str>) -> Self {
        let header = authorization.unwrap_or("").trim_matches(' ');
        let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Self::Absent;
        }
        let token = token.trim_start_matches(' ');
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=');
        if token.is_empty() || !token.bytes().all(fits) { Self::Malformed } else { Self::Token(token) }
    }
}

#[cfg(test)]
mod tests {
    use super::Bearer;

    #[test]
    fn only_a_whole_bearer_header_carries_a_token() {
        let cases = [
            (None, Bearer::Absent),
            (Some(""), Bearer::Absent),
            (Some("Basic YTpi"), Bearer::Absent),
            (Some("DPoP abc"), Bearer::Absent),
            (Some("Bearerabc"), Bearer::Absent),
            (Some("Bearer"), Bearer::Malformed),
            (Some("Bearer  "), Bearer::Malformed),
            (Some("Bearer a b"), Bearer::Malformed),
            (Some("Bearer a,b"), Bearer::Malformed),
            (Some("Bearer a\tb"), Bearer::Malformed),
            (Some("bearer a.b.c"), Bearer::Token("a.b.c")),
            (Some("BEARER   a.b.c"), Bearer::Token("a.b.c")),
        ];
        for (header, expected) in cases {
            assert_eq!(Bearer::read(header), expected, "{header:?}");
        }
    }
}
