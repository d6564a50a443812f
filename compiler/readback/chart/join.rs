//! What keys and templates say together, against each fact.

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;

use super::{Chart, FactNumber, Source, is_empty, type_of};
use crate::{
    diag::Finding,
    expr::{Evaluated, Expr},
    facts::{self, Fact, Facts, compare},
    plan::{Deployment, FactPath, Kind, Release},
    readback::carried::{self, Said},
    schema::{Carry, KeyShape, Unsaid},
    source::Span,
    value::Value,
};

impl<'a> Chart<'a, '_> {
    /// Remembers that a finding has spoken of what a key and those below it carry.
    pub(super) fn tell_of(&mut self, number: u32) {
        let key = self.key(number);
        self.told.extend(key.carries.iter().map(|carry| &carry.fact));
        let item = match key.shape {
            KeyShape::List(item) | KeyShape::Map(item) => Some(item),
            _ => None,
        };
        for child in key.children.values().copied().chain(item) {
            self.tell_of(child);
        }
    }

    /// Whether there is nothing to say of a fact any more.
    fn is_told(&self, path: &FactPath) -> bool {
        self.told.contains(path) || self.apart.contains(&path.workload)
    }

    /// The number of a fact of Helm's view.
    fn number_of(&self, fact: &FactPath) -> Option<FactNumber> {
        match fact.kind {
            Kind::Setting => self.settings.position(fact),
            _ => self.facts.position(fact).map(|at| self.settings.len() + at),
        }
    }

    /// The fact of this number.
    fn numbered(&self, number: FactNumber) -> (&FactPath, &Fact) {
        match number.checked_sub(self.settings.len()) {
            Some(at) => self.facts.at(at),
            None => self.settings.at(number),
        }
    }

    /// The fact of Helm's view.
    pub(super) fn wanted(&self, fact: &FactPath) -> Option<&Fact> {
        self.number_of(fact).map(|number| self.numbered(number).1)
    }

    /// Sorts what was written by the facts that it carries, and misses what was not.
    pub(super) fn carry(&mut self) {
        let (surface, values) = (self.surface, self.values);
        for (number, key) in (0_u32..).zip(&surface.keys) {
            if key.carries.is_empty() && !key.required {
                continue;
            }
            match self.read[number as usize] {
                Some(true) => {}
                Some(false) => continue,
                None => {
                    self.tell_of(number);
                    continue;
                }
            }
            if key.required
                && self.is_single(number)
                && !self.written.contains_key(&number)
                && !self.nulls.contains(&number)
            {
                self.missing(number, &[]);
            }
            let is_one = |carry: &&Carry| !carry.fact.is_every() && !carry.fact.is_of_items();
            let mut missing = Vec::new();
            let mut silent = !key.carries.is_empty() && key.carries.iter().all(|carry| is_one(&carry));
            for carry in key.carries.iter().filter(is_one) {
                let holds = values.holds(carry.when.as_ref());
                silent &= holds == Some(false);
                match holds {
                    Some(true) if !self.is_told(&carry.fact) => missing.extend(self.carries(number, carry)),
                    None => _ = self.told.insert(&carry.fact),
                    _ => {}
                }
            }
            if !missing.is_empty() {
                self.missing(number, &missing);
            }
            if silent && key.says.is_none() {
                self.silent.push(number);
            }
        }
    }

    /// What a key that is read says of a fact; comes back if it should, and is not written.
    fn carries(&mut self, number: u32, carry: &'a Carry) -> Option<&'a Carry> {
        let written = self.written.get(&number).map_or(&[][..], Vec::as_slice);
        if let Some(at) = written.iter().find(|written| written.raw).map(|written| written.at) {
            self.told.insert(&carry.fact);
            self.raw_fact(number, carry, at);
            return None;
        }
        let says_nothing = written.iter().all(|written| is_empty(&written.value));
        let Some(wanted) = self.number_of(&carry.fact) else {
            if !says_nothing || written.is_empty() && self.has_default(number) {
                self.extra(number, carry, !says_nothing);
            }
            return None;
        };
        let fact = self.numbered(wanted).1;
        let has_part =
            carry.part.is_empty() || carried::has_part(&fact.value, type_of(self.stack, &carry.fact), &carry.part);
        match (written.is_empty(), has_part) {
            (true, true) => {
                self.told.insert(&carry.fact);
                return Some(carry);
            }
            (false, false) if says_nothing => {}
            (false, _) => self.keep(wanted, number, carry),
            (true, false) => {}
        }
        None
    }

    /// Whether the chart says something of its own by a key that is not written.
    fn has_default(&self, number: u32) -> bool {
        self.is_single(number)
            && self.values.written(number).is_none()
            && matches!(self.values.value(number), Evaluated::Value(value) if !is_empty(&value))
    }

    fn keep(&mut self, fact: FactNumber, number: u32, carry: &'a Carry) {
        let written = self.written.get(&number).map_or(&[][..], Vec::as_slice);
        let values = Vec::with_capacity(written.len());
        let mut said = Said { part: &carry.part, values, single: self.is_single(number) };
        for one in written {
            match carried::said_of((&carry.fact, &carry.part), &one.value, carry.plus, &self.names) {
                Value::List(items) if !said.single => said.values.extend(items),
                value => said.values.push(value),
            }
        }
        self.carried.push((fact, Source::Key(number), said));
    }

    /// Whether a key stands once, not below a list or map.
    fn is_single(&self, number: u32) -> bool {
        std::iter::successors(Some(number), |number| self.key(*number).parent)
            .all(|number| &*self.key(number).name != "*")
    }

    /// Adds what templates state without a key.
    pub(super) fn fixed(&mut self) {
        let (surface, values) = (self.surface, self.values);
        for fixed in &surface.fixed {
            let path = &fixed.fact.fact;
            match values.holds(fixed.when.as_ref()) {
                Some(true) if !self.is_told(path) => {}
                None => {
                    self.told.insert(path);
                    continue;
                }
                _ => continue,
            }
            let Evaluated::Value(value) = values.evaluate(&fixed.value) else {
                self.told.insert(path);
                continue;
            };
            let Some(fact) = self.number_of(path) else {
                self.stated(path, fixed.span);
                continue;
            };
            let value = carried::said_of((path, &fixed.fact.part), &value, 0, &self.names);
            let said = Said { part: &fixed.fact.part, values: vec![value], single: true };
            self.carried.push((fact, Source::Template(fixed.span), said));
        }
    }

    /// Compares what keys and templates say together with each fact, and where both come from.
    pub(super) fn join(&mut self) {
        self.carried.sort_by_cached_key(|(fact, ..)| *fact); // keeps the order of what is said of one
        let of_one = self.carried.chunk_by(|one, other| one.0 == other.0);
        let findings: Vec<Finding> = of_one.filter_map(|said| self.joined(said)).collect();
        findings.into_iter().for_each(|finding| self.diags.push(finding));
    }

    /// What is wrong with all that is said of one fact.
    fn joined(&self, sources: &[(FactNumber, Source, Said<'_>)]) -> Option<Finding> {
        let (path, fact) = self.numbered(sources.first()?.0);
        if self.told.contains(path) {
            return None;
        }
        if !self.joins(path, fact, sources) {
            return Some(self.differs(path, fact, sources));
        }
        let keys = sources.iter().filter_map(|(_, source, _)| match source {
            Source::Key(number) => Some(number),
            Source::Template(_) => None,
        });
        keys.clone().next()?;
        let written = keys.filter_map(|number| self.written.get(number)).flatten();
        let origins: Vec<&SmolStr> = written.flat_map(|one| &one.origins).collect();
        if same_origins(fact, &origins) {
            return None; // most often; the rest has to look closer
        }
        let found: BTreeSet<&str> = origins.into_iter().map(AsRef::as_ref).collect();
        let wanted: BTreeSet<&str> = fact.place.origins.iter().map(|origin| &*origin.path).collect();
        let group = path.kind == Kind::Setting || type_of(self.stack, path) == "list";
        (!same_settings(&wanted, &found, group)).then(|| self.other_origin(path, fact, sources, &wanted, &found))
    }

    /// Whether what keys and templates say together is a fact.
    fn joins(&self, path: &FactPath, fact: &Fact, sources: &[(FactNumber, Source, Said<'_>)]) -> bool {
        match sources {
            // Most often; what type the fact has does not matter then.
            [(_, _, said)] if said.part.is_empty() => carried::is_whole(&fact.value, said),
            _ => {
                let said: Vec<&Said<'_>> = sources.iter().map(|(_, _, said)| said).collect();
                carried::joins(&fact.value, type_of(self.stack, path), &said)
            }
        }
    }

    /// A key that takes workloads as they are says every fact of them, and no others.
    pub(super) fn as_they_are(&mut self) {
        let (surface, values) = (self.surface, self.values);
        for (number, key) in (0_u32..).zip(&surface.keys) {
            if !key.carries.iter().any(|carry| carry.fact.is_every()) {
                continue;
            }
            let found = values.written(number).map(|node| facts::of_values(node, &self.names)).unwrap_or_default();
            let helm = |path: &FactPath| path.row().is_some_and(|field| field.helm);
            let wanted = self.facts.iter().filter(|(path, _)| helm(path));
            let differ = wanted.filter(|(path, fact)| !found.get(path).is_some_and(|found| compare::same(found, fact)));
            let mut findings: Vec<Finding> =
                differ.map(|(path, fact)| self.not_as_it_is(number, path, fact, found.get(path))).collect();
            let more = found.iter().filter(|(path, _)| !self.facts.contains_key(path));
            findings.extend(more.map(|(path, fact)| self.more_than_it_is(number, path, fact)));
            findings.into_iter().for_each(|finding| self.diags.push(finding));
        }
    }

    /// The chart runs the workloads of Helm's view and no others, under the names that the release gives.
    pub(super) fn runs(&mut self, deployment: &Deployment, release: &Release) {
        let (surface, values) = (self.surface, self.values);
        let mut active: BTreeMap<&str, Span> = BTreeMap::new();
        for runs in &surface.runs {
            match values.holds(runs.when.as_ref()) {
                Some(true) => {
                    if active.insert(&runs.workload, runs.span).is_some() {
                        self.run_twice(&runs.workload, runs.span);
                    }
                    self.host(&runs.workload, runs.host.as_ref(), release);
                }
                None => _ = self.apart.insert(runs.workload.clone()), // a wrong value decides; it has a finding
                Some(false) => {}
            }
        }
        let known: BTreeSet<&str> = surface.runs.iter().map(|runs| runs.workload.as_ref()).collect();
        for workload in &deployment.cluster {
            let here = active.remove(workload.name.as_str()).is_some();
            if !here && known.contains(workload.name.as_str()) && self.apart.insert(workload.name.clone()) {
                self.not_run(workload);
            }
        }
        for (name, span) in active {
            if self.apart.insert(name.into()) {
                self.run_alone(name, span);
            }
        }
    }

    /// The release calls a workload what the chart calls its Service.
    fn host(&mut self, workload: &SmolStr, host: Option<&Expr>, release: &Release) {
        let (Some(host), Some(name)) = (host, release.names.get(workload)) else { return };
        if let Evaluated::Value(found) = self.values.evaluate(host)
            && !carried::same(&found, &name.value)
        {
            self.misnamed(workload, name, &found, host.span);
        }
    }

    /// Every fact that Kubernetes has words for is carried, stated by a template, or not said for a reason.
    pub(super) fn covered(&mut self) {
        let known: BTreeSet<&str> = self.surface.runs.iter().map(|runs| runs.workload.as_ref()).collect();
        let reached = self.reached();
        let open = (0..self.facts.len()).filter(|at| !reached[*at]).filter(|at| {
            let (path, _) = self.facts.at(*at);
            known.contains(path.workload.as_str())
                && path.row().is_some_and(|field| field.helm)
                && !self.is_told(path)
                && !has_twin(&self.facts, *at, &|at| reached[at] || self.is_told(self.facts.at(at).0))
        });
        let findings: Vec<Finding> =
            open.map(|at| self.facts.at(at)).map(|(path, fact)| self.unsaid(path, fact)).collect();
        findings.into_iter().for_each(|finding| self.diags.push(finding));
    }

    /// Which facts of workloads are carried, stated by a template, or not said for a reason.
    fn reached(&self) -> Vec<bool> {
        let mut reached = vec![false; self.facts.len()];
        let carried = self.carried.iter().filter_map(|(fact, ..)| fact.checked_sub(self.settings.len()));
        carried.for_each(|at| reached[at] = true);
        for unsaid in &self.surface.unsaid {
            if self.values.holds(unsaid.when.as_ref()) == Some(false) {
                continue;
            }
            for pattern in &unsaid.facts {
                for at in self.facts.range_of(&pattern.workload, pattern.kind) {
                    reached[at] = reached[at] || Unsaid::is_about(pattern, self.facts.at(at).0);
                }
            }
        }
        reached
    }
}

/// Whether another variable of the same line is known: `also` gives one fact several names. Variables of a loop stand
/// on one line too, but come from settings of their own.
fn has_twin(facts: &Facts, at: usize, known: &dyn Fn(usize) -> bool) -> bool {
    let (path, fact) = facts.at(at);
    let is_twin = |twin: &Fact| twin.place == fact.place && twin.value == fact.value;
    path.kind == Kind::Env
        && facts.range_of(&path.workload, Kind::Env).any(|other| is_twin(facts.at(other).1) && known(other))
}

/// Whether a fact was computed from just these settings.
fn same_origins(fact: &Fact, found: &[&SmolStr]) -> bool {
    let wanted = &fact.place.origins;
    found.iter().all(|path| wanted.iter().any(|origin| origin.path == **path))
        && wanted.iter().all(|origin| found.iter().any(|path| origin.path == **path))
}

/// Whether two sets of settings are the same. A group or list that is printed whole has what is in it as origins.
fn same_settings(wanted: &BTreeSet<&str>, found: &BTreeSet<&str>, group: bool) -> bool {
    let within = |found: &str, wanted: &str| {
        found == wanted || group && found.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('.'))
    };
    found.iter().all(|found| wanted.iter().any(|wanted| within(found, wanted)))
        && wanted.iter().all(|wanted| found.iter().any(|found| within(found, wanted)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{Delivery, Place, State},
        plan::Origin,
        source::SourceId,
    };

    #[test]
    fn settings_within_a_group_are_the_group() {
        let set = |paths: &[&'static str]| -> BTreeSet<&'static str> { paths.iter().copied().collect() };
        assert!(same_settings(&set(&["a", "b"]), &set(&["b", "a"]), false));
        assert!(!same_settings(&set(&["a"]), &set(&["a", "b"]), false));
        assert!(!same_settings(&set(&["a"]), &set(&[]), false));
        assert!(same_settings(&set(&["a"]), &set(&["a.x", "a.y"]), true));
        assert!(!same_settings(&set(&["a"]), &set(&["a.x"]), false));
        assert!(!same_settings(&set(&["a"]), &set(&["ab"]), true));
        assert!(!same_settings(&set(&["a.x"]), &set(&["a"]), true));
    }

    #[test]
    fn names_of_one_variable_are_twins_and_variables_of_a_loop_are_not() {
        let at = |start| Span::new(SourceId(1), start, start + 1);
        let env = |key: &str| FactPath { workload: "api".into(), kind: Kind::Env, key: key.into(), field: "" };
        let fact = |origin: &str, start| {
            let origins = vec![Origin { path: origin.into(), span: Span::default() }];
            let place = Place { origins, at: at(start), line: 0 };
            Fact { value: Value::string("db"), delivery: Delivery::Literal, state: State::Set, place }
        };
        let facts: Facts = [
            (env("A"), fact("host", 1)),
            (env("B"), fact("host", 1)),
            (env("C"), fact("vars.c", 1)),
            (env("D"), fact("host", 5)),
        ]
        .into_iter()
        .collect();
        let known = |key: &str| facts.position(&env(key)).map(|at| has_twin(&facts, at, &|other| other == 0));
        assert_eq!([known("B"), known("C"), known("D")], [Some(true), Some(false), Some(false)]);
    }
}
