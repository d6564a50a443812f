//! The values of one release against the surface of its chart and the facts of Helm's view.
//!
//! In: printed values as a tree, the surface, the plan. Out: findings.
//! Never: how the values were printed.
//! Invariant: one mistake gives one finding. What a finding says of a key is not said again of the fact that it carries.

mod items;
mod join;
mod says;
mod tell;

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;

use super::carried::Said;
use crate::{
    diag::Diags,
    expr::Evaluated,
    facts::{self, Delivery, Fact, Facts, Names, Place, State},
    lookup::Reading,
    model::{Deployed, Env},
    plan::{Deployment, FactPath, Kind, Origin, Release},
    read::{Data, Node},
    schema::{self, ChartKey, KeyShape, SettingId, Stack, Surface},
    source::Span,
    surface::{self, Values},
    targets::{File, Leaf, Spot, Spots},
    value::Value,
};

/// What is compared.
pub(super) struct Inputs<'a> {
    pub env: &'a Env,
    pub deployed: &'a Deployed,
    pub deployment: &'a Deployment,
    pub release: &'a Release,
    pub surface: &'a Surface,
    /// The values as they were read from the file.
    pub tree: &'a Node<'a>,
    pub file: &'a File,
}

impl<'a> Inputs<'a> {
    /// Helm's view, for expressions over settings.
    fn reading(&self) -> Reading<'a> {
        Reading {
            stack: &self.deployed.stack,
            view: self.deployed.view("helm"),
            target: "helm",
            environment: &self.env.name,
            release: &self.deployed.name,
            own: &[],
            loops: &[],
            provider: None,
            findings: None,
        }
    }
}

/// Reports keys that the chart does not read, and facts that the values say otherwise or not at all.
pub(super) fn check(inputs: &Inputs<'_>, diags: &mut Diags) {
    let names = Names::of_release(inputs.release);
    let values = Values::new(inputs.surface, inputs.tree);
    let mut chart = Chart {
        inputs,
        stack: &inputs.deployed.stack,
        surface: inputs.surface,
        values: &values,
        read: values.all_read(),
        facts: facts::of_workloads(&inputs.deployment.cluster, &inputs.deployment.configs, &names),
        settings: settings(inputs, &names),
        names,
        spots: inputs.file.leaves.spots(),
        path: Vec::new(),
        written: BTreeMap::new(),
        nulls: BTreeSet::new(),
        open: Vec::new(),
        silent: Vec::new(),
        carried: Vec::new(),
        told: BTreeSet::new(),
        apart: BTreeSet::new(),
        diags,
    };
    let mut at = At { spot: Some(chart.spots.root()), above: None };
    chart.group(inputs.tree, 0, &mut at);
    chart.runs(inputs.deployment, inputs.release);
    chart.carry();
    chart.fixed();
    chart.join();
    chart.each_item();
    chart.says();
    chart.understood();
    chart.as_they_are();
    chart.covered();
}

/// The settings that keys of a surface carry, as Helm sees them.
fn settings(inputs: &Inputs<'_>, names: &Names) -> Facts {
    let carried = inputs.surface.keys.iter().flat_map(|key| &key.carries).map(|carry| &carry.fact);
    let one = |path: &&FactPath| path.kind == Kind::Setting && !path.is_every() && !path.is_of_items();
    carried.filter(one).filter_map(|path| Some((path.clone(), setting(inputs, &path.key, names)?))).collect()
}

fn setting(inputs: &Inputs<'_>, path: &SmolStr, names: &Names) -> Option<Fact> {
    let (id, keys) = super::setting_of(&inputs.deployed.stack, path)?;
    setting_with(inputs, id, &keys, path, names)
}

/// A setting of the item of this name; `path` is where it stands, with a `*` for the name in `of`.
fn setting_at(inputs: &Inputs<'_>, of: &str, path: &SmolStr, item: &SmolStr, names: &Names) -> Option<Fact> {
    let (id, _) = super::setting_of(&inputs.deployed.stack, of)?;
    setting_with(inputs, id, std::slice::from_ref(item), path, names)
}

fn setting_with(inputs: &Inputs<'_>, id: SettingId, keys: &[SmolStr], path: &SmolStr, names: &Names) -> Option<Fact> {
    let deployed = inputs.deployed;
    let view = deployed.view("helm");
    let Evaluated::Value(value) = inputs.reading().setting(id, keys) else { return None };
    let value = super::carried::normal(&value, "", names);
    let declared = deployed.stack.setting(id).declarations.first().map(|declaration| declaration.span);
    let span = view.slot(id, keys).map(|slot| slot.span).or(declared).unwrap_or_default();
    let place = Place { origins: vec![Origin { path: path.clone(), span }], at: span, line: 0 };
    Some(Fact { value, delivery: Delivery::Literal, state: State::Set, place })
}

/// A key that was written once.
struct Written {
    value: Value,
    origins: Vec<SmolStr>,
    /// The name of the item of a map that it is said of, where its key carries settings of items.
    item: Option<SmolStr>,
    /// Where the stack or the environment says it.
    at: Span,
    /// Whether the environment's `raw` says it.
    raw: bool,
}

/// Which fact of Helm's view: the settings first, as their paths are, then those of workloads.
type FactNumber = usize;

/// Who says a fact in a release.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    /// The key of this number.
    Key(u32),
    /// A template, as the surface says here.
    Template(Span),
}

/// A step of the path to what is being looked at.
#[derive(Clone, Copy)]
enum Step<'a> {
    Name(&'a str),
    Item(usize),
}

/// Where the leaves of what is being looked at are.
#[derive(Clone, Copy)]
struct At<'a> {
    /// The place of its leaves, if there are any.
    spot: Option<Spot>,
    /// The leaf above, of which it is a part: a list or map that is one value.
    above: Option<Leaf<'a>>,
}

struct Chart<'a, 'd> {
    inputs: &'a Inputs<'a>,
    stack: &'a Stack,
    surface: &'a Surface,
    values: &'a Values<'a, 'a>,
    /// Whether the chart reads each key, by number; none where a wrong value decides.
    read: Vec<Option<bool>>,
    facts: Facts,
    /// What each setting is in Helm's view.
    settings: Facts,
    names: Names,
    spots: Spots<'a>,
    /// What is being looked at.
    path: Vec<Step<'a>>,
    /// What was written, by the number of the key; several times below lists and maps.
    written: BTreeMap<u32, Vec<Written>>,
    /// Keys that were written to be null: they take the chart's own value away.
    nulls: BTreeSet<u32>,
    /// Keys that carry nothing and yet are computed from settings: what is written, and one of its leaves.
    open: Vec<(u32, Leaf<'a>)>,
    /// Keys that are read and carry none of the facts that they may.
    silent: Vec<u32>,
    /// What active keys and templates say of facts, by the numbers of these.
    carried: Vec<(FactNumber, Source, Said<'a>)>,
    /// Facts of which a finding has spoken already.
    told: BTreeSet<&'a FactPath>,
    /// Workloads that the chart runs and the plan does not, or the reverse.
    apart: BTreeSet<SmolStr>,
    diags: &'d mut Diags,
}

/// The walk through the values, key by key.
impl<'a> Chart<'a, '_> {
    fn key(&self, number: u32) -> &'a ChartKey {
        &self.surface.keys[number as usize]
    }

    /// Looks at what lies below: the leaves there.
    fn below(&self, at: &mut At<'a>, step: Step<'a>) -> At<'a> {
        let above = at.above.or_else(|| at.spot.and_then(|spot| self.spots.leaf(spot)));
        let spot = at.spot.as_mut().and_then(|spot| match step {
            Step::Name(name) => self.spots.below(spot, name, None),
            Step::Item(number) => self.spots.below(spot, "", Some(number)),
        });
        At { spot, above }
    }

    /// The leaves of what is being looked at: its own and those below it, or the one that it is a part of.
    fn leaves(&self, at: &At<'a>) -> Vec<Leaf<'a>> {
        let mut leaves: Vec<Leaf<'a>> = at.above.into_iter().collect();
        if let Some(spot) = at.spot {
            self.spots.each(spot, &mut |leaf| leaves.push(leaf));
        }
        leaves
    }

    /// Where the text of a value came from: the leaf at it, or the first below it.
    fn said_at(&self, at: &At<'a>) -> Span {
        self.leaves(at).first().map_or(Span::default(), |leaf| leaf.at())
    }

    fn group(&mut self, node: &'a Node<'a>, number: u32, at: &mut At<'a>) {
        if !matches!(node.data, Data::Map(_) | Data::Null) {
            return self.wrong_shape(number, at, "a map");
        }
        for (name, node) in node.entries() {
            let mut inner = self.enter(at, Step::Name(name));
            match self.surface.below(number, name) {
                Some(child) => self.value(node, child, &mut inner),
                None => self.unread(number, &inner),
            }
            self.path.pop();
        }
    }

    fn enter(&mut self, at: &mut At<'a>, step: Step<'a>) -> At<'a> {
        self.path.push(step);
        self.below(at, step)
    }

    fn value(&mut self, node: &'a Node<'a>, number: u32, at: &mut At<'a>) {
        let key = self.key(number);
        if let KeyShape::Dead(because) = &key.shape {
            return self.dead(key, because, at);
        }
        if self.values.holds(key.when.as_deref()) == Some(false) && !matches!(node.data, Data::Null) {
            self.idle(number, at);
        }
        match &key.shape {
            KeyShape::Group => return self.group(node, number, at),
            KeyShape::List(item) => self.items(node, *item, number, at),
            KeyShape::Map(item) => self.each(node, *item, number, at),
            KeyShape::Any => self.known(node, number, at),
            KeyShape::Scalar(..) | KeyShape::Dead(_) => {}
        }
        self.note(node, number, at);
    }

    fn items(&mut self, node: &'a Node<'a>, item: u32, number: u32, at: &mut At<'a>) {
        if !matches!(node.data, Data::List(_) | Data::Null) {
            return self.wrong_shape(number, at, "a list");
        }
        for (index, node) in node.items().iter().enumerate() {
            let mut inner = self.enter(at, Step::Item(index));
            self.value(node, known_item(self.key(number), node).unwrap_or(item), &mut inner);
            self.path.pop();
        }
    }

    /// The keys of something that the chart hands on whole, as far as the surface names them.
    fn known(&mut self, node: &'a Node<'a>, number: u32, at: &mut At<'a>) {
        for (name, node) in node.entries() {
            if let Some(child) = self.key(number).children.get(name) {
                let mut inner = self.enter(at, Step::Name(name));
                self.value(node, *child, &mut inner);
                self.path.pop();
            }
        }
    }

    fn each(&mut self, node: &'a Node<'a>, item: u32, number: u32, at: &mut At<'a>) {
        if !matches!(node.data, Data::Map(_) | Data::Null) {
            return self.wrong_shape(number, at, "a map");
        }
        for (name, node) in node.entries() {
            let mut inner = self.enter(at, Step::Name(name));
            self.value(node, self.key(number).children.get(name).copied().unwrap_or(item), &mut inner);
            self.path.pop();
        }
    }

    /// Keeps what a key was written to be, in its type.
    fn note(&mut self, node: &'a Node<'a>, number: u32, at: &At<'a>) {
        if matches!(node.data, Data::Null) {
            self.nulls.insert(number);
            return;
        }
        let key = self.key(number);
        if holds_secret(key, node) {
            return self.secret(number, at);
        }
        match surface::typed(self.surface, number, node) {
            Ok(value) => {
                if key.carries.is_empty() && key.says.is_none() {
                    self.carries_nothing(number, at);
                    if !key.required {
                        return;
                    }
                }
                if let Some(value) = own(value, key) {
                    let mut written = self.written_at(value, &self.own_leaves(node, key, at));
                    written.item = self.item(key);
                    // Most keys are written once.
                    self.written.entry(number).or_insert_with(|| Vec::with_capacity(1)).push(written);
                }
            }
            Err(bad) => self.wrong_type(number, bad, at),
        }
    }

    /// The leaves of what a key says itself, without those of keys that say things of their own.
    fn own_leaves(&self, node: &'a Node<'a>, key: &ChartKey, at: &At<'a>) -> Vec<Leaf<'a>> {
        let below = |step| self.leaves(&self.below(&mut at.clone(), step));
        match key.shape {
            KeyShape::Any | KeyShape::Map(_) if !key.children.is_empty() => {
                let own = node.entries().iter().filter(|(name, _)| !key.children.contains_key(name));
                own.flat_map(|(name, _)| below(Step::Name(name))).collect()
            }
            KeyShape::List(_) if key.by.is_some() => {
                let own = node.items().iter().enumerate().filter(|(_, item)| known_item(key, item).is_none());
                own.flat_map(|(at, _)| below(Step::Item(at))).collect()
            }
            _ => self.leaves(at),
        }
    }

    /// A value with the settings that it was computed from, as a whole and in its parts.
    fn written_at(&self, value: Value, leaves: &[Leaf<'a>]) -> Written {
        let mut origins: Vec<SmolStr> =
            leaves.iter().flat_map(|leaf| leaf.origins()).map(|origin| origin.path.clone()).collect();
        origins.sort();
        origins.dedup();
        let raw = leaves.iter().any(|leaf| super::is_raw(*leaf));
        Written { value, origins, item: None, at: leaves.first().map(|leaf| leaf.at()).unwrap_or_default(), raw }
    }
}

/// Whether a key that would hold the text of a secret has some.
fn holds_secret(key: &ChartKey, node: &Node<'_>) -> bool {
    let is_secret = matches!(&key.shape, KeyShape::Scalar(of, _) if of.as_str() == "secret");
    is_secret && node.as_str().is_some_and(|text| !text.is_empty())
}

/// Whether a value says nothing: charts take empty texts and lists for none.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::List(items) => items.is_empty(),
        Value::Map(entries) => entries.is_empty(),
        _ => false,
    }
}

/// A value without keys that say things of their own, and without nulls; nothing where nothing is left.
fn own(value: Value, key: &ChartKey) -> Option<Value> {
    match (&value, &key.shape) {
        (Value::Map(entries), KeyShape::Any | KeyShape::Map(_)) => {
            let left =
                entries.iter().filter(|(name, value)| !key.children.contains_key(name) && **value != Value::Null);
            let left: indexmap::IndexMap<_, _> = left.map(|(name, value)| (name.clone(), value.clone())).collect();
            if left.is_empty() && !entries.is_empty() { None } else { Some(Value::Map(left.into())) }
        }
        (Value::List(items), KeyShape::List(_)) => {
            let is_own = |item: &&Value| key.item_of(|by| text_at(item, by)).is_none();
            let left: Vec<Value> = items.iter().filter(is_own).cloned().collect();
            if left.is_empty() && !items.is_empty() { None } else { Some(Value::List(left)) }
        }
        _ => Some(value),
    }
}

/// The text of a key of a map.
fn text_at<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    match value {
        Value::Map(entries) => match entries.get(key) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

/// The key that an item of a list is.
fn known_item(list: &ChartKey, item: &Node<'_>) -> Option<u32> {
    list.item_of(|by| item.get(by)?.as_str())
}

/// The scalar type of a fact's value.
fn type_of<'s>(stack: &'s Stack, path: &FactPath) -> &'s str {
    if path.kind != Kind::Setting {
        return path.row().map_or("any", |field| field.of);
    }
    match super::setting_of(stack, &path.key).map(|(id, _)| &stack.setting(id).kind) {
        Some(schema::Kind::Scalar(of)) => of,
        _ => "any",
    }
}
