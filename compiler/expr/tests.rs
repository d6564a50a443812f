//! Tests of the language as a whole, over a small made-up schema.

use indexmap::IndexMap;
use smol_str::SmolStr;

use super::*;
use crate::diag::Finding;
use crate::pack::image_of;
use crate::source::SourceId;
use crate::value::{Image, Link, LinkPart, Piece, SecretRef};

/// A schema: places by path, `*` for the key of a map or list.
struct World(Vec<(&'static str, Type)>);

fn list(item: Type) -> Type {
    Type::List(Box::new(item))
}

fn map(item: Type) -> Type {
    Type::Map(Box::new(item))
}

fn world() -> World {
    let scalar = Type::scalar;
    let record = Type::Record(Place(0));
    let size = || Type::words(["small", "medium", "large"]);
    World(vec![
        ("app", record.clone()),
        ("app.replicas", scalar("int")),
        ("app.metrics-port", scalar("port")),
        ("app.name", scalar("string")),
        ("app.size", size()),
        ("app.ha", scalar("bool")),
        ("app.limit", scalar("memory")),
        ("app.cpu", scalar("cpu")),
        ("app.timeout", scalar("duration")),
        ("app.ratio", scalar("ratio")),
        ("app.image", scalar("image")),
        ("app.secret", scalar("secret")),
        ("app.hosts", list(scalar("hostname"))),
        ("app.ports", list(scalar("int"))),
        ("app.labels", map(scalar("string"))),
        ("app.labels.*", scalar("string")),
        ("app.url", scalar("url")),
        ("app.tree", scalar("tree")),
        ("cache", Type::words(["dragonfly", "external"])),
        ("cache.replicas", scalar("int")),
        ("gone", scalar("int")),
        ("gone-flag", scalar("bool")),
        ("bad", scalar("int")),
        ("bad-flag", scalar("bool")),
        ("service", map(record.clone())),
        ("service.*", record.clone()),
        ("service.*.port", scalar("port")),
        ("service.*.env", map(scalar("string"))),
        ("spread", list(record.clone())),
        ("spread.*", record),
        ("spread.*.over", Type::words(["zone", "node"])),
    ])
}

impl World {
    fn at(&self, path: &str, keys: Vec<Key>) -> Option<Entity> {
        let at = self.0.iter().position(|(known, _)| *known == path)?;
        let place = Place(at as u32);
        let of = match &self.0[at].1 {
            Type::Record(_) => Type::Record(place),
            Type::Map(item) if matches!(**item, Type::Record(_)) => map(Type::Record(Place(at as u32 + 1))),
            Type::List(item) if matches!(**item, Type::Record(_)) => list(Type::Record(Place(at as u32 + 1))),
            other => other.clone(),
        };
        Some(Entity::Place { place, keys, of })
    }
}

impl Names for World {
    fn root(&self, name: &str) -> Option<Entity> {
        match name {
            "self" => Some(Entity::Namespace(Place(1000), Vec::new())),
            "k" => Some(Entity::Key(Key::Loop(0), Type::scalar("string"))),
            _ => self.at(name, Vec::new()),
        }
    }

    fn member(&self, of: &Entity, name: &str) -> Option<Entity> {
        match of {
            Entity::Place { place, keys, of: Type::Map(_) } => {
                let keys = keys.iter().cloned().chain([Key::Literal(name.into())]).collect();
                self.at(&format!("{}.*", self.0[place.0 as usize].0), keys)
            }
            Entity::Place { place, keys, .. } => {
                self.at(&format!("{}.{name}", self.0[place.0 as usize].0), keys.clone())
            }
            Entity::Namespace(..) if name == "key" => Some(Entity::Key(Key::Own(0), Type::scalar("string"))),
            _ => None,
        }
    }

    fn index(&self, of: &Entity, key: Key) -> Option<Entity> {
        let Entity::Place { place, keys, .. } = of else { return None };
        let keys = keys.iter().cloned().chain([key]).collect();
        self.at(&format!("{}.*", self.0[place.0 as usize].0), keys)
    }

    fn names(&self, of: Option<&Entity>) -> Vec<String> {
        let prefix = match of {
            None => String::new(),
            Some(Entity::Place { place, .. }) => format!("{}.", self.0[place.0 as usize].0),
            Some(_) => return vec!["key".to_owned()],
        };
        let inside = self.0.iter().filter_map(|(path, _)| path.strip_prefix(&prefix));
        inside.filter(|name| !name.contains('.')).map(str::to_owned).collect()
    }
}

fn secret() -> SecretRef {
    SecretRef { name: "db".into(), key: "password".into() }
}

impl Lookup for World {
    fn get(&self, place: Place, keys: &[Value]) -> Evaluated {
        let strings = |words: &[&str]| Value::List(words.iter().map(|word| Value::string(*word)).collect());
        let entry = |key: &str, value: Value| Value::Map(IndexMap::from([(SmolStr::from(key), value)]).into());
        let path = self.0[place.0 as usize].0;
        Evaluated::Value(match (path, keys) {
            ("app.replicas", _) => Value::Int(3),
            ("app.metrics-port", _) => Value::Int(9090),
            ("app.name", _) => Value::string("aeterna"),
            ("app.size", _) => Value::string("medium"),
            ("app.ha", _) => Value::Bool(true),
            ("app.limit", _) => Value::Memory(1 << 30),
            ("app.cpu", _) => Value::Cpu(500),
            ("app.timeout", _) => Value::Duration(90_000),
            ("app.ratio", _) => Value::Float(0.5),
            ("app.image", _) => {
                let part = |text: &str| SmolStr::from(text);
                let (repository, tag) = (part("acme/api"), part("v1"));
                Value::Image(Image { registry: part(""), repository, tag, digest: part("") }.into())
            }
            ("app.secret", _) => Value::Secret(secret()),
            ("app.hosts", _) => strings(&["a.example", "b.example"]),
            ("app.ports", _) => Value::List(vec![Value::Int(80), Value::Int(443)]),
            ("app.labels", _) => entry("team", Value::string("core")),
            ("app.labels.*", [Value::String(key)]) if &**key == "team" => Value::string("core"),
            ("app.url", _) => {
                let link = Link { endpoint: "db".into(), part: LinkPart::Host };
                Value::text([Piece::Literal("http://".into()), Piece::Link(link)])
            }
            ("app.tree", _) => entry("depth", Value::Int(2)),
            ("cache", _) => Value::string("dragonfly"),
            ("cache.replicas", _) => Value::Int(2),
            ("service", _) => entry("web", entry("port", Value::Int(8080))),
            ("service.*.port", [Value::String(key)]) if &**key == "web" => Value::Int(8080),
            ("spread", _) => Value::List(vec![entry("over", Value::string("zone"))]),
            ("bad" | "bad-flag", _) => return Evaluated::Unknown,
            _ => return Evaluated::Missing,
        })
    }

    fn own_key(&self, _: u32) -> Value {
        Value::string("me")
    }

    fn loop_key(&self, _: u32) -> Value {
        Value::string("web")
    }
}

const SOURCE: SourceId = SourceId(0);

/// Compiles a text that stands at byte 100, behind a quote.
fn compiled(text: &str, form: Form, wanted: Option<&Type>) -> (Option<(Expr, Type)>, Vec<Finding>) {
    let mut diags = Diags::default();
    let span = Span::new(SOURCE, 99, 101 + text.len());
    let text = Text { text, span, verbatim_at: Some(100) };
    let compiled = compile(&text, form, &world(), wanted, &mut diags);
    assert_eq!(compiled.is_none(), diags.has_errors(), "{}: {diags:?}", text.text);
    (compiled, diags.sorted())
}

fn expr(text: &str) -> (Expr, Type) {
    let (compiled, findings) = compiled(text, Form::Cel, None);
    compiled.unwrap_or_else(|| panic!("{text}: {findings:?}"))
}

fn result(text: &str) -> Evaluated {
    evaluate(&expr(text).0, &world(), &mut 10_000)
}

fn value(text: &str) -> Value {
    match result(text) {
        Evaluated::Value(value) => value,
        other => panic!("{text}: {other:?}"),
    }
}

fn template(text: &str) -> Evaluated {
    let (compiled, findings) = compiled(text, Form::Template, None);
    evaluate(&compiled.unwrap_or_else(|| panic!("{text}: {findings:?}")).0, &world(), &mut 10_000)
}

/// Asserts one finding: its code, the words that it stands under, and words of its message or hint.
#[track_caller]
fn refuses_as(text: &str, form: Form, wanted: Option<&Type>, id: &str, under: &str, says: &str) {
    let (_, findings) = compiled(text, form, wanted);
    assert_eq!(findings.len(), 1, "{text}: {findings:?}");
    let finding = &findings[0];
    let words = format!("{} | {} | {}", finding.message, finding.underline, finding.help.join(" | "));
    assert_eq!(finding.code.id, id, "{text}: {words}");
    let (start, end) = (finding.span.start as usize - 100, finding.span.end as usize - 100);
    assert_eq!(&text[start..end], under, "{text}: {words}");
    assert!(words.contains(says), "{text}: {words}");
}

#[track_caller]
fn refuses(text: &str, id: &str, under: &str, says: &str) {
    refuses_as(text, Form::Cel, None, id, under, says);
}

#[test]
fn values_of_all_operators() {
    for text in [
        "1 + 2 * 3 == 7",
        "(1 + 2) * 3 == 9",
        "10 - 4 - 3 == 3",
        "-7 / 2 == -3 && -7 % 2 == -1",
        "0x1F == 31",
        "!false && !(true && false)",
        "1 < 2 == true",
        "'a' + 'b' == \"ab\"",
        "[1] + [2] == [1, 2]",
        "2 in [1, 2] && !(3 in [1, 2])",
        "'team' in app.labels && !('x' in app.labels)",
        "true ? true : false ? false : true",
        "{'a': 1, 'b': 2}['b'] == 2",
        "{'a': 1, 'b': 2} == {'b': 2, 'a': 1}",
        "[1, 2, 3][1] == 2",
        "1.5 + 1.5 == 3.0",
        "memory('1Gi') + memory('1Mi') * 2 == memory('1026Mi')",
        "cpu('1') == cpu('1000m') && app.cpu < cpu('1')",
        "duration('90s') == app.timeout && app.timeout / 3 == duration('30s')",
        "app.timeout.seconds + 5 == 95",
        "app.metrics-port == 9090",
        "app.metrics-port - app.replicas == 9087",
        "app.size == 'medium' && cache != 'external' && cache.replicas == 2",
        "app.size in ['small', 'medium']",
        "app.hosts.first == 'a.example' && app.hosts.size == 2 && app.hosts[1] == 'b.example'",
        "app.image.tag == 'v1'",
        "app.secret.name == 'db' && app.secret.key == 'password'",
        "app.labels.team == 'core' && app.labels['team'] == 'core'",
        "app.tree.depth == 2 && app.tree['depth'] + 1 == 3",
        "{'small': 1, 'medium': 2, 'large': 3}[app.size] == 2",
        "'\\u0041\\x42\\n\\'' == \"AB\\n'\"",
    ] {
        assert_eq!(value(text), Value::Bool(true), "{text}");
    }
}

#[test]
fn values_of_all_functions() {
    for text in [
        "size('äb') == 2 && 'äb'.size() == 2 && size([1, 2]) == 2 && size({'a': 1}) == 1",
        "string(1) == '1' && string(true) == 'true' && string(app.name) == 'aeterna'",
        "min(3, 1, 2) == 1 && max([3, 1, 2]) == 3 && max(app.limit, memory('1Mi')) == app.limit",
        "app.name.startsWith('ae') && app.name.endsWith('na') && app.name.contains('tern')",
        "app.name.matches('^a[a-z]+$') && !app.name.matches('^b')",
        "'a,b'.split(',') == ['a', 'b'] && ['a', 'b'].join('-') == 'a-b' && [1, 2].join() == '12'",
        "app.hosts.all(h, h.endsWith('.example')) && !app.hosts.all(h, h == 'x')",
        "app.hosts.exists(h, h.startsWith('b')) && !app.hosts.exists(h, h == 'x')",
        "app.ports.map(p, p + 1) == [81, 444] && app.ports.filter(p, p > 80) == [443]",
        "app.labels.all(key, key == 'team') && service.map(s, s) == ['web']",
        "app.ports.map(a, app.ports.filter(b, b != a)) == [[443], [80]]",
        "spread.all(s, s.over == 'zone') && spread.map(s, s.over).first == 'zone'",
        "first(gone, 7) == 7 && first(app.replicas, 7) == 3",
        "has(app.replicas) && !has(gone) && !has(service.api.port) && has(service[k].port)",
    ] {
        assert_eq!(value(text), Value::Bool(true), "{text}");
    }
    assert_eq!(value("service['web'].port"), Value::Int(8080));
    assert_eq!(value("service[k].port"), Value::Int(8080));
    assert_eq!(value("k + self.key"), Value::string("webme"));
}

#[test]
fn what_is_missing_or_unknown() {
    for (text, wanted) in [
        ("gone", "missing"),
        ("gone + 1", "missing"),
        ("bad + gone", "unknown"),
        ("gone + bad", "unknown"),
        ("[gone, bad]", "unknown"),
        ("{'a': gone, 'b': bad}", "unknown"),
        ("gone-flag && false", "false"),
        ("false && gone-flag", "false"),
        ("gone-flag && true", "missing"),
        ("gone-flag || true", "true"),
        ("true || gone-flag", "true"),
        ("false || gone-flag", "missing"),
        ("bad-flag && false", "false"),
        ("bad-flag || true", "true"),
        ("bad-flag || gone-flag", "unknown"),
        ("gone-flag && bad-flag", "unknown"),
        ("!gone-flag", "missing"),
        ("gone-flag ? true : true", "missing"),
        ("true ? true : gone-flag", "true"),
        ("has(gone) || has(app.name)", "true"),
        ("has(bad)", "unknown"),
        ("has(app.labels.x)", "false"),
        ("first(gone, bad)", "unknown"),
        ("first(gone, app.labels.x.size())", "missing"),
        ("gone in [1]", "missing"),
        ("[1, 2].exists(x, x == 1 || gone == x)", "true"),
        ("[1, 2].exists(x, gone == x)", "missing"),
        ("[1, 2].all(x, x == 2 && gone == x)", "false"),
        ("[1, 2].map(x, x + gone)", "missing"),
        ("[1, 2].filter(x, bad == x)", "unknown"),
        ("[1][1]", "missing"),
        ("[1][-1]", "missing"),
        ("app.tree.nothing", "missing"),
        ("max([])", "missing"),
        ("1 / 0", "unknown"),
        ("1 / 0 == 1 || true", "true"),
        ("app.tree + 1", "unknown"),
        ("app.timeout.minutes", "unknown"),
        ("app.url.startsWith('http')", "unknown"),
        ("memory('1Mi') - app.limit", "unknown"),
        ("9223372036854775807 + 1", "unknown"),
        ("-9223372036854775808 / -1", "unknown"),
        ("1.0 / 0.0", "unknown"),
    ] {
        let found = match result(text) {
            Evaluated::Value(Value::Bool(yes)) => yes.to_string(),
            Evaluated::Value(other) => format!("{other:?}"),
            Evaluated::Missing => "missing".to_owned(),
            Evaluated::Unknown => "unknown".to_owned(),
        };
        assert_eq!(found, wanted, "{text}");
    }
}

#[test]
fn faults_say_where_and_why() {
    let fault = |text: &str| {
        let mut faults = Vec::new();
        let result = evaluate_with_faults(&expr(text).0, &world(), &mut 10_000, &mut faults);
        let said = |fault: &Fault| {
            let (start, end) = (fault.span.start as usize - 100, fault.span.end as usize - 100);
            format!("{}: {}", &text[start..end], fault.finding().message)
        };
        (result, faults.iter().map(said).collect::<Vec<_>>())
    };
    assert_eq!(fault("1 + 1 / 0"), (Evaluated::Unknown, vec!["1 / 0: a division by zero".to_owned()]));
    assert_eq!(fault("true || 1 / 0 == 1").1, Vec::<String>::new());
    assert_eq!(fault("bad + 1"), (Evaluated::Unknown, Vec::new()));
    assert_eq!(fault("app.timeout.minutes").1.len(), 1);
}

#[test]
fn templates_join_their_pieces() {
    assert_eq!(template("{app.name}-{app.replicas}"), Evaluated::Value(Value::string("aeterna-3")));
    assert_eq!(template("plain"), Evaluated::Value(Value::string("plain")));
    assert_eq!(template(""), Evaluated::Value(Value::string("")));
    assert_eq!(template("${{A}} $"), Evaluated::Value(Value::string("${A} $")));
    assert_eq!(template("{{{app.name}}}"), Evaluated::Value(Value::string("{aeterna}")));
    assert_eq!(template("{app.name}{gone}"), Evaluated::Missing);
    assert_eq!(template("{gone}{bad}"), Evaluated::Unknown);
    assert_eq!(template("{service[k].port} {self.key} {app.size}"), Evaluated::Value(Value::string("8080 me medium")));
    let link = Piece::Link(Link { endpoint: "db".into(), part: LinkPart::Host });
    let wanted = [Piece::Literal("<http://".into()), link, Piece::Literal(">".into())];
    assert_eq!(template("<{app.url}>"), Evaluated::Value(Value::Text(wanted.to_vec())));
    let wanted = [Piece::Literal("pw ".into()), Piece::Secret(secret())];
    assert_eq!(template("pw {app.secret}"), Evaluated::Value(Value::Text(wanted.to_vec())));
}

#[test]
fn templates_refuse_what_is_no_path() {
    let refuses = |text, id, under, says| refuses_as(text, Form::Template, None, id, under, says);
    refuses("a {app.name", "TL0303", "{app.name", "write `{{`");
    refuses("a } b", "TL0303", "}", "write `}}`");
    refuses("{}", "TL0303", "{}", "without a path");
    refuses("a ${app.name}", "TL0303", "${app.name}", "write `{app.name}`");
    refuses("x {app.nam} y", "TL0301", "nam", "write `name`");
    refuses("x {app.replicas + 1}", "TL0302", "app.replicas + 1", "(cel)");
    refuses("x {app.hosts}", "TL0307", "app.hosts", "join");
    refuses("x {app}", "TL0307", "app", "a group of settings");
}

#[test]
fn paths_are_only_paths() {
    let refuses = |text, id, under, says| refuses_as(text, Form::Path, None, id, under, says);
    refuses("app.replicas + 1", "TL0302", "app.replicas + 1", "(cel)");
    refuses("size(app.name)", "TL0302", "size(app.name)", "(cel)");
    refuses("app.labels['a' + 'b']", "TL0302", "'a' + 'b'", "(cel)");
    refuses("", "TL0300", "", "nothing is written");
    assert_eq!(compiled("service[k].port", Form::Path, None).1, []);
    assert_eq!(compiled("app.labels['x/y']", Form::Path, None).1, []);
    assert_eq!(compiled("spread[0].over", Form::Path, None).1, []);
}

#[test]
fn unknown_names_are_shown_where_they_stand() {
    refuses("ap.replicas", "TL0301", "ap", "write `app`");
    refuses("app.replcas > 1", "TL0301", "replcas", "write `replicas`");
    refuses("1 < app.image.tga.size()", "TL0301", "tga", "write `tag`");
    refuses("service[k].prt", "TL0301", "prt", "write `port`");
    refuses("app.hosts.last", "TL0301", "last", "known are `first`, `size`");
    refuses("cache.replica", "TL0301", "replica", "write `replicas`");
    refuses("spread.all(s, s.ovr == 'zone')", "TL0301", "ovr", "write `over`");
    refuses("self", "TL0311", "self", "write `self.key`");
    refuses("app.replicas-app.replicas", "TL0304", "replicas-app", "write `replicas - app`");
    refuses("gone-1", "TL0304", "gone-1", "write `gone - 1`");
    refuses("gone -1", "TL0304", "-", "write ` - `");
    refuses("gone- 1", "TL0304", "-", "write ` - `");
    refuses("nosuch(1)", "TL0305", "nosuch", "no function");
    refuses("length(app.name)", "TL0305", "length", "size(…)");
    refuses("app.name.startWith('a')", "TL0305", "startWith", "startsWith");
}

#[test]
fn both_sides_report() {
    let (_, findings) = compiled("app.x == 1 && app.y == [zz, 2]", Form::Cel, None);
    assert_eq!(findings.len(), 3, "{findings:?}");
}

#[test]
fn types_must_fit() {
    refuses("app.replicas == 'a'", "TL0308", "app.replicas == 'a'", "a whole number and the text `a`");
    refuses("app.replicas && true", "TL0307", "app.replicas", "a whole number, wanted a yes or no");
    refuses("!app.name", "TL0307", "app.name", "text, wanted a yes or no");
    refuses("-app.name", "TL0308", "-app.name", "needs a number");
    refuses("app.limit > '1Gi'", "TL0308", "app.limit > '1Gi'", "write `memory('1Gi')`");
    refuses("app.limit > 5", "TL0308", "app.limit > 5", "or `.mebibytes`");
    refuses("app.ratio > 1", "TL0308", "app.ratio > 1", "write `1.0`");
    refuses(
        "app.timeout.seconds > app.timeout.minutes",
        "TL0308",
        "app.timeout.seconds > app.timeout.minutes",
        "minutes",
    );
    refuses("'a' + 1", "TL0308", "'a' + 1", "write `'1'`");
    refuses("'a' + app.replicas", "TL0308", "'a' + app.replicas", "string(");
    refuses("app.limit * app.limit", "TL0308", "app.limit * app.limit", "amount of memory");
    refuses("app.secret == 'x'", "TL0308", "app.secret == 'x'", "a secret");
    refuses("app.secret + 'x'", "TL0308", "app.secret + 'x'", "a secret");
    refuses("app.url < app.url", "TL0308", "app.url < app.url", "text");
    refuses("'a' in 'abc'", "TL0308", "'a' in 'abc'", "contains");
    refuses("[1, 'a']", "TL0308", "'a'", "both must be of one type");
    refuses("true ? 1 : 'a'", "TL0308", "'a'", "both must be of one type");
    refuses("app.hosts['x']", "TL0307", "'x'", "has a number");
    refuses("app.labels[1]", "TL0307", "1", "is text");
    refuses("app.replicas[0]", "TL0308", "app.replicas", "needs a list or a map");
    refuses("string(app.secret)", "TL0306", "app.secret", "a secret");
    refuses("app.replicas.all(x, true)", "TL0306", "app.replicas", "a list or a map");
    refuses("app.name.contains(1)", "TL0306", "1", "needs text");
    refuses("contains('a', 'b')", "TL0306", "contains", "text.contains(text) -> bool");
    refuses("app.name.has()", "TL0306", "has", "has(path) -> bool");
    refuses("app.hosts.map(app, 1)", "TL0314", "app", "write another name");
    refuses("app.hosts.map(1, 1)", "TL0306", "1", "name of a variable");
    refuses("has(1 + 1)", "TL0302", "1 + 1", "needs a path");
    refuses("{app.name: 1}", "TL0300", "app.name", "constant text");
    refuses("{'a': 1, 'a': 2}", "TL0300", "'a'", "twice");
}

#[test]
fn what_may_be_a_secret_is_not_shown() {
    let wanted = Type::scalar("secret");
    for text in ["app.ha ? 'hunter2/' : app.secret", "first(app.secret, 'hunter2/') == 1", "app.secret == 'hunter2/'"] {
        let (_, findings) = compiled(text, Form::Cel, Some(&wanted));
        assert!(!findings.is_empty() || text.starts_with("app.ha"), "{text}");
        assert!(!format!("{findings:?}").contains("hunter2"), "{findings:?}");
    }
}

#[test]
fn constants_are_checked() {
    refuses("app.size == 'larg'", "TL0309", "'larg'", "write `'large'`");
    refuses("'larg' != app.size", "TL0309", "'larg'", "write `'large'`");
    refuses("app.size in ['small', 'larg']", "TL0309", "'larg'", "write `'large'`");
    refuses("app.size == (app.ha ? 'small' : 'big')", "TL0309", "'big'", "one of `small`, `medium`, `large`");
    refuses("{'small': 1, 'medium': 2}[app.size]", "TL0310", "{'small': 1, 'medium': 2}", "add `'large': …`");
    refuses("{'small': 1, 'medium': 2, 'larg': 3}[app.size]", "TL0309", "3", "write `'large'`");
    refuses("memory('1Gx')", "TL0312", "'1Gx'", "`1Gx`");
    refuses("cpu(app.name)", "TL0312", "app.name", "constant");
    refuses("duration('soon')", "TL0312", "'soon'", "`soon`");
    refuses("app.name.matches('a(b')", "TL0313", "(b", "without its `)`");
    refuses("app.name.matches(app.name)", "TL0313", "app.name", "constant text");
}

#[test]
fn the_place_says_what_it_needs() {
    let refuses = |text, wanted: Type, id, under, says| refuses_as(text, Form::Cel, Some(&wanted), id, under, says);
    let accepts = |text, wanted: Type| assert_eq!(compiled(text, Form::Cel, Some(&wanted)).1, [], "{text}");
    refuses("app.name", Type::scalar("int"), "TL0307", "app.name", "this is text, wanted a whole number");
    refuses("app.ha ? 1 : 'x'", Type::scalar("int"), "TL0307", "'x'", "wanted a whole number");
    refuses("app.ha ? 'small' : 'tiny'", Type::words(["small", "large"]), "TL0309", "'tiny'", "one of");
    refuses("app.size", Type::words(["small", "large"]), "TL0307", "app.size", "may be `medium`");
    refuses("app.timeout", Type::scalar("seconds"), "TL0307", "app.timeout", "write `.seconds` behind it");
    refuses("app.timeout.minutes", Type::scalar("seconds"), "TL0307", "app.timeout.minutes", "(`seconds`)");
    refuses("app.ha ? '1Gi' : '1Gx'", Type::scalar("memory"), "TL0307", "'1Gx'", "not an amount of memory");
    refuses("[1, 'a']", list(Type::scalar("int")), "TL0307", "'a'", "whole number");
    accepts("app.ha ? app.image : 'acme/api:v1'", Type::scalar("image"));
    accepts("first(app.limit, '1Gi')", Type::scalar("memory"));
    accepts("app.ha ? 'small' : 'large'", Type::words(["small", "medium", "large"]));
    accepts("app.metrics-port", Type::scalar("int"));
    accepts("app.tree.depth", Type::scalar("int"));
    accepts("app.hosts.map(h, h + 'x')", list(Type::scalar("string")));
    accepts("[]", list(Type::scalar("string")));
}

#[test]
fn syntax_errors_point_at_the_word() {
    refuses("a = 1", "TL0300", "=", "write `==`");
    refuses("app.ha & true", "TL0300", "&", "write `&&`");
    refuses("app.ha and true", "TL0300", "and", "write `&&`");
    refuses("app.size === 'x'", "TL0300", "===", "write `==`");
    refuses("(1 + 2", "TL0300", "(1 + 2", "`)` is wanted before the end");
    refuses("1 +", "TL0300", "", "a value is wanted before the end");
    refuses("app.ha ? 1", "TL0300", "? 1", "without its `:`");
    refuses("app.", "TL0300", "", "a name is wanted");
    refuses("'abc", "TL0300", "'abc", "closing quote");
    refuses("'a\\q'", "TL0300", "\\q", "unknown escape");
    refuses("8Gi", "TL0300", "8Gi", "write `memory('8Gi')`");
    refuses("500m", "TL0300", "500m", "write `cpu('500m')`");
    refuses("1u", "TL0300", "1u", "write `1`");
    refuses("null", "TL0300", "null", "has(path)");
    refuses("1 2", "TL0300", "2", "the expression is over");
    refuses("9223372036854775808", "TL0300", "9223372036854775808", "at most 9223372036854775807");
    refuses("1e999", "TL0300", "1e999", "larger than any number");
    refuses("app.ha ? true ? 1 : 2 : 3", "TL0300", "?", "`:`");
    refuses("§", "TL0300", "§", "no meaning");
}

#[test]
fn findings_fall_back_to_the_whole_value() {
    let mut diags = Diags::default();
    let span = Span::new(SOURCE, 5, 50);
    let text = Text { text: "a.b == \n1", span, verbatim_at: None };
    assert!(compile(&text, Form::Cel, &world(), None, &mut diags).is_none());
    assert_eq!(diags.sorted()[0].span, span);
}

#[test]
fn size_and_depth_are_limited() {
    let one = |text: &str| {
        let findings = compiled(text, Form::Cel, None).1;
        (findings.len(), findings[0].code.id)
    };
    let long = format!("'{}'", "a".repeat(20_000));
    assert_eq!(one(&long), (1, "TL0315"));
    for open in ["(", "[", "!", "-", "[1].map(x, ", "{'a': ", "true ? 1 : ", "size(", "app.labels["] {
        assert_eq!(one(&open.repeat(1400)).1, "TL0315", "{open}");
    }
    let chain = vec!["1"; 4000].join(" + ");
    assert_eq!(one(&chain), (1, "TL0315"));
    assert_eq!(one(&format!("app{}", ".x".repeat(4000))), (1, "TL0315"));
    assert_eq!(value(&vec!["1"; 60].join(" + ")), Value::Int(60));
    assert_eq!(value(&format!("{}1{}", "(".repeat(50), ")".repeat(50))), Value::Int(1));
}

#[test]
fn steps_are_limited() {
    let items = format!("[{}]", vec!["1"; 100].join(", "));
    let (expr, _) = expr(&format!("{items}.all(a, {items}.all(b, {items}.all(c, true))) || true"));
    let mut budget = 100_000;
    assert_eq!(evaluate(&expr, &world(), &mut budget), Evaluated::Unknown);
    assert_eq!(budget, 0);
    let mut budget = 10;
    let (expr, _) = super::tests::expr("1 + 1");
    assert_eq!(evaluate(&expr, &world(), &mut budget), Evaluated::Value(Value::Int(2)));
    assert_eq!(budget, 7);
}

#[test]
fn texts_are_limited() {
    let text = format!("'{}'", "a".repeat(8000));
    let tens = format!("[{}]", vec!["1"; 200].join(", "));
    let (expr, _) = expr(&format!("{tens}.map(x, {text}).join()"));
    let mut faults = Vec::new();
    let found = evaluate_with_faults(&expr, &world(), &mut 10_000_000, &mut faults);
    assert_eq!((found, faults.len()), (Evaluated::Unknown, 1));
    assert!(faults[0].message.contains("1024 KiB"), "{faults:?}");
}

#[test]
fn references_are_listed_once() {
    let (expr, _) = expr("has(gone) ? app.replicas : service[app.name].port + app.replicas");
    let world = world();
    let paths: Vec<_> = references(&expr).map(|path| world.0[path.place.0 as usize].0).collect();
    assert_eq!(paths, ["gone", "app.replicas", "service.*.port", "app.name"]);
    let (expr, _) = super::tests::expr("k + self.key + k");
    assert_eq!(keys(&expr), [&Key::Loop(0), &Key::Own(0)]);
    assert_eq!(references(&expr).count(), 0);
}

#[test]
fn a_reference_spans_its_path() {
    let (compiled, _) = compiled("x {app.name}", Form::Template, None);
    let (expr, _) = compiled.expect("a template");
    assert_eq!(references(&expr).next().map(|found| found.span), Some(Span::new(SOURCE, 103, 111)));
}

#[test]
fn expressions_survive_the_image() {
    let (expr, _) = expr("app.hosts.map(h, h + {'a': 'x'}['a']).join('-').matches('^a{2}') || has(service[k].port)");
    assert_eq!(image_of(&expr).unpacked::<Expr>(), expr);
}

#[test]
fn the_table_of_functions_is_sorted_and_documented() {
    for pair in FUNCTIONS.windows(2) {
        assert!(pair[0].name < pair[1].name, "{} before {}", pair[0].name, pair[1].name);
    }
    for row in FUNCTIONS {
        assert!(!row.about.is_empty() && !row.about.ends_with('.'), "{}", row.name);
        assert!(row.least <= row.params.len(), "{}", row.name);
    }
    let signatures: Vec<_> = FUNCTIONS.iter().map(Function::signature).collect();
    assert!(signatures.contains(&"list.join([text]) -> text".to_owned()), "{signatures:?}");
    assert!(signatures.contains(&"min(ordered, …) -> value".to_owned()), "{signatures:?}");
}

#[test]
fn hostile_texts_do_no_harm() {
    let words = [
        "(", ")", "[", "]", "{", "}", "'", "\"", "\\", "-", "--", "app", ".", "..", "?", ":", ",", "é", "0x", "1e",
        "\u{0}", "in", "!", "{{",
    ];
    let mut state = 7_u64;
    for _ in 0..20_000 {
        let mut text = String::new();
        for _ in 0..12 {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            text.push_str(words[(state >> 33) as usize % words.len()]);
        }
        for form in [Form::Cel, Form::Path, Form::Template] {
            let _ = compiled(&text, form, None);
        }
    }
}
