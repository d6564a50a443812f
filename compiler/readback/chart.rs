//! The values of one release against the surface of its chart and the facts of Helm's view.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::carried::{self, Said, shown};
use crate::{
    diag::{Diags, Finding, codes, nearest},
    expr::{Evaluated, Expr},
    facts::{self, Delivery, Fact, Facts, Names, Place, State},
    lookup::Reading,
    model::{Deployed, Env},
    plan::{Deployment, FactPath, Kind, Origin, Release},
    read::{Data, Node},
    schema::{self, Carry, ChartKey, KeyShape, Stack, Surface},
    source::{SourceId, Span},
    surface::{self, Values},
    targets::{File, Leaf},
    value::Value,
};

/// Reports keys that the chart does not read, and facts that the values say otherwise or not at all.
pub(super) fn check(
    env: &Env,
    deployed: &Deployed,
    deployment: &Deployment,
    release: &Release,
    surface: &Surface,
    file: &File,
    diags: &mut Diags,
) {
    let Some(Ok(tree)) = super::tree_of(file) else { return };
    let names = Names::of_release(release);
    let facts = facts::of_workloads(&deployment.cluster, &deployment.configs, &names);
    let mut chart = Chart {
        env,
        deployed,
        stack: &deployed.stack,
        surface,
        values: Values::new(surface, &tree),
        read: Vec::new(),
        settings: settings(env, deployed, surface),
        facts,
        names,
        leaves: file.leaves.iter().map(|leaf| (leaf.path(), leaf)).collect(),
        written: BTreeMap::new(),
        nulls: BTreeSet::new(),
        carried: BTreeMap::new(),
        diags,
    };
    chart.read = chart.values.all_read();
    chart.group(&tree, 0, &mut Vec::new());
    chart.carry();
    chart.fixed();
    chart.join();
    chart.says();
    chart.understood();
    chart.runs(deployment, release);
    chart.covered();
}

/// The settings that keys of a surface carry, as Helm sees them.
fn settings(env: &Env, deployed: &Deployed, surface: &Surface) -> Facts {
    let carries = surface.keys.iter().flat_map(|key| &key.carries).map(|carry| &carry.fact);
    let named = carries.filter(|fact| fact.kind == Kind::Setting);
    named.filter_map(|path| Some((path.clone(), setting(env, deployed, &path.key)?))).collect()
}

fn setting(env: &Env, deployed: &Deployed, path: &Arc<str>) -> Option<Fact> {
    let (id, keys) = super::setting_of(&deployed.stack, path)?;
    let view = deployed.view("helm");
    let Evaluated::Value(value) = reading(env, deployed).setting(id, &keys) else { return None };
    let declared = deployed.stack.setting(id).declarations.first().map(|declaration| declaration.span);
    let span = view.slot(id, &keys).map(|slot| slot.span).or(declared).unwrap_or_default();
    let place = Place { origins: vec![Origin { path: path.clone(), span }], at: span, line: 0 };
    Some(Fact { value, delivery: Delivery::Literal, state: State::Set, place })
}

/// Helm's view, for expressions over settings.
fn reading<'a>(env: &'a Env, deployed: &'a Deployed) -> Reading<'a> {
    Reading {
        stack: &deployed.stack,
        view: deployed.view("helm"),
        target: "helm",
        environment: &env.name,
        release: &deployed.name,
        own: &[],
        loops: &[],
        provider: None,
        findings: None,
    }
}

/// A key that was written once.
struct Written {
    value: Value,
    origins: Vec<Arc<str>>,
    /// Where the stack or the environment says it.
    at: Span,
    /// Whether the environment's `raw` says it.
    raw: bool,
}

/// Who says a fact in a release.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    /// The key of this number.
    Key(u32),
    /// A template, as the surface says here.
    Template(Span),
}

/// One release while it is read back.
pub(super) struct Chart<'a, 't> {
    env: &'a Env,
    deployed: &'a Deployed,
    pub(super) stack: &'a Stack,
    pub(super) surface: &'a Surface,
    pub(super) values: Values<'a, 't>,
    /// Whether the chart reads each key.
    read: Vec<Option<bool>>,
    facts: Facts,
    /// What each setting is in Helm's view.
    settings: Facts,
    names: Names,
    leaves: BTreeMap<Vec<String>, Leaf<'a>>,
    /// What was written, by the number of the key; several times below lists and maps.
    written: BTreeMap<u32, Vec<Written>>,
    /// Keys that were written to be null: they take the chart's own value away.
    nulls: BTreeSet<u32>,
    /// What active keys and templates say of each fact.
    carried: BTreeMap<&'a FactPath, Vec<(Source, Said)>>,
    diags: &'a mut Diags,
}

impl<'a> Chart<'a, '_> {
    fn key(&self, number: u32) -> &'a ChartKey {
        &self.surface.keys[number as usize]
    }

    /// Whether the chart reads a key with these values.
    pub(super) fn is_read(&self, number: u32) -> bool {
        self.read[number as usize] == Some(true)
    }

    /// Helm's view, for what the surface says over settings.
    pub(super) fn reading(&self) -> Reading<'a> {
        reading(self.env, self.deployed)
    }

    /// The path of a key on the surface, `aeterna.image.tag`.
    fn path(&self, number: u32) -> String {
        self.surface.path_of(number)
    }

    /// Where the text of a value came from: the leaf at it, or the first below it.
    fn said_at(&self, path: &[String]) -> Span {
        let below = self.leaves.range(path.to_vec()..).next().filter(|(found, _)| found.starts_with(path));
        below.map_or(Span::default(), |(_, leaf)| leaf.at())
    }

    fn group(&mut self, node: &Node<'_>, number: u32, path: &mut Vec<String>) {
        for (name, below) in node.entries() {
            path.push(name.to_string());
            match self.surface.below(number, name) {
                Some(child) => self.value(below, child, path),
                None => self.unread(number, path),
            }
            path.pop();
        }
        if !matches!(node.data, Data::Map(_) | Data::Null) {
            self.wrong_shape(number, path, "a map");
        }
    }

    fn value(&mut self, node: &Node<'_>, number: u32, path: &mut Vec<String>) {
        let key = self.key(number);
        if let KeyShape::Dead(because) = &key.shape {
            let message = format!("chart `{}` does not read `{}`: {because}", self.surface.chart, path.join("."));
            return self.report(codes::DEAD_KEY.at(self.said_at(path), message).label(key.span, "the surface says so"));
        }
        if self.values.holds(key.when.as_ref()) == Some(false) && !is_nothing(node) {
            self.idle(number, path);
        }
        match &key.shape {
            KeyShape::Group => return self.group(node, number, path),
            KeyShape::List(item) => self.items(node, *item, number, path),
            KeyShape::Map(item) => self.each(node, *item, number, path),
            KeyShape::Any => self.known(node, number, path),
            KeyShape::Scalar(..) | KeyShape::Dead(_) => {}
        }
        self.note(node, number, path);
    }

    fn items(&mut self, node: &Node<'_>, item: u32, number: u32, path: &mut Vec<String>) {
        if !matches!(node.data, Data::List(_) | Data::Null) {
            return self.wrong_shape(number, path, "a list");
        }
        for (at, below) in node.items().iter().enumerate() {
            path.push(at.to_string());
            self.value(below, item, path);
            path.pop();
        }
    }

    /// The keys of something that the chart hands on whole, as far as the surface names them.
    fn known(&mut self, node: &Node<'_>, number: u32, path: &mut Vec<String>) {
        for (name, below) in node.entries() {
            if let Some(child) = self.key(number).children.get(&**name) {
                path.push(name.to_string());
                self.value(below, *child, path);
                path.pop();
            }
        }
    }

    fn each(&mut self, node: &Node<'_>, item: u32, number: u32, path: &mut Vec<String>) {
        if !matches!(node.data, Data::Map(_) | Data::Null) {
            return self.wrong_shape(number, path, "a map");
        }
        for (name, below) in node.entries() {
            path.push(name.to_string());
            self.value(below, self.key(number).children.get(&**name).copied().unwrap_or(item), path);
            path.pop();
        }
    }

    /// Keeps what a key was written to be, in its type.
    fn note(&mut self, node: &Node<'_>, number: u32, path: &[String]) {
        if matches!(node.data, Data::Null) {
            self.nulls.insert(number);
            return;
        }
        let key = self.key(number);
        match surface::typed(self.surface, number, node) {
            Ok(value) => {
                let Some(value) = own(value, key) else { return };
                let (origins, at, raw) = self.origins(path);
                self.written.entry(number).or_default().push(Written { value, origins, at, raw });
            }
            Err(bad) => {
                let why = bad.as_ref().map_or("it is a list or map", |bad| &bad.message);
                let message = format!("`{}` of chart `{}`: {why}", path.join("."), self.surface.chart);
                let finding = codes::WRONG_KEY_TYPE.at(self.said_at(path), message);
                self.report(finding.label(key.span, "the chart reads it so").maybe_hint(bad.and_then(|bad| bad.hint)));
            }
        }
    }

    /// The settings that a value was computed from, as a whole and in its parts.
    pub(super) fn origins(&self, path: &[String]) -> (Vec<Arc<str>>, Span, bool) {
        let mut origins: Vec<Arc<str>> = Vec::new();
        let (mut at, mut raw) = (None, false);
        // A list or map that is one value has its leaf above.
        let above = (0..path.len()).filter_map(|length| self.leaves.get(&path[..length]));
        let below =
            self.leaves.range(path.to_vec()..).take_while(|(found, _)| found.starts_with(path)).map(|(_, leaf)| leaf);
        for leaf in above.chain(below) {
            at = at.or(Some(leaf.at()));
            raw |= leaf.at().source == SourceId::default() && leaf.origins().is_empty();
            for origin in leaf.origins() {
                if !origins.contains(&origin.path) {
                    origins.push(origin.path.clone());
                }
            }
        }
        origins.sort();
        (origins, at.unwrap_or_default(), raw)
    }

    /// Sorts what was written by the facts that it carries, and misses what was not.
    fn carry(&mut self) {
        for number in 0..self.surface.keys.len() as u32 {
            let key = self.key(number);
            if key.carries.is_empty() && !key.required || !self.is_read(number) {
                continue;
            }
            let said = self.written.get(&number).is_some_and(|written| !written.is_empty());
            if key.required && !said && !self.nulls.contains(&number) {
                self.missing(number, None);
            }
            let values = self.values;
            let carries = |carry: &&Carry| values.holds(carry.when.as_ref()) == Some(true);
            if said && !key.carries.is_empty() && !key.carries.iter().any(|carry| carries(&carry)) {
                self.says_nothing(number);
            }
            for carry in key.carries.iter().filter(carries) {
                match self.wanted(&carry.fact) {
                    Some(fact) if !said && self.has_part(fact, carry) => self.missing(number, Some(carry)),
                    Some(_) => self.keep(number, carry),
                    None if said || !is_empty(key.default.as_ref()) => self.extra(number, carry, said),
                    None => {}
                }
            }
        }
    }

    /// Whether a fact has the part that a key carries: an image without a digest has nothing to say there.
    fn has_part(&self, fact: &Fact, carry: &Carry) -> bool {
        carried::part_of(&fact.value, self.type_of(&carry.fact), &carry.part).is_some()
    }

    /// The scalar type of a fact's value.
    fn type_of(&self, path: &FactPath) -> &'a str {
        if path.kind != Kind::Setting {
            return path.kind.row().field(&path.field).map_or("any", |field| field.of);
        }
        match super::setting_of(self.stack, &path.key).map(|(id, _)| &self.stack.setting(id).kind) {
            Some(schema::Kind::Scalar(of)) => of,
            _ => "any",
        }
    }

    fn wanted(&self, fact: &FactPath) -> Option<&Fact> {
        if fact.kind == Kind::Setting { self.settings.get(fact) } else { self.facts.get(fact) }
    }

    fn keep(&mut self, number: u32, carry: &'a Carry) {
        let Some(written) = self.written.get(&number) else { return };
        let mut said =
            Said { part: carry.part.clone(), values: Vec::new(), single: self.is_single(number), origins: Vec::new() };
        for one in written {
            match carried::said_of(&carry.fact, &one.value, carry.plus, &self.names) {
                Value::List(items) if !said.single => said.values.extend(items),
                value => said.values.push(value),
            }
            said.origins.extend(one.origins.iter().cloned());
        }
        if let Some(raw) = written.iter().find(|one| one.raw) {
            let message = format!(
                "`{}` carries {}, which is no business of `raw`",
                self.path(number),
                shown(&carry.fact, &carry.part)
            );
            let finding = codes::RAW_FACT.at(raw.at, message);
            return self.report(
                finding.hint("set it in the settings; for Helm alone: `override \"helm\" because=\"…\" { … }`"),
            );
        }
        self.carried.entry(&carry.fact).or_default().push((Source::Key(number), said));
    }

    /// Whether a key stands once, not below a list or map.
    fn is_single(&self, number: u32) -> bool {
        let mut at = Some(number);
        while let Some(number) = at {
            let key = self.key(number);
            if &*key.name == "*" {
                return false;
            }
            at = key.parent;
        }
        true
    }

    /// Compares what keys and templates say together with each fact, and where both come from.
    fn join(&mut self) {
        let carried = std::mem::take(&mut self.carried);
        for (path, sources) in &carried {
            let Some(fact) = self.wanted(path).cloned() else { continue };
            let said: Vec<Said> = sources.iter().map(|(_, said)| said.clone()).collect();
            if !carried::joins(&fact.value, self.type_of(path), &said) {
                self.differs(path, &fact, sources);
                continue;
            }
            let by_keys = sources.iter().filter(|(source, _)| matches!(source, Source::Key(_)));
            let found: BTreeSet<&str> =
                by_keys.clone().flat_map(|(_, said)| &said.origins).map(AsRef::as_ref).collect();
            let wanted: BTreeSet<&str> = fact.place.origins.iter().map(|origin| &*origin.path).collect();
            if by_keys.clone().next().is_some()
                && !same_settings(&wanted, &found, path.kind == Kind::Setting || self.type_of(path) == "list")
            {
                self.other_origin(path, &fact, sources, (&wanted, &found));
            }
        }
        self.carried = carried;
    }

    /// Adds what templates state without a key.
    fn fixed(&mut self) {
        let (surface, values) = (self.surface, self.values);
        for fixed in surface.fixed.iter().filter(|fixed| values.holds(fixed.when.as_ref()) == Some(true)) {
            let path = &fixed.fact.fact;
            let Evaluated::Value(value) = values.evaluate(&fixed.value) else { continue };
            if self.wanted(path).is_none() {
                if self.facts.keys().any(|other| other.workload == path.workload) {
                    let message = format!("chart `{}` states `{path}`, and nothing here does", surface.chart);
                    self.report(codes::FIXED_DIFFERS.at(fixed.span, message).hint("say it of the workload too"));
                }
                continue;
            }
            let value = carried::said_of(path, &value, 0, &self.names);
            let said = Said { part: fixed.fact.part.clone(), values: vec![value], single: true, origins: Vec::new() };
            self.carried.entry(path).or_default().push((Source::Template(fixed.span), said));
        }
    }

    /// The chart runs the workloads of Helm's view and no others, under the names that the release gives.
    fn runs(&mut self, deployment: &Deployment, release: &Release) {
        let surface = self.surface;
        let active: Vec<_> =
            surface.runs.iter().filter(|runs| self.values.holds(runs.when.as_ref()) == Some(true)).collect();
        for workload in &deployment.cluster {
            if self.is_known(&workload.name) && !active.iter().any(|runs| runs.workload == workload.name) {
                let message = format!("chart `{}` does not run `{}` with these values", surface.chart, workload.name);
                self.report(codes::RUNS_DIFFERS.at(workload.at, message));
            }
        }
        for (at, runs) in active.iter().enumerate() {
            if active[..at].iter().any(|other| other.workload == runs.workload) {
                let message = format!("chart `{}` runs `{}` twice with these values", surface.chart, runs.workload);
                self.report(codes::RUNS_DIFFERS.at(runs.span, message));
            }
            if !deployment.cluster.iter().any(|workload| workload.name == runs.workload) {
                let name = &runs.workload;
                let message =
                    format!("chart `{}` runs `{name}` with these values, and nothing here does", surface.chart);
                self.report(codes::RUNS_DIFFERS.at(runs.span, message));
            }
            self.host(&runs.workload, runs.host.as_ref(), release);
        }
    }

    /// The release calls a workload what the chart calls its Service.
    fn host(&mut self, workload: &Arc<str>, host: Option<&Expr>, release: &Release) {
        let (Some(host), Some(name)) = (host, release.names.get(workload)) else { return };
        if let Evaluated::Value(found) = self.values.evaluate(host)
            && !carried::same(&found, &name.value)
        {
            let (here, there) = (super::spell(&name.value), super::spell(&found));
            let from = super::from(&name.origins);
            let message =
                format!("`names` calls `{workload}` {here}{from}, and chart `{}` calls it {there}", self.surface.chart);
            self.report(codes::FIXED_DIFFERS.at(name.at, message).label(host.span, "the surface says so"));
        }
    }

    /// Whether the chart knows a workload at all; another release may run it.
    fn is_known(&self, workload: &str) -> bool {
        self.surface.runs.iter().any(|runs| &*runs.workload == workload)
    }

    /// Every fact that Kubernetes has words for is carried, stated by a template, or not said for a reason.
    fn covered(&mut self) {
        let known = |path: &FactPath| self.carried.contains_key(path) || self.is_unsaid(path);
        let open = self.facts.iter().filter(|(path, fact)| {
            let said = path.kind.row().field(&path.field).is_some_and(|field| field.helm);
            said && self.is_known(&path.workload) && !known(path) && !self.is_twin(path, fact, &known)
        });
        let findings: Vec<Finding> = open.map(|(path, fact)| self.unsaid(path, fact)).collect();
        findings.into_iter().for_each(|finding| self.report(finding));
    }

    /// Every value that is computed from settings stands at a key of which the surface says what it carries, or for which
    /// values it matters.
    fn understood(&mut self) {
        let asked = self.surface.asked();
        let open = self.leaves.iter().filter(|(path, leaf)| {
            !leaf.origins().is_empty() && !self.is_understood(path, &asked)
        });
        let findings: Vec<Finding> = open.map(|(path, leaf)| self.unknown(path, leaf)).collect();
        findings.into_iter().for_each(|finding| self.report(finding));
    }

    fn is_understood(&self, path: &[String], asked: &[u32]) -> bool {
        let says = |number: u32| {
            let key = self.key(number);
            !key.carries.is_empty() || key.says.is_some() || asked.contains(&number)
        };
        let mut number = 0;
        for name in path {
            match self.surface.below(number, name) {
                Some(below) if below != number => number = below,
                Some(_) => break, // in something that is handed on whole
                None => return true, // reported as unread
            }
            if says(number) || matches!(self.key(number).shape, KeyShape::Dead(_)) {
                return true;
            }
        }
        // A value that is a map or list has its keys below.
        self.any_below(number, &says)
    }

    fn any_below(&self, number: u32, says: &dyn Fn(u32) -> bool) -> bool {
        let key = self.key(number);
        let item = match key.shape {
            KeyShape::List(item) | KeyShape::Map(item) => Some(item),
            _ => None,
        };
        key.children.values().copied().chain(item).any(|child| says(child) || self.any_below(child, says))
    }

    /// Whether another variable of the same line is known: `also` gives one fact several names.
    fn is_twin(&self, path: &FactPath, fact: &Fact, known: &dyn Fn(&FactPath) -> bool) -> bool {
        path.kind == Kind::Env
            && self.facts.iter().any(|(other, twin)| {
                other != path
                    && other.kind == Kind::Env
                    && other.workload == path.workload
                    && twin.place.at == fact.place.at
                    && twin.value == fact.value
                    && known(other)
            })
    }

    fn is_unsaid(&self, path: &FactPath) -> bool {
        let unsaid = &self.surface.unsaid;
        unsaid.iter().any(|unsaid| unsaid.covers(path) && self.values.holds(unsaid.when.as_ref()) == Some(true))
    }
}

/// Messages.
impl Chart<'_, '_> {
    pub(super) fn report(&mut self, finding: Finding) {
        self.diags.push(finding);
    }

    fn unread(&mut self, number: u32, path: &[String]) {
        let known = self.key(number);
        let last = path.last().map_or("", String::as_str);
        let near =
            nearest(last, known.children.keys().map(AsRef::as_ref)).map(|near| format!("did you mean `{near}`?"));
        let message = format!("chart `{}` does not read `{}`", self.surface.chart, path.join("."));
        self.report(
            codes::UNREAD_KEY.at(self.said_at(path), message).maybe_hint(near).label(known.span, "it reads these"),
        );
    }

    fn idle(&mut self, number: u32, path: &[String]) {
        let key = self.key(number);
        let message =
            format!("chart `{}` does not read `{}` as the other values are", self.surface.chart, path.join("."));
        let span = key.when.as_ref().map_or(key.span, |when| when.span);
        self.report(codes::IDLE_KEY.at(self.said_at(path), message).label(span, "it reads the key only then"));
    }

    /// A key that is written while it carries none of the facts that it may; empty text says that there is none.
    fn says_nothing(&mut self, number: u32) {
        let written = self.written.get(&number).and_then(|written| written.iter().find(|one| !is_empty(Some(&one.value))));
        let Some(at) = written.map(|written| written.at) else { return };
        let (chart, path) = (&self.surface.chart, self.path(number));
        let message = format!("`{path}` says nothing to chart `{chart}` as the other values are");
        self.report(codes::IDLE_KEY.at(at, message).label(self.key(number).span, "it carries facts only under conditions"));
    }

    fn wrong_shape(&mut self, number: u32, path: &[String], wanted: &str) {
        let message = format!("chart `{}` reads `{}` as {wanted}", self.surface.chart, path.join("."));
        let key = self.key(number);
        self.report(codes::WRONG_KEY_TYPE.at(self.said_at(path), message).label(key.span, "the surface says so"));
    }

    fn missing(&mut self, number: u32, carry: Option<&Carry>) {
        let (key, path) = (self.key(number), self.path(number));
        let (what, at) = match carry {
            Some(carry) => {
                let at = self.wanted(&carry.fact).map_or(key.span, super::place);
                (format!("carries {}", shown(&carry.fact, &carry.part)), at)
            }
            None => ("has to be written".to_owned(), key.span),
        };
        let message = format!("`{path}` {what} to chart `{}`, and the values do not say it", self.surface.chart);
        let settings = carry.and_then(|carry| self.wanted(&carry.fact)).map(super::settings_of);
        let message = settings.map_or(message.clone(), |of| format!("{message}{of}"));
        self.report(
            codes::MISSING_KEY
                .at(at, message)
                .label(key.span, "the surface says so")
                .hint(format!("add `{path}` to the `values` of the stack")),
        );
    }

    fn extra(&mut self, number: u32, carry: &Carry, said: bool) {
        let (key, path) = (self.key(number), self.path(number));
        let verb = if said { "is written" } else { "has a default of the chart's own" };
        let message = format!("`{path}` {verb}, which says {}, and nothing here does", shown(&carry.fact, &carry.part));
        let at = self.written.get(&number).and_then(|written| written.first()).map_or(key.span, |written| written.at);
        self.report(codes::EXTRA_KEY.at(at, message).label(key.span, "the surface says so"));
    }

    fn unknown(&self, path: &[String], leaf: &Leaf<'_>) -> Finding {
        let message = format!(
            "`{}`{} is written, and nothing says what it carries to chart `{}`",
            path.join("."),
            super::from(leaf.origins()),
            self.surface.chart
        );
        codes::UNCARRIED
            .at(leaf.at(), message)
            .label(self.surface.span, "its surface")
            .hint("add `carries=\"setting PATH\"` to the key, or `says=(cel)\"…\"` for what it has to say")
    }

    fn differs(&mut self, path: &FactPath, fact: &Fact, sources: &[(Source, Said)]) {
        let say = |(source, said): &(Source, Said)| {
            let values: Vec<String> = said.values.iter().map(super::spell).collect();
            format!("{} says {}", self.named(*source), values.join(", "))
        };
        let said: Vec<String> = sources.iter().map(say).collect();
        let (wanted, from) = (super::spell(&fact.value), super::settings_of(fact));
        let message = format!("`{path}` is {wanted}{from}, and to chart `{}` {}", self.surface.chart, said.join(", "));
        let template = sources.iter().any(|(source, _)| matches!(source, Source::Template(_)));
        let code = if template { &codes::FIXED_DIFFERS } else { &codes::CARRIED_DIFFERS };
        let finding = code.at(super::place(fact), message);
        let at = sources.iter().find_map(|(source, _)| self.span_of(*source));
        self.report(finding.maybe_label(at, "it is said here"));
    }

    /// What says a fact, in words.
    fn named(&self, source: Source) -> String {
        match source {
            Source::Key(number) => format!("`{}`", self.path(number)),
            Source::Template(_) => "a template".to_owned(),
        }
    }

    /// Where the stack, the environment or the surface says it.
    fn span_of(&self, source: Source) -> Option<Span> {
        match source {
            Source::Key(number) => Some(self.written.get(&number)?.first()?.at),
            Source::Template(span) => Some(span),
        }
    }

    fn other_origin(
        &mut self,
        path: &FactPath,
        fact: &Fact,
        sources: &[(Source, Said)],
        settings: (&BTreeSet<&str>, &BTreeSet<&str>),
    ) {
        let words = |set: &BTreeSet<&str>| match set.is_empty() {
            true => "a constant".to_owned(),
            false => set.iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", "),
        };
        let keys: Vec<String> = sources.iter().map(|(source, _)| self.named(*source)).collect();
        let message =
            format!("`{path}` comes from {}, and {} from {}", words(settings.0), keys.join(", "), words(settings.1));
        let at = sources.iter().find_map(|(source, _)| self.span_of(*source));
        let finding =
            codes::OTHER_ORIGIN.at(at.unwrap_or_default(), message).label(super::place(fact), "the fact is said here");
        self.report(finding.hint("compute both from the same settings"));
    }

    fn unsaid(&self, path: &FactPath, fact: &Fact) -> Finding {
        let message =
            format!("{}{} reaches chart `{}` by no key", shown(path, ""), super::settings_of(fact), self.surface.chart);
        codes::UNCARRIED
            .at(super::place(fact), message)
            .label(self.surface.span, "its surface")
            .hint(format!("add `carries=\"{path}\"` to the key that says it, or `unsaid \"{path}\" because=\"…\"`"))
    }
}

fn is_nothing(node: &Node<'_>) -> bool {
    matches!(node.data, Data::Null)
}

fn is_empty(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::List(items)) => items.is_empty(),
        Some(Value::Map(entries)) => entries.is_empty(),
        Some(_) => false,
    }
}

/// A value without keys that say things of their own, and without nulls; nothing where nothing is left.
fn own(value: Value, key: &ChartKey) -> Option<Value> {
    let (Value::Map(entries), KeyShape::Any | KeyShape::Map(_)) = (&value, &key.shape) else { return Some(value) };
    let left = entries.iter().filter(|(name, value)| !key.children.contains_key(*name) && **value != Value::Null);
    let left: indexmap::IndexMap<_, _> = left.map(|(name, value)| (name.clone(), value.clone())).collect();
    if left.is_empty() && !entries.is_empty() { None } else { Some(Value::Map(left)) }
}

/// Whether two sets of settings are the same. A group or list that is printed whole has what is in it as origins.
fn same_settings(wanted: &BTreeSet<&str>, found: &BTreeSet<&str>, group: bool) -> bool {
    let within = |found: &str, wanted: &str| {
        found == wanted || group && found.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('.'))
    };
    found.iter().all(|found| wanted.iter().any(|wanted| within(found, wanted)))
        && wanted.iter().all(|wanted| found.iter().any(|found| within(found, wanted)))
}
