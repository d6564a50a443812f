//! The values of an environment, as expressions ask for them: settings, endpoints, facts of workloads.
//!
//! In: a `Stack`, a `View`, and where the expression stands ([`Reading`]). Out: [`Evaluated`] values.
//! Never: KDL, files.
//! Invariant: asking changes nothing; what a view does not know yet is missing.

use std::cell::RefCell;

use indexmap::IndexMap;
use smol_str::SmolStr;

use crate::{
    diag::{Diags, Finding},
    expr::{self, Evaluated, Expr, Fault, Lookup, Place},
    model::View,
    schema::{
        FIRST_OTHER, FactKind, FactOverride, Guard, Guarded, Kind, Other, SettingId, Stack, Workload, bad_value,
        is_named,
    },
    value::{self, Attributes, Link, LinkPart, Piece, Value},
};

/// Steps that one expression may take.
const STEPS: u64 = 100_000;

/// Where an expression stands.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    /// The stack.
    pub stack: &'a Stack,
    /// The settings.
    pub view: &'a View,
    /// The target whose facts `workloads` shows; empty for none.
    pub target: &'a str,
    /// The environment's name.
    pub environment: &'a SmolStr,
    /// The deployment's name.
    pub release: &'a SmolStr,
    /// The keys of the setting being computed.
    pub own: &'a [SmolStr],
    /// The keys that loops are at, outermost first.
    pub loops: &'a [Value],
    /// The endpoint whose fields are being computed.
    pub provider: Option<&'a str>,
    /// Where to report expressions that have no result; none where others have reported them already.
    pub findings: Option<&'a RefCell<Diags>>,
}

/// Who answers at an endpoint.
#[derive(Clone, PartialEq, Debug)]
pub enum Provider {
    /// A workload of ours.
    Workload,
    /// Somebody else, at this host and port.
    External(Evaluated, Evaluated),
    /// Nobody.
    Nobody,
    /// A condition that decides it is unknown.
    Unknown,
}

impl Reading<'_> {
    /// The value of an expression here.
    #[must_use]
    pub fn evaluate(&self, expr: &Expr) -> Evaluated {
        let mut budget = STEPS;
        let mut faults = Vec::new();
        let value = expr::evaluate_with_faults(expr, self, &mut budget, &mut faults);
        if let Some(findings) = self.findings {
            for fault in faults {
                let finding = self.finding(fault);
                findings.borrow_mut().push(finding);
            }
            if budget == 0 {
                findings.borrow_mut().push(expr::exhausted(expr));
            }
        }
        value
    }

    /// The finding for a fault; of a value that cannot say what is wanted, at the place that gave the value.
    fn finding(&self, fault: Fault) -> Finding {
        let Some((bad, read)) = fault.part else { return fault.finding() };
        let written = read.and_then(|read| {
            let keys = self.keys(&read.keys)?;
            Some(self.view.slot(self.stack.setting_at(read.place)?, &keys)?.span)
        });
        match written {
            Some(span) => bad_value(*bad, span).label(fault.span, "wanted here"),
            None => bad_value(*bad, fault.span),
        }
    }

    /// Whether a condition is true here; `None` if it is unknown.
    #[must_use]
    pub fn holds(&self, condition: &Expr) -> Option<bool> {
        match self.evaluate(condition) {
            Evaluated::Value(Value::Bool(value)) => Some(value),
            Evaluated::Unknown => None,
            _ => Some(false),
        }
    }

    /// Whether all conditions among guards without loops are true.
    #[must_use]
    pub fn guards_hold(&self, guards: &[Guard]) -> Option<bool> {
        for guard in guards {
            if let Guard::When(condition) = guard
                && !self.holds(condition)?
            {
                return Some(false);
            }
        }
        Some(true)
    }

    /// Who answers at the endpoint of this fixed name.
    #[must_use]
    pub fn provider(&self, name: &str) -> Provider {
        let named = |guards: &[Guard], expr: &Expr| {
            is_named(expr, name) && !guards.iter().any(|guard| matches!(guard, Guard::Each(_)))
        };
        for Guarded { guards, node } in &self.stack.endpoints {
            let Some(external) = node.external.as_ref().filter(|_| named(guards, &node.name)) else { continue };
            let when = external.when.as_ref().map_or(Some(true), |when| self.holds(when));
            match (self.guards_hold(guards), when) {
                (Some(true), Some(true)) => {
                    let port = external.port.as_ref().map_or(Evaluated::Missing, |port| self.evaluate(port));
                    return Provider::External(self.evaluate(&external.host), port);
                }
                (None, _) | (_, None) => return Provider::Unknown,
                _ => {}
            }
        }
        for Guarded { guards, node } in &self.stack.workloads {
            if named(guards, &node.name) {
                match self.guards_hold(guards) {
                    Some(true) => return Provider::Workload,
                    None => return Provider::Unknown,
                    Some(false) => {}
                }
            }
        }
        Provider::Nobody
    }

    fn endpoint(&self, name: &SmolStr, part: LinkPart) -> Evaluated {
        match (self.provider(name), part) {
            (Provider::Workload, part) => {
                Evaluated::Value(Value::Text(vec![Piece::Link(Link { endpoint: name.clone(), part })]))
            }
            (Provider::External(host, _), LinkPart::Host) => host,
            (Provider::External(_, port), LinkPart::Port(_)) => port,
            (Provider::External(host, port), _) => match (host, port) {
                (Evaluated::Value(host), Evaluated::Value(port)) => Evaluated::Value(Value::text(
                    pieces(host).into_iter().chain([Piece::Literal(":".into())]).chain(pieces(port)),
                )),
                (Evaluated::Unknown, _) | (_, Evaluated::Unknown) => Evaluated::Unknown,
                _ => Evaluated::Missing,
            },
            (Provider::Nobody, _) => Evaluated::Missing,
            (Provider::Unknown, _) => Evaluated::Unknown,
        }
    }

    fn endpoint_field(&self, name: &SmolStr, field: &str) -> Evaluated {
        for Guarded { guards, node } in &self.stack.endpoints {
            if is_named(&node.name, name)
                && let Some(expr) = node.fields.get(field)
                && self.guards_hold(guards) == Some(true)
            {
                return Reading { provider: Some(name), ..*self }.evaluate(expr);
            }
        }
        Evaluated::Missing
    }

    /// Does something once for each way through conditions and loops.
    fn each_way(&self, guards: &[Guard], loops: &mut Vec<Value>, act: &mut dyn FnMut(&Reading<'_>)) {
        let here = Reading { loops: loops.as_slice(), ..*self };
        match guards.split_first() {
            None => act(&here),
            Some((Guard::When(condition), rest)) => {
                if here.holds(condition) == Some(true) {
                    self.each_way(rest, loops, act);
                }
            }
            Some((Guard::Each(source), rest)) => {
                for key in here.loop_keys(source).unwrap_or_default() {
                    loops.push(key);
                    self.each_way(rest, loops, act);
                    loops.pop();
                }
            }
        }
    }

    fn workload_fact(&self, name: &str, fact: &str) -> Evaluated {
        let mut found = Evaluated::Missing;
        for workload in &self.stack.workloads {
            let fixed = matches!(workload.node.name.kind, expr::Kind::Literal(_));
            if fixed && !is_named(&workload.node.name, name) {
                continue;
            }
            self.each_way(&workload.guards, &mut Vec::new(), &mut |at| {
                if matches!(at.evaluate(&workload.node.name), Evaluated::Value(Value::String(found)) if found.as_str() == name)
                {
                    at.fact(&workload.node, fact, &mut found);
                }
            });
        }
        // A template or a constant gives an image as text.
        match (found, value::scalar(fact)) {
            (Evaluated::Value(text), Some(of)) => {
                value::fit(of, text, &Attributes::default()).map_or(Evaluated::Unknown, Evaluated::Value)
            }
            (found, _) => found,
        }
    }

    /// The value of a fact of a workload whose guards hold here, if one of its lines says it.
    fn fact(&self, workload: &Workload, fact: &str, found: &mut Evaluated) {
        let own = |over: &&FactOverride| over.targets.iter().any(|target| target.as_str() == self.target);
        let overrides = workload.overrides.iter().filter(own);
        for guarded in workload.facts.iter().chain(overrides.flat_map(|over| &over.facts)) {
            let expr = match (&guarded.node.kind, fact) {
                (FactKind::Image { image, .. }, "image") => image,
                (FactKind::Replicas { count, .. }, "replicas") => count,
                _ => continue,
            };
            if self.guards_hold(&guarded.guards) == Some(true) {
                *found = self.evaluate(expr);
            }
        }
    }

    /// The value of a setting with these keys; of a group, its settings as a map.
    #[must_use]
    pub fn setting(&self, id: SettingId, keys: &[SmolStr]) -> Evaluated {
        let setting = self.stack.setting(id);
        match &setting.kind {
            Kind::Group => self.group(id, keys),
            Kind::List(item) if matches!(self.stack.setting(*item).kind, Kind::Group) => {
                let items = self.view.keys_of(id, keys).iter().map(|key| self.group(*item, &extended(keys, key)));
                collected(items.map(|item| (None, item)))
            }
            Kind::Map(item) => {
                let entries = self.view.keys_of(id, keys).iter();
                let entries = entries.map(|key| (Some(key.clone()), self.setting(*item, &extended(keys, key))));
                collected_map(entries)
            }
            Kind::Scalar(_) if self.stack.is_list_item(id) => self.list_item(id, keys),
            _ => self.view.slot(id, keys).map_or(Evaluated::Missing, |slot| slot.value.clone()),
        }
    }

    fn list_item(&self, id: SettingId, keys: &[SmolStr]) -> Evaluated {
        let (Some(parent), Some((index, above))) = (self.stack.setting(id).parent, keys.split_last()) else {
            return Evaluated::Missing;
        };
        match (self.setting(parent, above), index.parse::<usize>()) {
            (Evaluated::Value(Value::List(items)), Ok(index)) => {
                items.get(index).cloned().map_or(Evaluated::Missing, Evaluated::Value)
            }
            (Evaluated::Unknown, _) => Evaluated::Unknown,
            _ => Evaluated::Missing,
        }
    }

    fn group(&self, id: SettingId, keys: &[SmolStr]) -> Evaluated {
        let children = self.stack.setting(id).children.iter();
        collected_map(children.map(|(name, child)| (Some(name.clone()), self.setting(*child, keys))))
    }

    /// The keys that a loop over this list or map goes through, each as a value.
    #[must_use]
    pub fn loop_keys(&self, source: &expr::Ref) -> Option<Vec<Value>> {
        let keys = self.keys(&source.keys)?;
        let id = self.stack.setting_at(source.place)?;
        match self.stack.setting(id).kind {
            Kind::List(item) if matches!(self.stack.setting(item).kind, Kind::Group) => {
                Some((0..self.view.keys_of(id, &keys).len() as i64).map(Value::Int).collect())
            }
            Kind::List(_) => match self.setting(id, &keys) {
                Evaluated::Value(Value::List(items)) => Some((0..items.len() as i64).map(Value::Int).collect()),
                _ => None,
            },
            Kind::Map(_) => Some(self.view.keys_of(id, &keys).iter().map(|key| Value::String(key.clone())).collect()),
            _ => None,
        }
    }

    /// The keys of a reference, evaluated; `None` if one is missing.
    #[must_use]
    pub fn keys(&self, keys: &[expr::Key]) -> Option<Vec<SmolStr>> {
        if keys.is_empty() {
            return Some(Vec::new()); // as nearly always
        }
        keys.iter()
            .map(|key| match key {
                expr::Key::Own(depth) => self.own.get(*depth as usize).cloned(),
                expr::Key::Loop(index) => self.loops.get(*index as usize).and_then(key_text),
                expr::Key::Literal(key) => Some(key.clone()),
                // A variable of a macro has a value only while the macro runs, which looks keys up itself.
                expr::Key::Computed(expr) if matches!(expr.kind, expr::Kind::Local(_)) => None,
                expr::Key::Computed(expr) => match self.evaluate(expr) {
                    Evaluated::Value(value) => key_text(&value),
                    _ => None,
                },
            })
            .collect()
    }
}

impl Lookup for Reading<'_> {
    fn get(&self, place: Place, keys: &[Value]) -> Evaluated {
        if place.0 < FIRST_OTHER {
            if keys.is_empty() {
                return self.setting(SettingId(place.0), &[]); // as nearly always
            }
            let keys: Option<Vec<SmolStr>> = keys.iter().map(key_text).collect();
            return keys.map_or(Evaluated::Missing, |keys| self.setting(SettingId(place.0), &keys));
        }
        match self.stack.other_at(place) {
            Some(Other::Endpoint(name)) => self.endpoint(name, LinkPart::Address),
            Some(Other::EndpointHost(name)) => self.endpoint(name, LinkPart::Host),
            Some(Other::EndpointPort(name, port)) => self.endpoint(name, LinkPart::Port(port.clone())),
            Some(Other::EndpointField(name, field)) => self.endpoint_field(name, field),
            Some(Other::ProviderHost) => {
                self.provider.map_or(Evaluated::Missing, |name| self.provided(name, LinkPart::Host))
            }
            Some(Other::ProviderPort) => {
                self.provider.map_or(Evaluated::Missing, |name| self.provided(name, LinkPart::Port("".into())))
            }
            Some(Other::WorkloadFact(name, fact)) => self.workload_fact(name, fact),
            Some(Other::EachWorkloadFact(fact)) => {
                keys.first().and_then(key_text).map_or(Evaluated::Missing, |name| self.workload_fact(&name, fact))
            }
            Some(Other::Environment) => Evaluated::Value(Value::String(self.environment.clone())),
            Some(Other::Release) => Evaluated::Value(Value::String(self.release.clone())),
            _ => Evaluated::Missing,
        }
    }

    fn own_key(&self, depth: u32) -> Value {
        self.own.get(depth as usize).map_or(Value::Null, |key| Value::String(key.clone()))
    }

    fn loop_key(&self, index: u32) -> Value {
        self.loops.get(index as usize).cloned().unwrap_or(Value::Null)
    }
}

impl Reading<'_> {
    /// Host or port of an endpoint that may stand in a loop.
    fn provided(&self, name: &str, part: LinkPart) -> Evaluated {
        let name: SmolStr = name.into();
        match self.looped_external(&name) {
            Some((host, port)) => match part {
                LinkPart::Host => host,
                _ => port,
            },
            None if self.provider(&name) == Provider::Nobody => {
                Evaluated::Value(Value::Text(vec![Piece::Link(Link { endpoint: name, part })]))
            }
            None => self.endpoint(&name, part),
        }
    }

    /// The external provider of an endpoint that stands in loops, at the keys the loops are at.
    fn looped_external(&self, name: &str) -> Option<(Evaluated, Evaluated)> {
        for Guarded { guards, node } in &self.stack.endpoints {
            let Some(external) = &node.external else { continue };
            let loops = guards.iter().filter(|guard| matches!(guard, Guard::Each(_))).count();
            if loops == 0 || loops != self.loops.len() {
                continue;
            }
            let named =
                matches!(self.evaluate(&node.name), Evaluated::Value(Value::String(found)) if found.as_str() == name);
            let when = external.when.as_ref().map_or(Some(true), |when| self.holds(when));
            if named && self.guards_hold(guards) == Some(true) && when == Some(true) {
                let port = external.port.as_ref().map_or(Evaluated::Missing, |port| self.evaluate(port));
                return Some((self.evaluate(&external.host), port));
            }
        }
        None
    }
}

/// A value as pieces of text.
#[must_use]
pub fn pieces(value: Value) -> Vec<Piece> {
    match value {
        Value::Text(pieces) => pieces,
        Value::String(text) => vec![Piece::Literal(text)],
        Value::Secret(secret) => vec![Piece::Secret(secret)],
        other => vec![Piece::Literal(crate::value::spell(&other).into())],
    }
}

fn key_text(value: &Value) -> Option<SmolStr> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Int(number) => Some(number.to_string().into()),
        _ => None,
    }
}

/// Keys with one more.
#[must_use]
pub fn extended(keys: &[SmolStr], key: &SmolStr) -> Vec<SmolStr> {
    keys.iter().cloned().chain([key.clone()]).collect()
}

fn collected_map(entries: impl Iterator<Item = (Option<SmolStr>, Evaluated)>) -> Evaluated {
    let mut map = IndexMap::new();
    for (name, value) in entries {
        match value {
            Evaluated::Value(value) => {
                map.insert(name.unwrap_or_default(), value);
            }
            Evaluated::Missing => {}
            Evaluated::Unknown => return Evaluated::Unknown,
        }
    }
    if map.is_empty() { Evaluated::Missing } else { Evaluated::Value(Value::Map(map.into())) }
}

fn collected(entries: impl Iterator<Item = (Option<SmolStr>, Evaluated)>) -> Evaluated {
    let mut list = Vec::new();
    for (_, value) in entries {
        match value {
            Evaluated::Value(value) => list.push(value),
            Evaluated::Missing => {}
            Evaluated::Unknown => return Evaluated::Unknown,
        }
    }
    if list.is_empty() { Evaluated::Missing } else { Evaluated::Value(Value::List(list)) }
}
