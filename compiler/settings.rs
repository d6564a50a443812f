//! The resolved settings of an environment as data: `settings.json`, which `diff` and rules about history read.
//!
//! In: `Env`. Out: sorted JSON, secrets as references, no positions.
//! Invariant: it changes only when a value changes.

use smol_str::SmolStr;

use serde::{
    Serialize, Serializer,
    ser::{SerializeMap, SerializeStruct},
};

use crate::{
    expr::Evaluated,
    lookup::Reading,
    model::{Deployed, Env, View},
    schema::{Kind, SettingId},
    value::{Value, spell},
};

/// The file's name below `out/ENV`.
pub const NAME: &str = "settings.json";

/// The settings of every deployment as JSON: base values, and what targets see otherwise.
#[must_use]
pub fn text(env: &Env) -> String {
    let text = serde_json::to_string_pretty(&Document(env));
    text.expect("maps of scalars, lists and maps with names as keys are always JSON") + "\n"
}

/// Settings that have a value, sorted by their paths.
type Flat = Vec<(SmolStr, Value)>;

struct Document<'e>(&'e Env);

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Document(env) = self;
        let mut document = serializer.serialize_struct("Document", 2)?;
        document.serialize_field("environment", &*env.name)?;
        document.serialize_field("deployments", &Deployments(env))?;
        document.end()
    }
}

struct Deployments<'e>(&'e Env);

impl Serialize for Deployments<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let deployments = self.0.deployments.iter();
        serializer.collect_map(deployments.map(|deployed| (&*deployed.name, Deployment { env: self.0, deployed })))
    }
}

struct Deployment<'e> {
    env: &'e Env,
    deployed: &'e Deployed,
}

impl Serialize for Deployment<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Deployment { env, deployed } = self;
        let base = flat(env, deployed, &deployed.base);
        let flux = of_flux(env, deployed);
        let views = deployed.views.iter().map(|(target, view)| (&**target, flat(env, deployed, view)));
        let views: Vec<(&str, Flat)> = views.collect();
        let differing = views.iter().map(|(target, view)| (*target, differences(&base, view)));
        let differing: Vec<_> = differing.filter(|(_, found)| !found.0.is_empty()).collect();
        let mut fields = serializer.serialize_struct("Deployment", 4)?;
        fields.serialize_field("stack", &*deployed.stack.name)?;
        fields.serialize_field("targets", &deployed.targets)?;
        // What is said of Flux differs in no view.
        let mut all: Vec<_> = base.iter().chain(&flux).map(|(path, value)| (&**path, Some(value))).collect();
        all.sort_unstable_by_key(|(path, _)| *path);
        fields.serialize_field("settings", &Entries(all))?;
        fields.serialize_field("overrides", &Overrides(differing))?;
        fields.end()
    }
}

struct Overrides<'e>(Vec<(&'e str, Entries<'e>)>);

impl Serialize for Overrides<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(target, entries)| (target, entries)))
    }
}

/// Paths with their values, sorted; none is null.
struct Entries<'e>(Vec<(&'e str, Option<&'e Value>)>);

impl Serialize for Entries<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(path, value)| (path, value.map(Normal))))
    }
}

/// A value in normal form: quantities, images and references as text.
struct Normal<'v>(&'v Value);

impl Serialize for Normal<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Int(number) => serializer.serialize_i64(*number),
            Value::Float(number) => serializer.serialize_f64(*number),
            Value::List(items) => serializer.collect_seq(items.iter().map(Normal)),
            Value::Map(entries) => {
                let mut sorted: Vec<_> = entries.iter().collect();
                sorted.sort_by_key(|(key, _)| *key);
                let mut map = serializer.serialize_map(Some(sorted.len()))?;
                sorted.into_iter().try_for_each(|(key, value)| map.serialize_entry(&**key, &Normal(value)))?;
                map.end()
            }
            Value::Null => serializer.serialize_unit(),
            Value::String(text) => serializer.serialize_str(text),
            value => serializer.serialize_str(&spell(value)),
        }
    }
}

/// What a view has otherwise than the base, or no longer. Both are sorted and are gone through side by side.
fn differences<'v>(base: &'v [(SmolStr, Value)], view: &'v [(SmolStr, Value)]) -> Entries<'v> {
    let mut found: Vec<(&str, Option<&Value>)> = Vec::new();
    let mut base = base.iter().peekable();
    for (path, value) in view {
        while let Some((gone, _)) = base.next_if(|(known, _)| known < path) {
            found.push((gone, None));
        }
        let known = base.next_if(|(known, _)| known == path);
        if !known.is_some_and(|(_, known)| same(known, value)) {
            found.push((path, Some(value)));
        }
    }
    found.extend(base.map(|(gone, _)| (&**gone, None)));
    Entries(found)
}

/// Whether two values read the same, though they may have come about in different ways.
fn same(one: &Value, other: &Value) -> bool {
    let text = |value| serde_json::to_string(&Normal(value)).unwrap_or_default();
    one == other || text(one) == text(other)
}

/// Every setting that has a value, by its path.
fn flat(env: &Env, deployed: &Deployed, view: &View) -> Flat {
    let reading = Reading {
        stack: &deployed.stack,
        view,
        target: "",
        environment: &env.name,
        release: &deployed.name,
        own: &[],
        loops: &[],
        provider: None,
        findings: None,
    };
    let mut all = Vec::with_capacity(reading.stack.settings.len());
    visit(&reading, SettingId::ROOT, &[], &mut all);
    all.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    all
}

/// What is said of Flux, as settings below `flux`.
fn of_flux(env: &Env, deployed: &Deployed) -> Flat {
    let words = env.flux_of(deployed).into_iter();
    words.filter_map(|(word, value)| Some((format!("flux.{}", word.path).into(), value?))).collect()
}

fn visit(reading: &Reading<'_>, id: SettingId, keys: &[SmolStr], all: &mut Vec<(SmolStr, Value)>) {
    let setting = reading.stack.setting(id);
    match &setting.kind {
        Kind::Map(item) => visit_items(reading, id, *item, keys, all),
        Kind::List(item) if matches!(reading.stack.setting(*item).kind, Kind::Group) => {
            visit_items(reading, id, *item, keys, all);
        }
        Kind::Group => {}
        _ => {
            let derived = setting.declarations.iter().any(|declaration| declaration.derived);
            if !derived && let Evaluated::Value(value) = reading.setting(id, keys) {
                all.push((reading.stack.path_of(id, keys), value));
            }
        }
    }
    for child in setting.children.values() {
        visit(reading, *child, keys, all);
    }
}

fn visit_items(
    reading: &Reading<'_>,
    id: SettingId,
    item: SettingId,
    keys: &[SmolStr],
    all: &mut Vec<(SmolStr, Value)>,
) {
    for key in reading.view.keys_of(id, keys) {
        visit(reading, item, &crate::lookup::extended(keys, key), all);
    }
}
