//! Written is used: every value that an environment writes reaches an output or a rule, and reaches Helm and
//! Compose alike.

use std::collections::BTreeSet;

use smol_str::SmolStr;

use crate::{
    check::Read,
    diag::{Diags, Finding, codes},
    expr::{self, Evaluated, Expr},
    lookup::Reading,
    lower::{Lowered, view_of},
    model::{Deployed, Env, Instances, Layer, Place, Slot, View},
    schema::{Absent, Assignment, Given, Kind, SettingId},
    source::Span,
    value::Value,
};

/// Reports written values that reached nothing, and settings that reached only one of Helm and Compose.
pub fn used(env: &Env, lowered: &Lowered, ruled: &Read, diags: &mut Diags) {
    let deployments = env.deployments.iter().zip(&lowered.reads).zip(&lowered.blocks);
    for (((deployed, reads), block), ruled) in deployments.zip(ruled) {
        let asked = Asked { deployed, block: block.as_deref() };
        let partial = partial(deployed);
        let mut per_target: Vec<(&str, Instances)> = Vec::new();
        // A stack without a `helm` block says nothing to Helm, and nothing is missing there.
        let says = |target: &str| match target {
            "helm" => !deployed.stack.helm.is_empty(),
            "compose" => !deployed.stack.workloads.is_empty(),
            _ => true,
        };
        for (target, read) in reads.iter().filter(|(target, _)| says(target)) {
            let view = deployed.view(view_of(target));
            per_target.push((target, closed(env, deployed, view, read, &partial)));
        }
        let ruled = closed(env, deployed, &deployed.base, ruled, &partial);
        let mut unsaid: Vec<Unsaid<'_>> = Vec::new();
        for assignment in &deployed.written {
            asked.written(assignment, &per_target, &ruled, &mut unsaid, diags);
        }
        unsaid.into_iter().for_each(|found| diags.push(asked.finding(&found)));
        asked.overridden(&per_target, &ruled, diags);
        asked.one_sided(&per_target, diags);
    }
}

/// What was read, and what that was computed from: defaults, presets and conditions.
fn closed(env: &Env, deployed: &Deployed, view: &View, read: &Instances, partial: &BTreeSet<SettingId>) -> Instances {
    let stack = &deployed.stack;
    let mut all = Instances::default();
    let mut todo: Vec<Place> = read.iter().map(|(id, keys)| (id, keys.to_vec())).collect();
    // Many settings hang on one condition, which leads to the same places wherever there are no keys.
    let mut conditions = vec![false; stack.conditions.len()];
    let mut presets = vec![false; stack.presets.len()];
    let is_new = |known: &mut [bool], index: u32, keys: &[SmolStr]| {
        !keys.is_empty() || !std::mem::replace(&mut known[index as usize], true)
    };
    while let Some((id, keys)) = todo.pop() {
        if !all.insert(id, &keys) {
            continue;
        }
        let reading = Reading {
            stack,
            view,
            target: "",
            environment: &env.name,
            release: &deployed.name,
            own: &keys,
            loops: &[],
            provider: None,
            findings: None,
        };
        let mut follow = |expr: &Expr| {
            for found in expr::references(expr) {
                follow_reference(&reading, found, &mut todo);
            }
        };
        let setting = stack.setting(id);
        let Some(slot) = view.slot(id, &keys) else { continue };
        for declaration in &setting.declarations {
            let available = declaration.available.iter().filter(|index| is_new(&mut conditions, **index, &keys));
            available.for_each(|index| follow(&stack.conditions[*index as usize]));
        }
        if (slot.layer == Layer::Default || partial.contains(&id))
            && let Some(declaration) = slot.declaration
        {
            setting.declarations[declaration as usize].defaults.iter().for_each(&mut follow);
        }
        for (number, at) in &stack.preset_index[id.index()] {
            let preset = &stack.presets[*number as usize];
            if is_new(&mut presets, *number, &keys) {
                preset.when.iter().for_each(&mut follow);
            }
            match &preset.values[*at as usize].given {
                Given::Expr(expr) => follow(expr),
                Given::Part(_, inner) => {
                    if let Given::Expr(expr) = inner.as_ref() {
                        follow(expr);
                    }
                }
                _ => {}
            }
        }
    }
    all
}

/// The settings of which the environment, or a preset, gives a part, so that the rest may still be the default.
fn partial(deployed: &Deployed) -> BTreeSet<SettingId> {
    let presets = deployed.stack.presets.iter().flat_map(|preset| &preset.values);
    let given = deployed.written.iter().chain(presets);
    given.filter(|found| matches!(found.given, Given::Part(..))).map(|found| found.setting).collect()
}

fn follow_reference(reading: &Reading<'_>, found: &expr::Ref, todo: &mut Vec<Place>) {
    let Some(keys) = reading.keys(&found.keys) else { return };
    if let Some(id) = reading.stack.setting_at(found.place) {
        for below in reading.stack.read_by(id) {
            if reading.stack.setting(below).depth == keys.len() as u32 {
                todo.push((below, keys.clone()));
            }
        }
        return;
    }
    for guarded in &reading.stack.endpoints {
        let Some(external) = &guarded.node.external else { continue };
        for expr in external.when.iter().chain([&external.host]).chain(&external.port) {
            for found in expr::references(expr) {
                if let (Some(id), Some(keys)) = (reading.stack.setting_at(found.place), reading.keys(&found.keys)) {
                    todo.push((id, keys));
                }
            }
        }
    }
}

/// Settings that one target does not say, for one reason.
struct Unsaid<'d> {
    target: &'d str,
    absent: &'d Absent,
    settings: Vec<(SmolStr, Span)>,
}

/// A deployment, and which of its stack's Helm blocks is active.
struct Asked<'d> {
    deployed: &'d Deployed,
    block: Option<&'d str>,
}

impl<'d> Asked<'d> {
    fn finding(&self, unsaid: &Unsaid<'_>) -> Finding {
        let Unsaid { target, absent, settings } = unsaid;
        let names: Vec<String> = settings.iter().map(|(path, _)| format!("`{path}`")).collect();
        let verb = if names.len() == 1 { "is" } else { "are" };
        let said = |to: &str| format!("{} {verb} not said to {to}: {}", names.join(", "), absent.because);
        // What no block can say is no surprise; what another one would have said is.
        let finding = match self.block.filter(|block| names_block(absent, block)) {
            Some(block) if !names_target(absent, target) => {
                let message = said(&format!("`helm` block `{block}`"));
                codes::UNSAID_BY_BLOCK.at(settings[0].1, message).hint("remove it, or choose what can say it")
            }
            _ => codes::ABSENT.at(settings[0].1, said(&format!("`{target}`"))),
        };
        let finding = settings[1..].iter().fold(finding, |finding, (_, span)| finding.label(*span, ""));
        finding.label(absent.span, "the stack says why")
    }

    fn written(
        &self,
        assignment: &Assignment,
        per_target: &[(&'d str, Instances)],
        ruled: &Instances,
        unsaid: &mut Vec<Unsaid<'d>>,
        diags: &mut Diags,
    ) {
        let deployed = self.deployed;
        let stack = &deployed.stack;
        let setting = stack.setting(assignment.setting);
        let Some(slot) = deployed.base.slot(assignment.setting, &assignment.keys) else { return };
        let Some(declaration) = slot.declaration else { return };
        if matches!(assignment.given, Given::Here | Given::Wrong | Given::Null) {
            return;
        }
        let is_in = |read: &Instances| read.contains(assignment.setting, &assignment.keys);
        let reached: Vec<&str> = per_target.iter().filter(|(_, read)| is_in(read)).map(|(target, _)| *target).collect();
        let path = stack.path_of(assignment.setting, &assignment.keys);
        if reached.is_empty() && !is_in(ruled) {
            if setting.declarations[declaration as usize].required {
                return; // who writes only one target has to give it all the same
            }
            let absent = setting.declarations.iter().flat_map(|declaration| &declaration.said.absent).next();
            let mut finding =
                codes::UNREACHED.at(assignment.span, format!("`{path}` has no effect in this environment"));
            if let Some(absent) = absent {
                finding = finding.label(absent.span, format!("{}: {}", absent.targets.join(", "), absent.because));
            }
            diags.push(finding.hint("delete it, or change what holds it back"));
            return;
        }
        for (target, _) in
            per_target.iter().filter(|(target, _)| ["helm", "compose"].contains(target) && !reached.contains(target))
        {
            if let Some(absent) = self.absent_in(slot, assignment.setting, target)
                && !absent.targets.iter().any(|name| name.as_str() == "*")
            {
                let here = (path.clone(), assignment.span);
                match unsaid.iter_mut().find(|found| found.target == *target && found.absent.span == absent.span) {
                    Some(found) => found.settings.push(here),
                    None => unsaid.push(Unsaid { target, absent, settings: vec![here] }),
                }
            }
        }
    }

    /// Reports values of overrides that no target of theirs reads. One that a rule alone reads has to be one that these
    /// targets might say.
    fn overridden(&self, per_target: &[(&str, Instances)], ruled: &Instances, diags: &mut Diags) {
        for over in &self.deployed.overrides {
            let is_written = |target: &&SmolStr| per_target.iter().any(|(name, _)| *name == &***target);
            let targets: Vec<&str> = over.targets.iter().filter(is_written).map(AsRef::as_ref).collect();
            let Some(first) = targets.first() else { continue };
            let reads: Vec<&Instances> = per_target
                .iter()
                .filter(|(name, _)| targets.contains(name) || targets.contains(&view_of(name)))
                .map(|(_, read)| read)
                .collect();
            let holders = self.holders(&over.values);
            for assignment in over.values.iter().filter(|given| self.says(given, &holders)) {
                let (id, keys) = (assignment.setting, assignment.keys.as_slice());
                let Some(slot) = self.deployed.view(first).slot(id, keys) else { continue };
                let absent = self.absent_in(slot, id, first);
                let is_named = absent.is_some_and(|absent| !absent.targets.iter().any(|name| &**name == "*"));
                let reached = reads.iter().any(|read| read.contains(id, keys));
                if !reached && (is_named || !ruled.contains(id, keys)) {
                    diags.push(self.idle(assignment, &targets, absent));
                }
            }
        }
    }

    /// The switches that something stands in, each with its keys.
    fn holders<'a>(&self, all: &'a [Assignment]) -> BTreeSet<(SettingId, &'a [SmolStr])> {
        let stack = &self.deployed.stack;
        let above = |given: &'a Assignment| {
            std::iter::successors(stack.setting(given.setting).parent, |id| stack.setting(*id).parent)
                .filter(|id| stack.setting(*id).kind == Kind::Switch)
                .filter_map(|id| Some((id, given.keys.get(..stack.setting(id).depth as usize)?)))
        };
        all.iter().flat_map(above).collect()
    }

    /// Whether an assignment of an override gives a value, by itself: `ingress { … }` only leads to what is written inside.
    fn says(&self, given: &Assignment, holders: &BTreeSet<(SettingId, &[SmolStr])>) -> bool {
        match given.given {
            Given::Wrong => false,
            Given::Here => {
                let is_switch = self.deployed.stack.setting(given.setting).kind == Kind::Switch;
                is_switch && !holders.contains(&(given.setting, given.keys.as_slice()))
            }
            _ => true,
        }
    }

    fn idle(&self, assignment: &Assignment, targets: &[&str], absent: Option<&Absent>) -> Finding {
        let path = self.deployed.stack.path_of(assignment.setting, &assignment.keys);
        let names: Vec<String> = targets.iter().map(|name| format!("`{name}`")).collect();
        let message = format!("`{path}` has no effect on {}, for which it is overridden", names.join(", "));
        let mut finding = codes::UNREACHED.at(assignment.span, message);
        if let Some(absent) = absent {
            finding = finding.label(absent.span, format!("{}: {}", absent.targets.join(", "), absent.because));
        }
        finding.hint("delete it from the override")
    }

    /// The reason why a target does not say a setting; of Helm, that of the active block.
    fn absent_in(&self, slot: &Slot, id: SettingId, target: &str) -> Option<&'d Absent> {
        let declarations = &self.deployed.stack.setting(id).declarations;
        let declaration =
            slot.declaration.and_then(|index| declarations.get(index as usize)).or(declarations.first())?;
        declaration.said.absent.iter().find(|absent| {
            names_target(absent, target)
                || target == "helm" && self.block.is_some_and(|block| names_block(absent, block))
        })
    }

    /// A setting with a value reaches Helm and Compose, or says why one of them does not say it.
    fn one_sided(&self, per_target: &[(&str, Instances)], diags: &mut Diags) {
        let deployed = self.deployed;
        let of = |name: &str| per_target.iter().find(|(target, _)| *target == name).map(|(_, read)| read);
        let (Some(helm), Some(compose)) = (of("helm"), of("compose")) else { return };
        let switched = switched(deployed, deployed.view("helm"), deployed.view("compose"));
        for (reached, missing, other) in [(helm, compose, "compose"), (compose, helm, "helm")] {
            for (id, keys) in reached.iter().filter(|(id, keys)| !missing.contains(*id, keys)) {
                let setting = deployed.stack.setting(id);
                let (here, there) =
                    (deployed.view(if other == "helm" { "compose" } else { "helm" }), deployed.view(other));
                let (Some(slot), Some(other_slot)) = (here.slot(id, keys), there.slot(id, keys)) else { continue };
                let has_value = |slot: &Slot| matches!(slot.value, Evaluated::Value(_)) && slot.declaration.is_some();
                if !has_value(slot)
                    || !has_value(other_slot)
                    || matches!(setting.kind, Kind::Group)
                    || setting.declarations.iter().any(|declaration| declaration.derived)
                    || self.absent_in(slot, id, other).is_some()
                    || is_below(deployed, &switched, id, keys)
                {
                    continue;
                }
                let this = if other == "helm" { "compose" } else { "helm" };
                let path = deployed.stack.path_of(id, keys);
                diags.push(
                    codes::ONE_SIDED
                        .at(slot.span, format!("`{path}` reached `{this}` but not `{other}`, and nothing says why"))
                        .label(setting.declarations[0].span, "declared here")
                        .hint(format!(
                            "use it for `{other}` in the stack, or add `absent \"{other}\" because=\"…\"` to it"
                        )),
                );
            }
        }
    }
}

/// Entries of maps of which a yes or no is another one in two views: what the entry says may then reach only one of them,
/// and the override says why.
fn switched<'v>(deployed: &Deployed, here: &'v View, there: &View) -> BTreeSet<(SettingId, &'v [SmolStr])> {
    let differs = here.deep.iter().filter(|((id, keys), slot)| {
        matches!(slot.value, Evaluated::Value(Value::Bool(_)))
            && there.slot(*id, keys).is_some_and(|other| other.value != slot.value)
    });
    differs
        .filter_map(|((id, keys), _)| Some((deployed.stack.setting(*id).parent?, keys.as_slice())))
        .filter(|(entry, _)| deployed.stack.setting(*entry).name.as_str() == "*")
        .collect()
}

/// Whether a setting lies below one of these entries.
fn is_below(deployed: &Deployed, entries: &BTreeSet<(SettingId, &[SmolStr])>, id: SettingId, keys: &[SmolStr]) -> bool {
    let mut above = std::iter::successors(Some(id), |id| deployed.stack.setting(*id).parent);
    !entries.is_empty()
        && above.any(|above| entries.iter().any(|(entry, start)| *entry == above && keys.starts_with(start)))
}

/// Whether a reason is one for a target as a whole.
fn names_target(absent: &Absent, target: &str) -> bool {
    absent.targets.iter().any(|name| name.as_str() == "*" || name.as_str() == target)
}

/// Whether a reason is one for a Helm block.
fn names_block(absent: &Absent, block: &str) -> bool {
    absent.targets.iter().any(|name| name.strip_prefix("helm:") == Some(block))
}
