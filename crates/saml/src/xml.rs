//! The one parser, and the one form of XML it lets in: elements, attributes and text, nothing else. A reader that skips a
//! comment where the signer saw none, or an entity where the signer saw text, is how names get forged.

use std::collections::HashSet;

use bailiwick_domain::control::{Control, holds};
use uppsala::{Document, Element, NodeId, NodeKind, Parser};

use crate::SamlError;

/// How deep elements may nest; an answer needs eight.
const MOST_DEPTH: u32 = 24;

/// An element of a [`Tree`].
pub(crate) type Node = NodeId;

/// A document that holds nothing but elements, attributes and text.
pub(crate) struct Tree<'a> {
    pub(crate) document: Document<'a>,
}

impl<'a> Tree<'a> {
    /// Reads a document of at most `most` bytes.
    pub(crate) fn parse(raw: &'a str, most: usize) -> Result<Self, SamlError> {
        if raw.len() > most {
            return Err(SamlError::TooLong);
        }
        let bare = holds(Control::SamlPlain);
        if bare {
            plain(raw)?;
        }
        let parser = Parser::new().with_forbid_dtd(bare).with_max_depth(MOST_DEPTH);
        let document = parser.parse(raw).map_err(|_| SamlError::Xml("it is not well-formed"))?;
        let tree = Self { document };
        if bare {
            tree.only_elements_and_text()?;
        }
        tree.unique_identifiers()?;
        Ok(tree)
    }

    /// The outermost element.
    pub(crate) fn root(&self) -> Result<Node, SamlError> {
        self.document.document_element().ok_or(SamlError::Xml("it is empty"))
    }

    /// Every element, in document order.
    pub(crate) fn elements(&self) -> impl Iterator<Item = Node> {
        self.document
            .descendants(self.document.root())
            .into_iter()
            .filter(|node| self.document.element(*node).is_some())
    }

    /// The elements directly below.
    pub(crate) fn children(&self, node: Node) -> impl Iterator<Item = Node> {
        self.document.children_iter(node).filter(|child| self.document.element(*child).is_some())
    }

    /// The elements of that name directly below.
    pub(crate) fn named(&self, node: Node, space: &str, name: &str) -> Vec<Node> {
        self.children(node).filter(|child| self.is(*child, space, name)).collect()
    }

    /// The one element of that name directly below; `None` when there is none.
    pub(crate) fn at_most_one(
        &self,
        node: Node,
        (space, name): (&str, &'static str),
    ) -> Result<Option<Node>, SamlError> {
        match self.named(node, space, name).as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(*one)),
            [..] => Err(SamlError::Shape(name)),
        }
    }

    /// The one element of that name directly below.
    pub(crate) fn one(&self, node: Node, name: (&str, &'static str)) -> Result<Node, SamlError> {
        self.at_most_one(node, name)?.ok_or(SamlError::Shape(name.1))
    }

    /// Refuses an element directly below that is none of these.
    pub(crate) fn only(&self, node: Node, allowed: &[(&str, &str)], what: &'static str) -> Result<(), SamlError> {
        let known = |child: Node| allowed.iter().any(|(space, name)| self.is(child, space, name));
        if self.children(node).all(known) { Ok(()) } else { Err(SamlError::Shape(what)) }
    }

    /// True for an element of that name.
    pub(crate) fn is(&self, node: Node, space: &str, name: &str) -> bool {
        self.element(node).is_some_and(|element| element.matches_name_ns(space, name))
    }

    /// The name without its namespace.
    pub(crate) fn local_name(&self, node: Node) -> &str {
        self.element(node).map_or("", |element| element.name.local_name.as_ref())
    }

    /// The attribute of that name that is in no namespace.
    pub(crate) fn attribute(&self, node: Node, name: &str) -> Option<&str> {
        let mut attributes = self.element(node)?.attributes.iter();
        let found = attributes.find(|it| it.name.namespace_uri.is_none() && it.name.local_name == name)?;
        Some(found.value.as_ref())
    }

    /// The text of an element that holds nothing but text.
    pub(crate) fn text(&self, node: Node) -> Result<String, SamlError> {
        let mut text = String::new();
        for child in self.document.children_iter(node) {
            match self.document.text_content(child) {
                Some(part) => text.push_str(part),
                None if holds(Control::SamlPlain) => return Err(SamlError::Shape("an element inside text")),
                None => {}
            }
        }
        Ok(text)
    }

    fn element(&self, node: Node) -> Option<&Element<'a>> {
        self.document.element(node)
    }

    fn only_elements_and_text(&self) -> Result<(), SamlError> {
        for node in self.document.descendants(self.document.root()) {
            match self.document.node_kind(node) {
                Some(NodeKind::Document | NodeKind::Element(_) | NodeKind::Text(_)) => {}
                Some(
                    NodeKind::CData(_)
                    | NodeKind::Comment(_)
                    | NodeKind::ProcessingInstruction(_)
                    | NodeKind::Attribute(..),
                )
                | None => return Err(SamlError::Xml("only elements and text are read")),
            }
        }
        Ok(())
    }

    /// Every attribute that anybody might take for an identifier is one of a kind.
    fn unique_identifiers(&self) -> Result<(), SamlError> {
        let mut seen = HashSet::new();
        for node in self.elements() {
            let attributes = self.element(node).map(|element| element.attributes.as_slice()).unwrap_or_default();
            for attribute in attributes {
                let name = attribute.name.local_name.as_ref();
                let identifies = name.eq_ignore_ascii_case("id") || name == "AssertionID";
                if identifies && !seen.insert(attribute.value.as_ref()) {
                    return Err(SamlError::DuplicateId);
                }
            }
        }
        Ok(())
    }
}

/// What must not even reach the parser. In well-formed XML `<!` begins a comment, a CDATA section or a DTD and nothing
/// else, and `<?` a processing instruction, or the declaration at the very beginning.
fn plain(raw: &str) -> Result<(), SamlError> {
    let body = match raw.strip_prefix("<?xml ") {
        None => raw,
        Some(rest) => {
            let (declaration, body) = rest.split_once("?>").ok_or(SamlError::Xml("its declaration never ends"))?;
            let declaration = declaration.to_ascii_lowercase();
            if declaration.contains("encoding") && !declaration.contains("utf-8") {
                return Err(SamlError::Xml("it is not UTF-8"));
            }
            body
        }
    };
    if body.contains("<!DOCTYPE") {
        return Err(SamlError::Xml("a DTD"));
    }
    if body.contains("<!--") {
        return Err(SamlError::Xml("a comment"));
    }
    if body.contains("<!") {
        return Err(SamlError::Xml("a CDATA section or declaration"));
    }
    if body.contains("<?") {
        return Err(SamlError::Xml("a processing instruction"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(raw: &str) -> Option<SamlError> {
        Tree::parse(raw, 10_000).err()
    }

    #[test]
    fn only_elements_attributes_and_text_come_in() {
        assert_eq!(refusal("<?xml version=\"1.0\" encoding=\"UTF-8\"?><a b='c'>d &amp; &#101;</a>"), None);

        for (raw, why) in [
            ("<!DOCTYPE a><a/>", "a DTD"),
            ("<a>x<!-- y -->z</a>", "a comment"),
            ("<a><![CDATA[x]]></a>", "a CDATA section or declaration"),
            ("<!doctype a><a/>", "a CDATA section or declaration"),
            ("<a><?php x?></a>", "a processing instruction"),
            ("<?xml version='1.0' encoding='utf-16'?><a/>", "it is not UTF-8"),
            ("<a b='1' b='2'/>", "it is not well-formed"),
            ("<a>&custom;</a>", "it is not well-formed"),
            ("<a></b>", "it is not well-formed"),
            ("<a/><b/>", "it is not well-formed"),
            ("", "it is not well-formed"),
        ] {
            assert_eq!(refusal(raw), Some(SamlError::Xml(why)), "{raw}");
        }
    }

    #[test]
    fn no_identifier_is_used_twice_however_it_is_spelled() {
        for raw in ["<a ID='1'><b ID='1'/></a>", "<a ID='1'><b Id='1'/></a>", "<a id='1'><b AssertionID='1'/></a>"] {
            assert_eq!(refusal(raw), Some(SamlError::DuplicateId), "{raw}");
        }
        assert_eq!(refusal("<a ID='1'><b ID='2'/></a>"), None);
    }

    #[test]
    fn depth_and_length_have_an_end() {
        let deep = format!("{}{}", "<a>".repeat(5_000), "</a>".repeat(5_000));

        assert_eq!(Tree::parse(&deep, 1_000_000).err(), Some(SamlError::Xml("it is not well-formed")));
        assert_eq!(Tree::parse("<a>long</a>", 5).err(), Some(SamlError::TooLong));
    }
}
