//! The messages about a release.

use std::collections::BTreeSet;

use super::{At, Chart, FactNumber, Source, Step};
use crate::{
    diag::{Finding, codes, nearest},
    facts::Fact,
    plan::{FactPath, Leaf, Workload},
    readback::{
        self,
        carried::{Said, shown},
    },
    schema::{Carry, ChartKey},
    source::Span,
    value::{Bad, Value},
};

impl<'a> Chart<'a, '_> {
    pub(super) fn report(&mut self, finding: Finding) {
        self.diags.push(finding);
    }

    /// What is being looked at, `aeterna.hosts.0.host`.
    fn here(&self) -> String {
        let word = |step: &Step<'_>| match step {
            Step::Name(name) => (*name).to_owned(),
            Step::Item(number) => number.to_string(),
        };
        self.path.iter().map(word).collect::<Vec<_>>().join(".")
    }

    /// A finding about a key that is written, at the place that says it.
    pub(super) fn unread(&mut self, number: u32, at: &At<'a>) {
        let known = self.key(number);
        let last = match self.path.last() {
            Some(Step::Name(name)) => name,
            _ => "",
        };
        let near =
            nearest(last, known.children.keys().map(AsRef::as_ref)).map(|near| format!("did you mean `{near}`?"));
        let message = format!("chart `{}` does not read `{}`", self.surface.chart, self.here());
        let finding = codes::UNREAD_KEY.at(self.said_at(at), message).label(known.span, "it reads these");
        self.report(finding.hint(near.unwrap_or_else(|| "delete it".to_owned())));
    }

    pub(super) fn dead(&mut self, key: &ChartKey, because: &str, at: &At<'a>) {
        let message = format!("chart `{}` does not read `{}`: {because}", self.surface.chart, self.here());
        let finding = codes::DEAD_KEY.at(self.said_at(at), message);
        self.report(finding.label(key.span, "the surface says so").hint("delete it"));
    }

    pub(super) fn idle(&mut self, number: u32, at: &At<'a>) {
        self.tell_of(number);
        let key = self.key(number);
        let message = format!("chart `{}` does not read `{}` as the other values are", self.surface.chart, self.here());
        let span = key.when.as_ref().map_or(key.span, |when| when.span);
        let finding = codes::IDLE_KEY.at(self.said_at(at), message).label(span, "it reads the key only then");
        self.report(finding.hint("write it under the same condition, `(when)\"…\" { … }`"));
    }

    /// A key that is written while it carries none of the facts that it may, and no condition asks for it.
    pub(super) fn says_nothing(&mut self, number: u32) {
        let written = self.written.get(&number).map_or(&[][..], Vec::as_slice);
        let at = written.first().map_or(self.key(number).span, |one| one.at);
        let (chart, path) = (&self.surface.chart, self.surface.path_of(number));
        let message = format!("`{path}` says nothing to chart `{chart}` as the other values are");
        let finding = codes::IDLE_KEY.at(at, message);
        let finding = finding.label(self.key(number).span, "it carries facts only under conditions");
        self.report(finding.hint("write it under the same condition, `(when)\"…\" { … }`"));
    }

    pub(super) fn wrong_shape(&mut self, number: u32, at: &At<'a>, wanted: &str) {
        self.tell_of(number);
        let message = format!("chart `{}` reads `{}` as {wanted}", self.surface.chart, self.here());
        let finding = codes::WRONG_KEY_TYPE.at(self.said_at(at), message);
        self.report(finding.label(self.key(number).span, "the surface says so"));
    }

    pub(super) fn wrong_type(&mut self, number: u32, bad: Option<Bad>, at: &At<'a>) {
        self.tell_of(number);
        let why = bad.as_ref().map_or("one value is wanted, not a list or map", |bad| &bad.message);
        let message = format!("`{}` of chart `{}`: {why}", self.here(), self.surface.chart);
        let finding = codes::WRONG_KEY_TYPE.at(self.said_at(at), message);
        let finding = finding.label(self.key(number).span, "the chart reads it so");
        self.report(finding.maybe_hint(bad.and_then(|bad| bad.hint)));
    }

    /// A key that would hold the text of a secret: the text is not shown.
    pub(super) fn secret(&mut self, number: u32, at: &At<'a>) {
        self.tell_of(number);
        let message = format!("`{}` of chart `{}` would hold the text of a secret", self.here(), self.surface.chart);
        let finding = codes::WRONG_KEY_TYPE.at(self.said_at(at), message);
        self.report(
            finding
                .label(self.key(number).span, "the surface says so")
                .hint("use the key of the chart that takes the name of a `Secret`"),
        );
    }

    pub(super) fn raw_fact(&mut self, number: u32, carry: &Carry, at: Span) {
        let (path, fact) = (self.surface.path_of(number), shown(&carry.fact, &carry.part));
        let message = format!("`{path}` carries {fact}, which is no business of `raw`");
        let hint = "set it in the settings; for Helm alone: `override \"helm\" because=\"…\" { … }`";
        self.report(codes::RAW_FACT.at(at, message).hint(hint));
    }

    /// A key that is not written, with what it would carry.
    pub(super) fn missing(&mut self, number: u32, carries: &[&Carry]) {
        let (key, path) = (self.key(number), self.surface.path_of(number));
        let fact = carries.first().and_then(|carry| self.wanted(&carry.fact));
        let chart = &self.surface.chart;
        let message = match carries {
            [] => format!("chart `{chart}` needs `{path}`, and the values do not say it"),
            carries => {
                let from = fact.map(readback::settings_of).unwrap_or_default();
                let facts: Vec<String> = carries.iter().map(|carry| shown(&carry.fact, &carry.part)).collect();
                format!("`{path}` carries {} to chart `{chart}`, and the values do not say it{from}", facts.join(", "))
            }
        };
        let at = fact.map_or(key.span, readback::place);
        let finding = codes::MISSING_KEY.at(at, message).label(key.span, "the surface says so");
        self.report(finding.hint(format!("add `{path}` to the `values` of the stack")));
    }

    pub(super) fn extra(&mut self, number: u32, carry: &Carry, said: bool) {
        let (key, path) = (self.key(number), self.surface.path_of(number));
        let verb = if said { "is written" } else { "has a default of the chart's own" };
        let fact = shown(&carry.fact, &carry.part);
        let message = format!("`{path}` {verb}, which says {fact}, and nothing here does");
        let hint = match said {
            true => "write the key under the condition of the fact".to_owned(),
            false => format!("write `{path}` as `#null` under the opposite condition, which takes the default away"),
        };
        let at = self.span_of(Source::Key(number)).unwrap_or(key.span);
        self.report(codes::EXTRA_KEY.at(at, message).label(key.span, "the surface says so").hint(hint));
    }

    /// A template says a fact that there is not, of a workload that there is.
    pub(super) fn stated(&mut self, path: &FactPath, at: Span) {
        if self.facts.keys().any(|other| other.workload == path.workload) {
            let message = format!("chart `{}` states `{path}`, and nothing here does", self.surface.chart);
            self.report(codes::FIXED_DIFFERS.at(at, message).hint("say it of the workload too"));
        }
    }

    pub(super) fn not_run(&mut self, workload: &Workload) {
        let message = format!("chart `{}` does not run `{}` with these values", self.surface.chart, workload.name);
        let runs = self.surface.runs.iter().find(|runs| runs.workload == workload.name);
        let span = runs.map(|runs| runs.when.as_ref().map_or(runs.span, |when| when.span));
        self.report(codes::RUNS_DIFFERS.at(workload.at, message).maybe_label(span, "it runs it only then"));
    }

    pub(super) fn run_alone(&mut self, workload: &str, at: Span) {
        let message =
            format!("chart `{}` runs `{workload}` with these values, and nothing here does", self.surface.chart);
        let finding = codes::RUNS_DIFFERS.at(at, message);
        self.report(finding.hint("write the key that switches it off under the condition of the workload"));
    }

    pub(super) fn run_twice(&mut self, workload: &str, at: Span) {
        let message = format!("chart `{}` runs `{workload}` twice with these values", self.surface.chart);
        self.report(codes::RUNS_DIFFERS.at(at, message).hint("let the conditions of both exclude each other"));
    }

    pub(super) fn misnamed(&mut self, workload: &str, name: &Leaf, found: &Value, at: Span) {
        let (here, there) = (readback::spell(&name.value), readback::spell(found));
        let from = readback::from(&name.origins);
        let message =
            format!("`names` calls `{workload}` {here}{from}, and chart `{}` calls it {there}", self.surface.chart);
        let finding = codes::FIXED_DIFFERS.at(name.at, message).label(at, "the surface says so");
        self.report(finding.hint(format!("write `names {{ {workload} … }}` so that it gives {there}")));
    }

    pub(super) fn differs(&self, path: &FactPath, fact: &Fact, sources: &[(FactNumber, Source, Said<'_>)]) -> Finding {
        // A text where a secret belongs may be the secret.
        let secret = matches!(fact.value, Value::Secret(_));
        let spell = |part: &str, value: &Value| match value {
            Value::String(_) | Value::Text(_) if secret && part.is_empty() => "another text".to_owned(),
            value => readback::spell(value),
        };
        let say = |(_, source, said): &(FactNumber, Source, Said<'_>)| {
            let values: Vec<String> = said.values.iter().map(|value| spell(said.part, value)).collect();
            format!("{} says {}", self.named(*source), values.join(", "))
        };
        let said: Vec<String> = sources.iter().map(say).collect();
        let (wanted, from) = (readback::spell(&fact.value), readback::settings_of(fact));
        let message = format!("`{path}` is {wanted}{from}, and to chart `{}` {}", self.surface.chart, said.join(", "));
        let template = sources.iter().any(|(_, source, _)| matches!(source, Source::Template(_)));
        let code = if template { &codes::FIXED_DIFFERS } else { &codes::CARRIED_DIFFERS };
        let at = sources.iter().find_map(|(_, source, _)| self.span_of(*source));
        code.at(readback::place(fact), message).maybe_label(at, "it is said here")
    }

    /// What says a fact, in words.
    fn named(&self, source: Source) -> String {
        match source {
            Source::Key(number) => format!("`{}`", self.surface.path_of(number)),
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

    pub(super) fn other_origin(
        &self,
        path: &FactPath,
        fact: &Fact,
        sources: &[(FactNumber, Source, Said<'_>)],
        wanted: &BTreeSet<&str>,
        found: &BTreeSet<&str>,
    ) -> Finding {
        let words = |set: &BTreeSet<&str>| match set.is_empty() {
            true => "a constant".to_owned(),
            false => set.iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", "),
        };
        let keys: Vec<String> = sources.iter().map(|(_, source, _)| self.named(*source)).collect();
        let (wanted, found) = (words(wanted), words(found));
        let message = format!("`{path}` comes from {wanted}, and {} from {found}", keys.join(", "));
        let at = sources.iter().find_map(|(_, source, _)| self.span_of(*source)).unwrap_or_default();
        let finding = codes::OTHER_ORIGIN.at(at, message).label(readback::place(fact), "the fact is said here");
        finding.hint("compute both from the same settings")
    }

    /// A key takes workloads as they are, and says one of their facts otherwise or not at all.
    pub(super) fn not_as_it_is(&self, number: u32, path: &FactPath, fact: &Fact, found: Option<&Fact>) -> Finding {
        let (key, from) = (self.surface.path_of(number), readback::settings_of(fact));
        let says = match found {
            Some(found) => {
                format!("line {} of the values says {}", found.place.line, readback::spell(&found.value))
            }
            None => format!("`{key}` does not say it"),
        };
        let message = format!("{} is {}{from}, and {says}", shown(path, ""), readback::spell(&fact.value));
        codes::CARRIED_DIFFERS.at(readback::place(fact), message).label(self.key(number).span, "the surface says so")
    }

    /// A key takes workloads as they are, and says a fact that none of them has.
    pub(super) fn more_than_it_is(&self, number: u32, path: &FactPath, fact: &Fact) -> Finding {
        let key = self.surface.path_of(number);
        let message = format!("line {} of `{key}` says {}, and nothing here does", fact.place.line, shown(path, ""));
        codes::EXTRA_KEY.at(self.key(number).span, message)
    }

    pub(super) fn unsaid(&self, path: &FactPath, fact: &Fact) -> Finding {
        let (fact_path, from) = (shown(path, ""), readback::settings_of(fact));
        let message = format!("{fact_path}{from} reaches chart `{}` by no key", self.surface.chart);
        codes::UNCARRIED
            .at(readback::place(fact), message)
            .label(self.surface.span, "its surface")
            .hint(format!("add `carries=\"{path}\"` to the key that says it, or `unsaid \"{path}\" because=\"…\"`"))
    }
}
