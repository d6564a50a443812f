//! What is said of the keys of examples: `tests/fixtures/examples/DOCUMENT.kdl`, one node for each example.
//!
//! - `moved KEY to=PATH`: the key and all below it stand at another path, in `helm/values.yaml` or the file that `in` names,
//!   with the same values; or a `unit` of them, such as `duration.seconds`; or the one value that `is` says as `says` says.
//! - `unread KEY because=…`: the chart reads no such key.
//! - `fixed KEY because=…`: not ours to say, and so all the same: the chart's own template or an operator says it.
//! - `left KEY because=…`: we do not say it, or say what `says` says.
//! - `refused [KEY] code=… rule=… saying=… because=… { … }`: with these nodes at the end of the environment it is refused
//!   by one finding of this code and rule whose message has these words. `instead` names a text that they stand instead
//!   of, `with` a text that is no nodes.
//! - `warned [KEY] rule=…`: the rule warns of the environment.

use std::collections::BTreeMap;

use trueline::{
    diag::Diags,
    source::{Source, SourceId},
    syntax::{self, Literal, Node},
};

use super::VALUES;
use crate::support::{name_of, read, root, sorted};

/// What became of a key.
pub(super) enum Kind {
    Moved { to: String, file: String, unit: String, says: Option<Said> },
    Unread,
    Fixed,
    Left { says: Option<String> },
    Refused { code: String, rule: String, saying: String, instead: String, nodes: String },
    Warned { rule: String },
}

/// What an example says, and what we say for it.
pub(super) struct Said {
    pub(super) is: String,
    pub(super) says: String,
}

/// A key, alone or with all that stands below it.
pub(super) struct Row {
    /// The key; nothing for what is said of the whole example.
    pub(super) key: String,
    pub(super) kind: Kind,
    pub(super) because: String,
}

impl Row {
    /// The file that it names.
    pub(super) fn file(&self) -> Option<&str> {
        match &self.kind {
            Kind::Moved { file, .. } => Some(file),
            _ => None,
        }
    }

    /// Whether the key that it says is the example's own.
    pub(super) fn names_itself(&self) -> bool {
        matches!(&self.kind, Kind::Warned { .. })
            || matches!(&self.kind, Kind::Moved { to, file, .. } if *to == self.key && file == VALUES)
    }
}

/// The rows of an example.
#[derive(Default)]
pub(super) struct Rows {
    pub(super) rows: Vec<Row>,
}

impl Rows {
    /// The row that says most exactly what became of a leaf.
    pub(super) fn of(&self, path: &str) -> Option<usize> {
        let covers = |row: &Row| {
            let rest = path.strip_prefix(row.key.as_str()).filter(|_| !row.key.is_empty());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        let covering = self.rows.iter().enumerate().filter(|(_, row)| covers(row));
        covering.max_by_key(|(_, row)| row.key.len()).map(|(at, _)| at)
    }
}

/// All rows, by document and example: `local-mode/configuration`.
pub(super) fn read_all(wrong: &mut Vec<String>) -> BTreeMap<String, Rows> {
    let mut all = BTreeMap::new();
    for file in sorted(&root().join("tests/fixtures/examples")).into_iter().filter(|path| path.is_file()) {
        let document = name_of(&file).trim_end_matches(".kdl").to_owned();
        let source = Source { id: SourceId(0), name: name_of(&file), text: read(&file) };
        let mut diags = Diags::default();
        for node in syntax::parse(&source, &mut diags).nodes {
            let id = format!("{document}/{}", node.name.text);
            let rows = node.children.iter().map(|child| row(child, &source.text, &id, wrong)).collect();
            if all.insert(id.clone(), Rows { rows }).is_some() {
                wrong.push(format!("{id} stands twice"));
            }
        }
        assert_eq!(diags.as_slice(), [], "{document}");
    }
    all
}

fn row(node: &Node, text: &str, id: &str, wrong: &mut Vec<String>) -> Row {
    let word = |name: &str| node.property(name).map(|entry| spelled(&entry.value));
    let said = |name: &str| word(name).unwrap_or_default();
    let kind = match node.name.text.as_str() {
        "moved" => {
            let file = word("in").unwrap_or_else(|| VALUES.to_owned());
            let says = word("says").map(|says| Said { is: said("is"), says });
            Kind::Moved { to: said("to"), file, unit: said("unit"), says }
        }
        "unread" => Kind::Unread,
        "fixed" => Kind::Fixed,
        "left" => Kind::Left { says: word("says") },
        "refused" => Kind::Refused {
            code: said("code"),
            rule: said("rule"),
            saying: said("saying"),
            instead: said("instead"),
            nodes: word("with").unwrap_or_else(|| nodes(node, text)),
        },
        "warned" => Kind::Warned { rule: said("rule") },
        other => panic!("{id}: `{other}` is no kind of row"),
    };
    let key = node.arguments().next().map(|entry| spelled(&entry.value)).unwrap_or_default();
    let because = said("because");
    if because.len() < 10 && !matches!(kind, Kind::Moved { .. }) {
        wrong.push(format!("{id}: `{key}` has no reason"));
    }
    Row { key, kind, because }
}

fn spelled(literal: &Literal) -> String {
    match literal {
        Literal::String(text) => text.clone(),
        Literal::Integer(number) => number.to_string(),
        Literal::Float(number) => number.to_string(),
        Literal::Bool(bool) => bool.to_string(),
        Literal::Null => String::new(),
    }
}

/// The text of a node's children.
fn nodes(node: &Node, text: &str) -> String {
    match (node.children.first(), node.children.last()) {
        (Some(first), Some(last)) => text[first.span.start as usize..last.span.end as usize].to_owned(),
        _ => String::new(),
    }
}
