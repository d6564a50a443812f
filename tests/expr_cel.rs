//! Expressions compared with the `cel` crate, over the subset that both read.
//!
//! A seeded generator writes typed expressions, often without the brackets that their tree would need, so that both
//! parsers decide what the text means. Each runs against several sets of values, some of which lack variables: what
//! is missing or unknown here is an error there.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use cel::{Context, Env, Program, Value as Theirs};
use trueline::{
    diag::Diags,
    expr::{Entity, Evaluated, Expr, FUNCTIONS, Form, Key, Lookup, Names, Place, Text, Type, compile, evaluate},
    source::{SourceId, Span},
    value::Value,
};

/// Expressions that are compared; each is evaluated once per set of values.
const EXPRESSIONS: usize = 10_500;
/// Sets of values.
const WORLDS: u64 = 10;

/// A variable: its name here and there, and its type.
const VARIABLES: [(&str, &str, Of); 16] = [
    ("n", "n", Of::Int),
    ("app-count", "app_count", Of::Int),
    ("port", "port", Of::Int),
    ("b", "b", Of::Bool),
    ("is-on", "is_on", Of::Bool),
    ("c", "c", Of::Bool),
    ("s", "s", Of::Text),
    ("host-name", "host_name", Of::Text),
    ("f", "f", Of::Float),
    ("max-ratio", "max_ratio", Of::Float),
    ("numbers", "numbers", Of::Ints),
    ("more-numbers", "more_numbers", Of::Ints),
    ("words", "words", Of::Texts),
    ("m", "m", Of::Map),
    ("label-map", "label_map", Of::Map),
    ("mode", "mode", Of::Mode),
];

const MODES: [&str; 3] = ["local", "hybrid", "remote"];
const TEXTS: [&str; 8] = ["", "a", "ab", "b.a", "äé", "local", "a b", "x'y"];
const PATTERNS: [&str; 7] = ["a", "^a", "b$", "^[a-z]+$", "(a|b)+", "a.{1,2}", "^$"];

/// Where the two differ, and why. Each is checked to be still true; the generator stays clear of them.
const DISAGREEMENTS: &[(&str, &str, &str, &str)] = &[
    ("1.0 / 0.0 > 1.0", "unknown", "true", "our numbers are finite"),
    ("1.0e308 * 10.0 > 1.0", "unknown", "true", "our numbers are finite"),
    ("has(gone.x)", "false", "error", "`has` is never missing, whatever part of the path is"),
    ("max([])", "missing", "null", "there is no null in expressions"),
    ("{'b': 1, 'a': 2}.map(k, k) == ['b', 'a']", "true", "any", "our maps keep their order"),
    ("'\\d'", "refused", "error", "neither knows this escape; ours says so when it is loaded"),
    ("1 == 1.0", "refused", "true", "whole numbers and numbers are different types"),
    ("1 == 'a'", "refused", "false", "values of different types are never equal, which is a mistake"),
    ("[1, 'a'].size() == 2", "refused", "true", "the items of a list have one type"),
    ("1 -1 == 0", "refused", "true", "a subtraction has blanks, since names have dashes"),
    ("null == null", "refused", "true", "there is no null in expressions"),
    ("1u == 1u", "refused", "true", "there is one type of whole numbers"),
    ("{1: 2}[1] == 2", "refused", "true", "keys of maps are text"),
    ("{'a': 1}['b'] == 1", "refused", "error", "a map literal is checked when it is loaded"),
    ("'é'.matches('^\\\\w$')", "false", "true", "`\\w` is ASCII here, as CEL's own specification has it"),
];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Of {
    Bool,
    Int,
    Float,
    Text,
    Mode,
    Ints,
    Texts,
    Map,
}

impl Of {
    fn ours(self) -> Type {
        match self {
            Of::Bool => Type::scalar("bool"),
            Of::Int => Type::scalar("int"),
            Of::Float => Type::scalar("number"),
            Of::Text => Type::scalar("string"),
            Of::Mode => Type::words(MODES),
            Of::Ints => Type::List(Box::new(Type::scalar("int"))),
            Of::Texts => Type::List(Box::new(Type::scalar("string"))),
            Of::Map => Type::Map(Box::new(Type::scalar("int"))),
        }
    }
}

/// The variables as our names; an entry of a map is a place of its own.
struct Known;

impl Known {
    fn variable(&self, at: usize) -> Entity {
        Entity::Place { place: Place(at as u32), keys: Vec::new(), of: VARIABLES[at].2.ours() }
    }

    fn entry(&self, of: &Entity, key: Key) -> Option<Entity> {
        match of {
            Entity::Place { place, of: Type::Map(item), .. } => {
                Some(Entity::Place { place: Place(place.0 + 100), keys: vec![key], of: (**item).clone() })
            }
            _ => None,
        }
    }
}

impl Names for Known {
    fn root(&self, name: &str) -> Option<Entity> {
        if name == "gone" {
            return Some(Entity::Place { place: Place(99), keys: Vec::new(), of: Of::Map.ours() });
        }
        VARIABLES.iter().position(|(ours, ..)| *ours == name).map(|at| self.variable(at))
    }

    fn member(&self, of: &Entity, name: &str) -> Option<Entity> {
        self.entry(of, Key::Literal(name.into()))
    }

    fn index(&self, of: &Entity, key: Key) -> Option<Entity> {
        self.entry(of, key)
    }

    fn names(&self, _: Option<&Entity>) -> Vec<String> {
        VARIABLES.iter().map(|(ours, ..)| (*ours).to_owned()).collect()
    }
}

/// One set of values, for both.
struct World {
    values: Vec<Option<Value>>,
    context: Context<'static, 'static>,
}

impl Lookup for World {
    fn get(&self, place: Place, keys: &[Value]) -> Evaluated {
        let value = self.values.get(place.0 as usize % 100).cloned().flatten();
        let value = match (value, keys) {
            (Some(Value::Map(entries)), [Value::String(key)]) => entries.get(key).cloned(),
            (value, _) => value,
        };
        value.map_or(Evaluated::Missing, Evaluated::Value)
    }

    fn own_key(&self, _: u32) -> Value {
        Value::Null
    }

    fn loop_key(&self, _: u32) -> Value {
        Value::Null
    }
}

impl World {
    /// In the first world everything is there, in the others every fourth variable is not. Maps always are, because
    /// `has` of an entry of a missing map is one of the disagreements.
    fn new(seed: u64) -> World {
        let mut random = Random(seed.wrapping_mul(977) + 5);
        let mut env = Env::stdlib();
        env.add_extension(cel::extensions::strings).expect("the extension fits the standard library");
        let mut context = Context::with_env(Arc::new(env));
        context.add_function("max", cel::functions::max).expect("no such function yet");
        context.add_function("min", cel::functions::min).expect("no such function yet");
        let mut values = Vec::new();
        for (_, theirs, of) in VARIABLES {
            let value = (seed == 0 || of == Of::Map || !random.one_in(4)).then(|| random.value(of));
            if let Some(value) = &value {
                context.add_variable_from_value(theirs, to_theirs(value));
            }
            values.push(value);
        }
        World { values, context }
    }
}

fn to_theirs(value: &Value) -> Theirs {
    match value {
        Value::Bool(yes) => Theirs::Bool(*yes),
        Value::Int(number) => Theirs::Int(*number),
        Value::Float(number) => Theirs::Float(*number),
        Value::String(text) => Theirs::from(text.as_str()),
        Value::List(items) => Theirs::List(Arc::new(items.iter().map(to_theirs).collect())),
        Value::Map(entries) => Theirs::from(
            entries.iter().map(|(key, value)| (key.to_string(), to_theirs(value))).collect::<HashMap<_, _>>(),
        ),
        _ => Theirs::Null,
    }
}

/// A small generator of numbers whose sequence never changes.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    fn int(&mut self) -> i64 {
        match self.below(12) {
            0 => self.pick(&[i64::MAX, i64::MIN, i64::MAX - 1, i64::MIN + 1]),
            1 => self.pick(&[1 << 31, -(1 << 31), 1 << 62]),
            _ => self.below(9) as i64 - 3,
        }
    }

    fn value(&mut self, of: Of) -> Value {
        match of {
            Of::Bool => Value::Bool(self.one_in(2)),
            Of::Int => Value::Int(self.int()),
            Of::Float => Value::Float(self.pick(&[0.0, 0.5, -1.25, 3.0, 100.75])),
            Of::Text => Value::string(self.pick(&TEXTS)),
            Of::Mode => Value::string(self.pick(&MODES)),
            Of::Ints => Value::List((0..self.below(4)).map(|_| Value::Int(self.int())).collect()),
            Of::Texts => Value::List((0..self.below(4)).map(|_| Value::string(self.pick(&TEXTS))).collect()),
            Of::Map => {
                let keys = ["a", "b", "c"].into_iter().filter(|_| self.one_in(2)).collect::<Vec<_>>();
                Value::Map(keys.into_iter().map(|key| (key.into(), Value::Int(self.int()))).collect())
            }
        }
    }
}

/// Writes expressions, and counts what it uses.
struct Writer {
    random: Random,
    /// Variables of macros that are in scope.
    locals: Vec<(String, Of)>,
    used: Vec<&'static str>,
}

/// How tightly an expression binds, as CEL's grammar has it.
type Written = (String, u8);

const PRIMARY: u8 = 8;

impl Writer {
    fn any(&mut self) -> String {
        let of = self.random.pick(&[
            Of::Bool,
            Of::Bool,
            Of::Bool,
            Of::Int,
            Of::Text,
            Of::Float,
            Of::Ints,
            Of::Texts,
            Of::Map,
        ]);
        let depth = 1 + self.random.below(4) as u32;
        self.write(of, depth).0
    }

    /// An operand that needs at least this power: in brackets if it binds less, though one in three goes without.
    fn operand(&mut self, of: Of, depth: u32, power: u8) -> String {
        let (text, found) = self.write(of, depth);
        if found >= power || (found > 1 && power < 6 && self.random.one_in(3)) { text } else { format!("({text})") }
    }

    fn receiver(&mut self, of: Of, depth: u32) -> String {
        self.operand(of, depth, PRIMARY)
    }

    fn infix(&mut self, sign: &'static str, of: Of, depth: u32, power: u8) -> Written {
        self.used.push(sign);
        let (a, b) = (self.operand(of, depth, power), self.operand(of, depth, power + 1));
        (format!("{a} {sign} {b}"), power)
    }

    fn write(&mut self, of: Of, depth: u32) -> Written {
        if depth == 0 || self.random.one_in(6) {
            return self.leaf(of);
        }
        let depth = depth - 1;
        if self.random.one_in(12) {
            self.used.push("?:");
            let condition = self.operand(Of::Bool, depth, 2);
            let (then, otherwise) = (self.operand(of, depth, 2), self.write(of, depth).0);
            return (format!("{condition} ? {then} : {otherwise}"), 1);
        }
        match of {
            Of::Bool => self.bool(depth),
            Of::Int => self.int(depth),
            Of::Float => {
                let (sign, power) = self.random.pick(&[("+", 5), ("-", 5), ("*", 6)]);
                self.infix(sign, Of::Float, depth, power)
            }
            Of::Text => self.text(depth),
            Of::Mode => self.leaf(of),
            Of::Ints | Of::Texts => self.list(of, depth),
            Of::Map => self.map(depth),
        }
    }

    fn leaf(&mut self, of: Of) -> Written {
        let locals: Vec<_> =
            self.locals.iter().filter(|(_, found)| *found == of).map(|(name, _)| name.clone()).collect();
        if !locals.is_empty() && self.random.one_in(2) {
            let at = self.random.below(locals.len());
            return (locals[at].clone(), PRIMARY);
        }
        let variables: Vec<_> = VARIABLES.iter().filter(|(.., found)| *found == of).map(|(name, ..)| *name).collect();
        if self.random.one_in(2) || of == Of::Mode {
            return (self.random.pick(&variables).to_owned(), PRIMARY);
        }
        let value = self.random.value(of);
        let text = literal(&value);
        let power = if text.starts_with('-') { 7 } else { PRIMARY };
        (text, power)
    }

    fn bool(&mut self, depth: u32) -> Written {
        match self.random.below(16) {
            0..=2 => self.infix("&&", Of::Bool, depth, 3),
            3..=5 => self.infix("||", Of::Bool, depth, 2),
            6 => {
                self.used.push("!");
                (format!("!{}", self.receiver(Of::Bool, depth)), 7)
            }
            7 | 8 => {
                let of = self.random.pick(&[Of::Int, Of::Text, Of::Float, Of::Bool]);
                let sign = self.random.pick(&["<", "<=", ">", ">="]);
                self.infix(sign, of, depth, 4)
            }
            9 | 10 => {
                let of = self.random.pick(&[Of::Int, Of::Text, Of::Float, Of::Bool, Of::Ints, Of::Texts, Of::Map]);
                let sign = self.random.pick(&["==", "!="]);
                self.infix(sign, of, depth, 4)
            }
            11 => {
                let sign = self.random.pick(&["==", "!="]);
                self.used.push(sign);
                (format!("mode {sign} '{}'", self.random.pick(&MODES)), 4)
            }
            12 => {
                self.used.push("in");
                let (item, list) = self.random.pick(&[(Of::Int, Of::Ints), (Of::Text, Of::Texts), (Of::Text, Of::Map)]);
                (format!("{} in {}", self.operand(item, depth, 5), self.operand(list, depth, 5)), 4)
            }
            13 => {
                let name = self.random.pick(&["startsWith", "endsWith", "contains"]);
                self.used.push(name);
                let (text, part) = (self.receiver(Of::Text, depth), self.write(Of::Text, depth).0);
                (format!("{text}.{name}({part})"), PRIMARY)
            }
            14 => {
                let name = self.random.pick(&["all", "exists"]);
                self.each(name, Of::Bool, depth)
            }
            _ if self.random.one_in(2) => {
                self.used.push("matches");
                let text = self.receiver(Of::Text, depth);
                (format!("{text}.matches('{}')", self.random.pick(&PATTERNS)), PRIMARY)
            }
            _ => {
                self.used.push("has");
                (format!("has({}.{})", self.random.pick(&["m", "label-map"]), self.random.pick(&["a", "b"])), PRIMARY)
            }
        }
    }

    fn int(&mut self, depth: u32) -> Written {
        match self.random.below(12) {
            0 | 1 => self.infix("+", Of::Int, depth, 5),
            2 => self.infix("-", Of::Int, depth, 5),
            3 => self.infix("*", Of::Int, depth, 6),
            4 => self.infix("/", Of::Int, depth, 6),
            5 => self.infix("%", Of::Int, depth, 6),
            6 => {
                self.used.push("-x");
                (format!("-({})", self.write(Of::Int, depth).0), 7)
            }
            7 => {
                self.used.push("size");
                let of = self.random.pick(&[Of::Text, Of::Ints, Of::Texts, Of::Map]);
                if self.random.one_in(2) {
                    return (format!("size({})", self.write(of, depth).0), PRIMARY);
                }
                (format!("{}.size()", self.receiver(of, depth)), PRIMARY)
            }
            8 => {
                self.used.push("[]");
                (format!("{}[{}]", self.receiver(Of::Ints, depth), self.write(Of::Int, depth.min(1)).0), PRIMARY)
            }
            9 => {
                self.used.push("[]");
                let map = self.random.pick(&["m", "label-map"]);
                let key = self.random.pick(&[".a", "['b']", ".c", "[s]"]);
                (format!("{map}{key}"), PRIMARY)
            }
            10 => {
                self.used.push("{}");
                let values: Vec<_> = MODES.map(|mode| format!("'{mode}': {}", self.write(Of::Int, depth).0)).into();
                (format!("{{{}}}[mode]", values.join(", ")), PRIMARY)
            }
            _ => {
                let name = self.random.pick(&["min", "max"]);
                self.used.push(name);
                let arguments: Vec<_> = (0..1 + self.random.below(3)).map(|_| self.write(Of::Int, depth).0).collect();
                (format!("{name}({})", arguments.join(", ")), PRIMARY)
            }
        }
    }

    fn text(&mut self, depth: u32) -> Written {
        match self.random.below(5) {
            0 | 1 => self.infix("+", Of::Text, depth, 5),
            2 => {
                self.used.push("string");
                let of = self.random.pick(&[Of::Int, Of::Bool, Of::Text, Of::Float]);
                (format!("string({})", self.write(of, depth).0), PRIMARY)
            }
            3 => {
                self.used.push("join");
                (format!("{}.join({})", self.receiver(Of::Texts, depth), self.write(Of::Text, depth).0), PRIMARY)
            }
            _ => {
                self.used.push("[]");
                (format!("{}[{}]", self.receiver(Of::Texts, depth), self.random.below(3)), PRIMARY)
            }
        }
    }

    fn list(&mut self, of: Of, depth: u32) -> Written {
        let item = if of == Of::Ints { Of::Int } else { Of::Text };
        match self.random.below(5) {
            0 | 1 => {
                self.used.push("[…]");
                let items: Vec<_> = (0..self.random.below(4)).map(|_| self.write(item, depth).0).collect();
                (format!("[{}]", items.join(", ")), PRIMARY)
            }
            2 => self.infix("+", of, depth, 5),
            3 if of == Of::Texts && self.random.one_in(2) => {
                self.used.push("split");
                (format!("{}.split({})", self.receiver(Of::Text, depth), self.write(Of::Text, depth).0), PRIMARY)
            }
            3 => self.each("filter", item, depth),
            _ => self.each("map", item, depth),
        }
    }

    /// A macro. `map` and `filter` go over lists only: there, maps have no order.
    fn each(&mut self, name: &'static str, item: Of, depth: u32) -> Written {
        self.used.push(name);
        let (list, inner) = match name {
            "filter" if item == Of::Int => (Of::Ints, Of::Int),
            "filter" => (Of::Texts, Of::Text),
            "map" => self.random.pick(&[(Of::Ints, Of::Int), (Of::Texts, Of::Text)]),
            _ => self.random.pick(&[(Of::Ints, Of::Int), (Of::Texts, Of::Text), (Of::Map, Of::Text)]),
        };
        let list = self.receiver(list, depth);
        let variable = format!("x{}", self.locals.len());
        self.locals.push((variable.clone(), inner));
        let body = self.write(if name == "map" { item } else { Of::Bool }, depth).0;
        self.locals.pop();
        (format!("{list}.{name}({variable}, {body})"), PRIMARY)
    }

    fn map(&mut self, depth: u32) -> Written {
        self.used.push("{…}");
        let keys: Vec<_> = ["a", "b", "c"].into_iter().filter(|_| self.random.one_in(2)).collect();
        let entries: Vec<_> =
            keys.into_iter().map(|key| format!("'{key}': {}", self.write(Of::Int, depth).0)).collect();
        (format!("{{{}}}", entries.join(", ")), PRIMARY)
    }
}

fn literal(value: &Value) -> String {
    match value {
        Value::Bool(yes) => yes.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => format!("{number:?}"),
        Value::String(text) => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")),
        Value::List(items) => format!("[{}]", items.iter().map(literal).collect::<Vec<_>>().join(", ")),
        Value::Map(entries) => {
            let entries: Vec<_> = entries.iter().map(|(key, value)| format!("'{key}': {}", literal(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        other => panic!("{other:?} has no literal"),
    }
}

/// The same text with the names that `cel` can read.
fn renamed(text: &str) -> String {
    let mut text = text.to_owned();
    for (ours, theirs, _) in VARIABLES {
        if ours != theirs {
            text = text.replace(ours, theirs);
        }
    }
    text
}

fn ours(text: &str) -> Option<(Expr, Type)> {
    let span = Span::new(SourceId(0), 0, text.len());
    let text = Text { text, span, verbatim_at: Some(0) };
    compile(&text, Form::Cel, &Known, None, &mut Diags::default())
}

fn run_ours(expr: &Expr, world: &World) -> String {
    match evaluate(expr, world, &mut 1_000_000) {
        Evaluated::Value(value) => show(&to_theirs(&value)),
        Evaluated::Missing => "missing".to_owned(),
        Evaluated::Unknown => "unknown".to_owned(),
    }
}

fn run_theirs(program: &Program, world: &World) -> String {
    program.execute(&world.context).map_or("error".to_owned(), |value| show(&value))
}

fn show(value: &Theirs) -> String {
    match value {
        Theirs::Bool(yes) => yes.to_string(),
        Theirs::Null => "null".to_owned(),
        Theirs::List(items) => format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(", ")),
        Theirs::Map(entries) => {
            let sorted: BTreeMap<_, _> =
                entries.map.iter().map(|(key, value)| (format!("{key:?}"), show(value))).collect();
            format!("{sorted:?}")
        }
        other => format!("{other:?}"),
    }
}

fn agree(ours: &str, theirs: &str) -> bool {
    ours == theirs || (matches!(ours, "missing" | "unknown") && theirs == "error")
}

/// What comparing some texts gave.
#[derive(Default)]
struct Comparison {
    cases: usize,
    /// Cases in which there was a value.
    valued: usize,
    /// Texts that our checker refuses.
    refused: usize,
    differences: Vec<String>,
    /// How many texts used an operator or function.
    covered: BTreeMap<&'static str, usize>,
}

impl Comparison {
    fn of(texts: &[(String, Vec<&'static str>)]) -> Comparison {
        let worlds: Vec<_> = (0..WORLDS).map(World::new).collect();
        let mut result = Comparison::default();
        for (text, used) in texts {
            result.compare(text, used, &worlds);
        }
        result
    }

    fn compare(&mut self, text: &str, used: &[&'static str], worlds: &[World]) {
        let Some((expr, _)) = ours(text) else {
            self.refused += 1;
            return;
        };
        let Ok(program) = Program::compile(&renamed(text)) else {
            self.differences.push(format!("{text}: only we can read it"));
            return;
        };
        for used in used {
            *self.covered.entry(used).or_default() += 1;
        }
        for (at, world) in worlds.iter().enumerate() {
            let (ours, theirs) = (run_ours(&expr, world), run_theirs(&program, world));
            self.cases += 1;
            self.valued += usize::from(theirs != "error");
            if !agree(&ours, &theirs) {
                self.differences.push(format!("{text} in world {at}: {ours}, cel says {theirs}"));
            }
        }
    }

    fn and(mut self, other: Comparison) -> Comparison {
        self.cases += other.cases;
        self.valued += other.valued;
        self.refused += other.refused;
        self.differences.extend(other.differences);
        for (used, count) in other.covered {
            *self.covered.entry(used).or_default() += count;
        }
        self
    }
}

/// Different texts, each with the operators and functions that it uses.
fn texts() -> Vec<(String, Vec<&'static str>)> {
    let mut writer = Writer { random: Random(20_261_121), locals: Vec::new(), used: Vec::new() };
    let mut known = BTreeSet::new();
    let mut texts = Vec::new();
    while texts.len() < EXPRESSIONS {
        let text = writer.any();
        let used = std::mem::take(&mut writer.used);
        if known.insert(text.clone()) {
            texts.push((text, used));
        }
    }
    texts
}

#[test]
#[allow(clippy::print_stdout, reason = "shows what was covered, with --nocapture")]
fn expressions_mean_what_cel_says() {
    let texts = texts();
    let found = std::thread::scope(|scope| {
        let halves = texts.chunks(EXPRESSIONS.div_ceil(4)).map(|part| scope.spawn(|| Comparison::of(part)));
        let halves: Vec<_> = halves.collect();
        let results = halves.into_iter().map(|half| half.join().expect("no comparison panics"));
        results.fold(Comparison::default(), Comparison::and)
    });
    let Comparison { cases, valued, refused, mut differences, covered } = found;
    println!("{cases} cases, {valued} with a value, {refused} texts refused\n{covered:#?}");
    differences.sort_by_key(String::len);
    let shown = &differences[..differences.len().min(25)];
    assert!(differences.is_empty(), "{} of {cases}:\n{}", differences.len(), shown.join("\n"));
    assert!(cases >= 100_000, "{cases} cases");
    assert!(valued * 2 > cases, "{valued} of {cases} have a value");
    let operators =
        ["||", "&&", "==", "!=", "<", "<=", ">", ">=", "in", "+", "-", "*", "/", "%", "!", "-x", "?:", "[]"];
    let ours_alone = ["cpu", "duration", "first", "memory"];
    let functions = FUNCTIONS.iter().map(|row| row.name).filter(|name| !ours_alone.contains(name));
    for name in operators.into_iter().chain(functions) {
        let count = covered.get(name).copied().unwrap_or(0);
        assert!(count >= 50, "{name} was compared {count} times");
    }
}

#[test]
fn disagreements_are_what_the_list_says() {
    let world = World::new(0);
    for (text, wanted, theirs, why) in DISAGREEMENTS {
        let found = ours(text).map_or("refused".to_owned(), |(expr, _)| run_ours(&expr, &world));
        assert_eq!(found, *wanted, "{text}: {why}");
        let found = Program::compile(text).map_or("error".to_owned(), |program| run_theirs(&program, &world));
        assert!(found == *theirs || *theirs == "any", "{text}: cel says {found}; {why}");
    }
}

#[test]
fn patterns_find_what_regex_finds() {
    const PIECES: [&str; 24] = [
        "a", "b", "c", ".", "\\d", "\\w", "\\s", "\\D", "\\W", "\\S", "[ab]", "[^ab]", "[a-c1-3]", "[\\d_]", "^", "$",
        "|", "(", ")", "(?:", "*", "+", "?", "{1,3}",
    ];
    let world = World::new(0);
    let mut random = Random(4242);
    let (mut compared, mut found) = (0, 0);
    for _ in 0..3_000 {
        let pattern: String = (0..1 + random.below(7)).map(|_| random.pick(&PIECES)).collect();
        for _ in 0..2 {
            let text: String =
                (0..random.below(6)).map(|_| random.pick(&["a", "b", "c", "1", "_", " ", "-", "\\n"])).collect();
            let text = format!("'{text}'.matches('{}')", pattern.replace('\\', "\\\\"));
            let Some((expr, _)) = ours(&text) else { continue };
            let program = Program::compile(&text).expect("both read a call");
            let (ours, theirs) = (run_ours(&expr, &world), run_theirs(&program, &world));
            assert_eq!(ours, theirs, "{text}");
            compared += 1;
            found += usize::from(ours == "true");
        }
    }
    assert!(compared > 1_500 && found > 300, "{found} of {compared}");
}
