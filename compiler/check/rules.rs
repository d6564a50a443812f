//! The rules of a stack, in every view.

use std::cell::RefCell;

use smol_str::SmolStr;

use crate::{
    diag::{Diags, Finding, codes},
    expr::{self, Evaluated, Expr},
    lookup::Reading,
    model::{Deployed, Env, Instances, Layer, View},
    schema::{Kind, Rule, SettingId},
    source::Span,
    value::{Value, spell},
};

/// Instances of settings that the rules of each deployment read, and that took part in a verdict.
pub type Read = Vec<Instances>;

/// Checks the rules of every deployment; returns what they read.
pub fn rules(env: &Env, diags: &mut Diags) -> Read {
    env.deployments.iter().map(|deployed| Rules { env, deployed, read: Instances::default() }.check(diags)).collect()
}

struct Rules<'a> {
    env: &'a Env,
    deployed: &'a Deployed,
    read: Instances,
}

impl<'a> Rules<'a> {
    fn check(mut self, diags: &mut Diags) -> Instances {
        let mut broken: Vec<(Span, Vec<SmolStr>)> = Vec::new();
        let faults = RefCell::new(Diags::default());
        for (name, view) in self.views() {
            for rule in &self.deployed.stack.rules {
                let own = rule.view.as_str() == name;
                let shared = rule.view.is_empty() && (name == "base" || self.deployed.views.contains_key(name));
                let needless = !rule.without.is_empty() && self.deployed.writes(&rule.without);
                if !own && !shared || needless {
                    continue;
                }
                for keys in self.instances(rule, view) {
                    // A finding that is the same in all views is told once.
                    if let Some(finding) = self.verdict(rule, view, name, &keys, &faults)
                        && !broken.contains(&(rule.span, keys.clone()))
                    {
                        broken.push((rule.span, keys));
                        diags.push(finding);
                    }
                }
            }
        }
        diags.extend(faults.into_inner());
        self.read
    }

    /// The base view, and that of each target which is written; it is the base view where nothing is said for the target.
    fn views(&self) -> impl Iterator<Item = (&'a str, &'a View)> + use<'a> {
        let deployed = self.deployed;
        let targets = deployed.targets.iter().map(|target| (target.as_ref(), deployed.view(target)));
        std::iter::once(("base", &deployed.base)).chain(targets)
    }

    /// The keys of every instance of the record that a rule belongs to.
    fn instances(&self, rule: &Rule, view: &View) -> Vec<Vec<SmolStr>> {
        let Some(record) = rule.record else { return vec![Vec::new()] };
        let stack = &self.deployed.stack;
        let mut above = Vec::new();
        let mut at = record;
        while let Some(parent) = stack.setting(at).parent {
            if stack.setting(at).name.as_str() == "*"
                && matches!(stack.setting(parent).kind, Kind::Map(_) | Kind::List(_))
            {
                above.push(parent);
            }
            at = parent;
        }
        above.into_iter().rev().fold(vec![Vec::new()], |all: Vec<Vec<SmolStr>>, collection| {
            let inner = |keys: Vec<SmolStr>| {
                let found = view.keys_of(collection, &keys).iter();
                found.map(|key| crate::lookup::extended(&keys, key)).collect::<Vec<_>>()
            };
            all.into_iter().flat_map(inner).collect()
        })
    }

    /// Whether the record that a rule belongs to exists in this view at all.
    fn exists(&self, rule: &Rule, reading: &Reading<'_>) -> bool {
        let Some(record) = rule.record else { return true };
        let declarations = &self.deployed.stack.setting(record).declarations;
        declarations.iter().any(|declaration| {
            let conditions = declaration.available.iter();
            conditions
                .map(|index| &self.deployed.stack.conditions[*index as usize])
                .all(|condition| reading.holds(condition) == Some(true))
        })
    }

    fn verdict(
        &mut self,
        rule: &Rule,
        view: &View,
        name: &str,
        keys: &[SmolStr],
        faults: &RefCell<Diags>,
    ) -> Option<Finding> {
        let reading = Reading {
            stack: &self.deployed.stack,
            view,
            target: if name == "base" { "" } else { name },
            environment: &self.env.name,
            release: &self.deployed.name,
            own: keys,
            loops: &[],
            provider: None,
            findings: Some(faults),
        };
        if !self.exists(rule, &reading) {
            return None;
        }
        for condition in &rule.when {
            self.note(condition, &reading);
            if reading.holds(condition) != Some(true) {
                return None;
            }
        }
        let mut broken = None;
        for require in &rule.require {
            match reading.evaluate(require) {
                Evaluated::Value(Value::Bool(holds)) => {
                    self.note(require, &reading);
                    if !holds {
                        broken = broken.or(Some(require));
                    }
                }
                // Presence is what a rule may demand; a value that is missing otherwise silences it.
                _ => self.note(require, &reading),
            }
        }
        broken.map(|require| self.finding(rule, require, &reading, name))
    }

    fn note(&mut self, expr: &Expr, reading: &Reading<'_>) {
        for found in expr::references(expr) {
            let (Some(id), Some(keys)) = (reading.stack.setting_at(found.place), reading.keys(&found.keys)) else {
                continue;
            };
            for below in reading.stack.read_by(id) {
                if reading.stack.setting(below).depth == keys.len() as u32 {
                    self.read.insert(below, &keys);
                }
            }
        }
    }

    fn finding(&self, rule: &Rule, require: &Expr, reading: &Reading<'_>, view: &str) -> Finding {
        let code = if rule.warning { &codes::RULE_WARNING } else { &codes::RULE_BROKEN };
        let text = |expr: &Expr| match reading.evaluate(expr) {
            Evaluated::Value(value) => spell(&value),
            _ => source_words(expr),
        };
        let mut message = full_paths(&text(&rule.told.message), rule, reading);
        if view != "base" && !self.same_in_base(rule, reading) {
            message = format!("{message} (in `{view}`)");
        }
        if self.env.deployments.len() > 1 {
            message = format!("{message} (deployment `{}`)", self.deployed.name);
        }
        let labels = self.labels(rule, require, reading);
        let (primary, underline) = labels.first().cloned().unwrap_or((rule.span, String::new()));
        let mut finding = code.at(primary, message).underline(underline);
        for (span, text) in labels.into_iter().skip(1) {
            finding = finding.label(span, text);
        }
        finding = finding.label(rule.span, format!("rule {} of stack `{}`", rule.id, reading.stack.name));
        match &rule.told.help {
            Some(help) => finding.hint(full_paths(&text(help), rule, reading)),
            None => finding,
        }
    }

    /// Whether everything a rule reads has the same value in the base view.
    fn same_in_base(&self, rule: &Rule, reading: &Reading<'_>) -> bool {
        let base = Reading { view: &self.deployed.base, ..*reading };
        rule.require.iter().all(|require| reading.evaluate(require) == base.evaluate(require))
    }

    /// The settings that decided, those of the environment first, each at the place that gave its value.
    fn labels(&self, rule: &Rule, require: &Expr, reading: &Reading<'_>) -> Vec<(Span, String)> {
        let mut labels: Vec<(bool, Span, String)> = Vec::new();
        let read = expr::references(require).chain(rule.when.iter().flat_map(expr::references)).chain(&rule.told.named);
        let read: Vec<&expr::Ref> = read.flat_map(|found| self.with_inputs(found, reading)).collect();
        for found in read {
            let (Some(id), Some(keys)) = (reading.stack.setting_at(found.place), reading.keys(&found.keys)) else {
                continue;
            };
            let path = reading.stack.path_of(id, &keys);
            if let Some(entry) = self.written_entry(id, &keys) {
                labels.push((false, entry, format!("`{path}` is given here")));
                continue;
            }
            let Some(slot) = reading.view.slot(id, &keys) else { continue };
            let text = match &slot.value {
                Evaluated::Value(value) => format!("`{path}` is {}", spell(value)),
                _ => format!("`{path}` has no value"),
            };
            let text = match slot.layer {
                Layer::Default => format!("{text} by default"),
                Layer::Preset(_) => format!("{text} by this preset"),
                Layer::StackOverride(_) => format!("{text} by the stack's override"),
                _ => text,
            };
            let written = matches!(slot.layer, Layer::Environment | Layer::EnvironmentOverride(_));
            if !labels.iter().any(|(_, _, other)| *other == text) {
                labels.push((!written, slot.span, text));
            }
        }
        if let Some((entry, path)) =
            self.own_entry(rule, reading).filter(|_| labels.iter().all(|(elsewhere, ..)| *elsewhere))
        {
            labels.push((false, entry, format!("this is `{path}`")));
        }
        labels.sort_by_key(|(elsewhere, ..)| *elsewhere);
        labels.into_iter().map(|(_, span, text)| (span, text)).collect()
    }
}

impl Rules<'_> {
    /// A reference, and before it what it is derived from: that is what somebody can write.
    fn with_inputs<'r>(&'r self, found: &'r expr::Ref, reading: &Reading<'_>) -> Vec<&'r expr::Ref> {
        let stack = &self.deployed.stack;
        let declarations = stack.setting_at(found.place).map(|id| stack.setting(id).declarations.as_slice());
        let derived = declarations.into_iter().flatten().filter(|declaration| declaration.derived);
        let inputs = derived.flat_map(|declaration| &declaration.defaults).flat_map(expr::references);
        let given = |input: &&expr::Ref| {
            let id = stack.setting_at(input.place);
            let slot = id.and_then(|id| reading.view.slot(id, &reading.keys(&input.keys)?));
            slot.is_some_and(|slot| matches!(slot.layer, Layer::Environment | Layer::EnvironmentOverride(_)))
        };
        inputs.filter(given).chain([found]).collect()
    }

    /// Where the environment writes the entry that the rule of a record speaks of, and the path of it.
    fn own_entry(&self, rule: &Rule, reading: &Reading<'_>) -> Option<(Span, SmolStr)> {
        let own = Some(reading.own).filter(|own| !own.is_empty())?;
        let at = self.deployed.written.iter().filter(|found| found.keys == own).map(|found| found.name_span).min()?;
        Some((at, reading.stack.path_of(rule.record?, own)))
    }

    /// Where the environment gives a map its first entry.
    fn written_entry(&self, id: SettingId, keys: &[SmolStr]) -> Option<Span> {
        let Kind::Map(item) = self.deployed.stack.setting(id).kind else { return None };
        let below = self.deployed.written.iter().filter(|found| found.setting == item && found.keys.starts_with(keys));
        below.map(|found| found.name_span).min()
    }
}

/// `self.x` in backticks is printed as the whole path.
fn full_paths(message: &str, rule: &Rule, reading: &Reading<'_>) -> String {
    let Some(record) = rule.record else { return message.to_owned() };
    message.replace("`self.", &format!("`{}.", reading.stack.path_of(record, reading.own)))
}

/// A message whose values are missing still says something: the template without them.
fn source_words(expr: &Expr) -> String {
    match &expr.kind {
        expr::Kind::Literal(value) => spell(value),
        expr::Kind::Text(pieces) => pieces
            .iter()
            .map(|piece| match &piece.kind {
                expr::Kind::Literal(value) => spell(value),
                _ => "?".to_owned(),
            })
            .collect(),
        _ => String::new(),
    }
}
