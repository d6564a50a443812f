//! Templates, run without values: what `.`, `$` and every variable may point at, and which keys that reads.
//!
//! In: a [`Chart`] with the charts in it. Out: [`Reads`], and what could not be followed.
//! Never: a value that somebody would set; every branch is taken.
//! Invariant: it ends, after at most [`MOST_STEPS`] operands; where it gives up, that is said.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use super::{
    files::{Chart, File},
    parse::{self, Base, Command, Item, Operand, Pipeline},
    reads::{Hint, NodeId, Reads, Step, Use},
    yaml::{Kind, Node},
};
use crate::{
    diag::{
        Diags,
        codes::{CHART_BAD_TEMPLATE, CHART_LIMIT, CHART_NO_TEMPLATE},
    },
    source::{SourceId, Span},
};

/// Operands that are looked at, over all templates.
const MOST_STEPS: u32 = 300_000;
/// Named templates that may be under way at once.
const DEEPEST: usize = 60;
/// Things that a value may be at once.
const MOST_ATOMS: usize = 64;
/// Maps and lists that templates may make.
const MOST_MADE: usize = 200_000;
/// Items that a list keeps apart.
const MOST_ITEMS: usize = 64;

/// What a value may be; nothing is "nobody knows, and no key of the values".
pub(super) type Value = BTreeSet<Atom>;

/// One thing that a value may be.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Atom {
    /// What a chart's templates are given: `.Values`, `.Release`, `.Chart` and so on.
    Root(usize),
    /// `.Chart`
    Description(usize),
    /// `.Subcharts`
    Subcharts(usize),
    /// The value of a key.
    Key(NodeId),
    /// Text that was made of the value of a key.
    Rendered(NodeId),
    /// A known text.
    Text(Rc<str>),
    /// A known number.
    Number(i64),
    /// A map that a template made.
    Dict(usize),
    /// A list that a template made.
    List(usize),
}

/// A chart under one of its keys.
struct Scope<'c> {
    chart: &'c Chart,
    /// Its values.
    values: NodeId,
    /// The charts in it, by key.
    parts: BTreeMap<&'c str, usize>,
}

/// A named template, and where it stands.
#[derive(Clone)]
struct Named {
    body: Rc<Vec<Item>>,
    here: Here,
}

/// Where places in a text are.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Here {
    /// In this text.
    Source(SourceId),
    /// All at one place: the text is a value of another file.
    Fixed(Span),
}

/// A running template.
pub(super) struct Frame {
    here: Here,
    dot: Value,
    dollar: Value,
    variables: Vec<(String, Value)>,
    /// Keys whose values were printed.
    rendered: Value,
}

/// What the walk found.
pub(super) struct Walked {
    /// The keys.
    pub(super) reads: Reads,
    /// The templates that could not be read whole, by path.
    pub(super) unread: Vec<String>,
    /// Whether the walk was given up.
    pub(super) incomplete: bool,
}

/// A map that a template made.
#[derive(Default)]
pub(super) struct Dict {
    /// What each key holds.
    pub(super) known: BTreeMap<Rc<str>, Value>,
    /// What keys hold whose names are not known.
    pub(super) rest: Value,
}

/// A list that a template made.
pub(super) struct List {
    /// Its items; one, where only is known what any item may be.
    pub(super) items: Vec<Value>,
    /// Whether the items are known one by one.
    pub(super) exact: bool,
}

/// The walk.
pub(super) struct Walker<'c, 'd> {
    scopes: Vec<Scope<'c>>,
    pub(super) reads: Reads,
    pub(super) dicts: Vec<Dict>,
    pub(super) lists: Vec<List>,
    /// What templates put into values with `set`.
    pub(super) put: BTreeMap<(Atom, Rc<str>), Value>,
    named: BTreeMap<String, Named>,
    done: BTreeMap<(String, Value), Value>,
    active: Vec<String>,
    texts: BTreeSet<(NodeId, Value)>,
    /// Maps and lists of which everything is read already.
    escaped: Value,
    defaults: &'c Node,
    steps: u32,
    /// Whether a part of the chart could not be read, which may hold named templates.
    has_unseen: bool,
    unread: Vec<String>,
    pub(super) diags: &'d mut Diags,
}

/// Walks all templates of a chart and of the charts in it.
pub(super) fn walk(chart: &Chart, defaults: &Node, diags: &mut Diags) -> Walked {
    let mut walker = Walker {
        scopes: Vec::new(),
        reads: Reads::new(),
        dicts: Vec::new(),
        lists: Vec::new(),
        put: BTreeMap::new(),
        named: BTreeMap::new(),
        done: BTreeMap::new(),
        active: Vec::new(),
        texts: BTreeSet::new(),
        escaped: Value::new(),
        defaults,
        steps: 0,
        has_unseen: false,
        unread: Vec::new(),
        diags,
    };
    walker.scope(chart, Reads::root());
    let bodies = walker.templates(chart);
    for at in 0..walker.scopes.len() {
        let chart = walker.scopes[at].chart;
        for file in chart.templates.iter().filter(|file| !chart.library && !is_partial(&file.path)) {
            let Some(body) = bodies.get(file.path.as_str()) else { continue };
            let root = one(Atom::Root(at));
            walker.body_with(&body.clone(), Here::Source(file.source.id), root.clone(), root);
        }
    }
    if walker.reads.full {
        walker.diags.push(CHART_LIMIT.at(chart.at, "the chart reads more keys than are kept apart"));
    }
    let incomplete = walker.steps >= MOST_STEPS;
    Walked { reads: walker.reads, unread: walker.unread, incomplete }
}

/// Whether a file only holds named templates.
fn is_partial(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|name| name.starts_with('_'))
}

/// A value that is one thing.
pub(super) fn one(atom: Atom) -> Value {
    Value::from([atom])
}

impl<'c> Walker<'c, '_> {
    /// Makes a chart and those in it known, and marks what Helm itself reads.
    fn scope(&mut self, chart: &'c Chart, values: NodeId) -> usize {
        let at = self.scopes.len();
        self.scopes.push(Scope { chart, values, parts: BTreeMap::new() });
        for (way, span) in &chart.switches {
            let node = way.iter().fold(values, |node, key| self.reads.key(node, key));
            self.reads.mark(node, Use::Test, *span);
        }
        for (key, way, span) in &chart.imports {
            let node = self.reads.key(values, key);
            let node = way.iter().fold(node, |node, key| self.reads.key(node, key));
            self.reads.mark(node, Use::Whole, *span);
        }
        for part in &chart.parts {
            let node = self.reads.key(values, &part.key);
            match &part.chart {
                Some(inner) => {
                    let inner = self.scope(inner, node);
                    self.scopes[at].parts.insert(&part.key, inner);
                }
                None => {
                    self.has_unseen = true;
                    let global = self.reads.key(Reads::root(), "global");
                    let why = format!("the chart under this key is not read: {}", part.why);
                    self.reads.unseen(node, &why, part.at);
                    self.reads.unseen(global, "a chart that is not read may read it", part.at);
                }
            }
        }
        at
    }

    /// Takes all templates apart; returns what stands outside of named ones, by path.
    fn templates(&mut self, chart: &Chart) -> BTreeMap<String, Rc<Vec<Item>>> {
        let mut files: BTreeMap<(usize, &str), &File> = BTreeMap::new();
        gather(chart, &mut files);
        let mut bodies = BTreeMap::new();
        // Of two named templates with one name the one nearer to the outermost chart counts, as for Helm.
        for file in files.into_values() {
            let parsed = parse::parse(&file.source.text);
            if !parsed.wrong.is_empty() {
                self.unread.push(file.path.clone());
            }
            for wrong in parsed.wrong {
                let span = Span::new(file.source.id, wrong.range.start, wrong.range.end);
                self.diags.push(
                    CHART_BAD_TEMPLATE.at(span, format!("this part of the template cannot be read: {}", wrong.message)),
                );
            }
            let here = Here::Source(file.source.id);
            for define in parsed.defines {
                self.named.entry(define.name).or_insert_with(|| Named { body: Rc::new(define.body), here });
            }
            bodies.insert(file.path.clone(), Rc::new(parsed.items));
        }
        bodies
    }

    /// Runs a template; returns what it prints.
    fn body_with(&mut self, body: &Rc<Vec<Item>>, here: Here, dot: Value, dollar: Value) -> Value {
        let mut frame = Frame { here, dot, dollar, variables: Vec::new(), rendered: Value::new() };
        self.body(body, &mut frame);
        frame.rendered
    }

    fn body(&mut self, items: &[Item], frame: &mut Frame) {
        let depth = frame.variables.len();
        for item in items {
            self.item(item, frame);
        }
        frame.variables.truncate(depth);
    }

    fn item(&mut self, item: &Item, frame: &mut Frame) {
        let depth = frame.variables.len();
        match item {
            Item::Action(pipeline) => {
                let value = self.pipeline(pipeline, frame);
                if pipeline.variables.is_empty() {
                    let printed = self.text(&value, span(frame, &pipeline.range));
                    self.join(&mut frame.rendered, printed);
                }
                return;
            }
            Item::If(pipeline, then, otherwise) => {
                let value = self.pipeline(pipeline, frame);
                self.consume(&value, Use::Test, span(frame, &pipeline.range));
                self.body(then, frame);
                self.body(otherwise, frame);
            }
            Item::With(pipeline, then, otherwise) => {
                let value = self.pipeline(pipeline, frame);
                self.consume(&value, Use::Test, span(frame, &pipeline.range));
                let outer = std::mem::replace(&mut frame.dot, value);
                self.body(then, frame);
                frame.dot = outer;
                self.body(otherwise, frame);
            }
            Item::Range(pipeline, body, otherwise) => self.range(pipeline, body, otherwise, frame),
            Item::Template(name, context) => {
                let context = context.as_ref().map(|context| self.pipeline(context, frame)).unwrap_or_default();
                let at = context_span(frame, item);
                let printed = self.include(name, context, at);
                self.join(&mut frame.rendered, printed);
            }
        }
        frame.variables.truncate(depth);
    }

    fn range(&mut self, pipeline: &Pipeline, body: &[Item], otherwise: &[Item], frame: &mut Frame) {
        let quiet = Pipeline { variables: Vec::new(), ..pipeline.clone() };
        let list = self.pipeline(&quiet, frame);
        let item = self.items(&list, span(frame, &pipeline.range));
        let key = self.keys_of(&list);
        let names = pipeline.variables.as_slice();
        let values: Vec<Value> = if names.len() > 1 { vec![key, item.clone()] } else { vec![item.clone()] };
        for (name, value) in names.iter().zip(values) {
            self.assign(name, value, pipeline.declares, frame);
        }
        let outer = std::mem::replace(&mut frame.dot, item);
        // Twice, because a variable that is assigned at the end of a round is read at the beginning of the next.
        self.body(body, frame);
        if assigns(body) {
            self.body(body, frame);
        }
        frame.dot = outer;
        self.body(otherwise, frame);
    }

    fn assign(&mut self, name: &str, value: Value, declares: bool, frame: &mut Frame) {
        let found = frame.variables.iter().rposition(|(known, _)| known == name);
        match found {
            // Which branch ran is not known, so a variable may still be what it was.
            Some(at) if !declares => {
                let mut before = std::mem::take(&mut frame.variables[at].1);
                self.join(&mut before, value);
                frame.variables[at].1 = before;
            }
            _ => frame.variables.push((name.to_owned(), value)),
        }
    }

    /// The value of a pipeline. Variables are set; what it prints is for the caller.
    pub(super) fn pipeline(&mut self, pipeline: &Pipeline, frame: &mut Frame) -> Value {
        let mut value = None;
        for command in &pipeline.commands {
            value = Some(self.command(command, value, frame));
        }
        let value = value.unwrap_or_default();
        if let [name] = pipeline.variables.as_slice() {
            self.assign(name, value.clone(), pipeline.declares, frame);
        }
        value
    }

    fn command(&mut self, command: &Command, piped: Option<Value>, frame: &mut Frame) -> Value {
        let Some((first, rest)) = command.split_first() else { return Value::new() };
        self.steps += 1;
        if self.steps >= MOST_STEPS {
            self.give_up(span(frame, &first.range));
            return Value::new();
        }
        let Base::Function(name) = &first.base else {
            let value = self.operand(first, frame);
            if rest.is_empty() && piped.is_none() {
                return value;
            }
            // A method, such as `.Files.Get "x"`.
            for operand in rest {
                let argument = self.operand(operand, frame);
                self.consume(&argument, Use::Scalar, span(frame, &operand.range));
            }
            return Value::new();
        };
        let mut arguments: Vec<Value> = rest.iter().map(|operand| self.operand(operand, frame)).collect();
        arguments.extend(piped);
        let value = self.call(name, arguments, span(frame, &first.range));
        first.fields.iter().fold(value, |value, field| self.field(&value, field))
    }

    fn operand(&mut self, operand: &Operand, frame: &mut Frame) -> Value {
        let value = match &operand.base {
            Base::Dot => frame.dot.clone(),
            Base::Variable(name) if name.is_empty() => frame.dollar.clone(),
            Base::Variable(name) => {
                let found = frame.variables.iter().rev().find(|(known, _)| known == name);
                found.map(|(_, value)| value.clone()).unwrap_or_default()
            }
            Base::Function(name) => self.call(name, Vec::new(), span(frame, &operand.range)),
            Base::Text(text) => one(Atom::Text(text.as_str().into())),
            Base::Number(text) => text.parse().ok().map(|number| one(Atom::Number(number))).unwrap_or_default(),
            Base::Constant => Value::new(),
            Base::Pipeline(inner) => self.pipeline(inner, frame),
        };
        operand.fields.iter().fold(value, |value, field| self.field(&value, field))
    }

    fn give_up(&mut self, at: Span) {
        self.diags
            .push(CHART_LIMIT.at(at, format!("the templates are not followed further: {MOST_STEPS} steps are done")));
        self.steps = MOST_STEPS;
    }

    /// A field of what a value may be.
    pub(super) fn field(&mut self, value: &Value, name: &str) -> Value {
        let mut found = Value::new();
        for atom in value {
            let more = self.field_of(atom, name);
            self.join(&mut found, more);
            let put = self.put.get(&(atom.clone(), name.into())).cloned().unwrap_or_default();
            self.join(&mut found, put);
        }
        found
    }

    fn field_of(&mut self, atom: &Atom, name: &str) -> Value {
        match atom {
            Atom::Root(scope) => match name {
                "Values" => one(Atom::Key(self.scopes[*scope].values)),
                "Chart" => one(Atom::Description(*scope)),
                "Subcharts" => one(Atom::Subcharts(*scope)),
                _ => Value::new(),
            },
            Atom::Subcharts(scope) => {
                self.scopes[*scope].parts.get(name).map(|part| one(Atom::Root(*part))).unwrap_or_default()
            }
            Atom::Description(scope) => {
                let chart = self.scopes[*scope].chart;
                match name {
                    "Name" => one(Atom::Text(chart.name.as_str().into())),
                    "Version" => one(Atom::Text(chart.version.as_str().into())),
                    "AppVersion" => one(Atom::Text(chart.app_version.as_str().into())),
                    _ => Value::new(),
                }
            }
            Atom::Key(node) => one(Atom::Key(self.key(*node, name))),
            Atom::Dict(at) => {
                let dict = &self.dicts[*at];
                let mut found = dict.known.get(name).cloned().unwrap_or_default();
                let rest = dict.rest.clone();
                self.join(&mut found, rest);
                found
            }
            _ => Value::new(),
        }
    }

    /// A key of a key; `global` of any chart's values is that of the outermost chart.
    pub(super) fn key(&mut self, node: NodeId, name: &str) -> NodeId {
        let is_values = node != Reads::root() && self.scopes.iter().any(|scope| scope.values == node);
        if name == "global" && is_values {
            return self.reads.key(Reads::root(), "global");
        }
        self.reads.key(node, name)
    }

    /// What an item of a value may be; the value is marked as walked over.
    pub(super) fn items(&mut self, value: &Value, at: Span) -> Value {
        let mut found = Value::new();
        for atom in value {
            let more = match atom {
                Atom::Key(node) => {
                    self.reads.mark(*node, Use::Items, at);
                    one(Atom::Key(self.reads.step(*node, Step::Each)))
                }
                Atom::Rendered(_) => one(atom.clone()),
                Atom::List(list) => {
                    let mut all = Value::new();
                    let items = self.lists[*list].items.clone();
                    items.into_iter().for_each(|item| self.join(&mut all, item));
                    all
                }
                Atom::Dict(dict) => {
                    let mut all = self.dicts[*dict].rest.clone();
                    let known: Vec<Value> = self.dicts[*dict].known.values().cloned().collect();
                    known.into_iter().for_each(|item| self.join(&mut all, item));
                    all
                }
                _ => Value::new(),
            };
            self.join(&mut found, more);
        }
        found
    }

    /// What the keys of a value may be, as far as they are known.
    pub(super) fn keys_of(&self, value: &Value) -> Value {
        let dicts = value.iter().filter_map(|atom| match atom {
            Atom::Dict(dict) => Some(&self.dicts[*dict]),
            _ => None,
        });
        dicts.flat_map(|dict| dict.known.keys()).map(|key| Atom::Text(key.clone())).collect()
    }

    /// Adds what a value may also be. What is too much is treated as read whole.
    pub(super) fn join(&mut self, value: &mut Value, more: Value) {
        for atom in more {
            if value.len() < MOST_ATOMS {
                value.insert(atom);
            } else if !value.contains(&atom) {
                self.escape(&one(atom), Span::default());
            }
        }
    }

    /// Adds an item to a list that a template makes.
    pub(super) fn pushed(&mut self, list: &Value, item: &Value, at: Span) -> Value {
        if let Some(Atom::List(found)) = list.first()
            && list.len() == 1
            && self.lists[*found].exact
            && self.lists[*found].items.len() < MOST_ITEMS
        {
            let mut items = self.lists[*found].items.clone();
            if items.last() != Some(item) {
                items.push(item.clone());
            }
            return self.new_list(items, true);
        }
        let mut all = self.items(list, at);
        self.join(&mut all, item.clone());
        self.new_list(vec![all], false)
    }

    /// A list that a template makes.
    pub(super) fn new_list(&mut self, items: Vec<Value>, exact: bool) -> Value {
        if self.has_room(&items) {
            self.lists.push(List { items, exact });
            return one(Atom::List(self.lists.len() - 1));
        }
        Value::new()
    }

    /// A map that a template makes.
    pub(super) fn new_dict(&mut self, dict: Dict) -> Value {
        let held: Vec<Value> = dict.known.values().cloned().chain([dict.rest.clone()]).collect();
        if self.has_room(&held) {
            self.dicts.push(dict);
            return one(Atom::Dict(self.dicts.len() - 1));
        }
        Value::new()
    }

    /// Whether one more map or list can be kept; if not, what it holds is treated as read whole.
    fn has_room(&mut self, held: &[Value]) -> bool {
        let room = self.dicts.len() + self.lists.len() < MOST_MADE;
        if !room {
            held.iter().for_each(|value| self.escape(value, Span::default()));
        }
        room
    }

    /// Says that a value is read in a way, and with it what is in maps and lists that a template made.
    pub(super) fn consume(&mut self, value: &Value, how: Use, at: Span) {
        let mut open: Vec<Atom> = value.iter().cloned().collect();
        let mut seen = Value::new();
        while let Some(atom) = open.pop() {
            match atom {
                Atom::Key(node) => self.reads.mark(node, how, at),
                Atom::Root(scope) if how == Use::Whole => {
                    let values = self.scopes[scope].values;
                    self.reads.mark(values, how, at);
                }
                Atom::Dict(_) | Atom::List(_) if matches!(how, Use::Whole | Use::Scalar) => {
                    let again = self.escaped.contains(&atom);
                    if how == Use::Whole {
                        self.escaped.insert(atom.clone());
                    }
                    if !again && seen.insert(atom.clone()) {
                        open.extend(self.items(&one(atom), at));
                    }
                }
                _ => {}
            }
        }
    }

    /// Says what a use says of the type of a value.
    pub(super) fn hint(&mut self, value: &Value, hint: Hint) {
        for atom in value {
            if let Atom::Key(node) = atom {
                self.reads.hint(*node, hint);
            }
        }
    }

    /// Says that a map got something more.
    pub(super) fn put_into(&mut self, map: &Atom, value: &Value, at: Span) {
        if self.escaped.contains(map) {
            self.consume(value, Use::Whole, at);
        }
    }

    /// Says that a value goes where it cannot be followed. What a template is given goes there too often to mean
    /// that all of it is read.
    pub(super) fn escape(&mut self, value: &Value, at: Span) {
        let known: Value = value.iter().filter(|atom| !matches!(atom, Atom::Root(_))).cloned().collect();
        self.consume(&known, Use::Whole, at);
    }

    /// Text made of a value, which is read by that.
    pub(super) fn text(&mut self, value: &Value, at: Span) -> Value {
        self.consume(value, Use::Scalar, at);
        value
            .iter()
            .filter_map(|atom| match atom {
                Atom::Key(node) | Atom::Rendered(node) => Some(Atom::Rendered(*node)),
                Atom::Text(_) => Some(atom.clone()),
                _ => None,
            })
            .collect()
    }

    /// Runs a named template.
    pub(super) fn include(&mut self, name: &str, context: Value, at: Span) -> Value {
        let Some(named) = self.named.get(name).cloned() else {
            self.escape(&context, at);
            if !self.has_unseen && self.unread.is_empty() {
                let message = format!("no template is named `{name}`, so what it reads is not known");
                self.diags.push(CHART_NO_TEMPLATE.at(at, message));
            }
            return Value::new();
        };
        let key = (name.to_owned(), context.clone());
        // A map may have got other keys since, and a template may give it some.
        let has_maps = context.iter().any(|atom| matches!(atom, Atom::Dict(_) | Atom::List(_)));
        if let Some(done) = self.done.get(&key)
            && !has_maps
        {
            return done.clone();
        }
        let again = self.active.iter().filter(|active| *active == name).count();
        if again >= 4 || self.active.len() >= DEEPEST {
            self.escape(&context, at);
            return Value::new();
        }
        self.active.push(name.to_owned());
        let printed = self.body_with(&named.body, named.here, context.clone(), context);
        self.active.pop();
        if !has_maps {
            self.done.insert(key, printed.clone());
        }
        printed
    }

    /// Runs a text as a template.
    pub(super) fn tpl(&mut self, text: &Value, context: &Value, at: Span) -> Value {
        for atom in text {
            match atom {
                Atom::Key(node) | Atom::Rendered(node) => {
                    if let Atom::Key(_) = atom {
                        self.reads.mark(*node, Use::Scalar, at);
                    }
                    self.reads.tpl(*node);
                    if self.texts.insert((*node, context.clone())) {
                        self.default_texts(*node, context);
                    }
                }
                Atom::Text(text) if text.contains("{{") && self.active.len() < DEEPEST => {
                    self.run_text(text, Here::Fixed(at), context);
                }
                _ => {}
            }
        }
        self.text(text, at)
    }

    /// Runs the texts that the chart's own values have in a key.
    fn default_texts(&mut self, node: NodeId, context: &Value) {
        let mut found = vec![self.defaults];
        for step in self.reads.path(node) {
            found = found.into_iter().flat_map(|node| below(node, &step)).collect();
        }
        let mut texts = Vec::new();
        found.into_iter().for_each(|node| gather_texts(node, &mut texts));
        for (text, span) in texts {
            self.run_text(text, Here::Fixed(span), context);
        }
    }

    fn run_text(&mut self, text: &str, here: Here, context: &Value) {
        if self.active.len() >= DEEPEST {
            return;
        }
        let parsed = parse::parse(text);
        self.active.push(String::new());
        self.body_with(&Rc::new(parsed.items), here, context.clone(), context.clone());
        self.active.pop();
    }
}

/// What a value has at a step.
fn below<'n>(node: &'n Node, step: &Step) -> Vec<&'n Node> {
    match step {
        Step::Key(name) => node.get(name).into_iter().collect(),
        Step::Each => node.items().iter().chain(node.entries().iter().map(|entry| &entry.value)).collect(),
    }
}

fn gather_texts<'n>(node: &'n Node, texts: &mut Vec<(&'n str, Span)>) {
    match &node.kind {
        Kind::Text(text) if text.contains("{{") => texts.push((text, node.span)),
        Kind::List(items) => items.iter().for_each(|item| gather_texts(item, texts)),
        Kind::Map(entries) => entries.iter().for_each(|entry| gather_texts(&entry.value, texts)),
        _ => {}
    }
}

/// All templates, those of the outermost chart first.
fn gather<'f>(chart: &'f Chart, files: &mut BTreeMap<(usize, &'f str), &'f File>) {
    for file in &chart.templates {
        files.insert((file.path.matches('/').count(), &file.path), file);
    }
    for part in &chart.parts {
        if let Some(inner) = &part.chart {
            gather(Arc::as_ref(inner), files);
        }
    }
}

/// Whether a body assigns a variable.
fn assigns(items: &[Item]) -> bool {
    let pipeline = |pipeline: &Pipeline| !pipeline.variables.is_empty() && !pipeline.declares;
    items.iter().any(|item| match item {
        Item::Action(found) => pipeline(found) || changes(found),
        Item::If(found, then, otherwise) | Item::With(found, then, otherwise) | Item::Range(found, then, otherwise) => {
            pipeline(found) || assigns(then) || assigns(otherwise)
        }
        Item::Template(..) => false,
    })
}

/// Whether a pipeline changes a map.
fn changes(pipeline: &Pipeline) -> bool {
    let first = |command: &Command| matches!(command.first().map(|it| &it.base), Some(Base::Function(f)) if f == "set");
    pipeline.commands.iter().any(first)
}

fn span(frame: &Frame, range: &std::ops::Range<usize>) -> Span {
    match frame.here {
        Here::Source(source) => Span::new(source, range.start, range.end),
        Here::Fixed(span) => span,
    }
}

fn context_span(frame: &Frame, item: &Item) -> Span {
    match (frame.here, item) {
        (Here::Fixed(span), _) => span,
        (Here::Source(source), Item::Template(_, Some(context))) => {
            Span::new(source, context.range.start, context.range.end)
        }
        (Here::Source(source), _) => Span::new(source, 0, 0),
    }
}
