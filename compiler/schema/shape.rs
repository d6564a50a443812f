//! What a node of a stack may consist of, so that nothing an author writes is dropped in silence.

use smol_str::SmolStr;

use crate::{
    diag::{codes, nearest},
    schema::build::Builder,
    source::Span,
    syntax::{Entry, Literal, Node},
};

/// Targets that an `override` of a stack or of a workload may name.
pub(super) const TARGETS: &[&str] = &["helm", "compose", "toml", "mcp"];

/// All targets; `absent` may name them besides `helm:NAME` and `*`.
pub(super) const ALL_TARGETS: &[&str] = &["helm", "compose", "toml", "mcp", "flux"];

/// What a node may have beside its name.
#[derive(Clone, Copy)]
pub(super) struct Shape<'s> {
    /// The most arguments.
    pub(super) arguments: usize,
    /// The properties.
    pub(super) properties: &'s [&'s str],
    /// Whether it may have children.
    pub(super) children: bool,
}

impl Shape<'_> {
    /// Any number of arguments.
    pub(super) const MANY: usize = usize::MAX;
}

impl Builder<'_> {
    /// Refuses what a node cannot have: an annotation, too many arguments, unknown properties, children.
    pub(super) fn shape(&self, node: &Node, shape: Shape<'_>) {
        self.no_annotation(node);
        self.entries(node, shape);
    }

    /// The same for a node whose annotation means something.
    pub(super) fn entries(&self, node: &Node, shape: Shape<'_>) {
        if let Some(entry) = node.arguments().nth(shape.arguments) {
            let message = match shape.arguments {
                0 => format!("`{}` takes no argument", node.name.text),
                1 => format!("`{}` takes one argument", node.name.text),
                count => format!("`{}` takes {count} arguments", node.name.text),
            };
            self.report(codes::STRAY_ARGUMENT.at(entry.span, message));
        }
        self.only_properties(node, shape.properties);
        if let (false, Some(child)) = (shape.children, node.children.first()) {
            self.report(codes::UNKNOWN_NODE.at(child.span, format!("`{}` holds no nodes", node.name.text)));
        }
    }

    /// Refuses an annotation before the name of a node.
    pub(super) fn no_annotation(&self, node: &Node) {
        if let Some(annotation) = &node.annotation {
            self.report(
                codes::UNKNOWN_ANNOTATION
                    .at(annotation.span, format!("`({})` means nothing before `{}`", annotation.text, node.name.text))
                    .hint("delete the annotation"),
            );
        }
    }

    /// Refuses properties that a node does not know; `syntax` refuses those that stand twice.
    pub(super) fn only_properties(&self, node: &Node, known: &[&str]) {
        for (name, _) in node.properties() {
            if !known.contains(&name.text.as_str()) {
                let near = nearest(&name.text, known.iter().copied()).map(|near| format!("did you mean `{near}`?"));
                self.report(
                    codes::UNKNOWN_ATTRIBUTE
                        .at(name.span, format!("`{}` does not know `{}`", node.name.text, name.text))
                        .maybe_hint(near),
                );
            }
        }
    }

    /// Reports the second child of a name that may stand once.
    pub(super) fn children_once(&self, node: &Node, names: &[&str]) {
        for name in names {
            let mut found = node.children_named(name).filter(|child| child.annotation.is_none());
            if let (Some(first), Some(second)) = (found.next(), found.next()) {
                self.declared_twice(second.name.span, &format!("`{name}`"), first.name.span);
            }
        }
    }

    /// Reports something that stands twice.
    pub(super) fn declared_twice(&self, span: Span, what: &str, first: Span) {
        self.report(
            codes::DECLARED_TWICE
                .at(span, format!("{what} stands here a second time"))
                .label(first, "first here")
                .hint("delete one of the two"),
        );
    }

    /// Reports something that holds nothing.
    pub(super) fn empty(&self, span: Span, message: impl Into<String>, hint: &str) {
        self.report(codes::EMPTY.at(span, message).hint(hint));
    }

    /// A plain word, neither computed nor of another type.
    pub(super) fn plain(&self, entry: &Entry, what: &str) -> Option<String> {
        match (&entry.annotation, &entry.value) {
            (None, Literal::String(text)) => Some(text.clone()),
            _ => {
                self.report(
                    codes::ONE_STRING
                        .at(entry.span, format!("{what} is a fixed string"))
                        .hint("write a string without annotation"),
                );
                None
            }
        }
    }

    /// A word as property; nothing where it does not stand or was reported.
    pub(super) fn word(&self, node: &Node, name: &str) -> Option<SmolStr> {
        node.property(name).and_then(|entry| self.plain(entry, &format!("`{name}`"))).map(SmolStr::from)
    }

    /// A word that must stand as property; empty where it was reported.
    pub(super) fn required_word(&self, node: &Node, name: &str) -> SmolStr {
        if node.property(name).is_none() {
            self.report(
                codes::MISSING_PROPERTY.at(node.name.span, format!("`{}` needs `{name}=\"…\"`", node.name.text)),
            );
        }
        self.word(node, name).unwrap_or_default()
    }

    /// The plain name that a node has as its first argument; empty where it was reported.
    pub(super) fn node_name(&self, node: &Node) -> SmolStr {
        match node.arguments().next() {
            Some(entry) => self.plain(entry, &format!("the name of a `{}`", node.name.text)).unwrap_or_default().into(),
            None => {
                self.report(
                    codes::ONE_VALUE
                        .at(node.name.span, format!("`{}` has no name", node.name.text))
                        .hint(format!("write `{} \"NAME\" …`", node.name.text)),
                );
                "".into()
            }
        }
    }

    /// The targets of an `override`.
    pub(super) fn override_targets(&self, node: &Node) -> Vec<SmolStr> {
        let targets = self.target_words(node, |word| TARGETS.contains(&word), TARGETS);
        if node.arguments().next().is_none() {
            self.report(
                codes::NO_TARGET
                    .at(node.name.span, "`override` names no target")
                    .hint("write `override \"compose\" because=\"…\" { … }`"),
            );
        }
        targets
    }

    /// The targets of an `absent`.
    pub(super) fn absent_targets(&self, node: &Node) -> Vec<SmolStr> {
        let blocks: Vec<String> = self.helm_names.iter().map(|name| format!("helm:{name}")).collect();
        let known: Vec<&str> =
            ALL_TARGETS.iter().copied().chain(["*"]).chain(blocks.iter().map(String::as_str)).collect();
        self.target_words(node, |word| known.contains(&word), &known)
    }

    fn target_words(&self, node: &Node, is_known: impl Fn(&str) -> bool, known: &[&str]) -> Vec<SmolStr> {
        let mut targets: Vec<SmolStr> = Vec::new();
        for entry in node.arguments() {
            let Some(word) = self.plain(entry, "a target") else { continue };
            if !is_known(&word) {
                let near = nearest(&word, known.iter().copied()).map(|near| format!("did you mean `{near}`?"));
                self.report(
                    codes::UNKNOWN_TARGET
                        .at(entry.span, format!("`{word}` is no target of this stack"))
                        .underline(format!("one of {}", known.join(", ")))
                        .maybe_hint(near),
                );
            } else if targets.iter().any(|target| target.as_ref() == word) {
                self.report(codes::WRITTEN_TWICE.at(entry.span, format!("the target `{word}` is written twice")));
            } else {
                targets.push(word.into());
            }
        }
        targets
    }

    pub(super) fn flag(&self, entry: &Entry) -> bool {
        match entry.value {
            Literal::Bool(value) if entry.annotation.is_none() => value,
            _ => {
                self.report(codes::NOT_A_FLAG.at(entry.span, "this is either `#true` or `#false`"));
                false
            }
        }
    }

    /// The one string argument of a node.
    pub(super) fn one_string(&self, node: &Node) -> Option<String> {
        let found = self.strings(node);
        if found.len() != 1 {
            self.report(codes::ONE_STRING.at(node.span, format!("`{}` takes one string", node.name.text)));
        }
        found.into_iter().next()
    }

    /// The string arguments of a node.
    pub(super) fn strings(&self, node: &Node) -> Vec<String> {
        let mut found = Vec::new();
        for entry in node.arguments() {
            match &entry.value {
                Literal::String(text) if entry.annotation.is_none() => found.push(text.clone()),
                _ => self.report(codes::ONE_STRING.at(entry.span, format!("`{}` takes strings", node.name.text))),
            }
        }
        found
    }

    pub(super) fn no_arguments(&self, node: &Node, what: &str) {
        if let Some(entry) = node.arguments().next() {
            self.report(codes::STRAY_ARGUMENT.at(entry.span, format!("{what} takes no argument")));
        }
    }

    /// Refuses entries on a control node, where they would be dropped silently.
    pub(super) fn no_entries(&self, node: &Node) {
        if let Some(entry) = node.entries.first() {
            self.report(codes::STRAY_ARGUMENT.at(entry.span, "nothing may stand between a control node and its block"));
        }
    }
}
