//! Surfaces of charts: `surface "CHART" version="…" { keys; runs; fixed; unsaid }`.
//!
//! In: the top-level `surface` nodes of a stack's files. Out: [`Packed`] surfaces in the [`Stack`].
//! Never: a chart's templates, values of an environment.
//! Invariant: every key stands once, every condition names keys of this chart, every fact exists as a kind with its fields.

use std::cell::Cell;

use indexmap::IndexMap;
use smol_str::SmolStr;

use crate::{
    diag::{codes, nearest},
    expr::{self, Expr},
    schema::{
        ChartKey, Fixed, Found, KeyShape, Packed, Runs, Stack, Surface, Unsaid,
        build::{Builder, bad_value, raw},
        declare::Written,
        names::Scope,
        shape::Shape,
    },
    syntax::{Entry, Literal, Node},
    value::{self, Attributes, Value},
};

/// How deep keys and fragments may nest.
const MAX_DEPTH: usize = 32;

/// Most keys that one surface may have, fragments expanded.
const MAX_KEYS: usize = 20_000;

/// Words at the top of a surface that are no keys.
const WORDS: &[&str] = &["fragment", "runs", "fixed", "unsaid"];

/// Words that stand where types of keys do.
const TYPE_WORDS: &[&str] = &["any", "list", "map", "dead", "enum", "use", "when"];

/// A fragment, and whether it was used.
struct Fragment<'d> {
    node: &'d Node,
    used: Cell<bool>,
}

/// Where an expression belongs that is read when all keys are known.
#[derive(Clone, Copy)]
enum Pending {
    Key(u32),
    Carry(u32, usize),
    Runs(usize),
    Host(usize),
    Fixed(usize),
    Value(usize),
    Unsaid(usize),
}

/// What the parameters of a fragment stand for, by name.
type Parameters = Vec<(SmolStr, String)>;

/// Where something stands: in which fragment, under which conditions, and how deep.
#[derive(Clone, Default)]
pub(super) struct Within<'d> {
    parameters: Parameters,
    depth: usize,
    fragments: Vec<SmolStr>,
    /// The conditions around what is being read, with the parameters of the fragments that they stand in.
    conditions: Vec<(Written<'d>, Parameters)>,
}

impl Within<'_> {
    /// A text with the parameters filled in.
    pub(super) fn filled(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, value) in &self.parameters {
            text = text.replace(&format!("{{{name}}}"), value);
        }
        text
    }
}

/// A surface while it is being read.
pub(super) struct Charts<'b, 'd> {
    pub(super) builder: &'b Builder<'d>,
    fragments: IndexMap<&'d str, Fragment<'d>>,
    pub(super) surface: Surface,
    pending: Vec<(Pending, Written<'d>, Within<'d>)>,
}

impl<'d> Builder<'d> {
    /// Reads the surfaces, and joins them with the releases that name them.
    pub(super) fn surfaces(&self, nodes: &[&'d Node], stack: &mut Stack) {
        let mut read: Vec<(SmolStr, Surface)> = Vec::new();
        for node in nodes {
            let Some(surface) = self.chart_surface(node) else { continue };
            let file = self.file_of(node);
            let same =
                |other: &&(SmolStr, Surface)| other.1.chart == surface.chart && other.1.version == surface.version;
            match read.iter().find(same) {
                Some((_, first)) => {
                    let what = format!("the surface of `{}` {}", surface.chart, surface.version);
                    self.declared_twice(surface.span, &what, first.span);
                }
                None => read.push((file, surface)),
            }
        }
        if self.diags.borrow().has_errors() {
            return; // a surface that is not there would only repeat it
        }
        self.named_surfaces(&read, stack);
        stack.surfaces = read.into_iter().map(|(file, surface)| Packed::new(file, surface)).collect();
    }

    /// The name of the file that a node stands in, without folders.
    fn file_of(&self, node: &Node) -> SmolStr {
        let source = self.sources.iter().find(|source| source.id == node.span.source);
        source.map_or("", |source| source.name.rsplit('/').next().unwrap_or_default()).into()
    }

    /// Reports releases that name a surface that there is not, and surfaces that no release names.
    fn named_surfaces(&self, read: &[(SmolStr, Surface)], stack: &Stack) {
        let releases = || stack.helm.iter().flat_map(|block| &block.releases);
        for release in releases().filter(|release| !release.surface.is_empty()) {
            let of = |found: &&(SmolStr, Surface)| found.1.chart == release.chart && found.1.version == release.version;
            let finding = match read.iter().find(of) {
                Some((file, _)) if *file == release.surface => continue,
                Some((file, surface)) => codes::UNKNOWN_SURFACE
                    .at(
                        release.span,
                        format!("`{}` holds no surface of `{}` {}", release.surface, release.chart, release.version),
                    )
                    .label(surface.span, "it stands here")
                    .hint(format!("write `surface=\"{file}\"`")),
                None => {
                    let other = read.iter().find(|(file, _)| *file == release.surface);
                    let finding = codes::UNKNOWN_SURFACE
                        .at(release.span, format!("no file says what `{}` {} reads", release.chart, release.version));
                    match other {
                        Some((_, other)) => finding
                            .label(other.span, format!("`{}` holds this one", release.surface))
                            .hint("name the chart and version that the surface was written from"),
                        None => finding.hint(format!(
                            "write `surface \"{}\" version=\"{}\" {{ … }}` into {}",
                            release.chart, release.version, release.surface
                        )),
                    }
                }
            };
            self.report(finding);
        }
        for (file, surface) in read {
            let is = |release: &crate::schema::Release| {
                release.surface == *file && release.chart == surface.chart && release.version == surface.version
            };
            let wrong = |release: &crate::schema::Release| release.surface == *file;
            if !releases().any(is) && !releases().any(wrong) {
                self.report(
                    codes::UNUSED_SURFACE
                        .at(
                            surface.span,
                            format!("no release names the surface of `{}` {}", surface.chart, surface.version),
                        )
                        .hint(format!("write `surface=\"{file}\"` at a release of that chart, or delete it")),
                );
            }
        }
    }

    fn chart_surface(&self, node: &'d Node) -> Option<Surface> {
        self.shape(node, Shape { arguments: 1, properties: &["version"], children: true });
        let chart = self.node_name(node);
        let version = self.required_word(node, "version");
        let root = ChartKey::new("".into(), None, node.name.span, KeyShape::Group);
        let surface = Surface {
            chart,
            version,
            span: node.name.span,
            keys: vec![root],
            workloads: Vec::new(),
            runs: Vec::new(),
            fixed: Vec::new(),
            unsaid: Vec::new(),
            found: Found::default(),
        };
        let mut charts = Charts { builder: self, fragments: IndexMap::new(), surface, pending: Vec::new() };
        charts.collect_fragments(node);
        charts.keys(&node.children, 0, &Within::default());
        charts.compile();
        charts.unused_fragments();
        if charts.surface.keys.len() == 1 && !self.diags.borrow().has_errors() {
            self.empty(node.span, "the surface lists no key", "add the keys that the chart's templates read");
        }
        Some(charts.surface)
    }
}

impl<'d> Charts<'_, 'd> {
    fn collect_fragments(&mut self, node: &'d Node) {
        for child in node.children.iter().filter(|child| child.annotation.is_none() && child.name.text == "fragment") {
            let builder = self.builder;
            if let Some(entry) = child.arguments().nth(1) {
                builder.report(
                    codes::STRAY_ARGUMENT.at(entry.span, "a fragment takes its name, and parameters as properties"),
                );
            }
            for (_, of) in child.properties() {
                if builder.plain(of, "the type of a parameter").is_some_and(|word| word != "string") {
                    builder.report(
                        codes::UNKNOWN_TYPE
                            .at(of.span, "a parameter of a surface's fragment is a `string`")
                            .hint("write `\"string\"`: it is filled into facts and conditions"),
                    );
                }
            }
            let name: &'d str = match child.arguments().next().map(|entry| &entry.value) {
                Some(Literal::String(text)) => text,
                _ => {
                    builder.node_name(child);
                    continue;
                }
            };
            let fragment = Fragment { node: child, used: Cell::new(false) };
            if let Some(first) = self.fragments.get(name) {
                builder.declared_twice(child.name.span, &format!("the fragment `{name}`"), first.node.name.span);
                continue;
            }
            self.fragments.insert(name, fragment);
        }
    }

    fn unused_fragments(&self) {
        if self.builder.diags.borrow().has_errors() {
            return;
        }
        for (name, fragment) in self.fragments.iter().filter(|(_, fragment)| !fragment.used.get()) {
            self.builder.report(
                codes::UNUSED_FRAGMENT
                    .at(fragment.node.span, format!("the fragment `{name}` is used nowhere"))
                    .hint("delete it"),
            );
        }
    }

    /// The nodes of a group, or of the whole surface.
    fn keys(&mut self, nodes: &'d [Node], parent: u32, within: &Within<'d>) {
        if within.depth > MAX_DEPTH || self.surface.keys.len() > MAX_KEYS {
            if let Some(node) = nodes.first().filter(|_| !self.builder.diags.borrow().has_errors()) {
                let message = format!("a surface has at most {MAX_KEYS} keys, nested at most {MAX_DEPTH} deep");
                self.builder.report(codes::TOO_LARGE.at(node.name.span, message));
            }
            return;
        }
        let within = Within { depth: within.depth + 1, ..within.clone() };
        for node in nodes {
            match node.annotation.as_ref().map(|name| name.text.as_str()) {
                Some("use") => self.used(node, parent, &within),
                Some("when") => self.when(node, parent, &within),
                None if parent == 0 && WORDS.contains(&node.name.text.as_str()) => self.word(node, &within),
                None => self.group(node, parent, &within),
                Some(of) => self.key(node, of, parent, &within),
            }
        }
    }

    /// Keys that the chart reads under a condition.
    fn when(&mut self, node: &'d Node, parent: u32, within: &Within<'d>) {
        self.builder.no_entries(node);
        self.builder.not_bare(node);
        let mut inner = within.clone();
        inner.conditions.push((Written::Name(&node.name), within.parameters.clone()));
        self.keys(&node.children, parent, &inner);
    }

    fn used(&mut self, node: &'d Node, parent: u32, within: &Within<'d>) {
        let builder = self.builder;
        let name = node.name.text.as_str();
        builder.entries(node, Shape { arguments: 0, properties: &all_properties(node), children: false });
        let Some(fragment) = self.fragments.get(name) else {
            let near = nearest(name, self.fragments.keys().copied()).map(|near| format!("did you mean `{near}`?"));
            builder.report(
                codes::UNKNOWN_FRAGMENT.at(node.name.span, format!("there is no fragment `{name}`")).maybe_hint(near),
            );
            return;
        };
        fragment.used.set(true);
        if within.fragments.iter().any(|around| around.as_str() == name) {
            builder.report(codes::FRAGMENT_CYCLE.at(node.name.span, format!("the fragment `{name}` uses itself")));
            return;
        }
        let fragment = fragment.node;
        let mut inner = within.clone();
        inner.parameters.clear();
        inner.fragments.push(name.into());
        for (parameter, _) in fragment.properties() {
            let Some(argument) = node.property(&parameter.text) else {
                builder.report(
                    codes::FRAGMENT_ARGUMENT
                        .at(node.name.span, format!("the fragment `{name}` needs `{}`", parameter.text))
                        .label(parameter.span, "declared here"),
                );
                return;
            };
            let Some(text) = builder.plain(argument, "an argument of a surface's fragment") else { return };
            inner.parameters.push((parameter.text.as_str().into(), within.filled(&text)));
        }
        for (name, _) in node.properties().filter(|(name, _)| fragment.property(&name.text).is_none()) {
            builder.report(
                codes::FRAGMENT_ARGUMENT
                    .at(name.span, format!("the fragment has no parameter `{}`", name.text))
                    .label(fragment.name.span, "declared here"),
            );
        }
        self.keys(&fragment.children, parent, &inner);
    }

    fn word(&mut self, node: &'d Node, within: &Within<'d>) {
        match node.name.text.as_str() {
            "runs" => self.runs(node, within),
            "fixed" => self.fixed(node, within),
            "unsaid" => self.unsaid(node, within),
            _ if !within.fragments.is_empty() => {
                self.builder.report(codes::MISPLACED.at(node.name.span, "a fragment stands in no other fragment"));
            }
            _ => {}
        }
    }

    fn runs(&mut self, node: &'d Node, within: &Within<'d>) {
        self.builder.shape(node, Shape { arguments: 1, properties: &["host", "when"], children: false });
        let name = within.filled(&self.builder.node_name(node));
        if let Some(entry) = node.arguments().next() {
            self.known_workload(&name, entry.span);
        }
        let at = self.surface.runs.len();
        self.conditions(node, within, Pending::Runs(at));
        if let Some(entry) = node.property("host") {
            self.pending.push((Pending::Host(at), Written::Entry(entry), within.clone()));
        }
        self.surface.runs.push(Runs { workload: name.into(), host: None, when: None, span: node.name.span });
    }

    fn fixed(&mut self, node: &'d Node, within: &Within<'d>) {
        self.builder.shape(node, Shape { arguments: Shape::MANY, properties: &["when"], children: false });
        let Some(entry) = node.arguments().next() else {
            self.builder.node_name(node);
            return;
        };
        let Some(fact) = self.valued(entry, within) else { return };
        let Some(value) = self.fixed_value(node, &fact, within) else { return };
        let at = self.surface.fixed.len();
        self.conditions(node, within, Pending::Fixed(at));
        if let Some(template) = node.arguments().nth(1).filter(|entry| is_template(entry)) {
            self.pending.push((Pending::Value(at), Written::Entry(template), within.clone()));
        }
        self.surface.fixed.push(Fixed { fact, value, when: None, span: node.name.span });
    }

    fn unsaid(&mut self, node: &'d Node, within: &Within<'d>) {
        let builder = self.builder;
        builder.shape(node, Shape { arguments: Shape::MANY, properties: &["because", "when"], children: false });
        let because = builder.because(node);
        if node.arguments().next().is_none() {
            builder.node_name(node);
        }
        let mut facts = Vec::new();
        for entry in node.arguments() {
            let Some(carry) = self.fact(entry, within) else { continue };
            if !carry.part.is_empty() {
                builder.report(
                    codes::BAD_FACT
                        .at(entry.span, format!("`unsaid` takes whole facts, `{}` is a part of one", carry.part))
                        .hint(format!("write `{}`", carry.fact)),
                );
                continue;
            }
            facts.push(carry.fact);
        }
        let Some(because) = because else { return };
        let at = self.surface.unsaid.len();
        self.conditions(node, within, Pending::Unsaid(at));
        self.surface.unsaid.push(Unsaid { facts, because, when: None, span: node.name.span });
    }

    /// The conditions of a node: those around it, and its own.
    fn conditions(&mut self, node: &'d Node, within: &Within<'d>, pending: Pending) {
        for (condition, parameters) in &within.conditions {
            let around = Within { parameters: parameters.clone(), ..within.clone() };
            self.pending.push((pending, *condition, around));
        }
        if let Some(entry) = node.property("when") {
            self.pending.push((pending, Written::Entry(entry), within.clone()));
        }
    }

    /// Adds a key; none if it was reported.
    fn add(&mut self, node: &'d Node, parent: u32, shape: KeyShape) -> Option<u32> {
        let name: SmolStr = node.name.text.as_str().into();
        if let Some(first) = self.surface.key(parent).children.get(&name) {
            let path = self.surface.path_of(*first);
            self.builder.declared_twice(node.name.span, &format!("the key `{path}`"), self.surface.key(*first).span);
            return None;
        }
        let number = self.push(name.clone(), parent, node, shape);
        self.surface.keys[parent as usize].children.insert(name, number);
        Some(number)
    }

    fn push(&mut self, name: SmolStr, parent: u32, node: &Node, shape: KeyShape) -> u32 {
        self.surface.keys.push(ChartKey::new(name, Some(parent), node.name.span, shape));
        self.surface.keys.len() as u32 - 1
    }

    fn group(&mut self, node: &'d Node, parent: u32, within: &Within<'d>) {
        let builder = self.builder;
        if !node.braces && node.arguments().next().is_some() {
            builder.report(
                codes::NO_TYPE
                    .at(node.name.span, format!("the key `{}` has no type", node.name.text))
                    .hint(format!("write it before the name, such as `(int){}`", node.name.text)),
            );
            return;
        }
        builder.entries(node, Shape { arguments: 0, properties: &["when"], children: true });
        if node.children.is_empty() {
            let hint = "list the keys below it, or write `(any)` before the name if the chart hands it on whole";
            builder.empty(node.span, format!("the group `{}` holds no key", node.name.text), hint);
        }
        let Some(number) = self.add(node, parent, KeyShape::Group) else { return };
        self.conditions(node, within, Pending::Key(number));
        self.keys(&node.children, number, &Within { conditions: Vec::new(), ..within.clone() });
    }

    fn key(&mut self, node: &'d Node, of: &'d str, parent: u32, within: &Within<'d>) {
        const COMMON: &[&str] = &["carries", "when", "tpl", "required", "says"];
        match of {
            "dead" => {
                self.builder.entries(node, Shape { arguments: 0, properties: &["because"], children: false });
                let because = self.builder.because(node).unwrap_or_default();
                self.add(node, parent, KeyShape::Dead(because));
            }
            "any" => {
                let properties: Vec<&str> = COMMON.iter().copied().chain(["default"]).collect();
                self.builder.entries(node, Shape { arguments: 0, properties: &properties, children: true });
                let Some(number) = self.add(node, parent, KeyShape::Any) else { return };
                self.surface.keys[number as usize].default = self.default(node, "any", &Attributes::default());
                self.common(node, number, within);
                self.below(node, number, within);
            }
            "list" | "map" => self.collection(node, of, parent, within),
            _ => {
                let Some((scalar, attributes)) = self.scalar(node, of) else { return };
                let shape = KeyShape::Scalar(scalar.into(), attributes.clone().into());
                let Some(number) = self.add(node, parent, shape) else { return };
                self.surface.keys[number as usize].default = self.default(node, scalar, &attributes);
                self.common(node, number, within);
                for child in node.children.iter().filter(|child| !is_carries(child)) {
                    self.builder.unknown_node(child, &["carries"], "a key with one value");
                }
            }
        }
    }

    /// The keys among the children of a key.
    fn below(&mut self, node: &'d Node, number: u32, within: &Within<'d>) {
        let within = Within { depth: within.depth + 1, conditions: Vec::new(), ..within.clone() };
        for child in node.children.iter().filter(|child| !is_carries(child)) {
            self.keys(std::slice::from_ref(child), number, &within);
        }
    }

    fn collection(&mut self, node: &'d Node, of: &str, parent: u32, within: &Within<'d>) {
        let builder = self.builder;
        let keys = node.children.iter().any(|child| !is_carries(child));
        let mut properties = vec!["carries", "when", "tpl", "required", "says", "of", "min", "max", "schemes"];
        properties.extend((of == "list").then_some("by"));
        builder.only_properties(node, &properties);
        let by = node.property("by").filter(|_| of == "list");
        let item = match (node.property("of"), keys) {
            (Some(entry), _) if by.is_some() => {
                let message =
                    format!("the items of `{}` are known by their names, others are anything", node.name.text);
                builder.report(codes::DOES_NOT_FIT.at(entry.span, message).hint("delete `of`"));
                return;
            }
            (None, true) if by.is_some() => KeyShape::Any,
            (Some(entry), _) => {
                let Some(word) = builder.plain(entry, "`of`") else { return };
                match word.as_str() {
                    "any" => KeyShape::Any,
                    word => {
                        let Some(scalar) = self.scalar_name(word, entry.span) else { return };
                        let Some(attributes) = builder.attributes(node, scalar, None) else { return };
                        KeyShape::Scalar(scalar.into(), attributes.into())
                    }
                }
            }
            (None, true) => KeyShape::Group,
            (None, false) => {
                builder.report(
                    codes::NO_ITEM_TYPE
                        .at(node.name.span, format!("`{}` does not say what it holds", node.name.text))
                        .hint("write `of=\"string\"`, `of=\"any\"`, or the keys of an item in braces"),
                );
                return;
            }
        };
        let named = by.is_some() || matches!((of, &item), ("map", KeyShape::Any | KeyShape::Scalar(..)));
        if let Some(child) =
            node.children.iter().find(|child| !is_carries(child)).filter(|_| node.property("of").is_some() && !named)
        {
            builder.unknown_node(child, &["carries"], "a list of values");
            return;
        }
        let Some(number) = self.add(node, parent, KeyShape::Group) else { return };
        let item = self.push("*".into(), number, node, item);
        self.surface.keys[number as usize].shape =
            if of == "list" { KeyShape::List(item) } else { KeyShape::Map(item) };
        self.common(node, number, within);
        self.below(node, if named { number } else { item }, within);
        if let Some(by) = by.and_then(|entry| builder.plain(entry, "`by`")) {
            self.items_by(&by, node, number);
        }
    }

    /// Items of a list that are known by the text of a key, which each of them has.
    fn items_by(&mut self, by: &str, node: &'d Node, list: u32) {
        let items: Vec<u32> = self.surface.key(list).children.values().copied().collect();
        for item in items {
            let key = self.surface.key(item);
            match key.shape {
                KeyShape::Group if key.children.get(by).is_none() => {
                    let number = self.push(
                        by.into(),
                        item,
                        node,
                        KeyShape::Scalar("string".into(), Attributes::default().into()),
                    );
                    self.surface.keys[item as usize].children.insert(by.into(), number);
                }
                KeyShape::Group | KeyShape::Any => {}
                _ => {
                    let message = format!("the item `{}` is no map, so it has no `{by}`", key.name);
                    let hint = "with `by`, what stands in braces are items by their names: `NAME { (string)value }`";
                    self.builder.report(codes::DOES_NOT_FIT.at(key.span, message).hint(hint));
                }
            }
        }
        self.surface.keys[list as usize].by = Some(by.into());
    }

    /// `carries`, `when`, `tpl`, `required`, `says`.
    fn common(&mut self, node: &'d Node, number: u32, within: &Within<'d>) {
        self.conditions(node, within, Pending::Key(number));
        if let Some(entry) = node.property("tpl") {
            self.surface.keys[number as usize].template = self.builder.flag(entry);
        }
        if let Some(entry) = node.property("required") {
            self.surface.keys[number as usize].required = self.builder.flag(entry);
        }
        if let Some(entry) = node.property("says") {
            self.surface.keys[number as usize].says = self.says(entry, within).map(Box::new);
        }
        if let Some(entry) = node.property("carries") {
            self.carry(entry, number, 0, None, within);
        }
        for child in node.children.iter().filter(|child| is_carries(child)) {
            self.builder.shape(child, Shape { arguments: Shape::MANY, properties: &["when", "plus"], children: false });
            let plus = child.property("plus").map_or(0, |entry| self.whole(entry));
            if child.arguments().next().is_none() {
                self.builder.report(codes::ONE_VALUE.at(child.name.span, "`carries` names no fact"));
            }
            for entry in child.arguments() {
                self.carry(entry, number, plus, child.property("when"), within);
            }
        }
    }

    fn carry(&mut self, entry: &'d Entry, number: u32, plus: i64, when: Option<&'d Entry>, within: &Within<'d>) {
        let Some(mut carry) = self.valued(entry, within) else { return };
        carry.plus = plus;
        self.fits(entry, &carry, number);
        let key = &mut self.surface.keys[number as usize];
        key.carries.push(carry);
        let at = key.carries.len() - 1;
        if let Some(when) = when {
            self.pending.push((Pending::Carry(number, at), Written::Entry(when), within.clone()));
        }
    }

    fn whole(&self, entry: &Entry) -> i64 {
        match entry.value {
            Literal::Integer(number) if entry.annotation.is_none() => i64::try_from(number).unwrap_or_default(),
            _ => {
                self.builder
                    .report(codes::DOES_NOT_FIT.at(entry.span, "`plus` is a whole number").hint("write `plus=1`"));
                0
            }
        }
    }

    fn scalar(&self, node: &'d Node, of: &str) -> Option<(&'static str, Attributes)> {
        let span = node.annotation.as_ref().map_or(node.span, |name| name.span);
        let scalar = self.scalar_name(of, span)?;
        self.builder
            .only_properties(node, &["default", "carries", "when", "tpl", "required", "says", "min", "max", "schemes"]);
        self.builder.attributes(node, scalar, None).map(|attributes| (scalar, attributes))
    }

    fn scalar_name(&self, name: &str, span: crate::source::Span) -> Option<&'static str> {
        let found = value::scalar(name).map(|scalar| scalar.name);
        if found.is_none() {
            let known = value::SCALARS.iter().map(|row| row.name).chain(TYPE_WORDS.iter().copied());
            let near = nearest(name, known).map(|near| format!("did you mean `{near}`?"));
            self.builder
                .report(codes::UNKNOWN_TYPE.at(span, format!("there is no type `{name}` of keys")).maybe_hint(near));
        }
        found
    }

    /// The chart's own value. Empty text is legal for every type of text: it is how charts say that there is none.
    fn default(&self, node: &'d Node, scalar: &str, attributes: &Attributes) -> Option<Value> {
        let entry = node.property("default")?;
        let of = value::scalar(scalar)?;
        let raw = raw(entry, self.builder.sources);
        if entry.annotation.is_some() || entry.value == Literal::Null {
            self.builder.report(
                codes::DOES_NOT_FIT
                    .at(entry.span, "the chart's own value is a constant")
                    .hint("delete it if there is none"),
            );
            return None;
        }
        if raw == value::Raw::String("") {
            return Some(Value::string(""));
        }
        match value::parse(of, &raw, attributes) {
            Ok(value) => Some(value),
            Err(bad) => {
                self.builder.report(bad_value(bad, entry.span));
                None
            }
        }
    }

    /// What a key has to say: a constant, or an expression over settings.
    fn says(&self, entry: &Entry, within: &Within<'d>) -> Option<Expr> {
        let form = match entry.annotation.as_ref().map(|name| name.text.as_str()) {
            Some("ref") => expr::Form::Path,
            Some("f") => expr::Form::Template,
            Some("cel") => expr::Form::Cel,
            _ => return self.builder.value(entry, None, &Scope::default()),
        };
        let Literal::String(text) = &entry.value else {
            return self.builder.value(entry, None, &Scope::default());
        };
        let text = within.filled(text);
        self.builder.compiled(&text, entry.span, form, Some(&expr::Type::Any), &Scope::default()).map(|(expr, _)| expr)
    }

    /// Reads what needs to know all keys.
    fn compile(&mut self) {
        for (pending, written, within) in std::mem::take(&mut self.pending) {
            let expr = match pending {
                Pending::Host(_) | Pending::Value(_) => self.template(written, &within),
                _ => self.condition(written, &within),
            };
            if let Some(expr) = expr {
                self.place(pending, expr);
            }
        }
    }

    fn place(&mut self, pending: Pending, expr: Expr) {
        let surface = &mut self.surface;
        let when = match pending {
            Pending::Key(key) => {
                let when = &mut surface.keys[key as usize].when;
                return *when = Some(Box::new(with(when.take().map(|before| *before), expr)));
            }
            Pending::Carry(key, at) => &mut surface.keys[key as usize].carries[at].when,
            Pending::Runs(at) => &mut surface.runs[at].when,
            Pending::Host(at) => &mut surface.runs[at].host,
            Pending::Fixed(at) => &mut surface.fixed[at].when,
            Pending::Unsaid(at) => &mut surface.unsaid[at].when,
            Pending::Value(at) => return surface.fixed[at].value = expr,
        };
        *when = Some(with(when.take(), expr));
    }
}

/// A condition that holds where both do.
fn with(before: Option<Expr>, expr: Expr) -> Expr {
    let Some(before) = before else { return expr };
    let span = expr.span;
    Expr { kind: expr::Kind::Binary(expr::Operator::And, Box::new(before), Box::new(expr)), span }
}

fn is_carries(node: &Node) -> bool {
    node.annotation.is_none() && node.name.text == "carries"
}

pub(super) fn is_template(entry: &Entry) -> bool {
    entry.annotation.as_ref().is_some_and(|name| name.text == "f")
}

fn all_properties(node: &Node) -> Vec<&str> {
    node.properties().map(|(name, _)| name.text.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use crate::{
        diag::Diags,
        schema::load,
        source::{Source, SourceId},
    };

    const STACK: &str = r#"
stack "shop" version="1" {
    settings { (int)replicas default=1; (duration)pause default="5s" }
    workload "shop" { image "acme/shop:1"; replicas (ref)"replicas"; port "http" 80 }
    helm "shop" { release "shop" chart="shop" version="1" surface="chart.kdl" file="values.yaml" { values { replicas (ref)"replicas" } } }
}
"#;

    /// The codes of the findings, with what each points to.
    fn found(body: &str) -> Vec<(String, String)> {
        let source = |id, name: &str, text: String| {
            std::sync::Arc::new(Source { id: SourceId(id), name: name.to_owned(), text })
        };
        let chart = format!("surface \"shop\" version=\"1\" {{\n{body}\n}}\n");
        let texts = [source(1, "shop/chart.kdl", chart), source(2, "shop/stack.kdl", STACK.to_owned())];
        let mut diags = Diags::default();
        let _ = load::load("shop", &texts, &[], &mut diags);
        let at =
            |finding: &crate::diag::Finding| texts[finding.span.source.0 as usize - 1].slice(finding.span).to_owned();
        diags.as_slice().iter().map(|finding| (finding.code.id.to_owned(), at(finding))).collect()
    }

    #[test]
    fn what_is_wrong_in_a_surface_is_found_at_its_word() {
        let cases = [
            (r#"(int)a; (int)a"#, "TL0402", "a"),
            (r#"(intt)a"#, "TL0406", "intt"),
            (r#"(int)a default="x""#, "TL0204", "\"x\""),
            (r#"(int)a default=#null"#, "TL0448", "#null"),
            (r#"(int)a size=3"#, "TL0127", "size"),
            (r#"a 3"#, "TL0443", "a"),
            (r#"a {}"#, "TL0442", "a {}"),
            (r#"(list)a"#, "TL0408", "a"),
            (r#"(list)a of="int" { (int)b }"#, "TL0401", "b"),
            (r#"(list)a by="name""#, "TL0408", "a"),
            (r#"(list)a by="name" of="any" { b { (int)c } }"#, "TL0448", "\"any\""),
            (r#"(list)a by="name" { (int)b }"#, "TL0448", "b"),
            (r#"(map)a by="name" { b { (int)c } }"#, "TL0127", "by"),
            (r#"(int)a { (int)b }"#, "TL0401", "b"),
            (r#"(dead)a"#, "TL0125", "a"),
            (r#"(int)a when="b > 1""#, "TL0301", "b"),
            (r#"(int)a; (int)b when="a""#, "TL0307", "a"),
            (r#"(dead)a because="nobody reads it at all"; (int)b when="a""#, "TL0301", "a"),
            (r#"(int)a { carries }"#, "TL0432", "carries"),
            (r#"(int)a carries="shop""#, "TL0904", "\"shop\""),
            (r#"(int)a carries="shopp replicas""#, "TL0434", "\"shopp replicas\""),
            (r#"(int)a carries="shop replicaz""#, "TL0904", "\"shop replicaz\""),
            (r#"(int)a carries="shop replicas[x]""#, "TL0904", "\"shop replicas[x]\""),
            (r#"(int)a carries="shop port""#, "TL0904", "\"shop port\""),
            (r#"(int)a carries="shop port[http""#, "TL0904", "\"shop port[http\""),
            (r#"(int)a carries="shop port[http].number""#, "TL0904", "\"shop port[http].number\""),
            (r#"(int)a carries="shop port[http].publish""#, "TL0904", "\"shop port[http].publish\""),
            (r#"(int)a carries="shop resources""#, "TL0904", "\"shop resources\""),
            (r#"(bool)a carries="shop replicas""#, "TL0905", "\"shop replicas\""),
            (r#"(seconds)a carries="shop health[liveness].period""#, "TL0905", "\"shop health[liveness].period\""),
            (r#"(int)a carries="setting pauze""#, "TL0904", "\"setting pauze\""),
            (r#"(int)a { carries "shop replicas" plus="1" }"#, "TL0448", "\"1\""),
            (r#"fixed "shop port[http]""#, "TL0432", "fixed"),
            (r#"fixed "shop port[http]" "eighty""#, "TL0204", "\"eighty\""),
            (r#"fixed "shop env[A]" (workload)"db""#, "TL0434", "\"db\""),
            (r#"fixed "shop env[A]" (f)"{b}""#, "TL0301", "b"),
            (r#"unsaid "shop image.tag" because="it cannot say that""#, "TL0904", "\"shop image.tag\""),
            (r#"unsaid "shop image""#, "TL0125", "unsaid"),
            (r#"runs "db""#, "TL0434", "\"db\""),
            (r#"(int)a; (use)"x""#, "TL0422", "\"x\""),
            (r#"fragment "x" p="string" { (int)b }; (use)"x""#, "TL0424", "\"x\""),
            (r#"fragment "x" { (use)"x" }; (use)"x""#, "TL0423", "\"x\""),
            (r#"fragment "x" { (int)b }; (int)a"#, "TL0425", r#"fragment "x" { (int)b }"#),
            ("", "TL0442", "surface \"shop\" version=\"1\" {\n\n}"),
        ];
        let differs = |(body, code, at): &(&str, &str, &str)| found(body) != [((*code).to_owned(), (*at).to_owned())];
        let wrong = cases.into_iter().filter(differs).map(|(body, ..)| format!("{body}\n    {:?}\n", found(body)));
        assert_eq!(wrong.collect::<String>(), "");
    }

    #[test]
    fn conditions_parts_and_fragments_are_read() {
        let body = r#"
            fragment "image" workload="string" { (image-repository)repository carries="{workload} image.repository"; (string)tag carries="{workload} image.version" }
            (bool)on default=#true
            image { (use)"image" workload="shop" }
            (when)"on" { (int)replicas default=0 { carries "shop replicas" plus=1 when="replicas > 0" }; more { (int)deep when="!on" } }
            (any)pod { (list)hosts of="host"; (map)labels of="string" { (name)app } }
            (seconds)pause carries="setting pause.seconds"
            (list)containers by="name" { main { (list)env by="name" { A { (string)name; (string)value }; (any)B } } }
            (enum)kind "a" "b" default="" when="kind != ''"
            runs "shop" host=(f)"{workload.shop}-{kind}"
        "#;
        assert_eq!(found(body), []);
    }
}
