//! What a configured key signed. The shape is checked first, by us; only what has it reaches the library, so that of
//! everything XML signatures can do (`XPath`, XSLT, detached files, keys inside) nothing is reachable.

use bergshamra_dsig::VerifyResult;
use bergshamra_dsig::verify::verify_all_document;

use crate::SamlError;
use crate::keys::TrustedKeys;
use crate::names::{DIGESTS, DS, ENVELOPED, EXCLUSIVE, SIGNATURES};
use crate::xml::{Node, Tree};

/// A message and its assertion may each be signed.
const MOST_SIGNATURES: usize = 2;

/// The elements that `keys` signed. Each signature lies in the element it signs, and each one must hold: a document with
/// a broken signature beside a good one is not believed.
pub(crate) fn signed(tree: &Tree<'_>, keys: &TrustedKeys) -> Result<Vec<Node>, SamlError> {
    let signatures: Vec<Node> = tree.elements().filter(|node| tree.local_name(*node) == "Signature").collect();
    if signatures.is_empty() {
        return Err(SamlError::Unsigned);
    }
    if signatures.len() > MOST_SIGNATURES {
        return Err(SamlError::Shape("too many signatures"));
    }
    let enveloping = signatures.iter().map(|node| shape(tree, *node)).collect::<Result<Vec<_>, _>>()?;
    let results = verify_all_document(&keys.context(), &tree.document).map_err(|_| SamlError::Signature)?;
    if results.len() != signatures.len() {
        return Err(SamlError::Signature);
    }
    let proven = results.iter().zip(signatures.iter().zip(&enveloping));
    if proven.into_iter().all(|(result, (signature, parent))| covers(result, *signature, *parent)) {
        Ok(enveloping)
    } else {
        Err(SamlError::Signature)
    }
}

/// True when the library verified exactly this signature, over exactly this element.
fn covers(result: &VerifyResult, signature: Node, parent: Node) -> bool {
    match result {
        VerifyResult::Invalid { .. } => false,
        VerifyResult::Valid { signature_node, references, .. } => match references.as_slice() {
            [only] => *signature_node == signature && only.resolved_node == Some(parent) && only.digest_verified,
            [..] => false,
        },
    }
}

/// Checks the one shape that is read; returns the element the signature lies in, which is the one it refers to
/// (SAML core §5.4).
fn shape(tree: &Tree<'_>, signature: Node) -> Result<Node, SamlError> {
    if !tree.is(signature, DS, "Signature") {
        return Err(SamlError::Shape("a signature of another kind"));
    }
    tree.only(signature, &[(DS, "SignedInfo"), (DS, "SignatureValue"), (DS, "KeyInfo")], "signature")?;
    tree.one(signature, (DS, "SignatureValue"))?;
    if let Some(info) = tree.at_most_one(signature, (DS, "KeyInfo"))? {
        tree.only(info, &[(DS, "X509Data"), (DS, "KeyName"), (DS, "KeyValue")], "key info")?;
    }
    let info = tree.one(signature, (DS, "SignedInfo"))?;
    let parts = [(DS, "CanonicalizationMethod"), (DS, "SignatureMethod"), (DS, "Reference")];
    tree.only(info, &parts, "signed info")?;
    let canonical = tree.one(info, (DS, "CanonicalizationMethod"))?;
    algorithm(tree, canonical, &[EXCLUSIVE], "a canonical form")?;
    algorithm(tree, tree.one(info, (DS, "SignatureMethod"))?, &SIGNATURES, "a signature algorithm")?;
    let reference = tree.one(info, (DS, "Reference"))?;
    tree.only(reference, &[(DS, "Transforms"), (DS, "DigestMethod"), (DS, "DigestValue")], "reference")?;
    algorithm(tree, tree.one(reference, (DS, "DigestMethod"))?, &DIGESTS, "a digest")?;
    tree.one(reference, (DS, "DigestValue"))?;
    transforms(tree, tree.one(reference, (DS, "Transforms"))?)?;

    let parent = tree.document.parent(signature).ok_or(SamlError::Shape("signature"))?;
    let id = tree.attribute(parent, "ID").filter(|id| is_name(id)).ok_or(SamlError::Shape("an identifier"))?;
    let uri = tree.attribute(reference, "URI").ok_or(SamlError::Shape("reference"))?;
    if uri.strip_prefix('#') != Some(id) {
        return Err(SamlError::Shape("a signature over something else than what it lies in"));
    }
    Ok(parent)
}

/// Leave the signature out, then exclusive canonical XML: nothing else may happen between what is read and what is signed.
fn transforms(tree: &Tree<'_>, transforms: Node) -> Result<(), SamlError> {
    tree.only(transforms, &[(DS, "Transform")], "transforms")?;
    match tree.named(transforms, DS, "Transform").as_slice() {
        [enveloped, exclusive] => {
            algorithm(tree, *enveloped, &[ENVELOPED], "a transform")?;
            algorithm(tree, *exclusive, &[EXCLUSIVE], "a transform")
        }
        [..] => Err(SamlError::Algorithm("a transform")),
    }
}

fn algorithm(tree: &Tree<'_>, node: Node, allowed: &[&str], what: &'static str) -> Result<(), SamlError> {
    // Exclusive canonical XML may list prefixes to be kept; nothing else is a parameter of anything allowed here.
    tree.only(node, &[(EXCLUSIVE, "InclusiveNamespaces")], "parameters of an algorithm")?;
    let named = tree.attribute(node, "Algorithm");
    if named.is_some_and(|name| allowed.contains(&name)) { Ok(()) } else { Err(SamlError::Algorithm(what)) }
}

/// An identifier that means itself in a reference: no `xpointer(…)`, nothing to be escaped.
fn is_name(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    (1..=256).contains(&id.len()) && id.bytes().all(plain)
}
