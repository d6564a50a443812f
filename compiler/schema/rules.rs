//! Presets, overrides and rules.
//!
//! In: `defaults`, `override` and `rule` nodes. Out: [`Preset`]s, [`Override`]s and [`Rule`]s.
//! Never: whether they hold; that is known of an environment.
//! Invariant: ids of rules are unique, and paths in their messages name settings.

use smol_str::SmolStr;

use crate::{
    diag::{codes, nearest},
    expr::{self, Expr, Form, Kind as ExprKind, Names, Type},
    schema::{
        Assignment, Given, Override, Preset, Rule, SettingId,
        assign::Reader,
        build::Builder,
        declare::{FoundRule, Later, Written},
        names::{Scope, ScopedNames},
        shape::{ALL_TARGETS, Shape},
    },
    syntax::{Entry, Literal, Node},
};

/// What a broken rule says, which most compiles never do.
#[derive(Clone, PartialEq, Debug)]
pub struct Told {
    /// What to tell.
    pub message: Expr,
    /// What to type.
    pub help: Option<Expr>,
    /// Paths that the message names in backticks, for labels.
    pub named: Vec<expr::Ref>,
}

/// Views that a rule may be limited to.
const RULE_VIEWS: &[&str] = &["base", "helm", "compose", "toml", "mcp"];

impl<'d> Builder<'d> {
    /// All presets of a stack stand in one file, so that the order in which they win can be seen.
    pub(super) fn presets_in_one_file(&self, bodies: &[&'d Node]) {
        let mut presets = bodies.iter().filter(|node| node.name.text == "defaults" && node.annotation.is_none());
        let Some(first) = presets.next() else { return };
        if let Some(other) = presets.find(|node| node.span.source != first.span.source) {
            self.report(
                codes::DEFAULTS_APART
                    .at(other.name.span, "`defaults` stand in a second file: which of them wins cannot be seen")
                    .label(first.name.span, "the first ones are here")
                    .hint("move them into one file, weakest first"),
            );
        }
    }

    /// Two overrides of one target must not give the same setting.
    pub(super) fn overridden_once(&self, overrides: &[Override]) {
        for (index, found) in overrides.iter().enumerate() {
            for before in &overrides[..index] {
                if !found.targets.iter().any(|target| before.targets.contains(target)) {
                    continue;
                }
                for value in found.values.iter().filter(|value| value.given != Given::Here) {
                    let same = |other: &&Assignment| other.setting == value.setting && other.keys == value.keys;
                    if let Some(first) = before.values.iter().find(same) {
                        let path = &self.settings[value.setting.index()].path;
                        self.declared_twice(value.name_span, &format!("an override of `{path}`"), first.name_span);
                    }
                }
            }
        }
    }

    pub(super) fn preset(&self, node: &Node) -> Preset {
        let scope = Scope::default();
        let when = node.property("when").and_then(|entry| self.condition_text(Written::Entry(entry), &scope));
        self.shape(node, Shape { arguments: 0, properties: &["when"], children: true });
        if node.children.is_empty() {
            self.empty(node.span, "`defaults` gives no value", "write settings in it, or delete it");
        }
        Preset { when, span: node.name.span, values: self.assignments(&node.children) }
    }

    fn assignments(&self, nodes: &[Node]) -> Vec<Assignment> {
        let scope = Scope::default();
        let compile = |entry: &Entry, of: &Type| self.value(entry, Some(of), &scope);
        let mut reader = Reader::new(&self.settings, self.sources, Some(&compile));
        reader.nodes(nodes, SettingId::ROOT, &[]);
        self.diags.borrow_mut().extend(reader.diags);
        for assignment in &reader.values {
            self.refuse_derived(assignment);
        }
        reader.values
    }

    pub(super) fn refuse_derived(&self, assignment: &Assignment) {
        let setting = &self.settings[assignment.setting.index()];
        if setting.declarations.iter().any(|declaration| declaration.derived) {
            self.report(
                codes::DERIVED
                    .at(assignment.name_span, format!("`{}` is derived and cannot be given a value", setting.path))
                    .label(setting.declarations[0].span, "declared here"),
            );
        }
    }

    pub(super) fn stack_override(&self, node: &Node) -> Option<Override> {
        let because = self.because(node);
        self.shape(node, Shape { arguments: Shape::MANY, properties: &["because"], children: true });
        let targets = self.override_targets(node);
        if node.children.is_empty() {
            self.empty(node.span, "the `override` changes nothing", "write settings in it, or delete it");
        }
        Some(Override { targets, because: because?, span: node.name.span, values: self.assignments(&node.children) })
    }

    pub(super) fn rules(&self, later: &Later<'d>) -> Vec<Rule> {
        let mut rules: Vec<Rule> = Vec::new();
        for found in &later.rules {
            let Some(rule) = self.rule(found) else { continue };
            // A rule of a record is found once per use, always at the same place.
            if let Some(other) = rules.iter().find(|other| other.id == rule.id && other.span != rule.span) {
                self.declared_twice(rule.span, &format!("the rule `{}`", rule.id), other.span);
            }
            rules.push(rule);
        }
        rules
    }

    fn rule(&self, found: &FoundRule<'d>) -> Option<Rule> {
        let node = found.node;
        self.shape(node, Shape { arguments: 1, properties: &["when", "severity", "view", "without"], children: true });
        let id = self.node_name(node);
        let scope = Scope { record: found.record, ..Scope::default() };
        let when = node.property("when").map(|entry| self.condition_text(Written::Entry(entry), &scope));
        let mut require = Vec::new();
        let (mut message, mut help) = (None, None);
        self.children_once(node, &["message", "help"]);
        for child in &node.children {
            self.rule_shape(child);
            for entry in child.arguments() {
                match child.name.text.as_str() {
                    "require" => require.push(self.condition_text(Written::Entry(entry), &scope)),
                    "message" => {
                        message = Some(self.expression(entry, Form::Template, None, &scope).map(|expr| (expr, entry)));
                    }
                    "help" => help = self.expression(entry, Form::Template, None, &scope),
                    _ => {}
                }
            }
        }
        let warning = self.rule_word(node, "severity", &["error", "warning"]).as_str() == "warning";
        let view = self.rule_word(node, "view", RULE_VIEWS);
        let without = self.rule_word(node, "without", ALL_TARGETS);
        if node.children_named("require").next().is_none() || node.children_named("message").next().is_none() {
            self.report(
                codes::INCOMPLETE_RULE
                    .at(node.name.span, format!("the rule `{id}` needs `require` and `message`"))
                    .hint("write `require \"…\"; message \"…\"`"),
            );
        }
        let (message, message_entry) = message??;
        let named = self.paths_in_backticks(message_entry, &scope);
        let require = require.into_iter().collect::<Option<Vec<Expr>>>().filter(|all| !all.is_empty())?;
        Some(Rule {
            id,
            span: node.name.span,
            record: found.record,
            warning,
            view,
            without,
            when: match when {
                Some(when) => vec![when?],
                None => Vec::new(),
            },
            require: require.into(),
            told: Told { message, help, named }.into(),
        })
    }

    fn rule_shape(&self, child: &Node) {
        let known = ["require", "message", "help"];
        let word = child.name.text.as_str();
        if !known.contains(&word) {
            let near = nearest(word, known).map(|near| format!("did you mean `{near}`?"));
            self.report(
                codes::UNKNOWN_NODE.at(child.name.span, format!("`{word}` means nothing in a rule")).maybe_hint(near),
            );
            return;
        }
        let arguments = if word == "require" { Shape::MANY } else { 1 };
        self.shape(child, Shape { arguments, properties: &[], children: false });
        if child.arguments().next().is_none() {
            self.report(
                codes::ONE_VALUE
                    .at(child.name.span, format!("`{word}` says nothing"))
                    .hint(format!("write `{word} \"…\"`")),
            );
        }
    }

    /// A property of a rule that is one of a few words; empty where it does not stand.
    fn rule_word(&self, node: &Node, property: &str, known: &[&str]) -> SmolStr {
        let word = self.word(node, property).unwrap_or_default();
        if !word.is_empty() && !known.contains(&word.as_ref()) {
            let near = nearest(&word, known.iter().copied()).map(|near| format!("did you mean `{near}`?"));
            let span = node.property(property).map_or(node.span, |entry| entry.span);
            self.report(
                codes::UNKNOWN_WORD.at(span, format!("`{word}` is none of {}", known.join(", "))).maybe_hint(near),
            );
        }
        word
    }

    /// Words in backticks that begin with a root of the settings must be paths.
    fn paths_in_backticks(&self, entry: &Entry, scope: &Scope) -> Vec<expr::Ref> {
        let Literal::String(text) = &entry.value else { return Vec::new() };
        let names = ScopedNames { builder: self, scope };
        let mut found = Vec::new();
        for word in text.split('`').skip(1).step_by(2) {
            let root = word.split(['.', '[']).next().unwrap_or("");
            let is_path = word.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-' || c == '_');
            if !is_path || names.root(root).is_none() {
                continue;
            }
            if let Some((Expr { kind: ExprKind::Ref(path), .. }, _)) =
                self.compiled(word, entry.span, Form::Path, None, scope)
            {
                found.push(path);
            }
        }
        found
    }
}
