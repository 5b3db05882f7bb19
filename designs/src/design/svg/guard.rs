//! What an SVG may hold: checked on its text, before anything is built from it.
//!
//! References are followed as a renderer follows them, so that what a few `use` elements expand to counts as if it were
//! written out.

use std::collections::HashMap;

use roxmltree::{Document, Node, NodeId, ParsingOptions};

use super::refused;
use crate::error::DesignError;

const SVG: &str = "http://www.w3.org/2000/svg";
/// Elements within each other, at most, with what references expand to.
const LEVELS_MAX: usize = 100;
/// Elements, at most, with what references expand to.
const ELEMENTS_MAX: u64 = 100_000;
/// A filter works on whole layers: it counts as this many elements.
const ELEMENTS_OF_FILTER: u64 = 1_000;
/// Elements and texts between them that are read at all.
const NODES_MAX: u32 = 3 * ELEMENTS_MAX as u32;

/// Elements that run, load or move something, and text, which would depend on the fonts of a machine.
const REFUSED: [(&str, &str); 20] = [
    ("script", "scripts are not run"),
    ("handler", "scripts are not run"),
    ("listener", "scripts are not run"),
    ("foreignObject", "it holds something other than a drawing"),
    ("iframe", "it loads something from elsewhere"),
    ("audio", "it loads something from elsewhere"),
    ("video", "it loads something from elsewhere"),
    ("animate", "a design does not move"),
    ("animateColor", "a design does not move"),
    ("animateMotion", "a design does not move"),
    ("animateTransform", "a design does not move"),
    ("set", "a design does not move"),
    ("discard", "a design does not move"),
    ("text", "text must be converted to outlines"),
    ("tspan", "text must be converted to outlines"),
    ("tref", "text must be converted to outlines"),
    ("textPath", "text must be converted to outlines"),
    ("altGlyph", "text must be converted to outlines"),
    ("font", "text must be converted to outlines"),
    ("font-face", "text must be converted to outlines"),
];

/// Elements whose content is drawn wherever something refers to them.
const DRAWN_BY_REFERENCE: [&str; 8] = ["symbol", "g", "svg", "pattern", "mask", "clipPath", "marker", "filter"];

/// Refuses an SVG for what is in it.
///
/// # Errors
/// `design_svg_refused`, with the element and its line.
pub(super) fn check(text: &str) -> Result<(), DesignError> {
    // Counting comes before parsing, which takes fifty times the memory of the text.
    let begins = |pair: &&[u8]| pair[0] == b'<' && !matches!(pair[1], b'/' | b'!' | b'?');
    if text.as_bytes().windows(2).filter(begins).count() as u64 > ELEMENTS_MAX {
        return Err(refused(format!("there are more than {ELEMENTS_MAX} elements")));
    }
    let options = ParsingOptions { allow_dtd: false, nodes_limit: NODES_MAX, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(|error| unparsable(&error))?;
    let root = document.root_element();
    if root.tag_name().name() != "svg" || root.tag_name().namespace() != Some(SVG) {
        return Err(refused("the first element is no `svg` of the SVG namespace"));
    }
    if root.attribute("viewBox").is_none() && (root.attribute("width").is_none() || root.attribute("height").is_none())
    {
        return Err(refused("the `svg` has neither a size nor a viewBox").at("line 1"));
    }
    let mut ids = HashMap::new();
    let mut of_styles = Vec::new();
    for node in document.root().descendants() {
        if let Some(id) = node.attribute("id") {
            ids.entry(id).or_insert(node);
        }
        if let Some(instruction) = node.pi()
            && instruction.target != "xml"
        {
            let message = format!("`<?{}>` may lead to another file", instruction.target);
            return Err(refused(message).at(line(&node)));
        }
        if node.is_element() {
            check_element(&node)?;
            if node.tag_name().name() == "style" {
                of_styles.extend(node.descendants().filter_map(|node| node.text()).flat_map(targets));
            }
        }
    }
    // A style may apply to any element; gradients are small and apply once.
    let of_styles = of_styles.into_iter().filter_map(|id| ids.get(id).copied());
    let of_styles: Vec<Node<'_, '_>> = of_styles.filter(|node| is_drawn_by_reference(node)).collect();
    let mut expansion = Expansion { ids: &ids, of_styles: &of_styles, known: HashMap::new() };
    expansion.size(root, 1)?;
    Ok(())
}

fn unparsable(error: &roxmltree::Error) -> DesignError {
    let at = format!("line {}", error.pos().row);
    match error {
        roxmltree::Error::DtdDetected => refused("a DOCTYPE is not allowed: delete it").at(at),
        roxmltree::Error::NodesLimitReached => refused(format!("there are more than {ELEMENTS_MAX} elements")).at(at),
        other => refused(format!("this is not well-formed XML: {other}")).at(at),
    }
}

fn line(node: &Node<'_, '_>) -> String {
    format!("line {}", node.document().text_pos_at(node.range().start).row)
}

fn check_element(node: &Node<'_, '_>) -> Result<(), DesignError> {
    let name = node.tag_name().name();
    let wrong = |reason: String| Err(refused(format!("`<{name}>`: {reason}")).at(line(node)));
    if let Some((_, reason)) = REFUSED.iter().find(|(refused, _)| *refused == name) {
        return wrong((*reason).to_owned());
    }
    for attribute in node.attributes() {
        let (key, value) = (attribute.name(), attribute.value());
        let lower = key.to_ascii_lowercase();
        if lower.starts_with("on") && node.tag_name().namespace() == Some(SVG) {
            return wrong(format!("`{key}` is a script"));
        }
        if attribute.namespace() == Some(roxmltree::NS_XML_URI) && key == "base" {
            return wrong("`xml:base` leads to another file".to_owned());
        }
        if lower == "href" || lower == "src" {
            let is_picture = matches!(name, "image" | "feImage");
            let is_data = value.trim_start().get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"));
            if !(value.trim().starts_with('#') || (is_picture && is_data)) {
                return wrong(format!("`{key}` leads to another file"));
            }
        } else if let Some(reason) = leads_elsewhere(value) {
            return wrong(format!("`{key}` {reason}"));
        }
    }
    if name == "style" {
        let texts = node.descendants().filter_map(|inner| inner.text());
        if let Some(reason) = texts.into_iter().find_map(leads_elsewhere) {
            return wrong(format!("the style {reason}"));
        }
    }
    Ok(())
}

/// What is wrong with the references of a style or of the value of an attribute.
fn leads_elsewhere(text: &str) -> Option<&'static str> {
    let lower = text.to_ascii_lowercase();
    if lower.contains("@import") {
        return Some("imports another file");
    }
    if lower.contains('\\') && (lower.contains('(') || lower.contains('@')) {
        return Some("has characters in disguise");
    }
    let elsewhere = |at: usize| {
        let target = lower[at + 4..].trim_start().trim_start_matches(['"', '\'']).trim_start();
        !target.starts_with('#')
    };
    let mut calls = lower.match_indices("url(").map(|(at, _)| at);
    calls.any(elsewhere).then_some("leads to another file")
}

/// The ids that `url(#id)` names in a style or in the value of an attribute.
fn targets(text: &str) -> impl Iterator<Item = &str> {
    let target = |(at, _): (usize, &str)| {
        let rest = text[at + 4..].trim_start().trim_start_matches(['"', '\'']).trim_start().strip_prefix('#')?;
        rest.split([')', '"', '\'']).next().map(str::trim)
    };
    text.match_indices("url(").filter_map(target).collect::<Vec<_>>().into_iter()
}

fn is_drawn_by_reference(node: &Node<'_, '_>) -> bool {
    DRAWN_BY_REFERENCE.contains(&node.tag_name().name())
}

/// How many elements each element is once references are followed.
struct Expansion<'a, 'input> {
    ids: &'a HashMap<&'a str, Node<'a, 'input>>,
    of_styles: &'a [Node<'a, 'input>],
    /// Elements and levels; `None` while they are being counted.
    known: HashMap<NodeId, Option<(u64, usize)>>,
}

impl<'a, 'input> Expansion<'a, 'input> {
    /// Elements and levels of a node that lies this deep.
    fn size(&mut self, node: Node<'a, 'input>, depth: usize) -> Result<(u64, usize), DesignError> {
        let too_deep = || refused(format!("more than {LEVELS_MAX} elements lie within each other")).at(line(&node));
        if depth > LEVELS_MAX {
            return Err(too_deep());
        }
        match self.known.get(&node.id()) {
            Some(Some((n, levels))) if depth + levels <= LEVELS_MAX + 1 => return Ok((*n, *levels)),
            Some(Some(_)) => return Err(too_deep()),
            Some(None) => {
                let message = format!("`<{}>` refers to itself", node.tag_name().name());
                return Err(refused(message).at(line(&node)));
            }
            None => self.known.insert(node.id(), None),
        };
        let own = if node.tag_name().name().starts_with("fe") { ELEMENTS_OF_FILTER } else { 1 };
        let (mut n, mut levels) = (own, 1);
        let mut add = |(inner, deeper): (u64, usize)| {
            n = n.saturating_add(inner);
            levels = levels.max(deeper + 1);
        };
        for child in node.children().filter(Node::is_element) {
            add(self.size(child, depth + 1)?);
        }
        for target in self.referred(&node) {
            add(self.size(target, depth + 1)?);
        }
        if n > ELEMENTS_MAX {
            let message = format!("the drawing expands to more than {ELEMENTS_MAX} elements");
            return Err(refused(message).at(line(&node)));
        }
        self.known.insert(node.id(), Some((n, levels)));
        Ok((n, levels))
    }

    /// What a node refers to.
    fn referred(&self, node: &Node<'a, 'input>) -> Vec<Node<'a, 'input>> {
        let by_id = |id: &str| self.ids.get(id).copied();
        let mut found = Vec::new();
        for attribute in node.attributes() {
            match attribute.name() {
                "href" if node.tag_name().name() == "use" => {
                    found.extend(attribute.value().trim().strip_prefix('#').and_then(by_id));
                }
                "href" => {
                    let target = attribute.value().trim().strip_prefix('#').and_then(by_id);
                    found.extend(target.filter(is_drawn_by_reference));
                }
                // A gradient is small, however many refer to it.
                _ => found.extend(targets(attribute.value()).filter_map(by_id).filter(is_drawn_by_reference)),
            }
        }
        // Styles reach what is drawn, and never what they themselves refer to from within.
        let is_drawn = !is_drawn_by_reference(node) && node.has_tag_name((SVG, node.tag_name().name()));
        if is_drawn && (node.has_attribute("class") || node.has_attribute("id")) {
            let outside = |style: &&Node<'a, 'input>| !node.ancestors().any(|above| above == **style);
            found.extend(self.of_styles.iter().filter(outside).copied());
        }
        found
    }
}
