//! The settings of one view, in the stack's order.

use std::{cell::RefCell, collections::BTreeMap};

use smol_str::SmolStr;

use crate::{
    diag::{Diags, Finding, codes, list_of, nearest},
    expr::{Evaluated, Expr, Key, Kind as ExprKind},
    lookup::{Reading, extended},
    model::{Deployed, Layer, Slot, View},
    schema::{Assignment, Declaration, Given, Kind, Setting, SettingId, Stack, Step, bad_value, line},
    source::{Sources, Span},
    value::{self, Attributes, Value},
};

/// Most keys that maps and lists of one environment may have.
const MAX_KEYS: usize = 100_000;

/// Resolves the view of a target; the empty name is the base view.
pub(super) fn resolve(
    deployed: &Deployed,
    target: &str,
    environment: &SmolStr,
    span: Span,
    sources: &Sources,
    diags: &mut Diags,
) -> View {
    let stack = &*deployed.stack;
    let mut resolver = Resolver {
        stack,
        release: &deployed.name,
        environment,
        target,
        span,
        sources,
        layers: layers(deployed, target),
        presets: vec![Some(false); stack.presets.len()],
        conditions: vec![None; stack.conditions.len()],
        lists: BTreeMap::new(),
        view: View { flat: vec![None; stack.settings.len()], ..View::default() },
        entries: 0,
        bytes: 0,
        faults: RefCell::default(),
        diags: Diags::default(),
    };
    for step in &stack.order {
        match step {
            Step::Preset(preset) => resolver.preset(*preset),
            Step::Setting(id) => resolver.setting(*id),
        }
    }
    resolver.keys();
    diags.extend(resolver.faults.into_inner());
    diags.extend(resolver.diags);
    resolver.view
}

/// The assignments of environment and overrides, by setting, weakest first.
fn layers<'a>(deployed: &'a Deployed, target: &str) -> Vec<Written<'a>> {
    let mut layers: Vec<Written<'a>> = Vec::new();
    layers.resize_with(deployed.stack.settings.len(), Written::default);
    let mut add = |layer: Layer, values: &'a [Assignment]| {
        for assignment in values {
            layers[assignment.setting.index()].all.push((layer, assignment));
        }
    };
    let named = |targets: &[SmolStr]| targets.iter().any(|name| name.as_str() == target);
    add(Layer::Environment, &deployed.written);
    for (index, found) in deployed.stack.overrides.iter().enumerate().filter(|(_, found)| named(&found.targets)) {
        add(Layer::StackOverride(index as u32), &found.values);
    }
    for (index, found) in deployed.overrides.iter().enumerate().filter(|(_, found)| named(&found.targets)) {
        add(Layer::EnvironmentOverride(index as u32), &found.values);
    }
    layers.iter_mut().for_each(Written::index);
    layers
}

type Keys<'k> = &'k [SmolStr];
type Candidate<'a> = (Layer, &'a Assignment);

/// What is written of one setting, weakest first.
#[derive(Default)]
struct Written<'a> {
    all: Vec<Candidate<'a>>,
    /// The same by keys, and by the keys above the last; only where there is much.
    by_keys: BTreeMap<Keys<'a>, Vec<Candidate<'a>>>,
    by_above: BTreeMap<Keys<'a>, Vec<Candidate<'a>>>,
}

/// Up to how many assignments it takes no longer to look through them than to ask an index.
const FEW: usize = 16;

impl<'a> Written<'a> {
    fn index(&mut self) {
        if self.all.len() <= FEW {
            return;
        }
        for candidate in &self.all {
            let keys = candidate.1.keys.as_slice();
            self.by_keys.entry(keys).or_default().push(*candidate);
            if let Some((_, above)) = keys.split_last() {
                self.by_above.entry(above).or_default().push(*candidate);
            }
        }
    }

    /// What is written for an instance.
    fn at(&self, keys: Keys<'_>) -> Vec<Candidate<'a>> {
        if self.all.len() > FEW {
            return self.by_keys.get(keys).cloned().unwrap_or_default();
        }
        self.all.iter().filter(|(_, assignment)| assignment.keys == keys).copied().collect()
    }

    /// What is written for all entries of a map or list.
    fn below(&self, above: Keys<'_>) -> Vec<Candidate<'a>> {
        if self.all.len() > FEW {
            return self.by_above.get(above).cloned().unwrap_or_default();
        }
        let is_entry = |found: &&Candidate<'a>| found.1.keys.split_last().is_some_and(|(_, found)| found == above);
        self.all.iter().filter(is_entry).copied().collect()
    }
}

struct Resolver<'a> {
    stack: &'a Stack,
    release: &'a SmolStr,
    environment: &'a SmolStr,
    target: &'a str,
    /// The node of the deployment.
    span: Span,
    sources: &'a Sources,
    layers: Vec<Written<'a>>,
    /// Whether each preset holds; `None` where its condition is unknown.
    presets: Vec<Option<bool>>,
    conditions: Vec<Option<Evaluated>>,
    /// Which layer gave a list of records its items.
    lists: BTreeMap<(SettingId, Vec<SmolStr>), Layer>,
    view: View,
    /// How many entries all maps and lists have.
    entries: usize,
    /// How many bytes all values take.
    bytes: usize,
    faults: RefCell<Diags>,
    diags: Diags,
}

impl<'a> Resolver<'a> {
    fn reading<'r>(&'r self, own: Keys<'r>) -> Reading<'r> {
        Reading {
            stack: self.stack,
            view: &self.view,
            target: self.target,
            environment: self.environment,
            release: self.release,
            own,
            loops: &[],
            provider: None,
            findings: Some(&self.faults),
        }
    }

    fn preset(&mut self, preset: u32) {
        let holds = match &self.stack.presets[preset as usize].when {
            None => Some(true),
            Some(when) => self.reading(&[]).holds(when),
        };
        self.presets[preset as usize] = holds;
    }

    fn setting(&mut self, id: SettingId) {
        if self.stack.setting(id).depth == 0 {
            return self.instance(id, &[]);
        }
        for keys in self.instances(id) {
            self.instance(id, &keys);
        }
    }

    fn instance(&mut self, id: SettingId, keys: Keys<'_>) {
        match &self.stack.setting(id).kind {
            Kind::Group => {}
            Kind::Map(item) => self.map(id, *item, keys),
            Kind::List(item) if matches!(self.stack.setting(*item).kind, Kind::Group) => {
                self.record_list(id, *item, keys);
            }
            Kind::Scalar(_) if self.stack.is_list_item(id) => {}
            _ => self.value(id, keys),
        }
    }

    /// The keys of every instance of a setting: one empty list for a setting in no map and no list.
    fn instances(&self, id: SettingId) -> Vec<Vec<SmolStr>> {
        let setting = self.stack.setting(id);
        if setting.depth == 0 {
            return vec![Vec::new()];
        }
        let Some(parent) = setting.parent else { return Vec::new() };
        let above = self.instances(parent);
        if setting.name.as_str() != "*" {
            return above;
        }
        above
            .into_iter()
            .flat_map(|keys| {
                let inner = self.view.keys_of(parent, &keys);
                inner.iter().map(|key| extended(&keys, key)).collect::<Vec<_>>()
            })
            .collect()
    }

    fn condition(&mut self, index: u32, own: Keys<'_>) -> Evaluated {
        if own.is_empty()
            && let Some(known) = &self.conditions[index as usize]
        {
            return known.clone();
        }
        let value = self.reading(own).evaluate(&self.stack.conditions[index as usize]);
        if own.is_empty() {
            self.conditions[index as usize] = Some(value.clone());
        }
        value
    }

    /// Which declaration of a setting holds: its number, or the condition that failed; `Err(None)` if unknown.
    fn declaration(&mut self, setting: &'a Setting, own: Keys<'_>) -> Result<u32, Option<u32>> {
        let mut failed = None;
        for (index, declaration) in setting.declarations.iter().enumerate() {
            let mut holds = true;
            for condition in &declaration.available {
                match self.condition(*condition, own) {
                    Evaluated::Value(Value::Bool(true)) => {}
                    Evaluated::Unknown => return Err(None),
                    _ => {
                        failed = failed.or(Some(*condition));
                        holds = false;
                        break;
                    }
                }
            }
            if holds {
                return Ok(index as u32);
            }
        }
        Err(failed.or(Some(0)))
    }

    /// What presets give a setting, in their order: those of which it is known, or unknown, whether they hold.
    fn presets_of<'r>(
        &'r self,
        id: SettingId,
        counts: fn(Option<bool>) -> bool,
    ) -> impl Iterator<Item = Candidate<'a>> + use<'r, 'a> {
        let stack = self.stack;
        let found =
            stack.preset_index[id.index()].iter().filter(move |(preset, _)| counts(self.presets[*preset as usize]));
        found.map(|(preset, at)| (Layer::Preset(*preset), &stack.presets[*preset as usize].values[*at as usize]))
    }

    /// Whether a value comes from a preset of which nobody knows whether it holds, so that nothing is known of the value.
    fn is_doubtful(&self, (layer, assignment): &Candidate<'a>) -> bool {
        matches!(layer, Layer::Preset(preset) if self.presets[*preset as usize].is_none())
            && assignment.given != Given::Here
    }

    /// What layers give a setting, weakest first; defaults left out.
    fn candidates(&self, id: SettingId, keys: Keys<'_>) -> Vec<Candidate<'a>> {
        let presets = self.presets_of(id, |holds| holds != Some(false));
        let all = presets.filter(|(_, assignment)| assignment.keys == keys).chain(self.layers[id.index()].at(keys));
        let mut all: Vec<Candidate<'a>> = all.filter(|(layer, _)| self.is_of_winning_list(id, keys, *layer)).collect();
        // The order within a layer means nothing: a value is stronger than the mere mention, and its parts stand over it.
        all.sort_by_key(|(layer, assignment)| {
            let part = if let Given::Part(name, _) = &assignment.given { name.as_ref() } else { "" };
            (*layer, assignment.given != Given::Here, part)
        });
        all
    }

    /// Whether the lists of records above an instance got their items from this layer.
    fn is_of_winning_list(&self, id: SettingId, keys: Keys<'_>, layer: Layer) -> bool {
        if !self.stack.setting(id).below_list {
            return true;
        }
        let mut at = id;
        let mut depth = keys.len();
        while let Some(parent) = self.stack.setting(at).parent {
            if self.stack.setting(at).name.as_str() == "*" {
                depth -= 1;
                if let Some(winner) = self.lists.get(&(parent, keys[..depth].to_vec()))
                    && *winner != layer
                {
                    return false;
                }
            }
            at = parent;
        }
        true
    }

    fn value(&mut self, id: SettingId, keys: Keys<'_>) {
        let setting = self.stack.setting(id);
        let candidates = self.candidates(id, keys);
        let declaration = match self.declaration(setting, keys) {
            Ok(declaration) => declaration,
            Err(failed) => return self.unavailable(id, keys, &candidates, failed),
        };
        let declared = &setting.declarations[declaration as usize];
        let mut slot = self.strongest(setting, declared, keys, &candidates);
        slot.declaration = Some(declaration);
        if slot.value == Evaluated::Missing && declared.required {
            self.missing(id, keys, declared, &slot);
            slot.value = Evaluated::Unknown;
        }
        if self.target.is_empty() {
            self.note_redundant(setting, declared, keys, &candidates, &slot);
        }
        self.limit(id, &mut slot);
        self.store(id, keys, slot);
    }

    /// Forgets a value, where all together are too large: defaults that repeat each other double with each step.
    fn limit(&mut self, id: SettingId, slot: &mut Slot) {
        let Evaluated::Value(value) = &slot.value else { return };
        let before = self.bytes;
        self.bytes += value::size(value);
        if self.bytes <= value::MAX_BYTES {
            return;
        }
        slot.value = Evaluated::Unknown;
        if before <= value::MAX_BYTES {
            let path = &self.stack.setting(id).path;
            let message = format!("with `{path}` the settings hold more than {} MiB", value::MAX_BYTES >> 20);
            self.diags.push(codes::TOO_LARGE.at(slot.span, message));
        }
    }

    /// Reports every `key` that is none of the map that it belongs to.
    fn keys(&mut self) {
        let mut found = Vec::new();
        for (index, setting) in self.stack.settings.iter().enumerate() {
            let Some(map) = setting.declarations.iter().find_map(|declaration| declaration.key_of.as_ref()) else {
                continue;
            };
            // The items of a list are values of the list.
            let id = SettingId(index as u32);
            let holder = if self.stack.is_list_item(id) { setting.parent.unwrap_or(id) } else { id };
            for keys in self.instances(holder) {
                let Some(slot) = self.view.slot(holder, &keys) else { continue };
                let values = match &slot.value {
                    Evaluated::Value(Value::List(items)) => items.clone(),
                    Evaluated::Value(value) => vec![value.clone()],
                    _ => continue,
                };
                found.extend(values.iter().filter_map(|value| self.no_such_key(holder, &keys, map, value, slot)));
            }
        }
        for finding in found {
            self.diags.push(finding);
        }
    }

    fn no_such_key(
        &self,
        id: SettingId,
        keys: Keys<'_>,
        map: &crate::expr::Ref,
        value: &Value,
        slot: &Slot,
    ) -> Option<Finding> {
        let of = self.stack.setting_at(map.place)?;
        let mut above: Vec<SmolStr> = Vec::new();
        for key in &map.keys {
            above.push(match key {
                Key::Literal(key) => key.clone(),
                Key::Own(depth) => keys.get(*depth as usize)?.clone(),
                Key::Loop(_) | Key::Computed(_) => return None,
            });
        }
        let known = self.view.keys_of(of, &above);
        let word = value::spell(value);
        if known.iter().any(|key| key.as_ref() == word) {
            return None;
        }
        let (path, map) = (self.stack.path_of(id, keys), self.stack.path_of(of, &above));
        let near = nearest(&word, known.iter().map(AsRef::as_ref)).map(|near| format!("did you mean `{near}`?"));
        let hint = near.unwrap_or_else(|| match known.is_empty() {
            true => format!("`{map}` has no entries: write `{map} \"{word}\" …`"),
            false => format!("`{map}` has {}", list_of(&known.iter().map(AsRef::as_ref).collect::<Vec<_>>())),
        });
        Some(
            codes::NO_SUCH_KEY
                .at(slot.span, format!("`{path}` names `{word}`, and `{map}` has no such entry"))
                .hint(hint),
        )
    }

    fn store(&mut self, id: SettingId, keys: Keys<'_>, slot: Slot) {
        if keys.is_empty() {
            self.view.flat[id.index()] = Some(slot);
        } else {
            self.view.deep.insert((id, keys.to_vec()), slot);
        }
    }

    /// The strongest candidate that gives a value, with the parts that stronger ones put over it.
    fn strongest(
        &mut self,
        setting: &'a Setting,
        declared: &'a Declaration,
        keys: Keys<'_>,
        candidates: &[Candidate<'a>],
    ) -> Slot {
        let mut parts: Vec<Candidate<'a>> = Vec::new();
        let mut chosen: Option<(Evaluated, Layer, Span)> = None;
        let mut lost = Vec::new();
        for (layer, assignment) in candidates.iter().rev() {
            if chosen.is_some() {
                lost.push((*layer, assignment.span));
            } else if self.is_doubtful(&(*layer, assignment)) {
                chosen = Some((Evaluated::Unknown, *layer, assignment.span));
            } else if matches!(assignment.given, Given::Part(..)) {
                parts.push((*layer, assignment));
            } else if let Some(value) = self.given(&assignment.given, setting, declared, *layer, keys, assignment.span)
            {
                chosen = Some((value, *layer, assignment.span));
            }
        }
        let default = declared.defaults.first().map_or(declared.span, |default| default.span);
        let (value, mut layer, mut span) = match chosen {
            Some(found) => {
                if !declared.defaults.is_empty() {
                    lost.push((Layer::Default, default));
                }
                found
            }
            None => match self.default(setting, declared, keys) {
                Some((value, span)) => (value, Layer::Default, span),
                None => (Evaluated::Missing, Layer::None, declared.span),
            },
        };
        let mut value = value;
        while let Some((part_layer, assignment)) = parts.pop() {
            let weaker = (layer, span);
            (layer, span) = (part_layer, assignment.span);
            if weaker.0 != Layer::None {
                lost.insert(0, weaker);
            }
            value = self.with_part(value, setting, declared, assignment, keys);
        }
        Slot { value, layer, span, declaration: None, lost }
    }

    fn default(
        &mut self,
        setting: &'a Setting,
        declared: &'a Declaration,
        keys: Keys<'_>,
    ) -> Option<(Evaluated, Span)> {
        for default in &declared.defaults {
            match self.reading(keys).evaluate(default) {
                Evaluated::Value(value) => {
                    return Some((self.fitted(setting, declared, value, default.span), default.span));
                }
                Evaluated::Unknown => return Some((Evaluated::Unknown, default.span)),
                Evaluated::Missing => {}
            }
        }
        match setting.kind {
            Kind::Switch => Some((Evaluated::Value(Value::Bool(false)), declared.span)),
            _ => None,
        }
    }

    /// What an assignment gives; `None` if it gives nothing.
    fn given(
        &mut self,
        given: &'a Given,
        setting: &'a Setting,
        declared: &'a Declaration,
        layer: Layer,
        keys: Keys<'_>,
        span: Span,
    ) -> Option<Evaluated> {
        match given {
            Given::Here => {
                let by_writing = matches!(layer, Layer::Environment | Layer::EnvironmentOverride(_));
                (setting.kind == Kind::Switch && by_writing).then_some(Evaluated::Value(Value::Bool(true)))
            }
            Given::Null => Some(Evaluated::Missing),
            Given::Wrong => Some(Evaluated::Unknown),
            Given::Value(value) => Some(self.fitted(setting, declared, value.clone(), span)),
            Given::Expr(expr) => match self.reading(keys).evaluate(expr) {
                Evaluated::Missing => None,
                Evaluated::Unknown => Some(Evaluated::Unknown),
                Evaluated::Value(value) => Some(self.fitted(setting, declared, value, span)),
            },
            Given::List(items) => {
                let mut values = Vec::new();
                for item in items {
                    match self.given(item, setting, declared, layer, keys, span)? {
                        Evaluated::Value(Value::List(inner)) => values.extend(inner),
                        Evaluated::Value(value) => values.push(value),
                        Evaluated::Unknown => return Some(Evaluated::Unknown),
                        Evaluated::Missing => {}
                    }
                }
                Some(Evaluated::Value(Value::List(values)))
            }
            Given::Part(..) => None,
        }
    }

    fn with_part(
        &mut self,
        weaker: Evaluated,
        setting: &'a Setting,
        declared: &'a Declaration,
        assignment: &'a Assignment,
        keys: Keys<'_>,
    ) -> Evaluated {
        let Given::Part(name, given) = &assignment.given else { return weaker };
        let Kind::Scalar(scalar) = &setting.kind else { return weaker };
        let part = match &**given {
            Given::Value(value) => Evaluated::Value(value.clone()),
            Given::Expr(expr) => self.reading(keys).evaluate(expr),
            Given::Null | Given::Here | Given::List(_) | Given::Part(..) => Evaluated::Missing,
            Given::Wrong => Evaluated::Unknown,
        };
        let set = value::part(scalar, name).and_then(|part| part.set);
        match (weaker, part, set) {
            (Evaluated::Unknown, _, _) | (_, Evaluated::Unknown, _) => Evaluated::Unknown,
            (weaker, Evaluated::Value(part), Some(set)) => {
                let base = if let Evaluated::Value(base) = &weaker { Some(base) } else { None };
                match set(base, &part) {
                    Ok(value) => self.fitted(setting, declared, value, assignment.span),
                    Err(bad) => {
                        self.diags.push(bad_value(bad, assignment.span));
                        Evaluated::Unknown
                    }
                }
            }
            (weaker, _, _) => weaker,
        }
    }

    /// A value in the setting's own normal form and range.
    fn fitted(&mut self, setting: &'a Setting, declared: &'a Declaration, value: Value, span: Span) -> Evaluated {
        let fit = |name: &str, value: Value, attributes: &Attributes| match value::scalar(name) {
            Some(of) => value::fit(of, value, attributes),
            None => Ok(value),
        };
        let fitted = match (&setting.kind, value) {
            (Kind::Scalar(name), value) => fit(name, value, &declared.attributes),
            (Kind::Choice(words), value) => {
                fit("enum", value, &Attributes { words: words.to_vec(), ..Attributes::default() })
            }
            (Kind::Switch, value) => fit("bool", value, &Attributes::default()),
            (Kind::List(item), Value::List(items)) => {
                let item = self.stack.setting(*item);
                let Kind::Scalar(name) = &item.kind else { return Evaluated::Value(Value::List(items)) };
                let attributes = &item.declarations[0].attributes;
                items
                    .into_iter()
                    .map(|value| fit(name, value, attributes))
                    .collect::<Result<Vec<_>, _>>()
                    .map(Value::List)
            }
            (Kind::List(item), value) => {
                // One item of a list, on its way into it.
                let item = self.stack.setting(*item);
                match &item.kind {
                    Kind::Scalar(name) => fit(name, value, &item.declarations[0].attributes),
                    _ => Ok(value),
                }
            }
            (_, value) => Ok(value),
        };
        match fitted {
            Ok(value) => Evaluated::Value(value),
            Err(bad) => {
                self.diags.push(bad_value(bad.of_setting(&setting.path), span));
                Evaluated::Unknown
            }
        }
    }

    /// A setting that does not exist here; writing it is an error that names the condition.
    fn unavailable(&mut self, id: SettingId, keys: Keys<'_>, candidates: &[Candidate<'a>], failed: Option<u32>) {
        let value = if failed.is_none() { Evaluated::Unknown } else { Evaluated::Missing };
        let own = |layer: &Layer| matches!(layer, Layer::Environment | Layer::EnvironmentOverride(_));
        let written = candidates.iter().rev().find(|(layer, _)| own(layer));
        if let (Some((layer, assignment)), Some(failed)) = (written, failed)
            && (*layer != Layer::Environment || self.target.is_empty())
            && (!matches!(assignment.given, Given::Here) || self.is_bare_switch(id))
        {
            let condition = &self.stack.conditions[failed as usize];
            let path = self.stack.path_of(id, keys);
            let (why, hint) = names_condition(self.stack, &self.view, condition, &path, self.sources);
            let finding = codes::UNAVAILABLE.at(assignment.name_span, why).underline("has no effect here");
            let deciding = crate::expr::references(condition).find_map(|found| self.written_at(found));
            let finding = match deciding {
                Some((span, text)) => finding.label(span, text),
                None => finding.label(condition.span, "the condition"),
            };
            self.diags.push(finding.hint(hint));
        }
        let span = self.stack.setting(id).declarations[0].span;
        self.store(id, keys, Slot { value, layer: Layer::None, span, declaration: None, lost: Vec::new() });
    }

    /// Whether a switch is written without anything in it that would be told instead.
    fn is_bare_switch(&self, id: SettingId) -> bool {
        let is_written = |below: &SettingId| {
            let all = &self.layers[below.index()].all;
            all.iter().any(|(layer, _)| matches!(layer, Layer::Environment | Layer::EnvironmentOverride(_)))
        };
        matches!(self.stack.setting(id).kind, Kind::Switch) && !self.stack.below(id).iter().skip(1).any(is_written)
    }

    /// Where the environment wrote the setting that a reference names.
    fn written_at(&self, found: &crate::expr::Ref) -> Option<(Span, String)> {
        let id = self.stack.setting_at(found.place)?;
        let slot = self.view.slot(id, &[])?;
        match (&slot.value, slot.layer) {
            (Evaluated::Value(value), Layer::Environment | Layer::EnvironmentOverride(_)) => {
                Some((slot.span, format!("`{}` is {}", self.stack.setting(id).path, spelled(value))))
            }
            _ => None,
        }
    }

    fn missing(&mut self, id: SettingId, keys: Keys<'_>, declared: &Declaration, slot: &Slot) {
        let path = self.stack.path_of(id, keys);
        let span = if slot.layer == Layer::Environment { slot.span } else { self.holder(id, keys) };
        let mut finding: Finding = codes::REQUIRED
            .at(span, format!("`{path}` is required and has no value"))
            .label(declared.span, "declared here");
        if !declared.said.about.is_empty() {
            finding = finding.underline(declared.said.about.to_string());
        }
        let settings = &self.stack.settings;
        let line = line::line(settings, id, keys, line::example(settings, id));
        self.diags.push(finding.hint(format!("write `{line}`")));
    }

    /// The written node that a missing setting belongs to: its choice, switch or map entry, else the deployment.
    fn holder(&self, id: SettingId, keys: Keys<'_>) -> Span {
        let mut at = id;
        let mut depth = keys.len();
        while let Some(parent) = self.stack.setting(at).parent {
            if self.stack.setting(at).name.as_str() == "*" {
                if let Some(assignment) = self.written(at, &keys[..depth]) {
                    return assignment.name_span;
                }
                depth -= 1;
            }
            let depth_of_parent = depth.min(self.stack.setting(parent).depth as usize);
            if let Some(assignment) = self.written(parent, &keys[..depth_of_parent]) {
                return assignment.name_span;
            }
            at = parent;
        }
        self.span
    }

    /// What the environment itself gives an instance of a setting; the strongest.
    fn written(&self, id: SettingId, keys: Keys<'_>) -> Option<&'a Assignment> {
        let own = |layer: &Layer| matches!(layer, Layer::Environment | Layer::EnvironmentOverride(_));
        self.layers[id.index()].at(keys).into_iter().rev().find(|(layer, _)| own(layer)).map(|(_, found)| found)
    }

    fn map(&mut self, id: SettingId, item: SettingId, keys: Keys<'_>) {
        let setting = self.stack.setting(id);
        let available = self.declaration(setting, keys);
        let presets = self.presets_of(item, |holds| holds == Some(true));
        let is_entry = |found: &Candidate<'a>| found.1.keys.split_last().is_some_and(|(_, above)| above == keys);
        // Neither the order of lines nor that of layers means anything: keys come out in order.
        let mut kept: BTreeMap<SmolStr, bool> = BTreeMap::new();
        for (layer, assignment) in presets.filter(is_entry).chain(self.layers[item.index()].below(keys)) {
            if let Some(key) = assignment.keys.last()
                && self.is_of_winning_list(id, keys, layer)
            {
                kept.insert(key.clone(), assignment.given != Given::Null);
            }
        }
        let mut found: Vec<SmolStr> = kept.into_iter().filter(|(_, kept)| *kept).map(|(key, _)| key).collect();
        if let Err(failed) = available {
            let written: Vec<Candidate<'a>> = self.layers[item.index()]
                .all
                .iter()
                .filter(|(_, assignment)| assignment.keys.starts_with(keys))
                .copied()
                .collect();
            if let (Some((layer, assignment)), Some(failed)) = (written.first(), failed)
                && *layer == Layer::Environment
                && self.target.is_empty()
            {
                let condition = &self.stack.conditions[failed as usize];
                let path = self.stack.path_of(id, keys);
                let (why, hint) = names_condition(self.stack, &self.view, condition, &path, self.sources);
                self.diags
                    .push(codes::UNAVAILABLE.at(assignment.name_span, why).underline("has no effect here").hint(hint));
            }
            found.clear();
        }
        if self.entries + found.len() > MAX_KEYS {
            self.diags.push(
                codes::TOO_LARGE
                    .at(self.span, format!("the environment has more than {MAX_KEYS} entries in maps and lists")),
            );
            found.clear();
        }
        self.note_keys(id, keys, found);
    }

    fn note_keys(&mut self, id: SettingId, keys: Keys<'_>, found: Vec<SmolStr>) {
        self.entries += found.len();
        self.view.keys.insert((id, keys.to_vec()), found);
    }

    fn record_list(&mut self, id: SettingId, item: SettingId, keys: Keys<'_>) {
        let available = self.declaration(self.stack.setting(id), keys).is_ok();
        let presets = self.presets_of(item, |holds| holds == Some(true));
        let mine = |found: &Candidate<'a>| found.1.keys.split_last().is_some_and(|(_, above)| above == keys);
        let all: Vec<Candidate<'a>> = presets.filter(mine).chain(self.layers[item.index()].below(keys)).collect();
        let Some((winner, _)) = all.last().filter(|_| available) else {
            return self.note_keys(id, keys, Vec::new());
        };
        let items: Vec<SmolStr> = all
            .iter()
            .filter(|(layer, _)| layer == winner)
            .filter_map(|(_, assignment)| assignment.keys.last().cloned())
            .collect();
        self.lists.insert((id, keys.to_vec()), *winner);
        self.note_keys(id, keys, items);
    }

    /// Tells that a written value is what it would be anyway.
    fn note_redundant(
        &mut self,
        setting: &'a Setting,
        declared: &'a Declaration,
        keys: Keys<'_>,
        candidates: &[Candidate<'a>],
        slot: &Slot,
    ) {
        let Some(((Layer::Environment, assignment), weaker)) = candidates.split_last() else { return };
        if slot.layer != Layer::Environment || matches!(assignment.given, Given::Here | Given::Wrong) {
            return;
        }
        let without = self.strongest(setting, declared, keys, weaker);
        if without.value == slot.value && without.value != Evaluated::Unknown {
            let path = self.stack.path_of(assignment.setting, keys);
            self.diags.push(
                codes::REDUNDANT
                    .at(assignment.span, format!("`{path}` would have this value anyway"))
                    .label(without.span, "from here"),
            );
        }
    }
}

fn spelled(value: &Value) -> String {
    format!("`{}`", value::spell(value))
}

/// Why a setting does not exist, and what to type, in the words of its condition.
pub(crate) fn names_condition(
    stack: &Stack,
    view: &View,
    condition: &Expr,
    path: &str,
    sources: &Sources,
) -> (String, String) {
    let now = |id: SettingId| match view.slot(id, &[]).map(|slot| &slot.value) {
        Some(Evaluated::Value(value)) => spelled(value),
        _ => "unknown".to_owned(),
    };
    if let ExprKind::Binary(crate::expr::Operator::In, choice, variants) = &condition.kind
        && let (ExprKind::Ref(found), ExprKind::List(words)) = (&choice.kind, &variants.kind)
        && let Some(id) = stack.setting_at(found.place)
        && matches!(stack.setting(id).kind, Kind::Choice(_))
    {
        let words: Vec<String> = words
            .iter()
            .filter_map(|word| match &word.kind {
                ExprKind::Literal(value) => Some(spelled(value)),
                _ => None,
            })
            .collect();
        let choice = &stack.setting(id).path;
        let variant = words.join(" or ");
        let first = words.first().map_or("", |word| word.trim_matches('`'));
        return (
            format!("`{path}` belongs to variant {variant}, `{choice}` is {}", now(id)),
            format!("delete it, or write `{} \"{first}\" …`", stack.setting(id).name),
        );
    }
    if let ExprKind::Ref(found) = &condition.kind
        && let Some(id) = stack.setting_at(found.place)
        && stack.setting(id).kind == Kind::Switch
    {
        let switch = &stack.setting(id).path;
        return (
            format!("`{path}` has no effect: `{switch}` is off"),
            format!("delete it, or switch `{switch}` on by writing it without `#false`"),
        );
    }
    if let ExprKind::Has(inner) = &condition.kind
        && let ExprKind::Ref(found) = &inner.kind
        && let Some(id) = stack.setting_at(found.place)
    {
        let other = &stack.setting(id).name;
        return (
            format!("`{path}` has no effect: there is no `{other}` beside it"),
            format!("delete it, or give `{other}` a value"),
        );
    }
    let words = sources.get(condition.span.source).map_or("", |source| source.slice(condition.span));
    (
        format!("`{path}` exists only when {}", words.trim_matches('"')),
        "delete it, or make the condition true".to_owned(),
    )
}
