//! Keys of a chart's map that carry settings of a map of the stack, each item those of the item of its name:
//! `(seconds)graceSeconds carries="setting service.*.grace"` below a map of services.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use super::{Chart, Step, Written, is_empty, setting_at, type_of};
use crate::{
    diag::{Finding, codes},
    facts::Fact,
    plan::FactPath,
    readback::{
        self,
        carried::{self, Said, shown},
    },
    schema::{Carry, ChartKey, KeyShape},
};

/// What the keys of one item have to say, by its name.
type Wanted<'a> = BTreeMap<SmolStr, (&'a Carry, Fact)>;

impl<'a> Chart<'a, '_> {
    /// The name of the item of the map that is being looked at, where a key says something of it.
    pub(super) fn item(&self, key: &ChartKey) -> Option<SmolStr> {
        if !key.carries.iter().any(|carry| carry.fact.is_of_items()) {
            return None;
        }
        let mut number = key.parent;
        let mut name = &key.name;
        for step in self.path.iter().rev() {
            if let (Step::Name(item), "*") = (step, &**name) {
                return Some((*item).into());
            }
            let above = self.key(number?);
            (number, name) = (above.parent, &above.name);
        }
        None
    }

    /// Compares what the keys of each item say with the settings of that item.
    pub(super) fn each_item(&mut self) {
        let surface = self.surface;
        let mut findings = Vec::new();
        for (number, key) in (0_u32..).zip(&surface.keys) {
            let carries: Vec<&Carry> = key.carries.iter().filter(|carry| carry.fact.is_of_items()).collect();
            if !carries.is_empty() && self.read[number as usize] == Some(true) {
                self.items_of(number, &carries, &mut findings);
            }
        }
        findings.into_iter().for_each(|finding| self.report(finding));
    }

    fn items_of(&self, number: u32, carries: &[&'a Carry], findings: &mut Vec<Finding>) {
        let mut open = self.wanted_of(carries);
        for written in self.written.get(&number).into_iter().flatten() {
            let Some(item) = &written.item else { continue };
            let finding = match open.remove(item) {
                Some((carry, fact)) => self.item_differs(number, item, (carry, &fact), written),
                None if is_empty(&written.value) => None,
                None if self.is_item(carries, item) => Some(self.item_extra(number, item, written)),
                None => self.item_untold(number, item, written),
            };
            findings.extend(finding);
        }
        let is_said = |item: &SmolStr| self.is_entry(number, item) || self.is_workload(item);
        let default = self.key(number).default.as_ref();
        let missing = open.iter().filter(|(item, (carry, fact))| {
            let says_nothing = is_empty(&fact.value) || default.is_some_and(|value| carried::same(value, &fact.value));
            let path = self.path_in(carry, item);
            !says_nothing && carried::has_part(&fact.value, type_of(self.stack, &path), &carry.part) && is_said(item)
        });
        findings.extend(missing.map(|(item, (carry, fact))| self.item_missing(number, item, carry, fact)));
    }

    /// The settings that items have, by their names.
    fn wanted_of(&self, carries: &[&'a Carry]) -> Wanted<'a> {
        let mut wanted = Wanted::new();
        for carry in carries {
            for item in self.names_of(carry) {
                let path = self.path_in(carry, &item);
                if let Some(fact) = setting_at(self.inputs, &carry.fact.key, &path.key, &item, &self.names) {
                    wanted.entry(item).or_insert((carry, fact));
                }
            }
        }
        wanted
    }

    /// The names of the items of the map that a carried setting is in.
    fn names_of(&self, carry: &Carry) -> Vec<SmolStr> {
        let map = carry.fact.key.split(".*").next().unwrap_or_default();
        let found = readback::setting_of(self.stack, map);
        let view = self.inputs.deployed.view("helm");
        found.map(|(id, keys)| view.keys_of(id, &keys).to_vec()).unwrap_or_default()
    }

    fn is_item(&self, carries: &[&Carry], item: &SmolStr) -> bool {
        carries.iter().any(|carry| self.names_of(carry).contains(item))
    }

    /// Whether a setting is computed, so that what it is computed from is what it comes from.
    fn is_derived(&self, path: &str) -> bool {
        let declarations = |id| &self.stack.setting(id).declarations;
        readback::setting_of(self.stack, path).is_some_and(|(id, _)| declarations(id).iter().any(|one| one.derived))
    }

    fn is_workload(&self, item: &str) -> bool {
        self.inputs.deployment.cluster.iter().any(|workload| &*workload.name == item)
    }

    /// Whether the chart's map has this item.
    fn is_entry(&self, number: u32, item: &str) -> bool {
        let above = std::iter::successors(Some(number), |number| self.key(*number).parent);
        let outermost = above.filter(|number| matches!(self.key(*number).shape, KeyShape::Map(_))).last();
        outermost.and_then(|map| self.values.written(map)).is_some_and(|node| node.get(item).is_some())
    }

    /// The fact of one item.
    fn path_in(&self, carry: &Carry, item: &str) -> FactPath {
        FactPath { key: carry.fact.key.replacen('*', item, 1).into(), ..carry.fact.clone() }
    }

    fn item_differs(
        &self,
        number: u32,
        item: &str,
        (carry, fact): (&Carry, &Fact),
        written: &Written,
    ) -> Option<Finding> {
        let path = self.path_in(carry, item);
        let said = Said {
            part: &carry.part,
            values: vec![carried::said_of((&path, &carry.part), &written.value, carry.plus, &self.names)],
            single: true,
        };
        let (here, chart) = (self.here_in(number, item), &self.surface.chart);
        if written.raw {
            let message = format!("`{here}` carries {}, which is no business of `raw`", shown(&path, &carry.part));
            let hint = "set it in the settings; for Helm alone: `override \"helm\" because=\"…\" { … }`";
            return Some(codes::RAW_FACT.at(written.at, message).hint(hint));
        }
        if !carried::joins(&fact.value, type_of(self.stack, &path), &[&said]) {
            let (wanted, found) = (readback::spell(&fact.value), readback::spell(&written.value));
            let message = format!("`{path}` is {wanted}, and to chart `{chart}` `{here}` says {found}");
            return Some(
                codes::CARRIED_DIFFERS.at(readback::place(fact), message).label(written.at, "it is said here"),
            );
        }
        let within = |origin: &SmolStr| {
            origin.strip_prefix(&*path.key).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let is_own = !written.origins.is_empty() && written.origins.iter().all(within);
        (!is_own && !self.is_derived(&path.key)).then(|| {
            let from =
                if written.origins.is_empty() { "a constant".to_owned() } else { readback::words(&written.origins) };
            let message = format!("`{here}` has to come from `{}`, and comes from {from}", path.key);
            let finding = codes::OTHER_ORIGIN.at(written.at, message);
            finding.label(self.key(number).span, "the surface says so").hint("compute both from the same settings")
        })
    }

    fn item_extra(&self, number: u32, item: &str, written: &Written) -> Finding {
        let (here, key) = (self.here_in(number, item), self.key(number));
        let facts: Vec<String> =
            key.carries.iter().map(|carry| shown(&self.path_in(carry, item), &carry.part)).collect();
        let message = format!("`{here}` is written, which says {}, and nothing here does", facts.join(" or "));
        let finding = codes::EXTRA_KEY.at(written.at, message).label(key.span, "the surface says so");
        finding.hint("write the key under the condition of the setting")
    }

    /// An item that other keys of the surface carry settings of, and this one does not.
    fn item_untold(&self, number: u32, item: &SmolStr, written: &Written) -> Option<Finding> {
        let mut carries =
            self.surface.keys.iter().flat_map(|key| &key.carries).filter(|carry| carry.fact.is_of_items());
        carries.any(|carry| self.names_of(carry).contains(item)).then(|| {
            let (here, chart, from) =
                (self.here_in(number, item), &self.surface.chart, readback::words(&written.origins));
            let message =
                format!("`{here}` (from {from}) is written, and nothing says what it carries to chart `{chart}`");
            let finding = codes::UNTOLD_KEY.at(written.at, message).label(self.key(number).span, "its surface");
            finding.hint("add `carries \"setting MAP.*.PATH\"` for the map that the item is in")
        })
    }

    fn item_missing(&self, number: u32, item: &str, carry: &Carry, fact: &Fact) -> Finding {
        let (here, chart) = (self.here_in(number, item), &self.surface.chart);
        let said = shown(&self.path_in(carry, item), &carry.part);
        let message = format!("`{here}` carries {said} to chart `{chart}`, and the values do not say it");
        let finding = codes::MISSING_KEY.at(readback::place(fact), message);
        let finding = finding.label(self.key(number).span, "the surface says so");
        finding.hint(format!("add `{}` to the `values` of the stack", self.surface.path_of(number)))
    }

    /// The path of a key of an item.
    fn here_in(&self, number: u32, item: &str) -> String {
        self.surface.path_of(number).replacen('*', item, 1)
    }
}
