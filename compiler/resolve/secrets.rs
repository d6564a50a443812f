//! No text of an environment is a secret: what has the form of one, and what stands under the name of one, is refused.
//!
//! In: a deployment's nodes and what was read of them. Out: findings, which repeat nothing of the text.
//! Never: files; what a stack writes by itself is looked at when it is lowered.
//! Invariant: every text and every name in the deployment is looked at, whatever it is a part of.

use std::{borrow::Cow, collections::BTreeSet};

use smol_str::SmolStr;

use crate::{
    diag::{Code, Diags, codes},
    model::Deployed,
    schema::{Assignment, Kind},
    sensitive,
    source::Span,
    syntax::{Entry, Literal, Name, Node},
};

/// The kind of `allow` that excuses a text.
pub(super) const KIND: &str = "secret-like";

/// Looks at everything that stands in a deployment.
pub(super) fn refuse<'n>(nodes: impl IntoIterator<Item = &'n Node>, deployed: &mut Deployed, diags: &mut Diags) {
    let overridden = deployed.overrides.iter().flat_map(|found| &found.values);
    let mut assignments: Vec<&Assignment> = deployed.written.iter().chain(overridden).collect();
    assignments.sort_by_key(|assignment| assignment.name_span.start);
    let mut looking = Looking { deployed, assignments, above: Vec::new(), raw: false, excused: Vec::new(), diags };
    let raws: BTreeSet<Span> = looking.deployed.raw.iter().map(|raw| raw.span).collect();
    for node in nodes {
        let is_raw = node.name.text == "raw" && raws.contains(&node.name.span);
        if is_raw {
            node.entries.iter().for_each(|entry| looking.entry(node, entry));
            looking.raw = true;
            looking.nodes(&node.children);
            looking.raw = false;
        } else {
            looking.node(node);
        }
    }
    let excused = looking.excused;
    deployed.excused.extend(excused);
}

struct Looking<'a, 'd> {
    deployed: &'a Deployed,
    /// What was read of settings, in the order of the text.
    assignments: Vec<&'a Assignment>,
    /// The nodes that we are in; below `raw`, only those in it.
    above: Vec<&'a Node>,
    raw: bool,
    excused: Vec<SmolStr>,
    diags: &'d mut Diags,
}

/// Where a text stands.
struct Place<'a> {
    /// Its path: that of the setting, or that of the key within `raw`.
    path: String,
    /// The name that it has, if that name is the author's choice.
    free: Option<Cow<'a, str>>,
}

impl<'a> Looking<'a, '_> {
    fn nodes(&mut self, nodes: &'a [Node]) {
        nodes.iter().for_each(|node| self.node(node));
    }

    fn node(&mut self, node: &'a Node) {
        self.above.push(node);
        self.name(&node.name);
        node.entries.iter().for_each(|entry| self.entry(node, entry));
        self.pair(node);
        self.nodes(&node.children);
        self.above.pop();
    }

    fn name(&mut self, name: &'a Name) {
        if let Some(found) = sensitive::find(&name.text).next() {
            let message = format!("{} stands in a name", found.what);
            self.report(&codes::SECRET_IN_TEXT, name.span, &message, &self.place(name.span, None).path);
        }
    }

    fn entry(&mut self, node: &'a Node, entry: &'a Entry) {
        if let Some(name) = &entry.name {
            self.name(name);
        }
        let is_text = matches!(entry.value, Literal::String(_) | Literal::Integer(_)) && entry.annotation.is_none();
        if let Literal::String(text) = &entry.value
            && let Some(what) = form_of(text)
        {
            let path = self.place(entry.span, entry.name.as_ref()).path;
            return self.report(&codes::SECRET_IN_TEXT, entry.span, &format!("{what} stands in plain text"), &path);
        }
        let place = self.place(entry.span, entry.name.as_ref());
        if let Some(name) = place.free.as_deref()
            && is_text
            && is_secret(name, &entry.value)
            && !(node.name.text == "-" && entry.name.is_none() && self.above.len() == 1)
        {
            let message = format!("`{name}` is the name of a secret and holds plain text");
            self.report(&codes::SECRET_VARIABLE, entry.span, &message, &place.path);
        }
    }

    /// `- name="DB_PASSWORD" value="…"`, as lists of variables have it.
    fn pair(&mut self, node: &'a Node) {
        let (Some(name), Some(value)) = (field(node, "name"), field(node, "value")) else { return };
        let Literal::String(name) = &name.value else { return };
        let place = self.place(value.span, None);
        if place.free.is_some() && value.annotation.is_none() && is_secret(name, &value.value) {
            let message = format!("`{name}` is the name of a secret and holds plain text");
            let path = format!("{}.{name}", place.path);
            self.report(&codes::SECRET_VARIABLE, value.span, &message, &path);
        }
    }

    /// Where something stands that begins at `span`, under a property's name or that of the node.
    fn place(&self, span: Span, property: Option<&'a Name>) -> Place<'a> {
        let own = |nodes: &mut dyn Iterator<Item = &&'a Node>| -> Vec<&'a str> {
            nodes.map(|node| node.name.text.as_str()).chain(property.map(|name| name.text.as_str())).collect()
        };
        let named = |words: &[&'a str]| words.iter().rev().find(|word| **word != "-").map(|word| Cow::Borrowed(*word));
        if self.raw {
            let words = own(&mut self.above.iter());
            return Place { free: named(&words), path: words.join(".") };
        }
        let next = self.assignments.partition_point(|assignment| assignment.name_span.start <= span.start);
        let Some(assignment) = next.checked_sub(1).map(|at| self.assignments[at]) else {
            return Place { path: own(&mut self.above.iter()).join("."), free: None };
        };
        let setting = self.deployed.stack.setting(assignment.setting);
        let path = self.deployed.stack.path_of(assignment.setting, &assignment.keys).to_string();
        let within = assignment.span.start <= span.start && span.end <= assignment.span.end;
        if within && matches!(&setting.kind, Kind::Scalar(kind) if kind.as_str() == "tree") {
            let inside =
                |node: &&&Node| node.span.start > assignment.span.start && node.span.end <= assignment.span.end;
            let words = own(&mut self.above.iter().filter(inside));
            let free = named(&words).or_else(|| assignment.keys.last().map(|key| Cow::Owned(key.to_string())));
            return Place { path: [&[path.as_str()], words.as_slice()].concat().join("."), free };
        }
        let of_map = setting.parent.is_some_and(
            |parent| matches!(self.deployed.stack.setting(parent).kind, Kind::Map(item) if item == assignment.setting),
        );
        let is_entry = of_map && within && matches!(setting.kind, Kind::Scalar(_));
        let free = is_entry.then(|| assignment.keys.last().map(|key| Cow::Owned(key.to_string()))).flatten();
        Place { path, free }
    }

    fn report(&mut self, code: &'static Code, span: Span, message: &str, path: &str) {
        let is_told = |code: &Code| matches!(code.id, "TL0112" | "TL0221" | "TL0226" | "TL0240");
        if self.diags.as_slice().iter().any(|finding| finding.span == span && is_told(finding.code)) {
            return;
        }
        let allowed = self.deployed.allows.iter().find(|allow| allow.kind == KIND && allow.subject.as_str() == path);
        if let Some(allow) = allowed {
            return self.excused.push(allow.subject.clone());
        }
        self.diags.push(
            code.at(span, message)
                .underline("plain text")
                .hint("give it as a reference, `(secret)\"NAME/KEY\"`; if this is a real secret, change it now")
                .hint(format!("if it is none, say so: `allow \"{KIND}\" {path:?} because=\"…\"`")),
        );
    }
}

/// What a text has the form of.
fn form_of(text: &str) -> Option<&'static str> {
    let form = sensitive::find(text).next().map(|found| found.what);
    form.or_else(|| sensitive::says_secret(text).then_some("a password"))
}

/// Whether a value under this name is a secret.
fn is_secret(name: &str, value: &Literal) -> bool {
    sensitive::names_secret(name)
        && match value {
            Literal::String(text) => !sensitive::is_no_secret(text),
            Literal::Integer(_) => !name.to_lowercase().ends_with("key"),
            _ => false,
        }
}

/// The value of a field that is written as a property or as a child.
fn field<'n>(node: &'n Node, name: &str) -> Option<&'n Entry> {
    let child = || node.children.iter().find(|child| child.name.text == name)?.arguments().next();
    node.property(name).or_else(child)
}
