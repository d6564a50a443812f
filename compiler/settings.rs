//! The resolved settings of an environment as data: `settings.json`, which `diff` and rules about history read.
//!
//! In: `Env`. Out: sorted JSON, secrets as references, no positions.
//! Invariant: it changes only when a value changes.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Map, Value as Json};

use crate::{
    expr::Evaluated,
    lookup::Reading,
    model::{Deployed, Env, View},
    schema::{Kind, SettingId, Stack},
    value::{Value, spell},
};

/// The settings of every deployment: base values, and what targets see otherwise.
#[must_use]
pub fn json(env: &Env) -> Json {
    let mut deployments = Map::new();
    for deployed in &env.deployments {
        deployments.insert(deployed.name.to_string(), deployment(env, deployed));
    }
    let mut root = Map::new();
    root.insert("environment".to_owned(), Json::String(env.name.to_string()));
    root.insert("deployments".to_owned(), Json::Object(deployments));
    Json::Object(root)
}

fn deployment(env: &Env, deployed: &Deployed) -> Json {
    let base = flat(env, deployed, &deployed.base);
    let mut views = Map::new();
    for (target, view) in &deployed.views {
        let here = flat(env, deployed, view);
        let mut differs = Map::new();
        for (path, value) in &here {
            if base.get(path) != Some(value) {
                differs.insert(path.clone(), value.clone());
            }
        }
        for path in base.keys().filter(|path| !here.contains_key(*path)) {
            differs.insert(path.clone(), Json::Null);
        }
        if !differs.is_empty() {
            differs.sort_keys();
            views.insert(target.to_string(), Json::Object(differs));
        }
    }
    let mut object = Map::new();
    object.insert("stack".to_owned(), Json::String(deployed.stack.name.to_string()));
    object
        .insert("targets".to_owned(), deployed.targets.iter().map(|target| Json::String(target.to_string())).collect());
    object.insert("settings".to_owned(), Json::Object(base.into_iter().collect()));
    object.insert("overrides".to_owned(), Json::Object(views));
    Json::Object(object)
}

/// Every setting that has a value, by its path.
fn flat(env: &Env, deployed: &Deployed, view: &View) -> BTreeMap<String, Json> {
    let mut all = BTreeMap::new();
    each_value(&deployed.stack, view, &env.name, &deployed.name, &mut |path, value| {
        all.insert(path.to_string(), value_json(value));
    });
    all
}

/// Visits every setting of a view that has a value.
pub fn each_value(
    stack: &Stack,
    view: &View,
    environment: &Arc<str>,
    release: &Arc<str>,
    act: &mut dyn FnMut(&str, &Value),
) {
    let reading =
        Reading { stack, view, target: "", environment, release, own: &[], loops: &[], provider: None, findings: None };
    visit(&reading, SettingId::ROOT, &[], act);
}

fn visit(reading: &Reading<'_>, id: SettingId, keys: &[Arc<str>], act: &mut dyn FnMut(&str, &Value)) {
    let setting = reading.stack.setting(id);
    match &setting.kind {
        Kind::Map(item) => visit_items(reading, id, *item, keys, act),
        Kind::List(item) if matches!(reading.stack.setting(*item).kind, Kind::Group) => {
            visit_items(reading, id, *item, keys, act);
        }
        Kind::Group => {}
        _ => {
            let derived = setting.declarations.iter().any(|declaration| declaration.derived);
            if let (Evaluated::Value(value), false) = (reading.setting(id, keys), derived) {
                act(&reading.stack.path_of(id, keys), &value);
            }
        }
    }
    for child in setting.children.values() {
        visit(reading, *child, keys, act);
    }
}

fn visit_items(
    reading: &Reading<'_>,
    id: SettingId,
    item: SettingId,
    keys: &[Arc<str>],
    act: &mut dyn FnMut(&str, &Value),
) {
    for key in reading.view.keys_of(id, keys) {
        visit(reading, item, &crate::lookup::extended(keys, key), act);
    }
}

/// A value in normal form: quantities, images and references as text.
fn value_json(value: &Value) -> Json {
    match value {
        Value::Bool(value) => Json::Bool(*value),
        Value::Int(number) => Json::from(*number),
        Value::Float(number) => Json::from(*number),
        Value::List(items) => items.iter().map(value_json).collect(),
        Value::Map(map) => {
            let mut object: Map<String, Json> =
                map.iter().map(|(key, value)| (key.to_string(), value_json(value))).collect();
            object.sort_keys();
            Json::Object(object)
        }
        Value::Null => Json::Null,
        value => Json::String(spell(value)),
    }
}
