//! The members of an object whose names are known.

use serde_json::{Map, Value};

use crate::fault::{Fault, FaultKind, pointer};
use crate::node::Node;

/// How alike a member must be to one that there is to be taken for it mistyped, 0 to 1.
const LIKENESS: f64 = 0.85;
/// Bytes of a name that may be a slip, at most.
const NAME_BYTES_MAX: usize = 64;
/// Members that a message lists, at most.
const LISTED_MAX: usize = 12;
/// Names that end in what was given are listed up to this many.
const LONGER_MAX: usize = 6;

/// The members of an object, to be read one after the other. Those that nobody asked for are faults of
/// [`finish`](Self::finish).
#[derive(Debug)]
pub struct Members<'a> {
    members: &'a Map<String, Value>,
    node: Node<'a>,
    asked: Vec<&'static str>,
    /// Of those asked for, the ones that exist only to be refused.
    unlisted: Vec<&'static str>,
}

impl<'a> Members<'a> {
    pub(crate) fn new(members: &'a Map<String, Value>, node: Node<'a>) -> Self {
        Self { members, node, asked: Vec::new(), unlisted: Vec::new() }
    }

    /// The object itself.
    pub fn node(&self) -> &Node<'a> {
        &self.node
    }

    /// Whether a member is there and not `null`.
    pub fn has(&self, name: &str) -> bool {
        self.members.get(name).is_some_and(|value| !value.is_null())
    }

    /// A member, if it is there.
    pub fn take(&mut self, name: &'static str) -> Option<Node<'a>> {
        self.asked.push(name);
        Some(self.node.member(name, self.members.get(name)?))
    }

    /// A member, if it is there and not `null`.
    pub fn given(&mut self, name: &'static str) -> Option<Node<'a>> {
        self.take(name).filter(|node| !node.is_null())
    }

    /// A member that is known but always refused, if it is there and not `null`: no message lists it.
    pub fn unsupported(&mut self, name: &'static str) -> Option<Node<'a>> {
        self.unlisted.push(name);
        self.given(name)
    }

    /// A member that must be there.
    pub fn require(&mut self, name: &'static str) -> Option<Node<'a>> {
        let node = self.take(name);
        if node.is_none() {
            self.report(name, FaultKind::Missing, format!("{name:?} is required"));
        }
        node
    }

    /// What `read` makes of a member, or a default where it is absent.
    pub fn read_or<T>(
        &mut self,
        name: &'static str,
        default: T,
        read: impl FnOnce(Node<'a>) -> Option<T>,
    ) -> Option<T> {
        self.take(name).map_or(Some(default), read)
    }

    /// Adds a fault of a member.
    pub fn report(&self, name: &str, kind: FaultKind, message: impl Into<String>) {
        self.node.faults().push(|| Fault::new(kind, message).below(&pointer(&self.node.at(), name)));
    }

    /// Ends the object: a member that nobody asked for is a fault.
    pub fn finish(self) {
        for name in self.members.keys().filter(|name| !self.asked.contains(&name.as_str())) {
            // A long name is no slip of a short one, and likeness takes time.
            let folded =
                if name.len() > NAME_BYTES_MAX { String::new() } else { name.to_lowercase().replace('-', "_") };
            let alike = self.asked.iter().map(|asked| (strsim::jaro_winkler(asked, &folded), *asked));
            let alike = alike.filter(|(likeness, _)| *likeness >= LIKENESS).max_by(|a, b| a.0.total_cmp(&b.0));
            let message = match alike {
                Some((_, meant)) => format!("there is no such member; did you mean \"{meant}\"?"),
                None => match self.longer(&folded) {
                    Some(question) => format!("there is no such member; {question}"),
                    None => format!("there is no such member{}", self.expected()),
                },
            };
            self.report(name, FaultKind::UnknownMember, message);
        }
    }

    /// The question whether one of those is meant whose last word this is: `specular_roughness` for `roughness`.
    fn longer(&self, name: &str) -> Option<String> {
        let end = format!("_{name}");
        let mut found: Vec<&str> = Vec::new();
        for asked in self.asked.iter().copied().filter(|asked| asked.ends_with(&end) && !self.unlisted.contains(asked))
        {
            if !found.contains(&asked) {
                found.push(asked);
            }
        }
        if name.is_empty() || found.len() > LONGER_MAX {
            return None;
        }
        let (last, others) = found.split_last()?;
        let others: Vec<String> = others.iter().map(|name| format!("{name:?}")).collect();
        let before = if others.is_empty() { String::new() } else { format!("{} or ", others.join(", ")) };
        Some(format!("did you mean {before}{last:?}?"))
    }

    /// What there is instead, as long as that is a short list: `; expected "width" or "height"`.
    fn expected(&self) -> String {
        let mut names: Vec<&str> = Vec::new();
        for name in self.asked.iter().copied().filter(|name| !self.unlisted.contains(name)) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        if names.len() > LISTED_MAX {
            return String::new();
        }
        let mut quoted: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
        match quoted.pop() {
            Some(last) if !quoted.is_empty() => format!("; expected {} or {last}", quoted.join(", ")),
            Some(only) => format!("; expected {only}"),
            None => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Faults;

    #[test]
    fn a_message_lists_few_members_and_none_that_is_refused() {
        const MANY: [&str; 13] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m"];
        let value = json!({"zzz": 1});
        let told = |known: &[&'static str]| {
            let faults = Faults::default();
            let mut members = Node::root(&value, &faults).members().expect("an object");
            assert!(members.unsupported("later").is_none());
            for name in known {
                members.take(name);
            }
            members.finish();
            faults.into_vec().remove(0).message
        };
        assert_eq!(told(&[]), "there is no such member");
        assert_eq!(told(&["a"]), "there is no such member; expected \"a\"");
        assert!(told(&MANY[..12]).ends_with("\"k\" or \"l\""));
        assert_eq!(told(&MANY), "there is no such member");
    }

    #[test]
    fn the_last_word_of_a_name_asks_for_the_whole() {
        let value = json!({"roughness": 0.5});
        let told = |names: &[&'static str]| {
            let faults = Faults::default();
            let mut members = Node::root(&value, &faults).members().expect("an object");
            for name in names {
                members.take(name);
            }
            members.finish();
            faults.into_vec().remove(0).message
        };
        let one = "there is no such member; did you mean \"specular_roughness\"?";
        assert_eq!(told(&["specular_roughness", "base_color"]), one);
        let several = "there is no such member; did you mean \"specular_roughness\" or \"coat_roughness\"?";
        assert_eq!(told(&["specular_roughness", "coat_roughness"]), several);
    }

    #[test]
    fn everything_is_found_at_once() {
        let value = json!({"width": "8", "heigth": 4, "a/b": 1, "depth": null});
        let faults = Faults::default();
        let mut members = Node::root(&value, &faults).members().expect("an object");
        assert!(members.has("width") && !members.has("depth") && !members.has("height"));
        assert_eq!(members.take("width").and_then(|node| node.count(0..=9)), None);
        assert_eq!(members.require("height").map(|node| node.is_null()), None);
        assert!(members.given("depth").is_none());
        assert_eq!(members.read_or("height", Some(7), |_| None), Some(Some(7)));
        members.finish();
        let found: Vec<_> = faults.into_vec().into_iter().map(|fault| (fault.at, fault.kind, fault.message)).collect();
        let [width, height, heigth, a_b] = &found[..] else { panic!("{found:?}") };
        assert_eq!((width.0.as_str(), &width.1), ("/width", &FaultKind::Type));
        assert_eq!((height.0.as_str(), &height.1), ("/height", &FaultKind::Missing));
        assert_eq!(
            (heigth.0.as_str(), heigth.2.as_str()),
            ("/heigth", "there is no such member; did you mean \"height\"?")
        );
        let listed = "there is no such member; expected \"width\", \"height\" or \"depth\"";
        assert_eq!((a_b.0.as_str(), a_b.2.as_str()), ("/a~1b", listed));
    }
}
