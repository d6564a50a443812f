//! What a declaration says for people and targets: `about`, `absent`, `change`, and the flags that all may have.
//!
//! In: a node and the place it is declared at. Out: a [`Declaration`] without values.
//! Never: types and attributes.
//! Invariant: what a declaration says wins over what its type says, and that over what is around it.

use smol_str::SmolStr;

use crate::{
    diag::{codes, nearest},
    pack::Lazy,
    schema::{
        Absent, Change, Declaration,
        assign::reason,
        build::Builder,
        declare::{Later, Pending, PendingOf, Place, Written},
        shape::Shape,
    },
    syntax::Node,
};

/// What is said of a setting or a type besides its values: for people, of targets that do not say it, and for the day when it
/// changes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Said {
    /// One sentence for people.
    pub about: SmolStr,
    /// Targets that do not say it, nearest first.
    pub absent: Vec<Absent>,
    /// What a change of it does to what runs.
    pub change: Change,
}

impl<'d> Builder<'d> {
    /// The part that all declarations share: `about`, `absent`, `change`, `when=`, `required=`, `override=`. What the
    /// type says holds where the declaration itself does not say it.
    pub(super) fn common(
        &mut self,
        node: &'d Node,
        place: &Place<'d>,
        later: &mut Later<'d>,
        known: &[&str],
        definition: Option<&'d Node>,
    ) -> Declaration {
        let mut declaration = Declaration {
            available: place.available.clone(),
            overridable: place.overridable,
            ..Declaration::new(node.name.span)
        };
        for (name, entry) in node.properties() {
            match name.text.as_str() {
                "when" => {
                    let condition = self.condition(None);
                    later.expressions.push(Pending {
                        of: PendingOf::Condition(condition),
                        text: Written::Entry(entry),
                        record: place.record,
                    });
                    declaration.available.push(condition);
                }
                "required" => declaration.required = self.flag(entry),
                "override" => declaration.overridable = self.flag(entry) && declaration.overridable,
                word if known.contains(&word) => {}
                word => {
                    let finding =
                        codes::UNKNOWN_ATTRIBUTE.at(name.span, format!("`{word}` is no attribute of this declaration"));
                    let all = known.iter().copied().chain(["when", "required", "override"]);
                    let finding = finding.maybe_hint(nearest(word, all).map(|near| format!("did you mean `{near}`?")));
                    self.report(finding);
                }
            }
        }
        let own = self.said(node);
        let of_type = definition.map(|definition| self.said(definition)).unwrap_or_default();
        let nearest_change = [own.change, of_type.change, place.change.clone()];
        declaration.said = Lazy::from(Said {
            about: if own.about.is_empty() { of_type.about } else { own.about },
            absent: own.absent.into_iter().chain(place.absent.iter().cloned()).chain(of_type.absent).collect(),
            change: nearest_change.into_iter().find(|change| *change != Change::default()).unwrap_or_default(),
        });
        declaration
    }

    /// `about`, `absent` and `change` as one node says them.
    pub(super) fn said(&self, node: &'d Node) -> Said {
        self.children_once(node, &["about", "change"]);
        let mut said = Said::default();
        for child in node.children.iter().filter(|child| child.annotation.is_none()) {
            match child.name.text.as_str() {
                "about" => said.about = self.about(child).unwrap_or_default().into(),
                "absent" => said.absent.extend(self.absent(child)),
                "change" => said.change = self.change(child),
                _ => {}
            }
        }
        said
    }

    fn about(&self, node: &'d Node) -> Option<String> {
        self.shape(node, Shape { arguments: Shape::MANY, properties: &[], children: false });
        self.one_string(node)
    }

    pub(super) fn absent(&self, node: &'d Node) -> Option<Absent> {
        self.shape(node, Shape { arguments: Shape::MANY, properties: &["because"], children: false });
        let targets = self.absent_targets(node);
        let because = self.because(node)?;
        if targets.is_empty() {
            if node.arguments().next().is_some() {
                return None;
            }
            self.report(
                codes::NO_TARGET
                    .at(node.span, "`absent` names no target")
                    .hint("write `absent \"compose\" because=\"…\"`, or `\"*\"` for every target"),
            );
            return None;
        }
        Some(Absent { targets, because, span: node.span })
    }

    /// The reason that some nodes must give.
    pub(super) fn because(&self, node: &Node) -> Option<SmolStr> {
        let plain = node.property("because").filter(|entry| entry.annotation.is_none());
        reason(node, plain, &mut self.diags.borrow_mut())
    }

    fn change(&self, node: &'d Node) -> Change {
        const WORDS: &[&str] = &["none", "reload", "rolling", "recreate", "data-loss", "immutable"];
        self.shape(node, Shape { arguments: 1, properties: &["shrink", "grow"], children: false });
        let mut change = Change::default();
        if node.entries.is_empty() {
            self.report(
                codes::ONE_VALUE
                    .at(node.name.span, "`change` does not say what a change does")
                    .hint("write `change \"recreate\"`"),
            );
        }
        for entry in &node.entries {
            let Some(word) = self.plain(entry, "a kind of change") else { continue };
            if !WORDS.contains(&word.as_str()) {
                let near = nearest(&word, WORDS.iter().copied()).map(|near| format!("did you mean `{near}`?"));
                self.report(
                    codes::UNKNOWN_CHANGE
                        .at(entry.span, format!("`{word}` is no kind of change"))
                        .underline(format!("one of {}", WORDS.join(", ")))
                        .maybe_hint(near),
                );
                continue;
            }
            match entry.name.as_ref().map(|name| name.text.as_str()) {
                None => change.any = word.into(),
                Some("shrink") => change.shrink = word.into(),
                Some("grow") => change.grow = word.into(),
                Some(_) => {} // reported above
            }
        }
        change
    }
}
