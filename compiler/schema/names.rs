//! What the names in a stack's expressions mean.

use smol_str::SmolStr;

use crate::{
    expr::{Entity, Key, Names, Place, Type},
    schema::{Kind, Other, SettingId, build::Builder},
};

/// Roots that no setting may be called, because they mean something else.
pub(super) const RESERVED_ROOTS: &[&str] = &["self", "endpoint", "workloads", "environment", "release"];

/// A loop around an expression.
#[derive(Clone, Debug)]
pub(super) struct Loop {
    /// The name of the key or index, where it has one.
    pub(super) key: Option<SmolStr>,
    /// The name of the item.
    pub(super) item: SmolStr,
    /// What the item is.
    pub(super) entity: Entity,
    /// Its number: how many loops are around it.
    pub(super) number: u32,
    /// Whether keys are indexes of a list.
    pub(super) indexes: bool,
}

/// Where an expression stands.
#[derive(Clone, Default)]
pub(super) struct Scope {
    /// The record whose fields `self` leads to.
    pub(super) record: Option<SettingId>,
    /// Whether it stands in a projection, where workloads are known; a workload cannot depend on them all.
    pub(super) projection: bool,
    /// Whether `self` is the provider of an endpoint.
    pub(super) provider: bool,
    /// The loops that it can name, outermost first.
    pub(super) loops: Vec<Loop>,
    /// The number of the next loop: how many are around it, also those that a fragment cannot name.
    pub(super) next_loop: u32,
    /// The fragments being expanded.
    pub(super) fragments: Vec<SmolStr>,
    /// The parameters of the fragment it stands in.
    pub(super) parameters: Vec<(SmolStr, Entity)>,
}

/// The names of a builder, seen from a scope.
pub(super) struct ScopedNames<'a, 'd> {
    pub(super) builder: &'a Builder<'d>,
    pub(super) scope: &'a Scope,
}

impl ScopedNames<'_, '_> {
    fn setting(&self, id: SettingId, keys: Vec<Key>) -> Entity {
        Entity::Place { place: id.place(), keys, of: self.builder.type_of(id) }
    }

    fn other(&self, other: Other, of: &str) -> Entity {
        Entity::Place { place: self.builder.other(other), keys: Vec::new(), of: Type::Scalar(of.into()) }
    }

    fn namespace(&self, other: Other) -> Entity {
        Entity::Namespace(self.builder.other(other), Vec::new())
    }

    fn setting_member(&self, id: SettingId, keys: &[Key], name: &str) -> Option<Entity> {
        let setting = &self.builder.settings[id.index()];
        if let Some(child) = setting.children.get(name) {
            return Some(self.setting(*child, keys.to_vec()));
        }
        match setting.kind {
            Kind::Map(item) => {
                let keys = keys.iter().cloned().chain([Key::Literal(name.into())]).collect();
                Some(self.setting(item, keys))
            }
            _ if name == "key" && setting.name.as_str() == "*" => {
                let key = keys.last()?.clone();
                let parent = setting.parent?;
                let of = match self.builder.settings[parent.index()].kind {
                    Kind::List(_) => "int",
                    _ => "key",
                };
                Some(Entity::Key(key, Type::Scalar(of.into())))
            }
            _ => None,
        }
    }

    fn other_member(&self, place: Place, keys: &[Key], name: &str) -> Option<Entity> {
        match self.builder.other_at(place)? {
            Other::Endpoints => {
                let known = self.builder.endpoint_names.get(name)?;
                let _ = known;
                Some(self.other(Other::Endpoint(name.into()), "address"))
            }
            Other::Endpoint(endpoint) => {
                let fields = self.builder.endpoint_names.get(&endpoint)?;
                match name {
                    "host" => Some(self.other(Other::EndpointHost(endpoint), "host")),
                    "port" => Some(self.other(Other::EndpointPort(endpoint, "".into()), "port")),
                    "ports" => Some(self.namespace(Other::EndpointPorts(endpoint))),
                    _ if fields.fields.contains(name) => {
                        Some(self.other(Other::EndpointField(endpoint, name.into()), "string"))
                    }
                    _ => None,
                }
            }
            Other::EndpointPorts(endpoint) => {
                let known = self.builder.endpoint_names.get(&endpoint)?;
                known.ports.contains(name).then(|| self.other(Other::EndpointPort(endpoint, name.into()), "port"))
            }
            Other::Provider => match name {
                "host" => Some(self.other(Other::ProviderHost, "host")),
                "port" => Some(self.other(Other::ProviderPort, "port")),
                _ => None,
            },
            Other::Workloads => {
                self.builder.workload_names.contains(name).then(|| self.other_any(Other::Workload(name.into())))
            }
            Other::Workload(workload) => Some(self.other(Other::WorkloadFact(workload, name.into()), fact_type(name)?)),
            Other::EachWorkload => Some(Entity::Place {
                place: self.builder.other(Other::EachWorkloadFact(name.into())),
                keys: keys.to_vec(),
                of: Type::Scalar(fact_type(name)?.into()),
            }),
            _ => None,
        }
    }

    /// The item of a loop over `workloads`.
    pub(super) fn each_workload(&self, key: Key) -> Entity {
        Entity::Place { place: self.builder.other(Other::EachWorkload), keys: vec![key], of: Type::Any }
    }

    fn other_any(&self, other: Other) -> Entity {
        Entity::Place { place: self.builder.other(other), keys: Vec::new(), of: Type::Any }
    }
}

/// The type of a fact that a path may name.
fn fact_type(name: &str) -> Option<&'static str> {
    match name {
        "image" => Some("image"),
        "replicas" => Some("int"),
        _ => None,
    }
}

impl Names for ScopedNames<'_, '_> {
    fn root(&self, name: &str) -> Option<Entity> {
        for around in self.scope.loops.iter().rev() {
            if around.item.as_str() == name {
                return Some(around.entity.clone());
            }
            if around.key.as_deref() == Some(name) {
                let of = if around.indexes { "int" } else { "key" };
                return Some(Entity::Key(Key::Loop(around.number), Type::Scalar(of.into())));
            }
        }
        if let Some((_, entity)) = self.scope.parameters.iter().find(|(parameter, _)| parameter.as_str() == name) {
            return Some(entity.clone());
        }
        match name {
            "self" if self.scope.provider => Some(self.namespace(Other::Provider)),
            "self" => {
                let record = self.scope.record?;
                let depth = self.builder.settings[record.index()].depth;
                Some(self.setting(record, (0..depth).map(Key::Own).collect()))
            }
            "endpoint" => Some(self.namespace(Other::Endpoints)),
            "workloads" => Some(self.other_any(Other::Workloads)),
            "environment" => Some(self.other(Other::Environment, "string")),
            "release" => Some(self.other(Other::Release, "string")),
            _ => self.setting_member(SettingId::ROOT, &[], name),
        }
    }

    fn member(&self, of: &Entity, name: &str) -> Option<Entity> {
        match of {
            Entity::Place { place, keys, .. } => match self.builder.setting_at(*place) {
                Some(id) => self.setting_member(id, keys, name),
                None => self.other_member(*place, keys, name),
            },
            Entity::Namespace(place, keys) => self.other_member(*place, keys, name),
            Entity::Key(..) => None,
        }
    }

    fn index(&self, of: &Entity, key: Key) -> Option<Entity> {
        let Entity::Place { place, keys, .. } = of else { return None };
        let id = self.builder.setting_at(*place)?;
        match self.builder.settings[id.index()].kind {
            Kind::List(item) | Kind::Map(item) => Some(self.setting(item, keys.iter().cloned().chain([key]).collect())),
            _ => None,
        }
    }

    fn names(&self, of: Option<&Entity>) -> Vec<String> {
        let settings = |id: SettingId| -> Vec<String> {
            self.builder.settings[id.index()].children.keys().map(ToString::to_string).collect()
        };
        match of {
            None => {
                let mut names: Vec<String> = settings(SettingId::ROOT);
                for around in &self.scope.loops {
                    names.push(around.item.to_string());
                    names.extend(around.key.as_deref().map(str::to_owned));
                }
                names.extend(self.scope.parameters.iter().map(|(name, _)| name.to_string()));
                names.extend(RESERVED_ROOTS.iter().map(ToString::to_string));
                names
            }
            Some(Entity::Place { place, .. } | Entity::Namespace(place, _)) => match self.builder.setting_at(*place) {
                Some(id) => settings(id),
                None => match self.builder.other_at(*place) {
                    Some(Other::Endpoints) => self.builder.endpoint_names.keys().map(ToString::to_string).collect(),
                    Some(Other::Workloads) => self.builder.workload_names.iter().map(ToString::to_string).collect(),
                    Some(Other::Workload(_) | Other::EachWorkload) => vec!["image".to_owned(), "replicas".to_owned()],
                    Some(Other::Endpoint(name)) => {
                        let fields = self.builder.endpoint_names.get(&name).map(|known| known.fields.clone());
                        let words = ["host", "port", "ports"].into_iter().map(str::to_owned);
                        words.chain(fields.into_iter().flatten().map(|field| field.to_string())).collect()
                    }
                    _ => vec!["host".to_owned(), "port".to_owned()],
                },
            },
            Some(Entity::Key(..)) => Vec::new(),
        }
    }
}
