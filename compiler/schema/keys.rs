//! What names mean in a surface's conditions: the keys of its chart, and hosts of workloads.
//!
//! In: a [`Surface`] whose keys are all there. Out: [`Entity`]s for `expr`.
//! Never: settings of a stack.
//! Invariant: a place below [`FIRST_WORKLOAD`] is the number of a key, one from it on a row of the surface's workloads.

use std::cell::RefCell;

use smol_str::SmolStr;

use crate::{
    expr::{Entity, Key, Names, Place, Type},
    schema::{ChartKey, KeyShape, Surface, build::Builder, surface::FIRST_WORKLOAD},
};

/// The root of hosts: `workload.NAME`, where the chart has no key of that name.
const WORKLOAD: &str = "workload";

/// The names of one surface.
pub(super) struct KeyNames<'a, 'd> {
    surface: &'a Surface,
    builder: &'a Builder<'d>,
    workloads: RefCell<Vec<SmolStr>>,
}

impl<'a, 'd> KeyNames<'a, 'd> {
    pub(super) fn new(surface: &'a Surface, builder: &'a Builder<'d>) -> KeyNames<'a, 'd> {
        KeyNames { surface, builder, workloads: RefCell::new(surface.workloads.clone()) }
    }

    /// The workloads named, also before.
    pub(super) fn workloads(self) -> Vec<SmolStr> {
        self.workloads.into_inner()
    }

    fn key(&self, number: u32) -> Option<Entity> {
        let key = self.surface.key(number);
        let of = self.type_of(number, key)?;
        Some(Entity::Place { place: Place(number), keys: Vec::new(), of })
    }

    /// The type of a key; none of a dead one.
    fn type_of(&self, number: u32, key: &ChartKey) -> Option<Type> {
        Some(match &key.shape {
            KeyShape::Group => Type::Record(Place(number)),
            KeyShape::Scalar(name, attributes) if name.as_str() == "enum" => {
                // The chart's own value may be another word: charts leave a choice empty to say that there is none.
                let default = key.default.iter().filter_map(|value| match value {
                    crate::value::Value::String(word) => Some(word.clone()),
                    _ => None,
                });
                let more = default.filter(|word| !attributes.words.contains(word));
                Type::Enum(attributes.words.iter().cloned().chain(more).collect())
            }
            KeyShape::Scalar(name, _) => Type::Scalar(name.clone()),
            KeyShape::List(item) => Type::List(Box::new(self.type_of(*item, self.surface.key(*item))?)),
            KeyShape::Map(item) => Type::Map(Box::new(self.type_of(*item, self.surface.key(*item))?)),
            KeyShape::Any => Type::Any,
            KeyShape::Dead(_) => return None,
        })
    }

    fn workload(&self, name: &str) -> Option<Entity> {
        if !self.builder.looped_endpoints && !self.builder.workload_names.contains(name) {
            return None;
        }
        let mut workloads = self.workloads.borrow_mut();
        let at = workloads.iter().position(|known| known.as_str() == name).unwrap_or_else(|| {
            workloads.push(name.into());
            workloads.len() - 1
        });
        let place = Place(FIRST_WORKLOAD + at as u32);
        Some(Entity::Place { place, keys: Vec::new(), of: Type::scalar("host") })
    }
}

impl Names for KeyNames<'_, '_> {
    fn root(&self, name: &str) -> Option<Entity> {
        match self.surface.key(0).children.get(name) {
            Some(number) => self.key(*number),
            None if name == WORKLOAD => Some(Entity::Namespace(Place(u32::MAX), Vec::new())),
            None => None,
        }
    }

    fn member(&self, of: &Entity, name: &str) -> Option<Entity> {
        match of {
            Entity::Place { place, .. } if place.0 < FIRST_WORKLOAD => {
                self.key(*self.surface.key(place.0).children.get(name)?)
            }
            Entity::Namespace(..) => self.workload(name),
            _ => None,
        }
    }

    fn index(&self, _: &Entity, _: Key) -> Option<Entity> {
        None
    }

    fn names(&self, of: Option<&Entity>) -> Vec<String> {
        let below = |number: u32| self.surface.key(number).children.keys().map(ToString::to_string).collect();
        match of {
            None => below(0),
            Some(Entity::Place { place, .. }) if place.0 < FIRST_WORKLOAD => below(place.0),
            Some(Entity::Namespace(..)) => self.builder.workload_names.iter().map(ToString::to_string).collect(),
            _ => Vec::new(),
        }
    }
}
