//! Just enough DER to read the two integers of an RSA public key (RFC 8017 appendix A.1.1).

/// The modulus and the exponent of an `RSAPublicKey`, big-endian without leading zeros.
pub(super) fn rsa_public(der: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (sequence, rest) = element(der, 0x30)?;
    let (modulus, after) = element(sequence, 0x02)?;
    let (exponent, end) = element(after, 0x02)?;
    (rest.is_empty() && end.is_empty()).then(|| (unsigned(modulus), unsigned(exponent)))
}

/// The content of one element with this tag, and what follows it.
pub(super) fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    if found != tag {
        return None;
    }
    if first < 0x80 {
        return rest.split_at_checked(usize::from(first));
    }
    let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f)).filter(|(digits, _)| digits.len() <= 4)?;
    let length = digits.iter().fold(0_usize, |length, digit| (length << 8) | usize::from(*digit));
    rest.split_at_checked(length)
}

fn unsigned(integer: &[u8]) -> Vec<u8> {
    integer.iter().copied().skip_while(|byte| *byte == 0).collect()
}
