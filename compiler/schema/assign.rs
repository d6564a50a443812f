//! Which form a value of a setting may be written in: environments, presets and overrides alike.
//!
//! In: nodes and the declared settings. Out: [`Assignment`]s, and findings with the right form to type.

mod meant;

use std::{collections::BTreeMap, sync::Arc};

use indexmap::IndexMap;
use smol_str::SmolStr;

use crate::{
    diag::{Diags, codes, list_of, nearest},
    expr::{Expr, Type},
    schema::{
        Assignment, Given, Kind, Setting, SettingId,
        assign::meant::assigned,
        build::{bad_value, raw, type_of},
        path_of,
    },
    source::{Source, Span},
    syntax::{Entry, Literal, Name, Node},
    value::{self, Attributes, Link, LinkPart, Piece, Ranged, Value},
};

/// Compiles an annotated value of a stack; `None` if it was reported.
pub type Compile<'a> = &'a dyn Fn(&Entry, &Type) -> Option<Expr>;

/// Types of values that may be the address of an endpoint.
const LINKABLE: &[&str] = &["any", "env-value", "string", "url", "host", "address"];

/// How deep nodes of an environment may nest; `syntax` bounds it too.
const MAX_DEPTH: usize = 64;

/// Reads the values of one block.
pub struct Reader<'a> {
    /// The declared settings.
    pub settings: &'a [Setting],
    /// The texts, for the words of numbers.
    pub sources: &'a [Arc<Source>],
    /// What compiles expressions; none in an environment, which is data.
    pub compile: Option<Compile<'a>>,
    /// What was read.
    pub values: Vec<Assignment>,
    /// What was wrong.
    pub diags: Diags,
    /// Where each part of a setting was written first; the part is empty for the whole.
    seen: BTreeMap<(SettingId, OwnedKeys, SmolStr), Span>,
    counts: BTreeMap<(SettingId, OwnedKeys), usize>,
}

/// The keys above a setting that was read.
type OwnedKeys = Vec<SmolStr>;

/// The keys above the settings being read.
type Keys<'k> = &'k [SmolStr];

impl<'a> Reader<'a> {
    /// A reader of an empty block.
    #[must_use]
    pub fn new(settings: &'a [Setting], sources: &'a [Arc<Source>], compile: Option<Compile<'a>>) -> Reader<'a> {
        Reader {
            settings,
            sources,
            compile,
            values: Vec::new(),
            diags: Diags::default(),
            seen: BTreeMap::new(),
            counts: BTreeMap::new(),
        }
    }

    /// Reads nodes that stand in a group.
    pub fn nodes<'n>(&mut self, nodes: impl IntoIterator<Item = &'n Node>, group: SettingId, keys: Keys<'_>) {
        self.nodes_at(nodes, group, keys, 0);
    }

    fn nodes_at<'n>(
        &mut self,
        nodes: impl IntoIterator<Item = &'n Node>,
        group: SettingId,
        keys: Keys<'_>,
        depth: usize,
    ) {
        let (mut dashed, mut before) = (false, None);
        for node in nodes {
            let before = before.replace(node.name.text.as_str());
            if let Some(annotation) = &node.annotation {
                self.diags.push(
                    codes::ANNOTATED_NAME
                        .at(annotation.span, format!("`({})` stands before the name of a setting", annotation.text))
                        .hint(format!(
                            "write `{} ({})\"…\"`: the annotation belongs to the value",
                            node.name.text, annotation.text
                        )),
                );
                // It was meant, so it is not missing.
                let meant = self.settings[group.index()].children.get(node.name.text.as_str()).copied();
                if let Some(id) =
                    meant.filter(|id| !matches!(self.settings[id.index()].kind, Kind::Group | Kind::Map(_)))
                {
                    self.push(id, keys, Given::Wrong, node.name.span, node.name.span);
                }
                continue;
            }
            match self.settings[group.index()].children.get(node.name.text.as_str()).copied() {
                Some(id) if depth < MAX_DEPTH => self.node(node, id, keys, depth + 1),
                Some(_) => {}
                None if node.name.text == "-" => {
                    // The items of a list are one mistake.
                    if !std::mem::replace(&mut dashed, true) {
                        self.dash(node, before, group);
                    }
                }
                None => self.unknown(&node.name, group, keys),
            }
        }
    }

    /// `- item`, below what may be the name of its list.
    fn dash(&mut self, node: &Node, before: Option<&str>, group: SettingId) {
        let list = before.and_then(|name| Some((name, self.settings[group.index()].children.get(name)?)));
        let of_groups = |item: &SettingId| matches!(self.settings[item.index()].kind, Kind::Group);
        let hint = match list.map(|(name, id)| (name, &self.settings[id.index()].kind)) {
            Some((name, Kind::List(item))) if of_groups(item) => {
                format!("repeat the name of the list for each item: `{name} {{ … }}`")
            }
            Some((name, Kind::List(_))) => format!("write the values behind the name: `{name} \"…\" \"…\"`"),
            _ => "write values behind the name of their list: `name \"…\" \"…\"`".to_owned(),
        };
        let message = "`-` begins no item here: settings have names";
        self.diags.push(codes::DASH_ITEM.at(node.name.span, message).hint(hint));
    }

    /// Reads the properties and children of a node as the fields of a group.
    pub fn fields(&mut self, node: &Node, group: SettingId, keys: Keys<'_>) {
        self.fields_at(node, group, keys, 0);
    }

    fn fields_at(&mut self, node: &Node, group: SettingId, keys: Keys<'_>, depth: usize) {
        for (name, entry) in node.properties() {
            match self.settings[group.index()].children.get(name.text.as_str()).copied() {
                Some(id) => self.property(name, entry, id, keys),
                None => self.unknown(name, group, keys),
            }
        }
        self.nodes_at(&node.children, group, keys, depth);
    }

    /// Notes that something was written; reports if it was before.
    fn once(&mut self, id: SettingId, keys: Keys<'_>, part: &str, span: Span) -> bool {
        match self.seen.insert((id, keys.to_vec(), part.into()), span) {
            None => true,
            Some(_) if self.diags.is_full() => false,
            Some(first) => {
                let path = self.named(id, keys);
                let path = if part.is_empty() { path.to_string() } else { format!("{path}.{part}") };
                // Which of the two was meant is not known, so nothing is said about what follows from either.
                let twice = |found: &&mut Assignment| found.setting == id && found.keys == keys;
                self.values.iter_mut().filter(twice).for_each(|found| found.given = Given::Wrong);
                self.diags.push(
                    codes::WRITTEN_TWICE
                        .at(span, format!("`{path}` is written twice"))
                        .underline("again here")
                        .label(first, "first here")
                        .hint("delete one of the two"),
                );
                false
            }
        }
    }

    fn push(&mut self, id: SettingId, keys: Keys<'_>, given: Given, span: Span, name_span: Span) {
        self.values.push(Assignment { setting: id, keys: keys.to_vec(), given, span, name_span });
    }

    fn property(&mut self, name: &Name, entry: &Entry, id: SettingId, keys: Keys<'_>) {
        let setting = &self.settings[id.index()];
        match &setting.kind {
            Kind::Switch if self.is_meant_below(id, entry) => self.below(name, id, entry, keys, ", as a node"),
            Kind::Scalar(_) | Kind::Choice(_) | Kind::Switch => self.scalar(id, keys, entry, name.span),
            Kind::List(item) if !matches!(self.settings[item.index()].kind, Kind::Group) => {
                if self.once(id, keys, "", name.span) {
                    let given = self.list(*item, keys, std::slice::from_ref(&entry));
                    self.push(id, keys, given, entry.span, name.span);
                }
            }
            _ => {
                let path = self.named(id, keys);
                let line = match self.taker(id, entry) {
                    Some((taker, value)) => format!("{} {}={value}", setting.name, self.settings[taker.index()].name),
                    None => format!("{} {{ … }}", setting.name),
                };
                self.diags.push(
                    codes::NOT_A_PROPERTY
                        .at(name.span, format!("`{path}` holds settings of its own and is no property"))
                        .hint(format!("write `{line}`, as a node")),
                );
            }
        }
    }

    /// One value for a scalar, a choice or a switch.
    fn scalar(&mut self, id: SettingId, keys: Keys<'_>, entry: &Entry, name_span: Span) {
        if self.once(id, keys, "", name_span) {
            let given = self.value(id, keys, entry);
            self.push(id, keys, given, entry.span, name_span);
        }
    }

    fn node(&mut self, node: &Node, id: SettingId, keys: Keys<'_>, depth: usize) {
        let setting = &self.settings[id.index()];
        match setting.kind.clone() {
            Kind::Group => {
                if let Some(entry) = node.arguments().next() {
                    self.group_argument(node, entry, id, keys);
                    // `app image { tag "x" }`: what stands in the braces is meant for `image`.
                    if names_child(entry, &self.settings[id.index()]) {
                        return;
                    }
                }
                self.fields_at(node, id, keys, depth);
            }
            Kind::Scalar(scalar) if scalar.as_str() == "tree" => self.tree(node, id, keys),
            Kind::Scalar(scalar) => self.scalar_node(node, id, &scalar, keys),
            Kind::List(item) if matches!(self.settings[item.index()].kind, Kind::Group) => {
                self.record_item(node, id, item, keys, depth);
            }
            Kind::List(item) => self.list_node(node, id, item, keys),
            Kind::Map(item) if matches!(self.settings[item.index()].kind, Kind::Group) => {
                self.map_entry(node, id, item, keys, depth);
            }
            Kind::Map(item) => self.map_node(node, id, item, keys, depth),
            Kind::Choice(_) | Kind::Switch => {
                let mut arguments = node.arguments();
                match arguments.next() {
                    Some(entry) if self.is_meant_below(id, entry) => self.below(&node.name, id, entry, keys, ""),
                    Some(entry) => self.scalar(id, keys, entry, node.name.span),
                    None => self.push(id, keys, Given::Here, node.name.span, node.name.span),
                }
                if let Some(entry) = arguments.next() {
                    self.stray(entry, format!("`{}` takes one argument", self.named(id, keys)));
                }
                self.fields_at(node, id, keys, depth);
            }
        }
    }

    fn stray(&mut self, entry: &Entry, message: String) {
        self.diags.push(codes::TOO_MANY_VALUES.at(entry.span, message).underline("one too many"));
    }

    /// `app image { tag "x" }`: an argument where a group has none.
    fn group_argument(&mut self, node: &Node, entry: &Entry, id: SettingId, keys: Keys<'_>) {
        let setting = &self.settings[id.index()];
        let finding = codes::GROUP_ARGUMENT
            .at(entry.span, format!("`{}` is a group and takes no argument", self.named(id, keys)));
        let hint = match &entry.value {
            Literal::String(word) if names_child(entry, setting) => {
                Some(format!("write `{} {{ {word} … }}`", node.name.text))
            }
            _ => match self.taker(id, entry) {
                Some((taker, value)) => {
                    Some(format!("write `{} {}={value}`", node.name.text, self.settings[taker.index()].name))
                }
                None => setting
                    .children
                    .keys()
                    .next()
                    .map(|child| format!("name the setting: `{} {child}=…`", node.name.text)),
            },
        };
        self.diags.push(finding.maybe_hint(hint));
    }

    fn scalar_node(&mut self, node: &Node, id: SettingId, scalar: &str, keys: Keys<'_>) {
        let mut arguments = node.arguments();
        let first = arguments.next();
        if let Some(entry) = arguments.next() {
            self.stray(entry, format!("`{}` takes one value", self.named(id, keys)));
        }
        let parts: Vec<(&Name, &Entry)> = node
            .properties()
            .chain(node.children.iter().filter_map(|child| child.arguments().next().map(|entry| (&child.name, entry))))
            .collect();
        if let Some(entry) = first {
            self.scalar(id, keys, entry, node.name.span);
        }
        for (name, entry) in &parts {
            self.part(name, entry, id, scalar, keys);
        }
        if first.is_none() && parts.is_empty() {
            let hint = match value::scalar(scalar) {
                Some(of) if of.name == "secret" => format!("write `{} (secret)\"NAME/KEY\"`", node.name.text),
                Some(of) => format!("write `{} {}`", node.name.text, of.example),
                None => format!("write `{} VALUE`", node.name.text),
            };
            self.diags.push(
                codes::NO_VALUE.at(node.name.span, format!("`{}` is given no value", self.named(id, keys))).hint(hint),
            );
            self.push(id, keys, Given::Wrong, node.name.span, node.name.span);
        }
    }

    /// A part of a compound scalar, `image tag="v2"`.
    fn part(&mut self, name: &Name, entry: &Entry, id: SettingId, scalar: &str, keys: Keys<'_>) {
        let settable = |part: &&'static value::Part| part.set.is_some();
        let Some(part) = value::part(scalar, &name.text).filter(|part| settable(part)) else {
            let known: Vec<&str> = value::parts(scalar).filter(settable).map(|part| part.name).collect();
            let hint = if known.is_empty() {
                "it is one value, written as an argument".to_owned()
            } else {
                format!("it has {}", list_of(&known))
            };
            let near = nearest(&name.text, known).map(|near| format!("did you mean `{near}`?"));
            self.diags.push(
                codes::UNKNOWN_SETTING
                    .at(name.span, format!("`{}` has no part `{}`", self.named(id, keys), name.text))
                    .hint(near.unwrap_or(hint)),
            );
            return;
        };
        if !self.once(id, keys, part.name, name.span) {
            return;
        }
        let of = Type::Scalar(part.result.into());
        let given = match value::scalar(part.result) {
            Some(result) => self.typed_value(entry, result, &Attributes::default(), &of, (id, keys)),
            None => Given::Wrong,
        };
        self.push(id, keys, Given::Part(part.name.into(), Box::new(given)), entry.span, name.span);
    }

    fn list(&mut self, item: SettingId, keys: Keys<'_>, entries: &[&Entry]) -> Given {
        if let [entry] = entries
            && entry.value == Literal::Null
        {
            return Given::Null;
        }
        if let ([entry], Some(compile)) = (entries, self.compile)
            && is_expression(entry)
        {
            let of = Type::List(Box::new(type_of(self.settings, item)));
            return compile(entry, &of).map_or(Given::Wrong, Given::Expr);
        }
        Given::List(entries.iter().map(|entry| self.value(item, keys, entry)).collect())
    }

    fn list_node(&mut self, node: &Node, id: SettingId, item: SettingId, keys: Keys<'_>) {
        let entries: Vec<&Entry> = node.arguments().collect();
        for (name, _) in node.properties() {
            self.diags.push(
                codes::UNKNOWN_SETTING
                    .at(name.span, format!("`{}` is a list of values and has no properties", self.named(id, keys)))
                    .hint(format!("write `{} \"…\" \"…\"`", node.name.text)),
            );
        }
        if let Some(child) = node.children.first() {
            let hint = format!("write them behind the name: `{} \"…\" \"…\"`", node.name.text);
            let finding = if child.name.text == "-" {
                codes::DASH_ITEM
                    .at(child.name.span, format!("`{}` is a list, whose values have no dashes", self.named(id, keys)))
            } else {
                codes::LIST_CHILDREN.at(child.span, format!("`{}` is a list of values", self.named(id, keys)))
            };
            self.diags.push(finding.hint(hint));
            self.push(id, keys, Given::Wrong, node.name.span, node.name.span);
            return;
        }
        if self.once(id, keys, "", node.name.span) {
            let given = self.list(item, keys, &entries);
            let span = entries.first().map_or(node.name.span, |entry| entry.span);
            self.push(id, keys, given, span, node.name.span);
        }
    }

    fn record_item(&mut self, node: &Node, id: SettingId, item: SettingId, keys: Keys<'_>, depth: usize) {
        if let Some(entry) = node.arguments().next() {
            self.stray(entry, "an item of this list has named fields".to_owned());
        }
        let count = self.counts.entry((id, keys.to_vec())).or_default();
        let inner: Vec<SmolStr> = keys.iter().cloned().chain([count.to_string().into()]).collect();
        *count += 1;
        self.push(item, &inner, Given::Here, node.name.span, node.name.span);
        self.fields_at(node, item, &inner, depth);
    }

    fn map_entry(&mut self, node: &Node, id: SettingId, item: SettingId, keys: Keys<'_>, depth: usize) {
        let mut arguments = node.arguments();
        let key = match arguments.next() {
            Some(Entry { value: Literal::String(key), annotation: None, .. }) => key.as_str(),
            other => {
                let span = other.map_or(node.name.span, |entry| entry.span);
                self.diags.push(
                    codes::NO_KEY
                        .at(span, format!("an entry of `{}` begins with its name", self.named(id, keys)))
                        .hint(format!("write `{} \"NAME\" …`", node.name.text)),
                );
                return;
            }
        };
        let inner: Vec<SmolStr> = keys.iter().cloned().chain([key.into()]).collect();
        if let Some(entry) = arguments.next() {
            if entry.value == Literal::Null {
                self.push(item, &inner, Given::Null, entry.span, node.name.span);
                return;
            }
            self.nameless(node, entry, item, &inner);
        }
        self.push(item, &inner, Given::Here, node.name.span, node.name.span);
        self.fields_at(node, item, &inner, depth);
    }

    fn map_node(&mut self, node: &Node, id: SettingId, item: SettingId, keys: Keys<'_>, _depth: usize) {
        if let Some(entry) = node.arguments().next() {
            if let (Some(compile), true) = (self.compile, is_expression(entry)) {
                let of = Type::Map(Box::new(type_of(self.settings, item)));
                let given = compile(entry, &of).map_or(Given::Wrong, Given::Expr);
                self.push(id, keys, given, entry.span, node.name.span);
                return;
            }
            self.diags.push(
                codes::GROUP_ARGUMENT
                    .at(entry.span, format!("`{}` is a map and takes no argument", self.named(id, keys)))
                    .hint(match assigned(Some(entry)) {
                        Some(entry) => format!("write `{} {{ {entry} }}`", node.name.text),
                        None => format!("write `{} KEY=\"…\"` or `{} {{ KEY \"…\" }}`", node.name.text, node.name.text),
                    }),
            );
        }
        for (name, entry) in node.properties() {
            self.map_value(name, entry, item, keys);
        }
        for child in &node.children {
            if child.name.text == "-" {
                let hint = assigned(child.arguments().next()).unwrap_or_else(|| "KEY \"…\"".to_owned());
                let message = format!("`{}` is a map, whose entries have names and no dashes", self.named(id, keys));
                self.diags.push(codes::DASH_ITEM.at(child.name.span, message).hint(format!("write `{hint}`")));
                continue;
            }
            let mut arguments = child.arguments();
            match arguments.next() {
                Some(entry) if child.children.is_empty() => self.map_value(&child.name, entry, item, keys),
                _ => self.diags.push(
                    codes::NO_VALUE
                        .at(
                            child.name.span,
                            format!("the entry `{}` of `{}` is given no value", child.name.text, self.named(id, keys)),
                        )
                        .hint(format!("write `{} \"…\"`", child.name.text)),
                ),
            }
            if let Some(entry) = arguments.next() {
                self.stray(entry, "an entry of this map has one value".to_owned());
            }
        }
    }

    fn map_value(&mut self, name: &Name, entry: &Entry, item: SettingId, keys: Keys<'_>) {
        let inner: Vec<SmolStr> = keys.iter().cloned().chain([name.text.as_str().into()]).collect();
        self.scalar(item, &inner, entry, name.span);
    }

    fn tree(&mut self, node: &Node, id: SettingId, keys: Keys<'_>) {
        if self.once(id, keys, "", node.name.span) {
            let given = match free_tree(node, self.sources, &mut self.diags) {
                Some(value) => Given::Value(value),
                None => Given::Wrong,
            };
            self.push(id, keys, given, node.span, node.name.span);
        }
    }

    /// A value as written, in the normal form of its setting.
    fn value(&mut self, id: SettingId, keys: Keys<'_>, entry: &Entry) -> Given {
        let setting = &self.settings[id.index()];
        let of = type_of(self.settings, id);
        let ranged = match setting.declarations.as_slice() {
            [only] => only.attributes.clone(),
            [first, ..] => Attributes { words: first.attributes.words.clone(), ..Attributes::default() }.into(),
            [] => Ranged::default(),
        };
        let (name, attributes) = match &setting.kind {
            Kind::Scalar(name) => (name.as_ref(), ranged),
            Kind::Choice(variants) => ("enum", Attributes { words: variants.to_vec(), ..Attributes::default() }.into()),
            Kind::Switch => ("bool", Ranged::default()),
            Kind::Group | Kind::List(_) | Kind::Map(_) => return Given::Wrong,
        };
        match value::scalar(name) {
            Some(scalar) => self.typed_value(entry, scalar, &attributes, &of, (id, keys)),
            None => Given::Wrong,
        }
    }

    fn typed_value(
        &mut self,
        entry: &Entry,
        scalar: &'static value::ScalarType,
        attributes: &Attributes,
        of: &Type,
        setting: (SettingId, Keys<'_>),
    ) -> Given {
        if entry.value == Literal::Null {
            return Given::Null;
        }
        let Some(annotation) = &entry.annotation else { return self.literal(entry, scalar, attributes, setting) };
        match annotation.text.as_str() {
            "secret" => self.secret(entry, scalar),
            "link" if self.compile.is_none() => self.link(entry, scalar),
            "ref" | "f" | "cel" => match self.compile {
                Some(compile) => compile(entry, of).map_or(Given::Wrong, Given::Expr),
                None => {
                    self.diags.push(
                        codes::EXPRESSION_IN_ENVIRONMENT
                            .at(annotation.span, "an environment holds values, no expressions")
                            .hint("write the value itself; expressions belong into a stack or an extension"),
                    );
                    Given::Wrong
                }
            },
            word => {
                let known = ["secret", "link"];
                let near = nearest(word, known).map(|near| format!("did you mean `({near})`?"));
                self.diags.push(
                    codes::UNKNOWN_ANNOTATION
                        .at(annotation.span, format!("`({word})` is no form of a value"))
                        .hint(near.unwrap_or_else(|| "delete the annotation; the setting knows its type".to_owned())),
                );
                Given::Wrong
            }
        }
    }

    /// The path of a setting as somebody knows it: the items of a list are values of the list.
    fn named(&self, id: SettingId, keys: Keys<'_>) -> SmolStr {
        let setting = &self.settings[id.index()];
        match setting.parent.map(|parent| &self.settings[parent.index()]) {
            Some(list) if matches!(list.kind, Kind::List(_)) && setting.name.as_str() == "*" => path_of(list, keys),
            _ => path_of(setting, keys),
        }
    }

    fn literal(
        &mut self,
        entry: &Entry,
        scalar: &'static value::ScalarType,
        attributes: &Attributes,
        (id, keys): (SettingId, Keys<'_>),
    ) -> Given {
        if scalar.name == "secret" {
            self.diags.push(
                codes::LITERAL_SECRET
                    .at(entry.span, "a secret is never written here, only where to find it")
                    .underline("a plain value")
                    .hint("write `(secret)\"NAME/KEY\"`: the Kubernetes Secret and the key in it; if this was a real secret, change it now"),
            );
            return Given::Wrong;
        }
        match value::parse(scalar, &raw(entry, self.sources), attributes) {
            Ok(value) => Given::Value(value),
            Err(bad) => {
                self.diags.push(bad_value(bad.of_setting(&self.named(id, keys)), entry.span));
                Given::Wrong
            }
        }
    }

    fn secret(&mut self, entry: &Entry, scalar: &'static value::ScalarType) -> Given {
        if scalar.name != "secret" && !takes_anything(scalar) {
            self.diags.push(
                codes::UNEXPECTED_SECRET
                    .at(entry.span, "a secret cannot stand here")
                    .underline(format!("this is {}", scalar.about)),
            );
            return Given::Wrong;
        }
        let secret = value::scalar("secret").expect("`secret` is in the table");
        match value::parse(secret, &raw(entry, self.sources), &Attributes::default()) {
            Ok(value) => Given::Value(value),
            Err(bad) => {
                self.diags.push(bad_value(bad, entry.span));
                Given::Wrong
            }
        }
    }

    fn link(&mut self, entry: &Entry, scalar: &'static value::ScalarType) -> Given {
        let text = match &entry.value {
            Literal::String(text) if LINKABLE.contains(&scalar.name) => text.as_str(),
            _ => {
                self.diags.push(
                    codes::UNEXPECTED_LINK
                        .at(entry.span, "a link cannot stand here")
                        .underline(format!("this is {}", scalar.about)),
                );
                return Given::Wrong;
            }
        };
        let (endpoint, field) = text.split_once('.').unwrap_or((text, ""));
        let part = match field {
            "host" => LinkPart::Host,
            "port" => LinkPart::Port("".into()),
            "" => LinkPart::Address,
            field => match field.strip_prefix("ports.") {
                Some(port) => LinkPart::Port(port.into()),
                None => LinkPart::Field(field.into()),
            },
        };
        Given::Value(Value::Text(vec![Piece::Link(Link { endpoint: endpoint.into(), part })]))
    }
}

/// Whether an argument is the name of a setting in the group that it was given to.
fn names_child(entry: &Entry, group: &Setting) -> bool {
    match &entry.value {
        Literal::String(word) => entry.annotation.is_none() && group.children.contains_key(word.as_str()),
        _ => false,
    }
}

/// Whether secrets may stand beside plain values.
fn takes_anything(scalar: &value::ScalarType) -> bool {
    ["env-value", "any"].contains(&scalar.name)
}

/// The reason that `absent`, `override`, `raw` and their like must give, out of what was found as `because=`.
pub(crate) fn reason(node: &Node, found: Option<&Entry>, diags: &mut Diags) -> Option<SmolStr> {
    match found.map(|entry| (&entry.value, entry.span)) {
        Some((Literal::String(reason), span)) => {
            if reason.trim().chars().count() < 10 {
                diags.push(
                    codes::SHORT_REASON
                        .at(span, "the reason is too short to tell anybody anything")
                        .underline("at least ten characters"),
                );
            }
            Some(reason.as_str().into())
        }
        _ => {
            diags.push(
                codes::NO_REASON
                    .at(node.name.span, format!("`{}` gives no reason", node.name.text))
                    .hint("add `because=\"…\"`: it is printed wherever the difference is"),
            );
            None
        }
    }
}

fn is_expression(entry: &Entry) -> bool {
    entry.annotation.as_ref().is_some_and(|name| ["ref", "f", "cel"].contains(&name.text.as_str()))
}

/// A free tree as KDL writes it: arguments are a value or a list, `-` children a list, others a map.
pub fn free_tree(node: &Node, sources: &[Arc<Source>], diags: &mut Diags) -> Option<Value> {
    let keep = node.annotation.as_ref().map(|name| name.text.as_str());
    let arguments: Vec<&Entry> = node.arguments().collect();
    let fields = node.properties().next().is_some() || !node.children.is_empty() || node.braces;
    if !arguments.is_empty() && fields {
        diags.push(
            codes::MIXED_TREE
                .at(node.name.span, format!("`{}` has values and keys of its own", node.name.text))
                .hint("write either values behind the name or keys in braces"),
        );
        return None;
    }
    if fields || arguments.is_empty() {
        let items = node.children.iter().filter(|child| child.name.text == "-").count();
        if items > 0 && items < node.children.len() {
            diags.push(
                codes::MIXED_TREE.at(node.name.span, "items `-` and keys stand side by side").hint("write either"),
            );
            return None;
        }
        if items > 0 || keep == Some("list") {
            let values = node.children.iter().map(|child| free_tree(child, sources, diags));
            return values.collect::<Option<Vec<_>>>().map(Value::List);
        }
        let mut map = IndexMap::new();
        for (name, entry) in node.properties() {
            let value = free_value(entry, sources, diags)?;
            insert_once(&mut map, name, value, diags)?;
        }
        for child in &node.children {
            let value = free_tree(child, sources, diags)?;
            insert_once(&mut map, &child.name, value, diags)?;
        }
        return Some(Value::Map(map.into()));
    }
    let values: Option<Vec<Value>> = arguments.iter().map(|entry| free_value(entry, sources, diags)).collect();
    let mut values = values?;
    Some(if values.len() == 1 && keep != Some("list") { values.remove(0) } else { Value::List(values) })
}

fn insert_once(map: &mut IndexMap<SmolStr, Value>, name: &Name, value: Value, diags: &mut Diags) -> Option<()> {
    match map.insert(name.text.as_str().into(), value) {
        None => Some(()),
        Some(_) => {
            diags.push(codes::WRITTEN_TWICE.at(name.span, format!("the key `{}` is written twice", name.text)));
            None
        }
    }
}

fn free_value(entry: &Entry, sources: &[Arc<Source>], diags: &mut Diags) -> Option<Value> {
    if let Some(annotation) = &entry.annotation {
        diags.push(
            codes::UNKNOWN_ANNOTATION
                .at(annotation.span, format!("`({})` cannot stand in a free tree", annotation.text))
                .hint("write plain values here"),
        );
        return None;
    }
    match &entry.value {
        Literal::String(text) => Some(Value::string(text.as_str())),
        Literal::Bool(value) => Some(Value::Bool(*value)),
        Literal::Float(number) => Some(Value::Float(*number)),
        Literal::Null => Some(Value::Null),
        Literal::Integer(_) => {
            let int = value::scalar("int").expect("`int` is in the table");
            match value::parse(int, &raw(entry, sources), &Attributes::default()) {
                Ok(value) => Some(value),
                Err(bad) => {
                    diags.push(bad_value(bad, entry.span));
                    None
                }
            }
        }
    }
}
