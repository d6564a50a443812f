//! Defaults of declarations: what `default`, `derived` and `in` leave for later.
//!
//! In: a declaration that was added. Out: notes in [`Later`], and free trees as constants.
//! Never: compiled expressions.
//! Invariant: `default`, `derived` and `required` of one declaration do not contradict each other.

use crate::{
    diag::{Diags, codes},
    expr::{self},
    schema::{
        Kind, SettingId, assign,
        build::Builder,
        declare::{Later, Pending, PendingOf, Place, UseDefaults, Written},
        shape::Shape,
    },
    syntax::{Entry, Node},
};

impl<'d> Builder<'d> {
    /// Notes the map that `in=` names: a `key` has one, nothing else does.
    pub(super) fn note_key_of(
        &self,
        node: &'d Node,
        scalar: &str,
        id: SettingId,
        place: &Place<'d>,
        later: &mut Later<'d>,
    ) {
        let index = self.settings[id.index()].declarations.len() - 1;
        match (node.property("in"), scalar == "key") {
            (Some(entry), true) => later.expressions.push(Pending {
                of: PendingOf::KeyOf(id, index),
                text: Written::Entry(entry),
                record: place.record,
            }),
            (Some(entry), false) => self.report(
                codes::DOES_NOT_FIT
                    .at(entry.span, format!("`in` does not fit a `{scalar}`"))
                    .hint(format!("write `(key){} in=…`, or delete `in`", node.name.text)),
            ),
            (None, true) => self.report(
                codes::MISSING_PROPERTY
                    .at(node.name.span, format!("`{}` does not say of which map it is a key", node.name.text))
                    .hint("add `in=\"PATH\"`, the path of a map"),
            ),
            (None, false) => {}
        }
    }

    /// Notes `default` and `derived` of a declaration for later.
    pub(super) fn note_defaults(&mut self, node: &'d Node, id: SettingId, place: &Place<'d>, later: &mut Later<'d>) {
        let index = self.settings[id.index()].declarations.len() - 1;
        let mut note = |entry: &'d Entry| {
            later.expressions.push(Pending {
                of: PendingOf::Default(id, index),
                text: Written::Entry(entry),
                record: place.record,
            });
        };
        let derived = node.property("derived");
        if let Some(entry) = derived {
            note(entry);
        }
        if let Some(entry) = node.property("default") {
            note(entry);
        }
        let kind = self.settings[id.index()].kind.clone();
        let of_records = match &kind {
            Kind::List(item) => matches!(self.settings[item.index()].kind, Kind::Group),
            _ => false,
        };
        let of_map = matches!(kind, Kind::Map(_));
        let tree = kind == Kind::Scalar("tree".into());
        for child in node.children_named("default").filter(|child| child.annotation.is_none()) {
            if of_map {
                later.defaults.push(UseDefaults { setting: id, node: child, record: place.record });
                continue;
            }
            self.entries(child, Shape { arguments: Shape::MANY, properties: &[], children: tree });
            if tree && child.braces {
                let mut diags = Diags::default();
                if let Some(value) = assign::free_tree(child, self.sources, &mut diags) {
                    let default = expr::constant(value, child.span);
                    self.settings[id.index()].declarations[index].defaults.push(default);
                }
                self.diags.borrow_mut().extend(diags);
                continue;
            }
            if child.entries.is_empty() {
                self.report(
                    codes::ONE_VALUE.at(child.name.span, "`default` is given no value").hint("write `default VALUE`"),
                );
            }
            for entry in child.arguments() {
                later.expressions.push(Pending {
                    of: PendingOf::Default(id, index),
                    text: Written::Entry(entry),
                    record: place.record,
                });
            }
        }
        if derived.is_some() {
            self.settings[id.index()].declarations[index].derived = true;
        }
        if let Some(entry) = node.property("default").filter(|_| of_map || of_records) {
            let what = if of_map { "a map" } else { "a list of records" };
            self.report(
                codes::NOT_IN_USE
                    .at(entry.span, format!("{what} has no single value"))
                    .hint("give its entries in `defaults { … }`"),
            );
        }
        self.contradictions(node, id, index);
    }

    /// Attributes of which one makes the other meaningless.
    fn contradictions(&self, node: &'d Node, id: SettingId, index: usize) {
        let declaration = &self.settings[id.index()].declarations[index];
        let default = node.property("default").map(|entry| entry.span);
        let default = default.or_else(|| node.children_named("default").next().map(|child| child.name.span));
        let required = node.property("required").filter(|_| declaration.required).map(|entry| entry.span);
        let constant = node.property("default").filter(|entry| entry.annotation.is_none()).map(|entry| entry.span);
        let pairs = [
            ("derived", "default", node.property("derived").map(|entry| entry.span), default),
            ("derived", "required", node.property("derived").map(|entry| entry.span), required),
            ("default", "required", constant, required),
        ];
        let two = node.property("default").map(|entry| entry.span);
        let child = node.children_named("default").next().map(|child| child.name.span);
        let pairs = pairs.into_iter().chain([("default", "default", two, child)]);
        for (word, other, at, first) in pairs {
            let (Some(at), Some(first)) = (at, first) else { continue };
            let why = match (word, other) {
                ("derived", _) => "nobody may write a derived setting",
                ("default", "required") => "a setting with this default always has a value",
                _ => "the default stands twice",
            };
            self.report(
                codes::CONTRADICTION
                    .at(at, format!("`{word}` and `{other}` contradict each other"))
                    .underline(why)
                    .label(first, format!("`{other}` here"))
                    .hint("delete one of the two"),
            );
            return;
        }
    }
}
