//! Declarations of settings: `settings` and `type` blocks into the tree of settings.
//!
//! In: `settings` nodes, and the types that were collected. Out: [`Setting`]s, and what is left for [`Later`].
//! Never: compiled expressions; they are only noted here and compiled when every name is known.
//! Invariant: a path has several declarations only where their conditions exclude each other.

use smol_str::SmolStr;

use crate::{
    diag::{codes, nearest},
    expr::{self, Key, Ref},
    schema::{
        Absent, Change, Children, Declaration, Kind, Setting, SettingId,
        build::{Builder, is_variant},
        load::MAX_SETTINGS,
        names::RESERVED_ROOTS,
        shape::Shape,
    },
    source::Span,
    syntax::{Entry, Literal, Name, Node},
    value::{self, Ranged},
};

/// Types by the names that other languages give them.
const FOREIGN: &[(&str, &str)] = &[
    ("integer", "int"),
    ("str", "string"),
    ("text", "string"),
    ("boolean", "bool"),
    ("float", "number"),
    ("time", "duration"),
    ("size", "memory"),
    ("array", "list"),
    ("object", "tree"),
];

/// Words inside a declaration that are not settings.
pub(super) const RESERVED: &[&str] = &["about", "absent", "change", "rule", "default", "carries"];

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
pub(super) struct Place<'d> {
    parent: SettingId,
    /// Conditions of everything around it.
    pub(super) available: Vec<u32>,
    /// `absent` of everything around it, nearest first.
    pub(super) absent: Vec<Absent>,
    /// `change` of what is around it.
    pub(super) change: Change,
    pub(super) overridable: bool,
    pub(super) record: Option<SettingId>,
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
            std::mem::discriminant(&setting.kind) == std::mem::discriminant(kind) && of_before.as_str() == of;
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
            children: Children::default(),
            of: of.into(),
            declarations: vec![declaration],
        };
        self.settings.push(setting);
        SettingId(self.settings.len() as u32 - 1)
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
            absent: declaration.said.absent.clone(),
            change: declaration.said.change.clone(),
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
        let mut variants: Vec<SmolStr> = Vec::new();
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
        let words: Vec<SmolStr> = variant_words(node).into_iter().map(|(word, _)| word.into()).collect();
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
        declaration.attributes = Ranged::default();
        let inner = self.inner(place, &declaration);
        let kind = if map { Kind::Map(SettingId::ROOT) } else { Kind::List(SettingId::ROOT) };
        let Some(id) = self.add(node, kind, item_name, declaration.clone(), place) else { return };
        if self.settings[id.index()].declarations.len() > 1 {
            return;
        }
        let mut item_declaration =
            Declaration { span: node.name.span, defaults: Vec::new(), required: false, key_of: None, ..declaration };
        item_declaration.said.about = "".into();
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
            declaration.said.absent.extend(said.absent);
            if declaration.said.change == Change::default() {
                declaration.said.change = said.change;
            }
            if definition.property("base").is_none() {
                self.no_attributes(node, of);
                let item = self.push_setting("*", Kind::Group, of, declaration.clone(), parent);
                self.expand(definition, of, item, &declaration, place, span, later);
                return Some(item);
            }
        }
        let scalar = self.base_of(of, definition, span)?;
        declaration.attributes = self.attributes(node, scalar, definition)?.into();
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
            absent: declaration.said.absent.clone(),
            change: declaration.said.change.clone(),
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
        declaration.attributes = attributes.into();
        if let Some(id) = self.add(node, Kind::Scalar(scalar.into()), type_name, declaration, place) {
            self.note_key_of(node, scalar, id, place, later);
            self.note_defaults(node, id, place, later);
        }
    }

    fn scalar_name(&self, name: &str, span: Span) -> Option<&'static str> {
        if let Some(scalar) = value::scalar(name) {
            return Some(scalar.name);
        }
        let known = value::SCALARS.iter().map(|scalar| scalar.name).chain(self.types.keys().map(AsRef::as_ref));
        let known = known.chain(["choice", "switch", "list", "map", "variant", "when"]);
        let other = || FOREIGN.iter().find(|(other, _)| *other == name.to_ascii_lowercase()).map(|(_, own)| *own);
        let near = other().or_else(|| nearest(name, known)).map(|near| format!("did you mean `{near}`?"));
        self.report(codes::UNKNOWN_TYPE.at(span, format!("there is no type `{name}`")).maybe_hint(near));
        None
    }

    /// The reference to a setting from within itself.
    fn own_ref(&self, id: SettingId, span: Span) -> Ref {
        let depth = self.settings[id.index()].depth;
        Ref { place: id.place(), keys: (0..depth).map(Key::Own).collect(), span }
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

/// The variants that a `(variant)a "b"` node declares.
fn variant_words(node: &Node) -> Vec<(String, Span)> {
    let rest = node.arguments().filter_map(|entry| string_of(entry).map(|word| (word, entry.span)));
    std::iter::once((node.name.text.clone(), node.name.span)).chain(rest).collect()
}
