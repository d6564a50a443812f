//! What depends on what: the order in which settings and presets are resolved, and the cycles that forbid one.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    diag::{Diags, codes},
    expr::{self, Expr, Kind as ExprKind, Place},
    schema::{FactKind, Given, Guard, Kind, Other, SettingId, Stack, Step},
    value::Value,
};

/// Fills in [`Stack::order`] and [`Stack::preset_index`]; reports a cycle.
pub(super) fn order(stack: &mut Stack, diags: &mut Diags) {
    let mut index = vec![Vec::new(); stack.settings.len()];
    for (preset, found) in stack.presets.iter().enumerate() {
        for (at, assignment) in found.values.iter().enumerate() {
            index[assignment.setting.index()].push((preset as u32, at as u32));
        }
    }
    stack.preset_index = index;
    let graph = Graph { stack };
    let steps: Vec<Step> = (0..stack.presets.len() as u32)
        .map(Step::Preset)
        .chain((1..stack.settings.len() as u32).map(|id| Step::Setting(SettingId(id))))
        .collect();
    match sorted(&steps, |step| graph.reads(step)) {
        Ok(order) => stack.order = order,
        Err(cycle) => {
            let words: Vec<String> = cycle.iter().map(|step| graph.name(*step)).collect();
            let mut finding =
                codes::CYCLE.at(graph.span(cycle[0]), format!("{} depends on itself: {}", words[0], words.join(" → ")));
            for step in &cycle[1..] {
                finding = finding.label(graph.span(*step), "on the way");
            }
            diags.push(finding.hint("break the circle: one of these defaults or conditions must not read the next"));
        }
    }
}

/// Depth-first order without recursion; the first cycle found, if there is one.
fn sorted(steps: &[Step], reads: impl Fn(Step) -> BTreeSet<Step>) -> Result<Vec<Step>, Vec<Step>> {
    let mut done: BTreeSet<Step> = BTreeSet::new();
    let mut order = Vec::with_capacity(steps.len());
    for start in steps {
        let mut path: Vec<(Step, Vec<Step>)> = Vec::new();
        let mut open: BTreeSet<Step> = BTreeSet::new();
        let mut next = Some(*start);
        loop {
            if let Some(step) = next.take() {
                if done.contains(&step) {
                } else if open.contains(&step) {
                    let from = path.iter().position(|(other, _)| *other == step).unwrap_or(0);
                    return Err(path[from..].iter().map(|(step, _)| *step).chain([step]).collect());
                } else {
                    open.insert(step);
                    let mut below: Vec<Step> = reads(step).into_iter().collect();
                    below.reverse();
                    path.push((step, below));
                }
            }
            match path.last_mut() {
                None => break,
                Some((step, below)) => match below.pop() {
                    Some(child) => next = Some(child),
                    None => {
                        let step = *step;
                        path.pop();
                        open.remove(&step);
                        done.insert(step);
                        order.push(step);
                    }
                },
            }
        }
    }
    Ok(order)
}

struct Graph<'a> {
    stack: &'a Stack,
}

impl Graph<'_> {
    fn name(&self, step: Step) -> String {
        match step {
            Step::Preset(_) => "a preset".to_owned(),
            Step::Setting(id) => format!("`{}`", self.stack.setting(id).path),
        }
    }

    fn span(&self, step: Step) -> crate::source::Span {
        match step {
            Step::Preset(preset) => self.stack.presets[preset as usize].span,
            Step::Setting(id) => self.stack.setting(id).declarations[0].span,
        }
    }

    /// The steps that must come before this one.
    fn reads(&self, step: Step) -> BTreeSet<Step> {
        let mut places = BTreeSet::new();
        let mut steps = BTreeSet::new();
        match step {
            Step::Preset(preset) => {
                if let Some(when) = &self.stack.presets[preset as usize].when {
                    self.places(when, &mut places);
                }
            }
            Step::Setting(id) => {
                self.setting_reads(id, &mut places, &mut steps);
                let setting = self.stack.setting(id);
                if let Some(parent) = setting.parent
                    && parent != SettingId::ROOT
                    && setting.depth > 0
                {
                    steps.insert(Step::Setting(self.nearest_collection(id)));
                }
            }
        }
        for place in places {
            steps.extend(self.stack.setting_at(place).map(Step::Setting));
        }
        steps.remove(&Step::Setting(SettingId::ROOT));
        if let Step::Setting(id) = step {
            // A map is known by its keys before its items are, and a group has no value of its own.
            if matches!(self.stack.setting(id).kind, Kind::Group) {
                return BTreeSet::from_iter(steps.into_iter().filter(|other| *other != step));
            }
        }
        steps
    }

    fn setting_reads(&self, id: SettingId, places: &mut BTreeSet<Place>, steps: &mut BTreeSet<Step>) {
        let setting = self.stack.setting(id);
        for declaration in &setting.declarations {
            for condition in &declaration.available {
                self.places(&self.stack.conditions[*condition as usize], places);
            }
            for default in &declaration.defaults {
                self.places(default, places);
            }
        }
        let mut assigned = vec![id];
        if let Kind::Map(item) | Kind::List(item) = setting.kind {
            assigned.push(item);
        }
        for id in assigned {
            for (preset, at) in &self.stack.preset_index[id.index()] {
                steps.insert(Step::Preset(*preset));
                self.given_places(&self.stack.presets[*preset as usize].values[*at as usize].given, places);
            }
        }
        for found in &self.stack.overrides {
            for assignment in found.values.iter().filter(|assignment| assignment.setting == id) {
                self.given_places(&assignment.given, places);
            }
        }
    }

    /// The list or map whose keys must be known before this setting can be.
    fn nearest_collection(&self, id: SettingId) -> SettingId {
        let mut at = id;
        while let Some(parent) = self.stack.setting(at).parent {
            if matches!(self.stack.setting(parent).kind, Kind::List(_) | Kind::Map(_)) {
                return parent;
            }
            at = parent;
        }
        SettingId::ROOT
    }

    fn given_places(&self, given: &Given, places: &mut BTreeSet<Place>) {
        match given {
            Given::Expr(expr) => self.places(expr, places),
            Given::List(items) => items.iter().for_each(|item| self.given_places(item, places)),
            Given::Part(_, inner) => self.given_places(inner, places),
            Given::Value(_) | Given::Here | Given::Null | Given::Wrong => {}
        }
    }

    /// The settings that an expression reads, also through endpoints and whole groups.
    fn places(&self, expr: &Expr, places: &mut BTreeSet<Place>) {
        for found in expr::references(expr) {
            match self.stack.setting_at(found.place) {
                Some(id) => {
                    places.extend(self.stack.read_by(id).into_iter().map(SettingId::place));
                }
                None => self.other_places(found.place, places),
            }
        }
    }

    fn other_places(&self, place: Place, places: &mut BTreeSet<Place>) {
        match self.stack.other_at(place) {
            Some(
                Other::Endpoint(name)
                | Other::EndpointHost(name)
                | Other::EndpointPort(name, _)
                | Other::EndpointField(name, _),
            ) => {
                let mut seen = BTreeMap::new();
                self.endpoint_places(name, places, &mut seen);
            }
            Some(Other::WorkloadFact(name, fact)) => {
                for workload in self.stack.workloads.iter().filter(|workload| is_named(&workload.node.name, name)) {
                    for guarded in &workload.node.facts {
                        match (&guarded.node.kind, fact.as_ref()) {
                            (FactKind::Image { image, .. }, "image") => self.places(image, places),
                            (FactKind::Replicas { count, .. }, "replicas") => self.places(count, places),
                            _ => {}
                        }
                    }
                }
            }
            _ => {}
        }
    }

    fn endpoint_places(&self, name: &str, places: &mut BTreeSet<Place>, seen: &mut BTreeMap<String, ()>) {
        if seen.insert(name.to_owned(), ()).is_some() {
            return;
        }
        for endpoint in self.stack.endpoints.iter().filter(|endpoint| is_named(&endpoint.node.name, name)) {
            self.guard_places(&endpoint.guards, places);
            if let Some(external) = &endpoint.node.external {
                external.when.iter().for_each(|when| self.places(when, places));
                self.places(&external.host, places);
                external.port.iter().for_each(|port| self.places(port, places));
            }
            for field in endpoint.node.fields.values() {
                self.places(field, places);
            }
        }
        for workload in self.stack.workloads.iter().filter(|workload| is_named(&workload.node.name, name)) {
            self.guard_places(&workload.guards, places);
        }
    }

    fn guard_places(&self, guards: &[Guard], places: &mut BTreeSet<Place>) {
        for guard in guards {
            match guard {
                Guard::When(condition) => self.places(condition, places),
                Guard::Each(source) => {
                    places.insert(source.place);
                }
            }
        }
    }
}

/// Whether a name is this constant.
pub(crate) fn is_named(expr: &Expr, name: &str) -> bool {
    matches!(&expr.kind, ExprKind::Literal(Value::String(found)) if found.as_str() == name)
}
