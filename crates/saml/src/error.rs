//! Why a document is not believed. Nothing of what it says goes into these words.

/// One reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SamlError {
    /// Longer than anything that is read here.
    #[error("the document is too long")]
    TooLong,
    /// The transport encoding is broken.
    #[error("the document is not base64")]
    Base64,
    /// Not the XML that is read here.
    #[error("not acceptable XML: {0}")]
    Xml(&'static str),
    /// Well-formed, but not the one form that is read here.
    #[error("not an acceptable document: {0}")]
    Shape(&'static str),
    /// Encrypted assertions are not read.
    #[error("the assertion is encrypted")]
    Encrypted,
    /// None, or more than one.
    #[error("there must be exactly one assertion")]
    NotOneAssertion,
    /// Two elements share an identifier, so that a reference could mean either.
    #[error("an identifier is used twice")]
    DuplicateId,
    /// What would be read is not what was signed.
    #[error("the assertion is not signed")]
    Unsigned,
    /// The signature uses something that is not on the list.
    #[error("the signature uses {0} that is not allowed")]
    Algorithm(&'static str),
    /// No configured key made the signature, or what was signed was changed.
    #[error("the signature is not by a configured key over this content")]
    Signature,
    /// The identity provider answered with an error.
    #[error("the identity provider refused")]
    Status,
    /// By somebody else.
    #[error("not by the configured issuer")]
    Issuer,
    /// For somebody else.
    #[error("addressed to another audience")]
    Audience,
    /// Sent to another place.
    #[error("made for another destination")]
    Destination,
    /// To be delivered elsewhere.
    #[error("made for another recipient")]
    Recipient,
    /// An answer to another question, or to none.
    #[error("not the answer to this request")]
    InResponseTo,
    /// Made for a browser's sign-in.
    #[error("made for a browser, not for the token endpoint")]
    WebSso,
    /// Its time has not come.
    #[error("not valid yet")]
    Early,
    /// Its time is over.
    #[error("expired")]
    Expired,
    /// It would live longer than we remember it.
    #[error("valid for too long")]
    TooLasting,
    /// The subject's name is not of the kind that is read here.
    #[error("the subject has no usable name: {0}")]
    NameId(&'static str),
    /// A key or certificate cannot be used.
    #[error("not a usable key: {0}")]
    Key(&'static str),
    /// Something that cannot be written.
    #[error("{0} cannot be written")]
    Unwritable(&'static str),
}
