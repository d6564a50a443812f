//! The ledger: for every setting and every target, that it is used, or why not; and the same for facts and charts.
//!
//! In: a `Stack`. Out: a [`Table`], and findings for its holes.
//! Never: an environment, any value in one.
//! Invariant: a cell is used, absent with a reason, out of scope with a reason, or a hole, which is an error.

pub mod carried;
mod compatible;
mod names;
mod objects;
mod sites;
mod slots;
mod values;

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexSet;
use smol_str::SmolStr;

use crate::{
    diag::{Diags, codes},
    expr::{self, Expr},
    schema::{Absent, Declaration, Given, Helm, Kind, SettingId, Stack, Step},
    source::Span,
};

pub use carried::{COUNTED, FactCell, FactRow, FactTable};
use compatible::{compatible, together};
use sites::Site;

/// The whole ledger of a stack.
#[derive(Clone, PartialEq, Debug)]
pub struct Table {
    /// The targets: `compose`, `helm` or `helm:BLOCK` for each block, `toml`, `mcp` and `flux` where the stack has them.
    pub columns: Vec<SmolStr>,
    /// One row per declared setting, in declared order.
    pub rows: Vec<Row>,
}

/// A setting, as one declaration of it.
#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    /// The setting.
    pub setting: SettingId,
    /// Which of its declarations.
    pub declaration: u32,
    /// Its path; of a map of values with `*`.
    pub path: SmolStr,
    /// Where it is declared.
    pub span: Span,
    /// One cell per column.
    pub cells: Vec<Cell>,
}

/// What one target does with one setting.
#[derive(Clone, PartialEq, Debug)]
pub enum Cell {
    /// It reads it, here.
    Used(Span),
    /// It does not say it, for this reason.
    Absent(SmolStr),
    /// It says nothing of such settings, for this reason.
    OutOfScope(SmolStr),
    /// It neither reads it nor says why not.
    Hole,
}

/// Reports holes, reasons that are not true any more, and settings that feed nothing.
pub fn check(stack: &Stack, diags: &mut Diags) {
    let columns = columns(stack);
    let table = fill(stack, &columns);
    for row in &table.rows {
        let declaration = &stack.setting(row.setting).declarations[row.declaration as usize];
        holes(stack, row, &table, declaration, diags);
        for column in &columns {
            untrue(stack, row, column, declaration, diags);
        }
        feeds_nothing(stack, row, declaration, diags);
    }
    values::check(stack, diags);
    names::check(stack, diags);
    carried::check(stack, diags);
}

/// The ledger of a stack.
#[must_use]
pub fn table(stack: &Stack) -> Table {
    fill(stack, &columns(stack))
}

/// The ledger of a stack while a Helm block is the active one: in the columns of other targets, what they read only under
/// conditions that rule the block out is no use of a setting there. The rows and columns are those of [`table`].
#[must_use]
pub fn table_under(stack: &Stack, block: &Helm) -> Table {
    let possible = |site: &Site| {
        let conditions: Vec<&Expr> = site.guards.iter().chain(&block.when).collect();
        together(stack, &conditions)
    };
    let under = |column: Column| match column.target {
        "helm" => column,
        _ => {
            let direct: Vec<Site> = column.direct.into_iter().filter(possible).collect();
            Column { all: closed(stack, direct.clone()), direct, ..column }
        }
    };
    let columns: Vec<Column> = columns(stack).into_iter().map(under).collect();
    fill(stack, &columns)
}

/// What of each target each setting becomes, as the rows and columns of the [`table`] stand: paths of keys, of Compose
/// workloads and their facts, in the stack's order. What a derived value becomes, so do the settings that it is computed
/// from. Nothing where a setting only decides, or feeds the defaults of others.
#[must_use]
pub fn places(stack: &Stack, table: &Table) -> Vec<Vec<Vec<SmolStr>>> {
    let columns = columns(stack);
    let derived = derived_from(stack);
    let places = |row: &Row, column: &Column| {
        let declaration = &stack.setting(row.setting).declarations[row.declaration as usize];
        let through = derived.get(&row.setting);
        let reads = |site: &&Site| {
            reads(stack, row.setting, declaration, site) || through.is_some_and(|all| all.contains(&site.setting))
        };
        let said = column.direct.iter().filter(|site| !site.mounted && !site.says.is_empty());
        let places: IndexSet<SmolStr> = said.filter(reads).map(|site| site.says.clone()).collect();
        places.into_iter().collect()
    };
    table.rows.iter().map(|row| columns.iter().map(|column| places(row, column)).collect()).collect()
}

/// The derived settings that are computed from each setting, also through one another.
fn derived_from(stack: &Stack) -> BTreeMap<SettingId, BTreeSet<SettingId>> {
    let mut from: BTreeMap<SettingId, BTreeSet<SettingId>> = BTreeMap::new();
    // In the order in which settings are resolved: what a derived value reads comes before it.
    for step in &stack.order {
        let Step::Setting(id) = *step else { continue };
        let derived = stack.setting(id).declarations.iter().filter(|declaration| declaration.derived);
        let read: BTreeSet<SettingId> = derived
            .flat_map(|declaration| &declaration.defaults)
            .flat_map(expr::references)
            .filter_map(|found| stack.setting_at(found.place))
            .flat_map(|id| stack.read_by(id))
            .collect();
        for origin in from.keys().copied().collect::<Vec<_>>() {
            if from[&origin].iter().any(|derived| read.contains(derived)) {
                from.entry(origin).or_default().insert(id);
            }
        }
        for origin in read {
            from.entry(origin).or_default().insert(id);
        }
    }
    from
}

/// The facts of workloads, per Helm block whose charts have surfaces.
#[must_use]
pub fn facts(stack: &Stack) -> Vec<FactTable> {
    let columns = columns(stack);
    let blocks: Vec<_> = columns.iter().map(|column| (column.block.clone(), column.name.clone())).collect();
    carried::tables(stack, &blocks)
}

/// A target, with where it reads.
struct Column {
    /// `compose`, `helm`, `toml`, `mcp` or `flux`.
    target: &'static str,
    name: SmolStr,
    /// The name of the Helm block.
    block: SmolStr,
    /// Where the target's own part of the stack reads.
    direct: Vec<Site>,
    /// The same, and what those settings are computed from.
    all: Vec<Site>,
    /// Settings outside which the target says nothing.
    scope: Option<(BTreeSet<SettingId>, SmolStr)>,
}

fn columns(stack: &Stack) -> Vec<Column> {
    let mut columns = vec![column(stack, "compose", "compose".into(), "".into(), sites::compose(stack), None)];
    for block in &stack.helm {
        let name = if stack.helm.len() == 1 { SmolStr::from("helm") } else { format!("helm:{}", block.name).into() };
        columns.push(column(stack, "helm", name, block.name.clone(), sites::helm(stack, block), None));
    }
    let scopes = |scopes: Vec<Option<&crate::schema::Scope>>| {
        let all: Option<Vec<_>> = scopes.into_iter().collect();
        all.and_then(|all| {
            let because = all.first()?.because.clone();
            let settings = all.iter().flat_map(|scope| &scope.settings).flat_map(|id| stack.below(*id)).collect();
            Some((settings, because))
        })
    };
    if !stack.configs.is_empty() {
        let scope = scopes(stack.configs.iter().map(|config| config.scope.as_ref()).collect());
        columns.push(column(stack, "toml", "toml".into(), "".into(), sites::configs(stack), scope));
    }
    if !stack.mcp.is_empty() {
        let scope = scopes(stack.mcp.iter().map(|mcp| mcp.scope.as_ref()).collect());
        columns.push(column(stack, "mcp", "mcp".into(), "".into(), sites::mcp(stack), scope));
    }
    if !stack.flux.is_empty() {
        let scope = scopes(stack.flux.iter().map(|flux| flux.scope.as_ref()).collect());
        columns.push(column(stack, "flux", "flux".into(), "".into(), sites::flux(stack), scope));
    }
    columns
}

fn column(
    stack: &Stack,
    target: &'static str,
    name: SmolStr,
    block: SmolStr,
    direct: Vec<Site>,
    scope: Option<(BTreeSet<SettingId>, SmolStr)>,
) -> Column {
    let all = closed(stack, direct.clone());
    Column { target, name, block, direct, all, scope }
}

/// Adds what used settings are computed from: defaults, values of presets, conditions of their existence.
fn closed(stack: &Stack, direct: Vec<Site>) -> Vec<Site> {
    let mut all: Vec<Site> = Vec::new();
    let mut seen: BTreeSet<(SettingId, usize)> = BTreeSet::new();
    let mut todo = direct;
    while let Some(site) = todo.pop() {
        let setting = stack.setting(site.setting);
        for (index, declaration) in setting.declarations.iter().enumerate() {
            if seen.contains(&(site.setting, index)) || !compatible(stack, declaration, &site.guards) {
                continue;
            }
            seen.insert((site.setting, index));
            let available = || declaration.available.iter().map(|condition| &stack.conditions[*condition as usize]);
            let guards: Vec<Expr> = available().cloned().collect();
            let mut reads = |expr: &Expr| todo.extend(sites::of(stack, expr, &guards, ""));
            declaration.defaults.iter().for_each(&mut reads);
            available().for_each(&mut reads);
            for (preset, at) in &stack.preset_index[site.setting.index()] {
                if let Given::Expr(expr) = &stack.presets[*preset as usize].values[*at as usize].given {
                    reads(expr);
                }
            }
        }
        all.push(site);
    }
    all
}

/// Whether a setting is a row of its own: not a group, not a list's item, not a value that nobody may write.
fn is_row(stack: &Stack, id: SettingId) -> bool {
    let setting = stack.setting(id);
    let records = |item: SettingId| stack.setting(item).kind == Kind::Group;
    let row = match setting.kind {
        Kind::Group => false,
        Kind::Map(_) => false,
        Kind::List(item) => !records(item),
        Kind::Scalar(_) => !stack.is_list_item(id),
        Kind::Choice(_) | Kind::Switch => true,
    };
    row && setting.declarations.iter().all(|declaration| !declaration.derived)
}

fn fill(stack: &Stack, columns: &[Column]) -> Table {
    let mut rows = Vec::new();
    for id in stack.below(SettingId::ROOT) {
        if !is_row(stack, id) {
            continue;
        }
        for (index, declaration) in stack.setting(id).declarations.iter().enumerate() {
            rows.push(Row {
                setting: id,
                declaration: index as u32,
                path: stack.setting(id).path.clone(),
                span: declaration.span,
                cells: columns.iter().map(|column| cell(stack, id, declaration, column)).collect(),
            });
        }
    }
    Table { columns: columns.iter().map(|column| column.name.clone()).collect(), rows }
}

fn cell(stack: &Stack, id: SettingId, declaration: &Declaration, column: &Column) -> Cell {
    if let Some(absent) = absent_in(declaration, column) {
        return Cell::Absent(absent.because.clone());
    }
    if let Some(site) = read_at(stack, id, declaration, &column.all) {
        return Cell::Used(site.span);
    }
    match &column.scope {
        Some((settings, because)) if !settings.contains(&id) => Cell::OutOfScope(because.clone()),
        _ => Cell::Hole,
    }
}

/// The nearest `absent` that covers a column.
fn absent_in<'d>(declaration: &'d Declaration, column: &Column) -> Option<&'d Absent> {
    let covers = |target: &SmolStr| {
        target.as_str() == "*"
            || target.as_str() == column.target
            || target
                .strip_prefix("helm:")
                .is_some_and(|block| column.target == "helm" && block == column.block.as_str())
    };
    declaration.said.absent.iter().find(|absent| absent.targets.iter().any(covers))
}

/// A site that reads a declaration of a setting.
fn read_at<'s>(stack: &Stack, id: SettingId, declaration: &Declaration, sites: &'s [Site]) -> Option<&'s Site> {
    sites.iter().find(|site| reads(stack, id, declaration, site))
}

/// Whether a site reads a declaration of a setting. A map or list is read through itself or through its items.
fn reads(stack: &Stack, id: SettingId, declaration: &Declaration, site: &Site) -> bool {
    let here = site.setting == id || matches!(stack.setting(id).kind, Kind::List(item) if item == site.setting);
    here && compatible(stack, declaration, &site.guards)
}

fn holes(stack: &Stack, row: &Row, table: &Table, declaration: &Declaration, diags: &mut Diags) {
    let missing: Vec<&str> = row
        .cells
        .iter()
        .zip(&table.columns)
        .filter(|(cell, _)| **cell == Cell::Hole)
        .map(|(_, column)| column.as_ref())
        .collect();
    if missing.is_empty() {
        return;
    }
    let names: Vec<String> = missing.iter().map(|name| format!("`{name}`")).collect();
    let quoted: Vec<String> = missing.iter().map(|name| format!("\"{name}\"")).collect();
    let mut finding =
        codes::HOLE.at(declaration.span, format!("`{}` reaches no part of {}", row.path, names.join(", ")));
    if let Some(condition) = declaration.available.last() {
        finding = finding.label(stack.conditions[*condition as usize].span, "where this holds");
    }
    diags.push(finding.hint(format!("use it there, or add `absent {} because=\"…\"`", quoted.join(" "))));
}

/// A reason for absence is not true where the target reads the setting all the same.
fn untrue(stack: &Stack, row: &Row, column: &Column, declaration: &Declaration, diags: &mut Diags) {
    let Some(absent) = absent_in(declaration, column) else { return };
    let own: Vec<Site> =
        column.direct.iter().filter(|site| !site.mounted && site.setting == row.setting).cloned().collect();
    let Some(site) = read_at(stack, row.setting, declaration, &own) else { return };
    diags.push(
        codes::ABSENT_BUT_READ
            .at(absent.span, format!("`{}` is said to be absent from `{}`, which reads it", row.path, column.name))
            .label(site.span, "read here")
            .hint("delete the `absent`, or do not read it there"),
    );
}

/// A setting that no target says must at least decide something.
fn feeds_nothing(stack: &Stack, row: &Row, declaration: &Declaration, diags: &mut Diags) {
    if !row.cells.iter().all(|cell| matches!(cell, Cell::Absent(_) | Cell::OutOfScope(_))) {
        return;
    }
    let mut fed = false;
    let mut reads = |expr: &Expr| {
        fed |= expr::references(expr)
            .filter_map(|found| stack.setting_at(found.place))
            .any(|id| stack.read_by(id).contains(&row.setting));
    };
    for preset in &stack.presets {
        preset.when.iter().for_each(&mut reads);
        for assignment in &preset.values {
            if let Given::Expr(expr) = &assignment.given {
                reads(expr);
            }
        }
    }
    for setting in &stack.settings {
        setting.declarations.iter().flat_map(|declaration| &declaration.defaults).for_each(&mut reads);
    }
    stack.conditions.iter().for_each(&mut reads);
    for rule in &stack.rules {
        rule.when.iter().chain(&rule.require).for_each(&mut reads);
    }
    if !fed {
        diags.push(
            codes::FEEDS_NOTHING
                .at(declaration.span, format!("`{}` is absent from every target and decides nothing", row.path))
                .hint("delete the setting, or let a preset, a default or a rule read it"),
        );
    }
}
