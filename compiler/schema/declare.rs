//! Declarations of settings: `settings` and `type` blocks into the tree of settings.
//!
//! Expressions are only noted here and compiled when every name is known.

use std::sync::Arc;

use crate::{
    diag::{codes, nearest},
    expr::{Key, Ref},
    schema::{
        Absent, Change, Declaration, Kind, Setting, SettingId,
        build::{Builder, bad_value, is_variant, raw},
        names::RESERVED_ROOTS,
    },
    source::Span,
    syntax::{Entry, Literal, Name, Node},
    value::{self, Attributes, Value},
};

/// Words inside a declaration that are not settings.
const RESERVED: &[&str] = &["about", "absent", "change", "rule", "default", "carries"];

/// How deep records may nest.
const MAX_DEPTH: u32 = 16;

/// An expression that is compiled when every setting is declared.
pub(super) struct Pending<'d> {
    /// What it belongs to.
    pub(super) of: PendingOf,
    /// Its text.
    pub(super) text: Written<'d>,
    /// The record that `self` leads to.
    pub(super) record: Option<SettingId>,
}

/// Where the text of an expression is written.
#[derive(Clone, Copy)]
pub(super) enum Written<'d> {
    /// As a value.
    Entry(&'d Entry),
    /// As the name of a control node, `(when)"…"`.
    Name(&'d Name),
}

/// What a pending expression belongs to.
pub(super) enum PendingOf {
    /// A condition.
    Condition(u32),
    /// A default or derived value of a declaration.
    Default(SettingId, usize),
}

/// A node of values that a use of a record type gives its fields.
pub(super) struct UseDefaults<'d> {
    /// The record.
    pub(super) setting: SettingId,
    /// The node whose properties and children are the values.
    pub(super) node: &'d Node,
    /// The record that `self` leads to in them.
    pub(super) record: Option<SettingId>,
}

/// A rule as found, with the record it belongs to.
pub(super) struct FoundRule<'d> {
    pub(super) node: &'d Node,
    pub(super) record: Option<SettingId>,
}

/// What declarations leave to be done later.
#[derive(Default)]
pub(super) struct Later<'d> {
    pub(super) expressions: Vec<Pending<'d>>,
    pub(super) defaults: Vec<UseDefaults<'d>>,
    pub(super) rules: Vec<FoundRule<'d>>,
}

/// Where a declaration stands.
#[derive(Clone)]
struct Place<'d> {
    parent: SettingId,
    /// Conditions of everything around it.
    available: Vec<u32>,
    /// `absent` of everything around it, nearest first.
    absent: Vec<Absent>,
    overridable: bool,
    record: Option<SettingId>,
    /// The choice whose variants may be declared here.
    choice: Option<SettingId>,
    /// The record types being expanded.
    types: Vec<&'d str>,
}

impl<'d> Builder<'d> {
    /// Declares everything in a `settings` block.
    pub(super) fn declare_settings(&mut self, block: &'d Node, later: &mut Later<'d>) {
        let place = Place {
            parent: SettingId::ROOT,
            available: Vec::new(),
            absent: Vec::new(),
            overridable: true,
            record: None,
            choice: None,
            types: Vec::new(),
        };
        for child in &block.children {
            self.declare(child, &place, later);
        }
    }

    fn declare(&mut self, node: &'d Node, place: &Place<'d>, later: &mut Later<'d>) {
        let Some(annotation) = &node.annotation else {
            return match node.name.text.as_str() {
                "rule" => later.rules.push(FoundRule { node, record: place.record }),
                word if RESERVED.contains(&word) => {}
                _ => self.declare_group(node, place, later),
            };
        };
        match annotation.text.as_str() {
            "when" => {
                let condition = self.condition(None);
                later.expressions.push(Pending {
                    of: PendingOf::Condition(condition),
                    text: Written::Name(&node.name),
                    record: place.record,
                });
                self.no_entries(node);
                let mut inner = place.clone();
                inner.available.push(condition);
                for child in &node.children {
                    self.declare(child, &inner, later);
                }
            }
            "variant" => self.declare_variant(node, place, later),
            "choice" => self.declare_choice(node, place, later),
            "switch" => self.declare_switch(node, place, later),
            "list" | "map" => self.declare_collection(node, place, later),
            name => self.declare_typed(name, node, place, later),
        }
    }

    /// Adds a setting, or a further declaration of one that another variant declares.
    fn add(
        &mut self,
        node: &'d Node,
        kind: Kind,
        of: &str,
        declaration: Declaration,
        place: &Place<'d>,
    ) -> Option<SettingId> {
        let name = node.name.text.as_str();
        if !is_setting_name(name) {
            self.report(
                codes::BAD_SETTING_NAME
                    .at(node.name.span, format!("`{name}` is no name for a setting"))
                    .underline("lower-case letters, digits and dashes, beginning with a letter"),
            );
            return None;
        }
        if RESERVED.contains(&name) || (place.parent == SettingId::ROOT && RESERVED_ROOTS.contains(&name)) {
            self.report(
                codes::RESERVED_NAME
                    .at(node.name.span, format!("no setting may be called `{name}`"))
                    .underline("means something else here"),
            );
            return None;
        }
        if let Some(existing) = self.settings[place.parent.index()].children.get(name).copied() {
            return self.add_declaration(existing, node, &kind, of, declaration);
        }
        let id = self.push_setting(name, kind, of, declaration, place.parent);
        self.settings[place.parent.index()].children.insert(name.into(), id);
        Some(id)
    }

    fn add_declaration(
        &mut self,
        existing: SettingId,
        node: &'d Node,
        kind: &Kind,
        of: &str,
        declaration: Declaration,
    ) -> Option<SettingId> {
        let setting = &self.settings[existing.index()];
        let (path, of_before, first) = (setting.path.clone(), setting.of.clone(), setting.declarations[0].span);
        let excluding = setting.declarations.iter().all(|other| other.available != declaration.available);
        let group = setting.kind == Kind::Group && *kind == Kind::Group && of_before.is_empty() && of.is_empty();
        let same_kind =
            std::mem::discriminant(&setting.kind) == std::mem::discriminant(kind) && of_before.as_ref() == of;
        if !group && (declaration.available.is_empty() || !excluding) {
            self.report(
                codes::DECLARED_TWICE
                    .at(node.name.span, format!("`{path}` is declared twice"))
                    .label(first, "first here"),
            );
            return None;
        }
        if !group && !same_kind {
            self.report(
                codes::DECLARED_DIFFERENTLY
                    .at(node.name.span, format!("`{path}` has another type in another variant"))
                    .underline(format!("`{of}` here"))
                    .label(first, format!("`{of_before}` here")),
            );
            return None;
        }
        self.settings[existing.index()].declarations.push(declaration);
        Some(existing)
    }

    fn push_setting(
        &mut self,
        name: &str,
        kind: Kind,
        of: &str,
        declaration: Declaration,
        parent: SettingId,
    ) -> SettingId {
        let above = &self.settings[parent.index()];
        let item = name == "*";
        let path = if parent == SettingId::ROOT { name.to_owned() } else { format!("{}.{name}", above.path) };
        let list_of_records = item && matches!(above.kind, Kind::List(_)) && kind == Kind::Group;
        let setting = Setting {
            name: name.into(),
            path: path.into(),
            parent: Some(parent),
            depth: above.depth + u32::from(item),
            below_list: above.below_list || list_of_records,
            kind,
            children: indexmap::IndexMap::new(),
            of: of.into(),
            declarations: vec![declaration],
        };
        self.settings.push(setting);
        SettingId(self.settings.len() as u32 - 1)
    }

    /// The part that all declarations share: `about`, `absent`, `change`, `when=`, `required=`, `override=`.
    fn common(&mut self, node: &'d Node, place: &Place<'d>, later: &mut Later<'d>, known: &[&str]) -> Declaration {
        let mut declaration = Declaration {
            span: node.name.span,
            about: "".into(),
            available: place.available.clone(),
            defaults: Vec::new(),
            derived: false,
            required: false,
            overridable: place.overridable,
            attributes: Attributes::default(),
            among: node.property("in").and_then(string_of).unwrap_or_default().into(),
            change: Change::default(),
            absent: place.absent.clone(),
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
        for child in &node.children {
            match child.name.text.as_str() {
                "about" if child.annotation.is_none() => {
                    declaration.about = self.one_string(child).unwrap_or_default().into()
                }
                "absent" if child.annotation.is_none() => {
                    if let Some(absent) = self.absent(child) {
                        declaration.absent.insert(0, absent);
                    }
                }
                "change" if child.annotation.is_none() => declaration.change = self.change(child),
                _ => {}
            }
        }
        declaration
    }

    fn absent(&self, node: &'d Node) -> Option<Absent> {
        let targets: Vec<Arc<str>> = self.strings(node).into_iter().map(Into::into).collect();
        let because = self.because(node)?;
        if targets.is_empty() {
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
    pub(super) fn because(&self, node: &Node) -> Option<Arc<str>> {
        match node.property("because").map(|entry| (&entry.value, entry.span)) {
            Some((Literal::String(reason), span)) => {
                if reason.trim().chars().count() < 10 {
                    self.report(
                        codes::SHORT_REASON
                            .at(span, "the reason is too short to tell anybody anything")
                            .underline("at least ten characters"),
                    );
                }
                Some(reason.as_str().into())
            }
            _ => {
                self.report(
                    codes::NO_REASON
                        .at(node.name.span, format!("`{}` gives no reason", node.name.text))
                        .hint("add `because=\"…\"`: it is printed wherever the difference is"),
                );
                None
            }
        }
    }

    fn change(&self, node: &'d Node) -> Change {
        const WORDS: &[&str] = &["none", "reload", "rolling", "recreate", "data-loss", "immutable"];
        let mut change = Change::default();
        for entry in &node.entries {
            let Literal::String(word) = &entry.value else { continue };
            if !WORDS.contains(&word.as_str()) {
                let near = nearest(word, WORDS.iter().copied()).map(|near| format!("did you mean `{near}`?"));
                self.report(
                    codes::UNKNOWN_CHANGE
                        .at(entry.span, format!("`{word}` is no kind of change"))
                        .underline(format!("one of {}", WORDS.join(", ")))
                        .maybe_hint(near),
                );
                continue;
            }
            match entry.name.as_ref().map(|name| name.text.as_str()) {
                None => change.any = word.as_str().into(),
                Some("shrink") => change.shrink = word.as_str().into(),
                Some("grow") => change.grow = word.as_str().into(),
                Some(other) => self.report(
                    codes::UNKNOWN_ATTRIBUTE
                        .at(entry.span, format!("`change` knows `shrink` and `grow`, not `{other}`")),
                ),
            }
        }
        change
    }

    fn declare_group(&mut self, node: &'d Node, place: &Place<'d>, later: &mut Later<'d>) {
        self.no_arguments(node, "a group");
        let declaration = self.common(node, place, later, &[]);
        let inner = self.inner(place, &declaration);
        if let Some(id) = self.add(node, Kind::Group, "", declaration, place) {
            self.declare_children(node, Place { parent: id, ..inner }, later);
        }
    }

    fn inner(&self, place: &Place<'d>, declaration: &Declaration) -> Place<'d> {
        Place {
            available: declaration.available.clone(),
            absent: declaration.absent.clone(),
            overridable: declaration.overridable,
            choice: None,
            ..place.clone()
        }
    }

    fn declare_children(&mut self, node: &'d Node, place: Place<'d>, later: &mut Later<'d>) {
        for child in &node.children {
            self.declare(child, &place, later);
        }
    }

    fn declare_switch(&mut self, node: &'d Node, place: &Place<'d>, later: &mut Later<'d>) {
        self.no_arguments(node, "a switch");
        let declaration = self.common(node, place, later, &["default", "derived"]);
        let inner = self.inner(place, &declaration);
        let Some(id) = self.add(node, Kind::Switch, "switch", declaration, place) else { return };
        self.note_defaults(node, id, place, later);
        let on = self.condition(Some(crate::expr::Expr {
            kind: crate::expr::Kind::Ref(self.own_ref(id, node.name.span)),
            span: node.name.span,
        }));
        let mut inner = Place { parent: id, ..inner };
        inner.available.push(on);
        self.declare_children(node, inner, later);
    }

    fn declare_choice(&mut self, node: &'d Node, place: &Place<'d>, later: &mut Later<'d>) {
        self.no_arguments(node, "a choice");
        let declaration = self.common(node, place, later, &["default"]);
        let mut variants: Vec<Arc<str>> = Vec::new();
        for child in node.children.iter().filter(|child| is_annotated(child, "variant")) {
            for (word, _) in variant_words(child) {
                if !variants.iter().any(|known| known.as_ref() == word) {
                    variants.push(word.into());
                }
            }
        }
        if variants.is_empty() {
            self.report(
                codes::NO_VARIANT
                    .at(node.name.span, format!("the choice `{}` has no variants", node.name.text))
                    .hint("write `(variant)NAME { … }` for each"),
            );
            return;
        }
        let mut inner = self.inner(place, &declaration);
        let Some(id) = self.add(node, Kind::Choice(variants.into()), "choice", declaration, place) else { return };
        self.note_defaults(node, id, place, later);
        inner.parent = id;
        inner.choice = Some(id);
        self.declare_children(node, inner, later);
    }

    fn declare_variant(&mut self, node: &'d Node, place: &Place<'d>, later: &mut Later<'d>) {
        let Some(choice) = place.choice else {
            self.report(
                codes::VARIANT_OUTSIDE
                    .at(node.span, "`(variant)` stands outside a choice")
                    .hint("put it in `(choice)NAME default=\"…\" { … }`"),
            );
            return;
        };
        for (name, _) in node.properties() {
            self.report(
                codes::UNKNOWN_ATTRIBUTE.at(name.span, format!("`{}` is no attribute of a variant", name.text)),
            );
        }
        let words: Vec<Arc<str>> = variant_words(node).into_iter().map(|(word, _)| word.into()).collect();
        let condition = is_variant(self.own_ref(choice, node.name.span), &words, node.name.span);
        let condition = self.condition(Some(condition));
        let mut inner = place.clone();
        inner.choice = None;
        inner.available.push(condition);
        for child in node.children_named("absent").filter(|child| child.annotation.is_none()) {
            if let Some(absent) = self.absent(child) {
                inner.absent.insert(0, absent);
            }
        }
        for child in &node.children {
            self.declare(child, &inner, later);
        }
    }

    fn declare_collection(&mut self, node: &'d Node, place: &Place<'d>, later: &mut Later<'d>) {
        let map = is_annotated(node, "map");
        let mut declaration = self.common(node, place, later, &["of", "in", "default", "min", "max", "schemes"]);
        let of = node.property("of").and_then(string_of);
        let Some(of) = of else {
            self.report(
                codes::NO_ITEM_TYPE
                    .at(node.name.span, format!("`{}` does not say what it holds", node.name.text))
                    .hint("add `of=\"TYPE\"`, a scalar type or a record"),
            );
            return;
        };
        let item_name = of.as_str();
        declaration.attributes = Attributes::default();
        let inner = self.inner(place, &declaration);
        let kind = if map { Kind::Map(SettingId::ROOT) } else { Kind::List(SettingId::ROOT) };
        let Some(id) = self.add(node, kind, item_name, declaration.clone(), place) else { return };
        if self.settings[id.index()].declarations.len() > 1 {
            return;
        }
        let item_declaration = Declaration {
            span: node.name.span,
            about: "".into(),
            defaults: Vec::new(),
            required: false,
            ..declaration
        };
        let span = node.property("of").map_or(node.span, |entry| entry.span);
        let item =
            self.declare_item(id, item_name, span, item_declaration, &Place { parent: id, ..inner }, node, later);
        if let Some(item) = item {
            self.settings[id.index()].kind = if map { Kind::Map(item) } else { Kind::List(item) };
        }
        self.note_defaults(node, id, place, later);
    }

    /// The setting `*` below a list or map.
    #[allow(clippy::too_many_arguments, reason = "one caller; a struct would only rename them")]
    fn declare_item(
        &mut self,
        parent: SettingId,
        of: &str,
        span: Span,
        mut declaration: Declaration,
        place: &Place<'d>,
        node: &'d Node,
        later: &mut Later<'d>,
    ) -> Option<SettingId> {
        if let Some(definition) = self.types.get(of).copied() {
            if let Some(base) = definition.property("base") {
                let scalar = self.scalar_name(&string_of(base)?, base.span)?;
                declaration.attributes = self.attributes(definition, scalar);
                return Some(self.push_setting("*", Kind::Scalar(scalar.into()), of, declaration, parent));
            }
            let item = self.push_setting("*", Kind::Group, of, declaration.clone(), parent);
            self.expand(definition, of, item, &declaration, place, span, later);
            return Some(item);
        }
        let scalar = self.scalar_name(of, span)?;
        declaration.attributes = self.attributes(node, scalar);
        Some(self.push_setting("*", Kind::Scalar(scalar.into()), of, declaration, parent))
    }

    /// Declares the fields of a record type below `id`.
    #[allow(clippy::too_many_arguments, reason = "two callers; a struct would only rename them")]
    fn expand(
        &mut self,
        definition: &'d Node,
        name: &str,
        id: SettingId,
        declaration: &Declaration,
        place: &Place<'d>,
        span: Span,
        later: &mut Later<'d>,
    ) {
        if place.types.contains(&name) || self.settings[id.index()].depth > MAX_DEPTH {
            self.report(
                codes::TYPE_CYCLE
                    .at(span, format!("the type `{name}` holds itself"))
                    .label(definition.name.span, "declared here"),
            );
            return;
        }
        let mut types = place.types.clone();
        types.extend(definition.arguments().next().and_then(|entry| match &entry.value {
            Literal::String(text) => Some(text.as_str()),
            _ => None,
        }));
        let mut absent = declaration.absent.clone();
        for child in definition.children_named("absent").filter(|child| child.annotation.is_none()) {
            absent.extend(self.absent(child));
        }
        let inner = Place {
            parent: id,
            available: declaration.available.clone(),
            absent,
            overridable: declaration.overridable,
            record: Some(id),
            choice: None,
            types,
        };
        for child in &definition.children {
            self.declare(child, &inner, later);
        }
    }

    fn declare_typed(&mut self, type_name: &str, node: &'d Node, place: &Place<'d>, later: &mut Later<'d>) {
        let annotation_span = node.annotation.as_ref().map_or(node.span, |name| name.span);
        if let Some(definition) = self.types.get(type_name).copied()
            && definition.property("base").is_none()
        {
            self.no_arguments(node, "a record");
            let known: Vec<&str> =
                node.properties().map(|(name, _)| name.text.as_str()).filter(|name| !is_attribute(name)).collect();
            let declaration = self.common(node, place, later, &known);
            let inner = self.inner(place, &declaration);
            let Some(id) = self.add(node, Kind::Group, type_name, declaration.clone(), place) else { return };
            self.expand(definition, type_name, id, &declaration, &inner, annotation_span, later);
            later.defaults.push(UseDefaults { setting: id, node, record: place.record });
            return;
        }
        let definition = self.types.get(type_name).copied();
        let base = match definition.and_then(|definition| definition.property("base")) {
            Some(entry) => match string_of(entry) {
                Some(base) => base,
                None => return,
            },
            None => type_name.to_owned(),
        };
        let Some(scalar) = self.scalar_name(&base, annotation_span) else { return };
        let mut declaration = self.common(node, place, later, &["default", "derived", "min", "max", "schemes", "in"]);
        declaration.attributes = self.attributes(node, scalar);
        if let Some(definition) = definition {
            let base_attributes = self.attributes(definition, scalar);
            let own = &mut declaration.attributes;
            own.min = own.min.take().or(base_attributes.min);
            own.max = own.max.take().or(base_attributes.max);
            for child in definition.children_named("absent") {
                declaration.absent.extend(self.absent(child));
            }
            if declaration.change == Change::default()
                && let Some(child) = definition.children_named("change").next()
            {
                declaration.change = self.change(child);
            }
        }
        if scalar == "enum" && declaration.attributes.words.is_empty() {
            self.report(
                codes::NO_WORDS.at(node.span, "an enum has at least one value").hint("write `(enum)NAME \"a\" \"b\"`"),
            );
            return;
        }
        if let Some(id) = self.add(node, Kind::Scalar(scalar.into()), type_name, declaration, place) {
            self.note_defaults(node, id, place, later);
        }
    }

    /// Notes `default` and `derived` of a declaration for later.
    fn note_defaults(&mut self, node: &'d Node, id: SettingId, place: &Place<'d>, later: &mut Later<'d>) {
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
        let is_map = matches!(self.settings[id.index()].kind, Kind::Map(_));
        for child in node.children_named("default").filter(|child| child.annotation.is_none() && !is_map) {
            child.arguments().for_each(&mut note);
        }
        if derived.is_some() {
            self.settings[id.index()].declarations[index].derived = true;
        }
        if is_map {
            for child in node.children_named("default").filter(|child| child.annotation.is_none()) {
                later.defaults.push(UseDefaults { setting: id, node: child, record: place.record });
            }
        }
    }

    /// Range, words and schemes of a scalar.
    fn attributes(&self, node: &'d Node, scalar: &'static str) -> Attributes {
        let mut attributes = Attributes::default();
        // The first argument of a `type` is its name.
        let own = usize::from(node.annotation.is_none());
        if scalar == "enum" {
            attributes.words = self.strings(node).into_iter().skip(own).map(Into::into).collect();
        } else if let Some(entry) = node.arguments().nth(own) {
            self.report(codes::STRAY_ARGUMENT.at(entry.span, "a declaration takes no argument"));
        }
        let of = value::scalar(scalar).expect("`scalar_name` returns names of the table");
        let bound = match of.base {
            value::Base::String => value::scalar("int").expect("`int` is in the table"),
            _ => of,
        };
        for (name, entry) in node.properties() {
            match name.text.as_str() {
                "min" => attributes.min = self.bound(entry, bound),
                "max" => attributes.max = self.bound(entry, bound),
                "schemes" => {
                    attributes.schemes =
                        string_of(entry).unwrap_or_default().split_whitespace().map(Into::into).collect()
                }
                _ => {}
            }
        }
        attributes
    }

    fn bound(&self, entry: &Entry, of: &'static value::ScalarType) -> Option<Value> {
        match value::parse(of, &raw(entry, self.sources), &Attributes::default()) {
            Ok(value) => Some(value),
            Err(bad) => {
                self.report(bad_value(bad, entry.span));
                None
            }
        }
    }

    fn scalar_name(&self, name: &str, span: Span) -> Option<&'static str> {
        if let Some(scalar) = value::scalar(name) {
            return Some(scalar.name);
        }
        let known = value::SCALARS.iter().map(|scalar| scalar.name).chain(self.types.keys().map(AsRef::as_ref));
        let known = known.chain(["choice", "switch", "list", "map", "variant", "when"]);
        let near = nearest(name, known).map(|near| format!("did you mean `{near}`?"));
        self.report(codes::UNKNOWN_TYPE.at(span, format!("there is no type `{name}`")).maybe_hint(near));
        None
    }

    /// The reference to a setting from within itself.
    fn own_ref(&self, id: SettingId, span: Span) -> Ref {
        let depth = self.settings[id.index()].depth;
        Ref { place: id.place(), keys: (0..depth).map(Key::Own).collect(), span }
    }

    fn flag(&self, entry: &Entry) -> bool {
        match entry.value {
            Literal::Bool(value) => value,
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

    fn no_arguments(&self, node: &Node, what: &str) {
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

pub(super) fn is_annotated(node: &Node, word: &str) -> bool {
    node.annotation.as_ref().is_some_and(|name| name.text == word)
}

pub(super) fn string_of(entry: &Entry) -> Option<String> {
    match &entry.value {
        Literal::String(text) => Some(text.clone()),
        _ => None,
    }
}

fn is_attribute(name: &str) -> bool {
    ["when", "required", "override"].contains(&name)
}

fn is_setting_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && !name.ends_with('-')
}

/// The variants that a `(variant)a "b"` node declares.
fn variant_words(node: &Node) -> Vec<(String, Span)> {
    let rest = node.arguments().filter_map(|entry| string_of(entry).map(|word| (word, entry.span)));
    std::iter::once((node.name.text.clone(), node.name.span)).chain(rest).collect()
}
