//! Mistakes on the surface of a chart: every key that the committed environments write, what it carries and when it is
//! read; and what the surface says of templates.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use smol_str::SmolStr;

use trueline::{
    diag::Diags,
    emit::{self, Output},
    expr::{Expr, Kind},
    facts::Facts,
    plan::{FactPath, Kind as FactOf, Release},
    read::{self, Data, Node},
    readback,
    schema::{Carry, ChartKey, FactKind, KeyShape, Packed, Stack, Surface},
    targets::File,
    value::{self, Value},
};

use super::{
    Committed, End, Mistake, OF_CHARTS, better,
    compose::output,
    each,
    exprs::{bare, changed, renamed},
    judged, loaded, made, stacks, writers,
};

/// What became of every mistake.
pub(super) fn ends() -> Vec<(&'static str, String, End)> {
    let mut all = Vec::new();
    for stack in stacks() {
        for (number, packed) in stack.surfaces.iter().enumerate() {
            let surface = packed.surface();
            if written(&surface).is_empty() {
                continue; // of a version that no environment here is for
            }
            let original = surface.clone();
            let end = |surface, mistake: &Mistake<'_, Surface>| checked(&stack, number, &original, surface, mistake);
            let mut mistakes = mistakes(&stack, &surface);
            for mistake in &mut mistakes {
                mistake.what = format!("{}/{} {}", surface.chart, surface.version, mistake.what);
            }
            all.extend(each(&*surface, &made("surface", mistakes), end));
        }
    }
    all
}

fn checked(stack: &Stack, number: usize, original: &Surface, surface: Surface, mistake: &Mistake<'_, Surface>) -> End {
    let mut stack = stack.clone();
    let file = stack.surfaces[number].file.clone();
    stack.surfaces[number] = Packed::new(file, surface.clone());
    let judge = mistake.judge(OF_CHARTS);
    let stack = Arc::new(stack);
    let mut end = None;
    for committed in writers(&surface.chart, &surface.version) {
        let mut diags = Diags::default();
        let files: Vec<File> = committed.files.iter().filter(|file| file.path.contains("/helm/")).cloned().collect();
        readback::check(&committed.with(&stack), &committed.plan, &files, &mut diags);
        match (judged(diags.as_slice(), judge), end.take()) {
            (Some(found @ End::Found(_)), _) => return found,
            (Some(found), Some(before)) => end = Some(better(before, found)),
            (found, before) => end = found.or(before),
        }
    }
    let end = match (loaded(&stack, judge), end) {
        (Some(found), Some(before)) => Some(better(before, found)),
        (found, before) => found.or(before),
    };
    end.unwrap_or_else(|| End::Survived(excuse(&stack, original, &surface).unwrap_or_default().to_owned()))
}

/// Why a mistake may survive, by what it is and what the environments write there; each is shown, not believed.
fn excuse(stack: &Arc<Stack>, original: &Surface, changed: &Surface) -> Option<&'static str> {
    let differ = |number: &u32| original.key(*number) != changed.key(*number);
    let keys: Vec<u32> = (0..original.keys.len() as u32).filter(differ).collect();
    match keys.as_slice() {
        [one] if original.key(*one).shape != changed.key(*one).shape => {
            let said = written(original).remove(one).unwrap_or_default();
            let is_nothing = |said: &String| said.as_str() == NOTHING;
            said.iter().all(is_nothing).then_some("null and empty text say that there is nothing, in every type")
        }
        [one] if original.key(*one).carries.len() > changed.key(*one).carries.len() => {
            let decides = original.asked().binary_search(one).is_ok() && others_find(stack, changed, *one);
            decides.then_some("the key decides what is read and what runs: every other value of it is found by that")
        }
        [one, other] if original.key(*one).carries != changed.key(*one).carries => {
            let pair = (&original.key(*one).carries[..], &original.key(*other).carries[..]);
            let is_same = say_the_same(original, pair) || are_written_the_same(original, *one, *other);
            is_same.then_some(
                "both keys say the same everywhere, from the same settings: what is held against one is held against the other",
            )
        }
        _ => None,
    }
}

/// Whether a surface finds other values of a key wherever it is written: every one that a type of a few values has, else the
/// next number, no text and a text with another letter.
fn others_find(stack: &Arc<Stack>, surface: &Surface, number: u32) -> bool {
    let path = surface.path_of(number);
    let is_found = |committed: &&Committed, file: &File, tree: Output| {
        let bytes = emit::yaml(&tree, "").into_bytes();
        let mut files: Vec<File> = committed
            .files
            .iter()
            .filter(|other| other.path.contains("/helm/") && other.path != file.path)
            .cloned()
            .collect();
        files.push(File { path: file.path.clone(), bytes, format: file.format, leaves: file.leaves.clone() });
        let mut diags = Diags::default();
        readback::check(&committed.with(stack), &committed.plan, &files, &mut diags);
        diags.has_errors()
    };
    let others = |value: &Output| -> Vec<Output> {
        match (value, &surface.key(number).shape) {
            (Output::Bool(yes), _) => vec![Output::Bool(!yes)],
            (Output::Int(number), _) => vec![Output::Int(number + 1)],
            (Output::String(_), KeyShape::Scalar(_, attributes)) if !attributes.words.is_empty() => {
                attributes.words.iter().map(|word| Output::string(&**word)).filter(|word| word != value).collect()
            }
            (Output::String(text), _) => vec![Output::string(""), Output::string(renamed(text))],
            _ => Vec::new(),
        }
    };
    let (mut tried, mut found) = (0, 0);
    for committed in writers(&surface.chart, &surface.version) {
        for file in files_of(committed, surface) {
            let text = std::str::from_utf8(&file.bytes).expect("it is text");
            let tree = output(&read::yaml::parse(text).expect("it can be read"));
            let Some(value) = at(&tree, &path) else { continue };
            for other in others(&value) {
                let mut tree = tree.clone();
                put(&mut tree, &path, other);
                tried += 1;
                found += usize::from(is_found(&committed, file, tree));
            }
        }
    }
    tried > 0 && tried == found
}

/// What stands at a path.
fn at(tree: &Output, path: &str) -> Option<Output> {
    let value = path.split('.').try_fold(tree, |tree, word| match tree {
        Output::Map(entries) => entries.iter().find(|(key, _)| **key == *word).map(|(_, value)| value),
        _ => None,
    });
    value.cloned()
}

fn put(tree: &mut Output, path: &str, value: Output) {
    let (word, rest) = path.split_once('.').unwrap_or((path, ""));
    let Output::Map(entries) = tree else { return };
    let Some((_, below)) = entries.iter_mut().find(|(key, _)| **key == *word) else { return };
    if rest.is_empty() { *below = value } else { put(below, rest, value) }
}

/// Whether two keys are written with one value, from the same settings, in every file that has one of them.
fn are_written_the_same(surface: &Surface, one: u32, other: u32) -> bool {
    let paths = [surface.path_of(one), surface.path_of(other)];
    let said = |file: &File, path: &str| {
        let spots = file.leaves.spots();
        let mut spot = spots.root();
        for word in path.split('.') {
            spot = spots.below(&mut spot, word, None)?;
        }
        let mut origins = BTreeSet::new();
        spots.each(spot, &mut |leaf| origins.extend(leaf.origins().iter().map(|origin| origin.path.clone())));
        let tree = read::yaml::parse(std::str::from_utf8(&file.bytes).expect("it is text")).expect("it can be read");
        Some((at(&output(&tree), path)?, origins))
    };
    let all = writers(&surface.chart, &surface.version);
    let mut files = all.iter().flat_map(|committed| files_of(committed, surface));
    files.all(|file| match (said(file, &paths[0]), said(file, &paths[1])) {
        (Some(one), Some(other)) => one == other && !one.1.is_empty(),
        (one, other) => one.is_none() && other.is_none(),
    })
}

/// Whether two lists of carried facts are one by one the same facts: in the same part, under the same conditions, of the
/// same value from the same settings in every environment.
fn say_the_same(surface: &Surface, (one, other): (&[Carry], &[Carry])) -> bool {
    let all = writers(&surface.chart, &surface.version);
    let deployments = || all.iter().flat_map(|committed| &committed.plan.deployments);
    let facts: Vec<Facts> = deployments().map(super::workloads::cluster).collect();
    let same = |(one, other): (&Carry, &Carry)| {
        let shape = |carry: &Carry| (carry.part.clone(), carry.plus, carry.when.as_ref().map(bare));
        one.fact.kind != FactOf::Setting
            && shape(one) == shape(other)
            && facts.iter().all(|facts| super::workloads::same(facts.get(&one.fact), facts.get(&other.fact)))
    };
    one.len() == other.len() && one.iter().zip(other).all(same)
}

/// What a key says that says nothing.
const NOTHING: &str = "nothing";

/// The keys of a surface that committed environments write, those of groups too, and what they say.
fn written(surface: &Surface) -> BTreeMap<u32, Vec<String>> {
    let mut keys = BTreeMap::new();
    for committed in writers(&surface.chart, &surface.version) {
        for file in files_of(committed, surface) {
            let text = std::str::from_utf8(&file.bytes).expect("it is text");
            note(surface, &read::yaml::parse(text).expect("it can be read"), 0, &mut keys);
        }
    }
    keys.remove(&0);
    keys
}

/// The values that an environment writes for the chart of a surface.
fn files_of<'c>(committed: &'c Committed, surface: &Surface) -> Vec<&'c File> {
    let mut files = Vec::new();
    for deployment in &committed.plan.deployments {
        let of_chart = |release: &&Release| release.chart == surface.chart && release.version == surface.version;
        for release in deployment.helm.iter().filter(of_chart) {
            let path = format!("{}/helm/{}", deployment.name, release.file);
            files.push(committed.files.iter().find(|file| file.path == path).expect("it was printed"));
        }
    }
    files
}

fn note(surface: &Surface, node: &Node<'_>, number: u32, keys: &mut BTreeMap<u32, Vec<String>>) {
    let said = match &node.data {
        Data::Null => NOTHING.to_owned(),
        Data::String(text) if text.is_empty() => NOTHING.to_owned(),
        Data::Map(_) | Data::List(_) => format!("several {}", node.line),
        other => format!("{other:?}"),
    };
    keys.entry(number).or_default().push(said);
    // What is handed on whole has no keys of its own but those that are known by name.
    let named = |name: &str| match surface.key(number).shape {
        KeyShape::Any => surface.key(number).children.get(name).copied(),
        _ => surface.below(number, name),
    };
    match &node.data {
        Data::Map(entries) => {
            for (name, below) in entries {
                if let Some(child) = named(name) {
                    note(surface, below, child, keys);
                }
            }
        }
        Data::List(items) => {
            if let KeyShape::List(item) = surface.key(number).shape {
                items.iter().for_each(|below| note(surface, below, item, keys));
            }
        }
        _ => {}
    }
}

type Make = Box<dyn Fn(&mut Surface) + Send + Sync>;

fn mistakes(stack: &Stack, surface: &Surface) -> Vec<Mistake<'static, Surface>> {
    let mut all = Vec::new();
    let written = written(surface);
    for (number, said) in &written {
        of_key(stack, surface, *number, said.iter().any(|said| said.as_str() != NOTHING), &mut all);
    }
    for (one, other) in carries_to_swap(surface, &written.keys().copied().collect::<Vec<_>>()) {
        let names = names(surface, one).into_iter().chain(names(surface, other)).collect();
        let swap = move |surface: &mut Surface| {
            let carries = std::mem::take(&mut surface.keys[one as usize].carries);
            let others = std::mem::replace(&mut surface.keys[other as usize].carries, carries);
            surface.keys[one as usize].carries = others;
        };
        all.push(Mistake { how: "swap", what: surface.path_of(one), names, around: Vec::new(), make: Box::new(swap) });
    }
    of_templates(&Holds::new(stack, surface), surface, &mut all);
    all
}

/// What a message has to name one of: the key, or a fact that it carries.
fn names(surface: &Surface, number: u32) -> Vec<String> {
    let mut names = vec![surface.path_of(number).trim_end_matches(".*").to_owned()];
    names.extend(surface.key(number).carries.iter().map(|carry| carry.fact.to_string()));
    names
}

/// The facts that a variable's other names are, by the stack.
fn twins(stack: &Stack, carry: &Carry) -> Vec<String> {
    let facts = stack.workloads.iter().flat_map(|workload| &workload.node.facts);
    let names = facts.filter_map(|fact| match &fact.node.kind {
        FactKind::Env { name: Expr { kind: Kind::Literal(Value::String(name)), .. }, also, .. } => {
            Some(also.iter().chain([name]).cloned().collect::<Vec<_>>())
        }
        _ => None,
    });
    let own = names.filter(|names| names.contains(&carry.fact.key)).flatten();
    own.map(|name| FactPath { key: name, ..carry.fact.clone() }.to_string()).collect()
}

/// Whether another key of a surface carries the same fact.
fn is_carried_twice(surface: &Surface, fact: &FactPath) -> bool {
    let carries = surface.keys.iter().flat_map(|key| &key.carries);
    carries.filter(|carry| carry.fact == *fact).count() > 1
}

fn of_key(stack: &Stack, surface: &Surface, number: u32, is_filled: bool, all: &mut Vec<Mistake<'static, Surface>>) {
    let key = surface.key(number);
    let at = number as usize;
    let mut names = names_below(surface, number);
    for carry in &key.carries {
        names.extend(twins(stack, carry));
        names.extend(other_unit(carry).map(|other| other.fact.to_string()));
    }
    let mut around = Vec::new();
    if let Some(child) = key.parent.filter(|_| &*key.name != "*") {
        let above = surface.path_of(child);
        names.push(format!("{above}.{}", renamed(&key.name)));
        around.push(above);
    }
    let mut add = |how, what: String, make: Make| {
        all.push(Mistake { how, what, names: names.clone(), around: around.clone(), make });
    };
    let path = surface.path_of(number);
    if let (Some(parent), true) = (key.parent, &*key.name != "*") {
        let name = key.name.clone();
        let delete = move |surface: &mut Surface| surface.keys[parent as usize].children.remove(&name);
        add("delete", path.clone(), Box::new(delete));
        let (name, other) = (key.name.clone(), SmolStr::from(renamed(&key.name)));
        let rename = move |surface: &mut Surface| {
            surface.keys[parent as usize].children.remove(&name);
            surface.keys[parent as usize].children.insert(other.clone(), number);
            surface.keys[at].name = other.clone();
        };
        add("rename", path.clone(), Box::new(rename));
    }
    let shape = other_shape(key);
    add("change", path.clone(), Box::new(move |surface| surface.keys[at].shape = shape.clone()));
    if let Some(when) = &key.when {
        let when = not(when);
        add("flip", path.clone(), Box::new(move |surface| surface.keys[at].when = Some(Box::new(when.clone()))));
    }
    if let Some(says) = key.says.as_ref().filter(|_| is_filled).and_then(|says| changed(stack, says)) {
        add(
            "change",
            format!("{path} says"),
            Box::new(move |surface| surface.keys[at].says = Some(Box::new(says.clone()))),
        );
    }
    for (which, carry) in key.carries.iter().enumerate() {
        // That a fact is carried twice, or under two names, is more than is asked for.
        let twice = is_carried_twice(surface, &carry.fact)
            || key
                .carries
                .iter()
                .any(|other| other.fact != carry.fact && twins(stack, carry).contains(&other.fact.to_string()));
        if !twice {
            let delete = move |surface: &mut Surface| _ = surface.keys[at].carries.remove(which);
            add("delete", format!("{path} carries {}", carry.fact), Box::new(delete));
        }
        if let Some(other) = other_unit(carry) {
            let change = move |surface: &mut Surface| surface.keys[at].carries[which] = other.clone();
            add("change", format!("{path} carries {}", carry.fact), Box::new(change));
        }
        if let Some(when) = &carry.when {
            let when = not(when);
            let flip = move |surface: &mut Surface| surface.keys[at].carries[which].when = Some(when.clone());
            add("flip", format!("{path} carries {}", carry.fact), Box::new(flip));
        }
    }
}

/// The names of a key and of those below it.
fn names_below(surface: &Surface, number: u32) -> Vec<String> {
    let mut all = names(surface, number);
    let key = surface.key(number);
    let item = match key.shape {
        KeyShape::List(item) | KeyShape::Map(item) => Some(item),
        _ => None,
    };
    for child in key.children.values().copied().chain(item) {
        all.extend(names_below(surface, child));
    }
    all
}

/// A type that takes nothing of what the key takes.
fn other_shape(key: &ChartKey) -> KeyShape {
    match &key.shape {
        KeyShape::Scalar(name, _) if name.as_str() == "bool" => KeyShape::Scalar("port".into(), Default::default()),
        KeyShape::Scalar(..) | KeyShape::Any => KeyShape::Scalar("bool".into(), Default::default()),
        KeyShape::Group | KeyShape::Map(_) | KeyShape::List(_) | KeyShape::Dead(_) => {
            KeyShape::Scalar("string".into(), Default::default())
        }
    }
}

/// The fact in another unit: another part of its value; or another fact, one letter away. None for settings of which
/// there are no parts: no path of a setting is one letter away from another.
fn other_unit(carry: &Carry) -> Option<Carry> {
    let field = carry.fact.row();
    let parts = field.map(|field| value::parts(field.of).collect::<Vec<_>>()).unwrap_or_default();
    let at = parts.iter().position(|row| row.name == &*carry.part);
    // Not the next: `path` is `repository` where an image names no registry.
    match at.map(|at| parts[(at + 2) % parts.len()]).or(parts.first().copied()) {
        Some(next) => Some(Carry { part: next.name.into(), ..carry.clone() }),
        None if carry.fact.kind == FactOf::Setting => None,
        None => {
            let fact = FactPath { key: renamed(&carry.fact.key).into(), ..carry.fact.clone() };
            Some(Carry { fact, ..carry.clone() })
        }
    }
}

/// Pairs of keys of one type that carry different things.
fn carries_to_swap(surface: &Surface, written: &[u32]) -> Vec<(u32, u32)> {
    let of = |number: u32| match &surface.key(number).shape {
        KeyShape::Scalar(name, _) => name.to_string(),
        KeyShape::List(_) => "list".to_owned(),
        KeyShape::Map(_) => "map".to_owned(),
        _ => "any".to_owned(),
    };
    let carrying: Vec<u32> = written.iter().copied().filter(|key| !surface.key(*key).carries.is_empty()).collect();
    let mut pairs = Vec::new();
    for (at, one) in carrying.iter().enumerate() {
        let (before, after) = carrying.split_at(at);
        let fits = |other: &&u32| of(**other) == of(*one) && surface.key(**other).carries != surface.key(*one).carries;
        pairs.extend(after.iter().chain(before).skip(1).find(fits).map(|other| (*one, *other)));
    }
    pairs
}

fn not(condition: &Expr) -> Expr {
    Expr { span: condition.span, kind: Kind::Not(Box::new(condition.clone())) }
}

/// Which conditions of a surface hold in a committed environment.
struct Holds<'a> {
    surface: &'a Surface,
    texts: Vec<&'static str>,
}

impl<'a> Holds<'a> {
    fn new(stack: &Stack, surface: &'a Surface) -> Holds<'a> {
        let releases = stack.helm.iter().flat_map(|block| &block.releases);
        let own = releases.filter(|release| release.chart == surface.chart && release.version == surface.version);
        let ends: Vec<String> = own.map(|release| format!("/helm/{}", release.file)).collect();
        let files = writers(&surface.chart, &surface.version).into_iter().flat_map(|committed| &committed.files);
        let texts = files.filter(|file| ends.iter().any(|end| file.path.ends_with(end)));
        Holds { surface, texts: texts.map(|file| std::str::from_utf8(&file.bytes).expect("it is text")).collect() }
    }

    fn holds(&self, when: Option<&Expr>) -> bool {
        self.texts.iter().any(|text| {
            let tree = read::yaml::parse(text).expect("it can be read");
            trueline::surface::Values::new(self.surface, &tree).holds(when) == Some(true)
        })
    }
}

fn of_templates(committed: &Holds<'_>, surface: &Surface, all: &mut Vec<Mistake<'static, Surface>>) {
    let active = |when: &Option<Expr>| committed.holds(when.as_ref());
    for (at, fixed) in surface.fixed.iter().enumerate().filter(|(_, fixed)| active(&fixed.when)) {
        let names = vec![fixed.fact.fact.to_string()];
        let dot = if fixed.fact.part.is_empty() { "" } else { "." };
        let what = format!("fixed {}{dot}{}", fixed.fact.fact, fixed.fact.part);
        let mut add = |how, make: Make| {
            all.push(Mistake { how, what: what.clone(), names: names.clone(), around: Vec::new(), make })
        };
        add("delete", Box::new(move |surface| _ = surface.fixed.remove(at)));
        let value = other_value(&fixed.value);
        add("change", Box::new(move |surface| surface.fixed[at].value = value.clone()));
        if let Some(when) = fixed.when.as_ref().map(not) {
            add("flip", Box::new(move |surface| surface.fixed[at].when = Some(when.clone())));
        }
    }
    for (at, runs) in surface.runs.iter().enumerate().filter(|(_, runs)| active(&runs.when)) {
        let names = vec![runs.workload.to_string()];
        let what = format!("runs {}", runs.workload);
        let mut add = |how, make: Make| {
            all.push(Mistake { how, what: what.clone(), names: names.clone(), around: Vec::new(), make })
        };
        add("delete", Box::new(move |surface| _ = surface.runs.remove(at)));
        if let Some(host) = runs.host.as_ref().map(other_value) {
            add("change", Box::new(move |surface| surface.runs[at].host = Some(host.clone())));
        }
        if let Some(when) = runs.when.as_ref().map(not) {
            add("flip", Box::new(move |surface| surface.runs[at].when = Some(when.clone())));
        }
    }
    for (at, unsaid) in surface.unsaid.iter().enumerate().filter(|(_, unsaid)| active(&unsaid.when)) {
        let kinds = unsaid.facts.iter().map(|fact| format!("{} {}", fact.workload, fact.kind.row().name));
        let names: Vec<String> = kinds.collect();
        let what = format!("unsaid {}", unsaid.facts.first().map(ToString::to_string).unwrap_or_default());
        let mut add = |how, make: Make| {
            all.push(Mistake { how, what: what.clone(), names: names.clone(), around: Vec::new(), make })
        };
        add("delete", Box::new(move |surface| _ = surface.unsaid.remove(at)));
        if let Some(when) = unsaid.when.as_ref().map(not) {
            add("flip", Box::new(move |surface| surface.unsaid[at].when = Some(when.clone())));
        }
    }
}

/// The expression with another result.
fn other_value(expr: &Expr) -> Expr {
    let kind = match &expr.kind {
        Kind::Literal(Value::Int(number)) => Kind::Literal(Value::Int(number + 1)),
        Kind::Literal(Value::Bool(yes)) => Kind::Literal(Value::Bool(!yes)),
        Kind::Literal(Value::Duration(time)) => Kind::Literal(Value::Duration(time * 1000)),
        Kind::Literal(Value::List(items)) => Kind::Literal(Value::List(items[1..].to_vec())),
        Kind::Literal(Value::String(text)) => Kind::Literal(Value::string(renamed(text))),
        _ => Kind::Text(vec![expr.clone(), Expr { kind: Kind::Literal(Value::string("x")), span: expr.span }]),
    };
    Expr { kind, span: expr.span }
}
