//! Declarations of settings: `settings` and `type` blocks into the tree of settings.
//!
//! Expressions are only noted here and compiled when every name is known.

use std::sync::Arc;

use crate::{
    diag::{Diags, codes, nearest},
    expr::{self, Key, Ref},
    schema::{
        Absent, Change, Declaration, Kind, Setting, SettingId, assign,
        build::{Builder, bad_value, is_variant, raw},
        load::MAX_SETTINGS,
        names::RESERVED_ROOTS,
        shape::Shape,
    },
    source::Span,
    syntax::{Entry, Literal, Name, Node},
    value::{self, Attributes, Value},
};

/// Words inside a declaration that are not settings.
const RESERVED: &[&str] = &["about", "absent", "change", "rule", "default", "carries"];

/// Attributes that only a setting with a type has.
const OF_TYPES: &[&str] = &["default", "derived", "min", "max", "schemes", "of", "in"];

/// Reserved words in a choice or switch.
const CHOICE_WORDS: &[&str] = &["about", "absent", "change", "default"];

/// How deep records may nest.
const MAX_DEPTH: usize = 16;

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
    /// The map that `in=` names.
    KeyOf(SettingId, usize),
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
    /// `change` of what is around it.
    change: Change,
    overridable: bool,
    record: Option<SettingId>,
    /// The reserved words that mean something here.
    words: &'static [&'static str],
    /// The choice whose variants may be declared here.
    choice: Option<SettingId>,
    /// The record types being expanded.
    types: Vec<&'d str>,
}

impl<'d> Builder<'d> {
    /// Declares everything in a `settings` block.
    pub(super) fn declare_settings(&mut self, block: &'d Node, later: &mut Later<'d>) {
        self.shape(block, Shape { arguments: 0, properties: &[], children: true });
        let place = Place {
            parent: SettingId::ROOT,
            available: Vec::new(),
            absent: Vec::new(),
            change: Change::default(),
            overridable: true,
            record: None,
            words: &[],
            choice: None,
            types: Vec::new(),
        };
        for child in &block.children {
            self.declare(child, &place, later);
        }
    }

    fn declare(&mut self, node: &'d Node, place: &Place<'d>, later: &mut Later<'d>) {
        if self.settings.len() > MAX_SETTINGS {
            return; // reported once, when all is declared
        }
        let Some(annotation) = &node.annotation else {
            return match node.name.text.as_str() {
                "rule" => later.rules.push(FoundRule { node, record: place.record }),
                word if place.words.contains(&word) => {}
                word if RESERVED.contains(&word) => self.report(
                    codes::UNKNOWN_NODE
                        .at(node.name.span, format!("`{word}` means nothing here"))
                        .hint("put it into the declaration that it belongs to"),
                ),
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
                self.not_empty(node, "the condition holds no setting");
                let mut inner = place.clone();
                inner.available.push(condition);
                inner.words = &[];
                inner.choice = None;
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
        // Conditions of which one continues the other hold at once.
        let excluding = setting.declarations.iter().all(|other| {
            !other.available.starts_with(&declaration.available) && !declaration.available.starts_with(&other.available)
        });
        let group = setting.kind == Kind::Group && *kind == Kind::Group && of_before.is_empty() && of.is_empty();
        let same_kind =
            std::mem::discriminant(&setting.kind) == std::mem::discriminant(kind) && of_before.as_ref() == of;
        if !group && !excluding {
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

    /// The part that all declarations share: `about`, `absent`, `change`, `when=`, `required=`, `override=`. What the
    /// type says holds where the declaration itself does not say it.
    fn common(
        &mut self,
        node: &'d Node,
        place: &Place<'d>,
        later: &mut Later<'d>,
        known: &[&str],
        definition: Option<&'d Node>,
    ) -> Declaration {
        let mut declaration = Declaration {
            span: node.name.span,
            about: "".into(),
            available: place.available.clone(),
            defaults: Vec::new(),
            derived: false,
            required: false,
            overridable: place.overridable,
            attributes: Attributes::default(),
            key_of: None,
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
        let own = self.said(node);
        let of_type = definition.map(|definition| self.said(definition)).unwrap_or_default();
        declaration.about = if own.about.is_empty() { of_type.about } else { own.about };
        declaration.absent.splice(0..0, own.absent);
        declaration.absent.extend(of_type.absent);
        let nearest_change = [own.change, of_type.change, place.change.clone()];
        declaration.change = nearest_change.into_iter().find(|change| *change != Change::default()).unwrap_or_default();
        declaration
    }

    /// `about`, `absent` and `change` as one node says them.
    fn said(&self, node: &'d Node) -> Said {
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

    fn absent(&self, node: &'d Node) -> Option<Absent> {
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
    pub(super) fn because(&self, node: &Node) -> Option<Arc<str>> {
        let plain = node.property("because").filter(|entry| entry.annotation.is_none());
        match plain.map(|entry| (&entry.value, entry.span)) {
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

    fn declare_group(&mut self, node: &'d Node, place: &Place<'d>, later: &mut Later<'d>) {
        let typed = node.properties().find(|(name, _)| OF_TYPES.contains(&name.text.as_str()));
        if node.children.is_empty() && (typed.is_some() || node.arguments().next().is_some()) {
            let name = &node.name.text;
            self.report(
                codes::NO_TYPE
                    .at(node.name.span, format!("`{name}` has no type"))
                    .hint(format!("write it before the name, such as `(int){name} default=1`")),
            );
            return;
        }
        self.no_arguments(node, "a group");
        self.not_empty(node, &format!("the group `{}` holds no setting", node.name.text));
        let declaration = self.common(node, place, later, &[], None);
        let inner = self.inner(place, &declaration);
        if let Some(id) = self.add(node, Kind::Group, "", declaration, place) {
            self.declare_children(node, Place { parent: id, ..inner }, later);
        }
    }

    fn inner(&self, place: &Place<'d>, declaration: &Declaration) -> Place<'d> {
        Place {
            available: declaration.available.clone(),
            absent: declaration.absent.clone(),
            change: declaration.change.clone(),
            overridable: declaration.overridable,
            choice: None,
            words: &["about", "absent", "change"],
            ..place.clone()
        }
    }

    /// Refuses a node without children that declare something.
    fn not_empty(&self, node: &Node, message: &str) {
        let declares = |child: &Node| child.annotation.is_some() || !RESERVED.contains(&child.name.text.as_str());
        if !node.children.iter().any(declares) {
            self.empty(node.span, message, "declare a setting in it, such as `(int)replicas default=1`, or delete it");
        }
    }

    /// Refuses nodes in a declaration of one value.
    fn leaf_children(&self, node: &'d Node, place: &Place<'d>, later: &mut Later<'d>) {
        const WORDS: &[&str] = &["about", "absent", "change", "default", "rule"];
        for child in &node.children {
            match child.name.text.as_str() {
                "rule" if child.annotation.is_none() => {
                    later.rules.push(FoundRule { node: child, record: place.record })
                }
                word if WORDS.contains(&word) && child.annotation.is_none() => {}
                word => {
                    let near = nearest(word, WORDS.iter().copied()).map(|near| format!("did you mean `{near}`?"));
                    self.report(
                        codes::UNKNOWN_NODE
                            .at(child.name.span, format!("`{word}` means nothing in the declaration of a value"))
                            .maybe_hint(near),
                    );
                }
            }
        }
    }

    fn declare_children(&mut self, node: &'d Node, place: Place<'d>, later: &mut Later<'d>) {
        for child in &node.children {
            self.declare(child, &place, later);
        }
    }

    fn declare_switch(&mut self, node: &'d Node, place: &Place<'d>, later: &mut Later<'d>) {
        self.no_arguments(node, "a switch");
        let declaration = self.common(node, place, later, &["default", "derived"], None);
        let inner = self.inner(place, &declaration);
        let Some(id) = self.add(node, Kind::Switch, "switch", declaration, place) else { return };
        self.note_defaults(node, id, place, later);
        let on = self.condition(Some(expr::Expr {
            kind: expr::Kind::Ref(self.own_ref(id, node.name.span)),
            span: node.name.span,
        }));
        let mut inner = Place { parent: id, words: CHOICE_WORDS, ..inner };
        inner.available.push(on);
        self.declare_children(node, inner, later);
    }

    fn declare_choice(&mut self, node: &'d Node, place: &Place<'d>, later: &mut Later<'d>) {
        self.no_arguments(node, "a choice");
        let declaration = self.common(node, place, later, &["default"], None);
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
        inner.words = CHOICE_WORDS;
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
        self.strings(node);
        let words: Vec<Arc<str>> = variant_words(node).into_iter().map(|(word, _)| word.into()).collect();
        let condition = is_variant(self.own_ref(choice, node.name.span), &words, node.name.span);
        let condition = self.condition(Some(condition));
        let mut inner = place.clone();
        inner.choice = None;
        inner.words = &["absent"];
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
        let mut declaration = self.common(node, place, later, &["of", "in", "default", "min", "max", "schemes"], None);
        self.leaf_children(node, place, later);
        let Some(of) = node.property("of") else {
            self.report(
                codes::NO_ITEM_TYPE
                    .at(node.name.span, format!("`{}` does not say what it holds", node.name.text))
                    .hint("add `of=\"TYPE\"`, a scalar type or a record"),
            );
            return;
        };
        let Some(of) = self.plain(of, "a type") else { return };
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
            key_of: None,
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
        let definition = self.defined(of);
        if let Some(definition) = definition {
            let said = self.said(definition);
            declaration.absent.extend(said.absent);
            if declaration.change == Change::default() {
                declaration.change = said.change;
            }
            if definition.property("base").is_none() {
                self.no_attributes(node, of);
                let item = self.push_setting("*", Kind::Group, of, declaration.clone(), parent);
                self.expand(definition, of, item, &declaration, place, span, later);
                return Some(item);
            }
        }
        let scalar = self.base_of(of, definition, span)?;
        declaration.attributes = self.attributes(node, scalar, definition)?;
        self.note_key_of(node, scalar, parent, place, later);
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
        if place.types.contains(&name) {
            self.report(
                codes::TYPE_CYCLE
                    .at(span, format!("the type `{name}` holds itself"))
                    .label(definition.name.span, "declared here"),
            );
            return;
        }
        if place.types.len() >= MAX_DEPTH {
            self.report(
                codes::TOO_LARGE
                    .at(span, format!("types are nested more than {MAX_DEPTH} deep"))
                    .label(definition.name.span, "declared here"),
            );
            return;
        }
        let mut types = place.types.clone();
        types.extend(definition.arguments().next().and_then(|entry| match &entry.value {
            Literal::String(text) => Some(text.as_str()),
            _ => None,
        }));
        let inner = Place {
            parent: id,
            available: declaration.available.clone(),
            absent: declaration.absent.clone(),
            change: declaration.change.clone(),
            overridable: declaration.overridable,
            record: Some(id),
            words: &["about", "absent", "change"],
            choice: None,
            types,
        };
        for child in &definition.children {
            self.declare(child, &inner, later);
        }
    }

    /// The definition of a type of the stack; notes that it is used.
    pub(super) fn defined(&self, name: &str) -> Option<&'d Node> {
        let found = self.types.get(name).copied()?;
        self.used_types.borrow_mut().insert(name.into());
        Some(found)
    }

    /// The scalar type that a name means, perhaps through a type of the stack.
    fn base_of(&self, name: &str, definition: Option<&'d Node>, span: Span) -> Option<&'static str> {
        match definition.and_then(|definition| definition.property("base")) {
            Some(base) => self.scalar_name(&self.plain(base, "`base`")?, base.span),
            None => self.scalar_name(name, span),
        }
    }

    fn declare_typed(&mut self, type_name: &'d str, node: &'d Node, place: &Place<'d>, later: &mut Later<'d>) {
        let annotation_span = node.annotation.as_ref().map_or(node.span, |name| name.span);
        let definition = self.defined(type_name);
        if let Some(definition) = definition
            && definition.property("base").is_none()
        {
            self.no_arguments(node, "a record");
            let known: Vec<&str> =
                node.properties().map(|(name, _)| name.text.as_str()).filter(|name| !is_attribute(name)).collect();
            let declaration = self.common(node, place, later, &known, Some(definition));
            let inner = self.inner(place, &declaration);
            let Some(id) = self.add(node, Kind::Group, type_name, declaration.clone(), place) else { return };
            for rule in node.children_named("rule").filter(|child| child.annotation.is_none()) {
                later.rules.push(FoundRule { node: rule, record: Some(id) });
            }
            self.expand(definition, type_name, id, &declaration, &inner, annotation_span, later);
            later.defaults.push(UseDefaults { setting: id, node, record: place.record });
            return;
        }
        let Some(scalar) = self.base_of(type_name, definition, annotation_span) else { return };
        let known = ["default", "derived", "min", "max", "schemes", "in"];
        let mut declaration = self.common(node, place, later, &known, definition);
        self.leaf_children(node, place, later);
        let Some(attributes) = self.attributes(node, scalar, definition) else { return };
        declaration.attributes = attributes;
        if let Some(id) = self.add(node, Kind::Scalar(scalar.into()), type_name, declaration, place) {
            self.note_key_of(node, scalar, id, place, later);
            self.note_defaults(node, id, place, later);
        }
    }

    /// Notes the map that `in=` names: a `key` has one, nothing else does.
    fn note_key_of(&self, node: &'d Node, scalar: &str, id: SettingId, place: &Place<'d>, later: &mut Later<'d>) {
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

    /// Refuses attributes of values where a record is declared.
    fn no_attributes(&self, node: &'d Node, of: &str) {
        if let Some(entry) = node.arguments().next() {
            self.report(codes::STRAY_ARGUMENT.at(entry.span, "a list or map of records takes no argument"));
        }
        for (name, entry) in node.properties() {
            if ["min", "max", "schemes", "in"].contains(&name.text.as_str()) {
                self.report(
                    codes::DOES_NOT_FIT
                        .at(entry.span, format!("`{}` does not fit the record `{of}`", name.text))
                        .hint("give it to a field of the record"),
                );
            }
        }
    }

    /// Range, words and schemes of a scalar: those of the declaration over those of its type. `None` if it was reported.
    fn attributes(&self, node: &'d Node, scalar: &'static str, definition: Option<&'d Node>) -> Option<Attributes> {
        let of_type = match definition {
            Some(definition) => self.attributes_of(definition, scalar, 1),
            None => Attributes::default(),
        };
        let mut own = self.attributes_of(node, scalar, 0);
        if scalar == "enum" && !of_type.words.is_empty() {
            if let Some(entry) = node.arguments().next() {
                self.report(
                    codes::STRAY_ARGUMENT
                        .at(entry.span, "the type has the values already")
                        .maybe_label(definition.map(|definition| definition.span), "declared here"),
                );
            }
            own.words.clone_from(&of_type.words);
        }
        if scalar == "enum" && own.words.is_empty() {
            let wanted = if node.annotation.as_ref().is_some_and(|name| ["list", "map"].contains(&name.text.as_str())) {
                format!("write `{} of=\"enum\" \"a\" \"b\"`", node.name.text)
            } else {
                "write `(enum)NAME \"a\" \"b\"`".to_owned()
            };
            self.report(codes::NO_WORDS.at(node.span, "an enum has at least one value").hint(wanted));
            return None;
        }
        own.min = own.min.take().or(of_type.min);
        own.max = own.max.take().or(of_type.max);
        if own.schemes.is_empty() {
            own.schemes = of_type.schemes;
        }
        self.check_bounds(node, scalar, &own);
        Some(own)
    }

    /// Refuses a range in which nothing is.
    fn check_bounds(&self, node: &'d Node, scalar: &str, own: &Attributes) {
        let (Some(min), Some(max)) = (&own.min, &own.max) else { return };
        let of = value::scalar(scalar).filter(|of| of.base != value::Base::String).or_else(|| value::scalar("int"));
        let below = Attributes { max: Some(max.clone()), ..Attributes::default() };
        if of.is_some_and(|of| value::fit(of, min.clone(), &below).is_err()) {
            let entry = node.property("max").or_else(|| node.property("min"));
            let span = entry.map_or(node.span, |entry| entry.span);
            self.report(
                codes::CONTRADICTION
                    .at(span, format!("`min` {} is above `max` {}", value::spell(min), value::spell(max)))
                    .hint("swap them"),
            );
        }
    }

    /// Range, words and schemes that one node gives; its first `skipped` arguments are its name.
    fn attributes_of(&self, node: &'d Node, scalar: &'static str, skipped: usize) -> Attributes {
        let mut attributes = Attributes::default();
        if scalar == "enum" {
            for entry in node.arguments().skip(skipped) {
                let Some(word) = self.plain(entry, "a value of an enum") else { continue };
                if attributes.words.iter().any(|known| known.as_ref() == word) {
                    self.report(
                        codes::DECLARED_TWICE.at(entry.span, format!("the value `{word}` stands here a second time")),
                    );
                    continue;
                }
                attributes.words.push(word.into());
            }
        } else if let Some(entry) = node.arguments().nth(skipped) {
            let hint = format!("write `default={}` if this is meant to be the default", shown(entry));
            self.report(codes::STRAY_ARGUMENT.at(entry.span, "a declaration takes no argument").hint(hint));
        }
        let of = value::scalar(scalar).expect("`scalar_name` returns names of the table");
        let bound = match of.base {
            value::Base::String => value::scalar("int").expect("`int` is in the table"),
            _ => of,
        };
        let ranged = scalar != "enum"
            && !matches!(
                of.base,
                value::Base::Bool | value::Base::Secret | value::Base::Image | value::Base::Tree | value::Base::Any
            );
        for (name, entry) in node.properties() {
            match name.text.as_str() {
                word @ ("min" | "max") if !ranged => self.report(
                    codes::DOES_NOT_FIT.at(entry.span, format!("`{word}` does not fit a `{scalar}`")).hint("delete it"),
                ),
                "min" => attributes.min = self.bound(entry, bound),
                "max" => attributes.max = self.bound(entry, bound),
                "schemes" if scalar != "url" => self.report(
                    codes::DOES_NOT_FIT
                        .at(entry.span, format!("`schemes` does not fit a `{scalar}`"))
                        .hint("delete it"),
                ),
                "schemes" => {
                    let words = self.plain(entry, "`schemes`").unwrap_or_default();
                    attributes.schemes = words.split_whitespace().map(Into::into).collect();
                }
                _ => {}
            }
        }
        attributes
    }

    fn bound(&self, entry: &Entry, of: &'static value::ScalarType) -> Option<Value> {
        if entry.annotation.is_some() || entry.value == Literal::Null {
            self.report(codes::DOES_NOT_FIT.at(entry.span, "a bound is a constant").hint("write a value"));
            return None;
        }
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

pub(super) fn is_setting_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && !name.ends_with('-')
}

/// What a scalar declaration or a type says besides its values.
#[derive(Default)]
struct Said {
    about: Arc<str>,
    absent: Vec<Absent>,
    change: Change,
}

/// A literal as an author would type it again; a string may be a secret and is not shown.
fn shown(entry: &Entry) -> String {
    match &entry.value {
        Literal::Integer(number) => number.to_string(),
        Literal::Bool(value) => format!("#{value}"),
        _ => "…".to_owned(),
    }
}

/// The variants that a `(variant)a "b"` node declares.
fn variant_words(node: &Node) -> Vec<(String, Span)> {
    let rest = node.arguments().filter_map(|entry| string_of(entry).map(|word| (word, entry.span)));
    std::iter::once((node.name.text.clone(), node.name.span)).chain(rest).collect()
}
