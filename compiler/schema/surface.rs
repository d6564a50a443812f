//! What one version of a chart reads, as data: its surface, kept as bytes until somebody asks for it.
//!
//! In: what `charts` read. Out: [`Surface`]s, and bytes of them within a [`Stack`].
//! Never: KDL, values of an environment.
//! Invariant: a stack that is decoded decodes no surface; each is decoded once, when it is first asked for.

use std::{
    collections::BTreeSet,
    sync::{Arc, OnceLock},
};

use smol_str::SmolStr;

use crate::{
    expr::{self, Expr, Place},
    pack::{Lazy, Pack, Reader, Writer},
    plan::{self, FactPath},
    schema::{Children, Release, Stack},
    source::Span,
    value::{Ranged, Value},
};

/// Places from this number on are no keys but rows of [`Surface::workloads`].
pub(super) const FIRST_WORKLOAD: u32 = 1 << 24;

/// What one version of a chart reads, written from its templates.
#[derive(Clone, PartialEq, Debug)]
pub struct Surface {
    /// The chart.
    pub chart: SmolStr,
    /// Its version.
    pub version: SmolStr,
    /// Where it stands.
    pub span: Span,
    /// The keys; number 0 is the map that holds the others. Places in conditions are numbers of keys.
    pub keys: Vec<ChartKey>,
    /// The workloads whose hosts its texts name, `{workload.NAME}`; see [`Surface::workload_at`].
    pub workloads: Vec<SmolStr>,
    /// The workloads that it runs.
    pub runs: Vec<Runs>,
    /// Facts that its templates state without a key.
    pub fixed: Vec<Fixed>,
    /// Facts that it cannot state.
    pub unsaid: Vec<Unsaid>,
    /// What [`Surface::asked`] says, once somebody asked.
    pub(super) found: Found,
}

/// What was computed of a surface and says nothing that it does not say.
#[derive(Debug, Default)]
pub struct Found {
    asked: OnceLock<Vec<u32>>,
}

/// A copy may be changed, so all is computed again.
impl Clone for Found {
    fn clone(&self) -> Found {
        Found::default()
    }
}

/// An image has it too, because it takes a walk over all keys.
impl Pack for Found {
    fn write(&self, to: &mut Writer) {
        self.asked.get().cloned().write(to);
    }

    fn read(from: &mut Reader) -> Found {
        let asked: Option<Vec<u32>> = Option::read(from);
        Found { asked: asked.map(OnceLock::from).unwrap_or_default() }
    }
}

impl PartialEq for Found {
    fn eq(&self, _: &Found) -> bool {
        true
    }
}

/// A key that a chart reads, or a trap.
#[derive(Clone, PartialEq, Debug)]
pub struct ChartKey {
    /// Its name; `*` for the items of a list or map.
    pub name: SmolStr,
    /// What holds it; none for the root.
    pub parent: Option<u32>,
    /// Where it stands.
    pub span: Span,
    /// What it holds.
    pub shape: KeyShape,
    /// The chart's own value, if it has one.
    pub default: Option<Value>,
    /// Under which values of other keys the chart reads it; those of the keys above it count too.
    pub when: Option<Box<Expr>>,
    /// The facts, or parts of facts, that it carries.
    pub carries: Vec<Carry>,
    /// Whether the chart runs its text as a template.
    pub template: bool,
    /// Whether it has to be written while it is read: the chart's own value would say something of its own.
    pub required: bool,
    /// What it has to say, computed from the stack's settings: for what is no fact and no setting as it stands.
    pub says: Option<Box<Expr>>,
    /// Of a list the key by whose text its items are known.
    pub by: Option<SmolStr>,
    /// The keys below it; of a map, a list or anything those that are known by name.
    pub children: Children<u32>,
}

/// What a key of a chart holds.
#[derive(Clone, PartialEq, Debug)]
pub enum KeyShape {
    /// A map with these keys and no others.
    Group,
    /// A value of the scalar type of this name, within these attributes. A `secret` is the text of one, which no
    /// value of ours ever is.
    Scalar(SmolStr, Ranged),
    /// A list of what this key says.
    List(u32),
    /// A map of what this key says.
    Map(u32),
    /// Anything: the chart hands it on whole.
    Any,
    /// Nothing: no template reads it, for this reason.
    Dead(SmolStr),
}

/// A fact, or a part of one, that a key of a chart carries.
#[derive(Clone, PartialEq, Debug)]
pub struct Carry {
    /// The fact.
    pub fact: FactPath,
    /// The part of its value, a row of `value::PARTS`; empty for all of it.
    pub part: SmolStr,
    /// How much the fact is more than the key; 0 but for charts that count, say, the copies beside the first.
    pub plus: i64,
    /// Under which values of keys it does, beside those under which the key is read.
    pub when: Option<Expr>,
}

/// A workload that a chart runs.
#[derive(Clone, PartialEq, Debug)]
pub struct Runs {
    /// Its name.
    pub workload: SmolStr,
    /// The host name of its Service, by the chart's keys.
    pub host: Option<Expr>,
    /// When, by the chart's keys; none is always.
    pub when: Option<Expr>,
    /// Where it stands.
    pub span: Span,
}

/// A fact that a chart's templates state without a key.
#[derive(Clone, PartialEq, Debug)]
pub struct Fixed {
    /// The fact, or the part of one.
    pub fact: Carry,
    /// Its value: a constant in normal form, or a text with keys and hosts of workloads in it.
    pub value: Expr,
    /// When, by the chart's keys; none is always.
    pub when: Option<Expr>,
    /// Where it stands.
    pub span: Span,
}

/// Facts that a chart cannot state.
#[derive(Clone, PartialEq, Debug)]
pub struct Unsaid {
    /// The facts; `*` in the key stands for any text.
    pub facts: Vec<FactPath>,
    /// The reason.
    pub because: SmolStr,
    /// When, by the chart's keys; none is always.
    pub when: Option<Expr>,
    /// Where it stands.
    pub span: Span,
}

impl ChartKey {
    /// A key of which nothing more is said yet.
    pub(super) fn new(name: SmolStr, parent: Option<u32>, span: Span, shape: KeyShape) -> ChartKey {
        ChartKey {
            name,
            parent,
            span,
            shape,
            default: None,
            when: None,
            carries: Vec::new(),
            template: false,
            required: false,
            says: None,
            by: None,
            children: Children::default(),
        }
    }

    /// The key that an item of this list is, by the texts of the item; none if it has no name that is known.
    #[must_use]
    pub fn item_of<'t>(&self, text: impl FnOnce(&str) -> Option<&'t str>) -> Option<u32> {
        let name = self.by.as_deref().and_then(text)?;
        self.children.get(name).copied()
    }
}

impl Surface {
    /// The key of this number.
    #[must_use]
    pub fn key(&self, number: u32) -> &ChartKey {
        &self.keys[number as usize]
    }

    /// The key `name` below another: the named one, else what a list, a map or anything holds.
    #[must_use]
    pub fn below(&self, number: u32, name: &str) -> Option<u32> {
        let key = self.key(number);
        key.children.get(name).copied().or(match key.shape {
            KeyShape::List(item) | KeyShape::Map(item) => Some(item),
            KeyShape::Any | KeyShape::Dead(_) => Some(number),
            KeyShape::Group | KeyShape::Scalar(..) => None,
        })
    }

    /// The keys by whose texts items of lists are known.
    #[must_use]
    pub fn naming(&self) -> BTreeSet<SmolStr> {
        self.keys.iter().filter_map(|key| key.by.clone()).collect()
    }

    /// The path of a key: `aeterna.ingress.hosts.*.host`, `extraEnv[DEBUG].value`.
    #[must_use]
    pub fn path_of(&self, number: u32) -> String {
        let key = self.key(number);
        match key.parent {
            None => String::new(),
            Some(0) => key.name.to_string(),
            Some(parent) if self.key(parent).by.is_some() && key.name.as_str() != "*" => {
                format!("{}[{}]", self.path_of(parent), key.name)
            }
            Some(parent) => format!("{}.{}", self.path_of(parent), key.name),
        }
    }

    /// The keys that conditions and texts ask for, sorted: their values matter, whether or not they carry a fact.
    #[must_use]
    pub fn asked(&self) -> &[u32] {
        self.found.asked.get_or_init(|| self.find_asked())
    }

    fn find_asked(&self) -> Vec<u32> {
        let mut all: Vec<&Expr> = self.keys.iter().flat_map(|key| key.when.as_deref()).collect();
        all.extend(self.keys.iter().flat_map(|key| &key.carries).flat_map(|carry| &carry.when));
        all.extend(self.runs.iter().flat_map(|runs| runs.when.iter().chain(&runs.host)));
        all.extend(self.fixed.iter().flat_map(|fixed| fixed.when.iter().chain([&fixed.value])));
        all.extend(self.unsaid.iter().flat_map(|unsaid| &unsaid.when));
        self.keys_in(all.into_iter())
    }

    /// The keys that decide which workloads run and what they are called, and those that templates state a fact from,
    /// sorted: what these say is compared with the plan.
    #[must_use]
    pub fn running(&self) -> Vec<u32> {
        let runs = self.runs.iter().flat_map(|runs| runs.when.iter().chain(&runs.host));
        self.keys_in(runs.chain(self.fixed.iter().map(|fixed| &fixed.value)))
    }

    fn keys_in<'e>(&self, all: impl Iterator<Item = &'e Expr>) -> Vec<u32> {
        let places = all.flat_map(expr::references).map(|found| found.place.0);
        let keys: BTreeSet<u32> = places.filter(|place| *place < FIRST_WORKLOAD).collect();
        keys.into_iter().collect()
    }

    /// The workload whose host a place of a text stands for; none for keys.
    #[must_use]
    pub fn workload_at(&self, place: Place) -> Option<&SmolStr> {
        place.0.checked_sub(FIRST_WORKLOAD).and_then(|at| self.workloads.get(at as usize))
    }
}

impl Unsaid {
    /// Whether it is about this fact: the same, or one that a `*` in a key stands for; of a fact without field all fields.
    #[must_use]
    pub fn covers(&self, fact: &FactPath) -> bool {
        self.facts.iter().any(|own| Unsaid::is_about(own, fact))
    }

    /// Whether one of [`Unsaid::facts`] stands for this fact.
    #[must_use]
    pub fn is_about(own: &FactPath, fact: &FactPath) -> bool {
        own.kind == fact.kind
            && (own.field.is_empty() || own.field == fact.field)
            && own.workload == fact.workload
            && matches(&own.key, &fact.key)
    }
}

/// Whether a text fits a pattern in which `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((before, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(text) = text.strip_prefix(before) else { return false };
    if rest.is_empty() {
        return true;
    }
    (0..=text.len()).filter(|at| text.is_char_boundary(*at)).any(|at| matches(rest, &text[at..]))
}

/// A surface within a stack: its name, and bytes that are read when somebody asks.
#[derive(Clone, PartialEq, Debug)]
pub struct Packed {
    /// The file in the stack's folder.
    pub file: SmolStr,
    /// The chart.
    pub chart: SmolStr,
    /// Its version.
    pub version: SmolStr,
    pub(super) surface: Lazy<Arc<Surface>>,
}

impl Packed {
    /// A surface that lies in this file.
    #[must_use]
    pub fn new(file: SmolStr, surface: Surface) -> Packed {
        _ = surface.asked(); // computed here, so that an image has it
        let (chart, version) = (surface.chart.clone(), surface.version.clone());
        Packed { file, chart, version, surface: Arc::new(surface).into() }
    }

    /// The surface.
    #[must_use]
    pub fn surface(&self) -> Arc<Surface> {
        Arc::clone(&self.surface)
    }
}

impl Stack {
    /// The declaration of a release that was planned.
    #[must_use]
    pub fn release(&self, planned: &plan::Release) -> Option<&Release> {
        let mut all = self.helm.iter().flat_map(|block| &block.releases);
        all.find(|found| {
            (&found.name, &found.chart, &found.version, &found.file)
                == (&planned.name, &planned.chart, &planned.version, &planned.file)
        })
    }

    /// What the chart of a release reads; none if no surface is named.
    #[must_use]
    pub fn surface(&self, release: &Release) -> Option<Arc<Surface>> {
        self.surface_of(&release.surface, &release.chart, &release.version)
    }

    /// What this version of a chart reads, by a file of the stack; none if there is no such surface.
    #[must_use]
    pub fn surface_of(&self, file: &str, chart: &str, version: &str) -> Option<Arc<Surface>> {
        let is = |found: &&Packed| {
            found.file.as_str() == file && found.chart.as_str() == chart && found.version.as_str() == version
        };
        self.surfaces.iter().find(is).map(Packed::surface)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, expected) in [
            ("PG_*", "PG_HOST", true),
            ("PG_*", "RD_HOST", false),
            ("*", "", true),
            ("*_HOST", "PG_HOST", true),
            ("*_HOST", "PG_HOST_2", false),
            ("A*B*C", "AxBxBC", true),
            ("PG", "PG_HOST", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
