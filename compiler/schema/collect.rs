//! Names of types, fragments, endpoints, workloads and targets, before anything is read.
//!
//! In: bodies of `stack` nodes. Out: the tables of names in a [`Builder`].
//! Never: expressions.
//! Invariant: what is collected has a name that is used for nothing else.

use smol_str::SmolStr;

use crate::{
    diag::{codes, nearest},
    schema::{
        build::{Builder, EndpointName},
        declare::{is_setting_name, string_of},
        load::KNOWN_NODES,
        shape::Shape,
    },
    syntax::Node,
};

/// Words that stand where types do.
const TYPE_WORDS: &[&str] = &["choice", "switch", "list", "map", "variant", "when", "each", "use", "ref", "f", "cel"];

impl<'d> Builder<'d> {
    /// Names of types, fragments, endpoints and workloads, before anything is read.
    pub(super) fn collect_names(&mut self, bodies: &[&'d Node]) {
        for node in bodies {
            match (node.name.text.as_str(), &node.annotation) {
                (_, Some(annotation)) if ["when", "each", "use"].contains(&annotation.text.as_str()) => {}
                (_, Some(_)) => self.no_annotation(node),
                ("type", None) => self.collect_type(node),
                ("fragment", None) => self.collect_fragment(node, bodies),
                (word, None) if !KNOWN_NODES.contains(&word) => {
                    let near = nearest(word, KNOWN_NODES.iter().copied()).map(|near| format!("did you mean `{near}`?"));
                    self.report(
                        codes::UNKNOWN_NODE
                            .at(node.name.span, format!("`{word}` means nothing in a stack"))
                            .maybe_hint(near),
                    );
                }
                _ => {}
            }
        }
        for node in bodies {
            self.collect_target_names(node);
            self.collect_endpoints(node);
        }
    }

    fn collect_type(&mut self, node: &'d Node) {
        const ATTRIBUTES: &[&str] = &["base", "min", "max", "schemes"];
        let name = self.node_name(node);
        if name.is_empty() {
            return;
        }
        let based = node.property("base").is_some();
        // Values of an enum are arguments; `attributes_of` counts them.
        let arguments = if based { Shape::MANY } else { 1 };
        let properties = if based { ATTRIBUTES } else { &["base"] };
        self.shape(node, Shape { arguments, properties, children: true });
        if !is_setting_name(&name) {
            self.report(
                codes::BAD_SETTING_NAME
                    .at(node.name.span, format!("`{name}` is no name for a type"))
                    .underline("lower-case letters, digits and dashes, beginning with a letter"),
            );
        }
        if crate::value::scalar(&name).is_some() || TYPE_WORDS.contains(&name.as_ref()) {
            self.report(
                codes::RESERVED_NAME
                    .at(node.name.span, format!("no type may be called `{name}`"))
                    .underline("means something else already"),
            );
        }
        let words = ["about", "absent", "change"];
        let stray =
            node.children.iter().find(|child| child.annotation.is_some() || !words.contains(&child.name.text.as_str()));
        match (based, stray) {
            (true, Some(stray)) => self.report(
                codes::UNKNOWN_NODE
                    .at(stray.name.span, format!("`{}` means nothing in a type with a `base`", stray.name.text))
                    .hint("delete it, or delete `base` to declare a record"),
            ),
            (false, None) => {
                self.used_types.borrow_mut().insert(name.clone()); // one finding is enough
                self.empty(
                    node.span,
                    format!("the type `{name}` holds no setting"),
                    "declare a field in it, or say `base=\"…\"`",
                );
            }
            _ => {}
        }
        if let Some(before) = self.types.insert(name.clone(), node) {
            self.declared_twice(node.name.span, &format!("the type `{name}`"), before.name.span);
        }
    }

    fn collect_fragment(&mut self, node: &'d Node, bodies: &[&'d Node]) {
        let name = self.node_name(node);
        if name.is_empty() {
            return;
        }
        if let Some(entry) = node.arguments().nth(1) {
            self.report(
                codes::STRAY_ARGUMENT
                    .at(entry.span, "a fragment takes its name, and parameters as properties")
                    .hint("write `fragment \"NAME\" parameter=\"TYPE\" { … }`"),
            );
        }
        for (_, of) in node.properties() {
            let Some(word) = self.plain(of, "the type of a parameter") else { continue };
            if crate::value::scalar(&word).is_none() && !is_type(bodies, &word) {
                self.report(
                    codes::UNKNOWN_TYPE
                        .at(of.span, format!("there is no type `{word}`"))
                        .hint("a parameter is of a scalar type or a record of this stack"),
                );
            }
        }
        if let Some(before) = self.fragments.insert(name.clone(), node) {
            self.declared_twice(node.name.span, &format!("the fragment `{name}`"), before.name.span);
        }
    }

    pub(super) fn unused_types(&self) {
        if self.diags.borrow().has_errors() {
            return; // what uses a type may not have been read
        }
        for (name, node) in &self.types {
            if !self.used_types.borrow().contains(name) {
                self.report(
                    codes::UNUSED_TYPE
                        .at(node.name.span, format!("the type `{name}` is used nowhere"))
                        .hint("delete it, or declare a setting of it"),
                );
            }
        }
    }

    fn collect_target_names(&mut self, node: &'d Node) {
        if node.annotation.is_some() {
            return node.children.iter().for_each(|child| self.collect_target_names(child));
        }
        let name = node.arguments().next();
        match (node.name.text.as_str(), name.and_then(string_of)) {
            ("helm", Some(name)) => self.helm_names.push(name.into()),
            ("config", Some(name)) => {
                self.config_names.insert(name.into());
            }
            ("workload" | "endpoint", _) if name.is_some_and(|entry| entry.annotation.is_some()) => {
                self.looped_endpoints = true;
            }
            _ => {}
        }
    }

    fn collect_endpoints(&mut self, node: &'d Node) {
        if node.annotation.is_some() {
            return node.children.iter().for_each(|child| self.collect_endpoints(child));
        }
        let literal = node.arguments().next().filter(|entry| entry.annotation.is_none()).and_then(string_of);
        let Some(name) = literal else { return };
        match node.name.text.as_str() {
            "endpoint" => {
                let known: &mut EndpointName = self.endpoint_names.entry(name.as_str().into()).or_default();
                let fields = node.children.iter().filter(|child| child.name.text != "external");
                known.fields.extend(fields.map(|child| SmolStr::from(child.name.text.as_str())));
            }
            "workload" => {
                self.workload_names.insert(name.as_str().into());
                let known = self.endpoint_names.entry(name.as_str().into()).or_default();
                known.ports.extend(ports_in(&node.children));
            }
            _ => {}
        }
    }
}

pub(super) fn ports_in(nodes: &[Node]) -> Vec<SmolStr> {
    let mut found = Vec::new();
    for node in nodes {
        if node.annotation.is_some() {
            found.extend(ports_in(&node.children));
        } else if node.name.text == "port" {
            found.extend(node.arguments().next().and_then(string_of).map(SmolStr::from));
        }
    }
    found
}

/// Whether the stack declares a type of this name.
pub(super) fn is_type(bodies: &[&Node], name: &str) -> bool {
    let mut types = bodies.iter().filter(|node| node.name.text == "type");
    types.any(|node| node.arguments().next().and_then(string_of).as_deref() == Some(name))
}
