//! Where every setting got its value from, for `trueline explain`.
//!
//! In: `Env`. Out: [`Explanation`]s, one per setting and view in which it differs.
//! Never: a secret; references only.

use smol_str::SmolStr;

use crate::{
    expr::{self, Evaluated, Expr},
    model::{Deployed, Env, Layer, Slot, View, Word, WordKind},
    schema::{Change, Kind, SettingId, Stack},
    source::{Sources, Span},
    value::{Value, spell},
};

/// What there is to say about one setting in one view.
#[derive(Clone, PartialEq, Debug)]
pub struct Explanation {
    /// The deployment.
    pub deployment: String,
    /// `base`, or the target whose view differs.
    pub view: String,
    /// The setting's path.
    pub path: String,
    /// Its value in normal form, secrets as `NAME/KEY`; none if it has none.
    pub value: Option<String>,
    /// Its scalar type, for comparing values; empty for a list, choice or switch.
    pub scalar: String,
    /// What a change of it does to what runs.
    pub change: Change,
    /// What the stack says it is.
    pub about: String,
    /// Who gave the value.
    pub set_by: String,
    /// The place that gave it.
    pub span: Option<Span>,
    /// Weaker candidates, strongest first.
    pub lost: Vec<(String, Span)>,
    /// Targets that do not say it, and why.
    pub absent: Vec<(String, String)>,
    /// Settings that its value was computed from, where a default or a preset gave it.
    pub computed_from: Vec<String>,
}

/// Explains every setting of every deployment.
#[must_use]
pub fn explanations(env: &Env, sources: &Sources) -> Vec<Explanation> {
    let mut all = Vec::new();
    for deployed in &env.deployments {
        for (name, view) in deployed.all_views() {
            explain_view(deployed, name, view, sources, &mut all);
        }
        all.extend(of_flux(env, deployed, sources));
    }
    all
}

/// What is said of Flux, as of a setting below `flux`.
fn of_flux(env: &Env, deployed: &Deployed, sources: &Sources) -> Vec<Explanation> {
    let explain = |(word, value): (&Word, Option<Value>)| {
        let span = deployed.flux.said.get(word.path).map(|(_, span)| *span);
        let layer = if span.is_some() { Layer::Environment } else { Layer::Default };
        Explanation {
            deployment: deployed.name.to_string(),
            view: "base".to_owned(),
            path: format!("flux.{}", word.path),
            value: value.as_ref().map(spell),
            scalar: if let WordKind::Scalar(name) = word.of { name.to_owned() } else { String::new() },
            // In another namespace everything begins anew, with empty volumes.
            change: Change { any: if word.path == "namespace" { "data-loss" } else { "" }.into(), ..Change::default() },
            about: word.about.to_owned(),
            set_by: who(&deployed.stack, layer, span.unwrap_or_default(), sources),
            span,
            lost: Vec::new(),
            absent: Vec::new(),
            computed_from: Vec::new(),
        }
    };
    env.flux_of(deployed).into_iter().map(explain).collect()
}

fn explain_view(deployed: &Deployed, name: &str, view: &View, sources: &Sources, all: &mut Vec<Explanation>) {
    let stack = &deployed.stack;
    let flat = view
        .flat
        .iter()
        .enumerate()
        .filter_map(|(index, slot)| slot.as_ref().map(|slot| (SettingId(index as u32), &[] as &[SmolStr], slot)));
    let deep = view.deep.iter().map(|((id, keys), slot)| (*id, keys.as_slice(), slot));
    for (id, keys, slot) in flat.chain(deep) {
        if matches!(stack.setting(id).kind, Kind::Group | Kind::Map(_)) {
            continue;
        }
        let same_as_base = deployed.base.slot(id, keys).is_some_and(|base| base.value == slot.value);
        if name != "base" && same_as_base {
            continue;
        }
        all.push(explanation(deployed, name, id, keys, slot, sources));
    }
}

fn explanation(
    deployed: &Deployed,
    view: &str,
    id: SettingId,
    keys: &[SmolStr],
    slot: &Slot,
    sources: &Sources,
) -> Explanation {
    let stack = &deployed.stack;
    let setting = stack.setting(id);
    let declaration = slot.declaration.map_or(&setting.declarations[0], |index| &setting.declarations[index as usize]);
    Explanation {
        deployment: deployed.name.to_string(),
        view: view.to_owned(),
        path: stack.path_of(id, keys).to_string(),
        value: match &slot.value {
            Evaluated::Value(value) => Some(spell(value)),
            _ => None,
        },
        scalar: if let Kind::Scalar(name) = &setting.kind { name.to_string() } else { String::new() },
        change: declaration.said.change.clone(),
        about: declaration.said.about.to_string(),
        set_by: who(stack, slot.layer, slot.span, sources),
        span: (slot.layer != Layer::None).then_some(slot.span),
        lost: slot.lost.iter().map(|(layer, span)| (who(stack, *layer, *span, sources), *span)).collect(),
        absent: declaration
            .said
            .absent
            .iter()
            .flat_map(|absent| absent.targets.iter().map(|target| (target.to_string(), absent.because.to_string())))
            .collect(),
        computed_from: computed_from(stack, id, keys, slot.layer, &declaration.defaults),
    }
}

/// The settings that the expressions behind a value name.
fn computed_from(stack: &Stack, id: SettingId, keys: &[SmolStr], layer: Layer, defaults: &[Expr]) -> Vec<String> {
    let expressions: Vec<&Expr> = match layer {
        Layer::Default => defaults.iter().collect(),
        Layer::Preset(index) => {
            let own = stack.presets[index as usize].values.iter().filter(|it| it.setting == id && it.keys == keys);
            own.filter_map(|it| if let crate::schema::Given::Expr(expr) = &it.given { Some(expr) } else { None })
                .collect()
        }
        _ => Vec::new(),
    };
    let references = expressions.into_iter().flat_map(expr::references);
    let read = references.filter_map(|found| stack.setting_at(found.place)).flat_map(|id| stack.read_by(id));
    // What stands in the same entry of a map or list has the same keys.
    let path = |id: SettingId| {
        let depth = stack.setting(id).depth as usize;
        (depth <= keys.len()).then(|| stack.path_of(id, &keys[..depth]).to_string())
    };
    read.filter_map(path).collect()
}

/// Who gave a value, in words.
fn who(stack: &Stack, layer: Layer, span: Span, sources: &Sources) -> String {
    let file = sources.get(span.source).map_or("", |source| source.name.as_str());
    match layer {
        Layer::None => "nobody".to_owned(),
        Layer::Default => "default".to_owned(),
        Layer::Preset(index) => {
            let preset = &stack.presets[index as usize];
            match preset
                .when
                .as_ref()
                .and_then(|when| sources.get(when.span.source).map(|source| source.slice(when.span)))
            {
                Some(condition) => format!("preset when {}", condition.trim_matches('"')),
                None => "declaration".to_owned(),
            }
        }
        Layer::Environment => file.to_owned(),
        Layer::StackOverride(index) => {
            let found = &stack.overrides[index as usize];
            format!("override {} of the stack: {}", found.targets.join(" "), found.because)
        }
        Layer::EnvironmentOverride(_) => format!("override in {file}"),
    }
}
