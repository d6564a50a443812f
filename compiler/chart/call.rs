//! What the functions of templates do with the values that they are given.
//!
//! In: a function's name and its arguments. Out: what it returns, and marks on the keys that it reads.
//! Never: what the values are.
//! Invariant: a function that is not known reads everything that it is given.

use std::rc::Rc;

use super::{
    reads::{Hint, Step, Use},
    walk::{Atom, Dict, Value, Walker, one},
};
use crate::source::Span;

/// Functions that return text, a number or a yes or no made of their arguments, by what that says of the arguments.
const SCALAR: &[(Hint, &[&str])] = &[
    (
        Hint::Text,
        &[
            "quote",
            "squote",
            "trim",
            "trimAll",
            "trimSuffix",
            "trimPrefix",
            "trimall",
            "upper",
            "lower",
            "title",
            "untitle",
            "substr",
            "nospace",
            "trunc",
            "abbrev",
            "abbrevboth",
            "initials",
            "wrap",
            "wrapWith",
            "contains",
            "hasPrefix",
            "hasSuffix",
            "replace",
            "plural",
            "snakecase",
            "camelcase",
            "kebabcase",
            "swapcase",
            "shuffle",
            "b64enc",
            "b64dec",
            "b32enc",
            "b32dec",
            "urlParse",
            "urlquery",
            "html",
            "js",
            "sha1sum",
            "sha256sum",
            "sha512sum",
            "md5sum",
            "adler32sum",
            "htpasswd",
            "derivePassword",
            "genPrivateKey",
            "semver",
            "semverCompare",
            "regexMatch",
            "mustRegexMatch",
            "regexFind",
            "regexReplaceAll",
            "mustRegexReplaceAll",
            "regexReplaceAllLiteral",
            "regexQuoteMeta",
            "base",
            "dir",
            "clean",
            "ext",
            "isAbs",
            "osBase",
            "osDir",
            "osExt",
            "duration",
            "durationRound",
            "date",
            "dateModify",
            "toDate",
            "ago",
            "htmlDate",
        ],
    ),
    (
        Hint::Int,
        &[
            "int",
            "int64",
            "atoi",
            "add",
            "add1",
            "sub",
            "mul",
            "div",
            "mod",
            "max",
            "min",
            "until",
            "untilStep",
            "seq",
            "toDecimal",
            "biggest",
            "randAlphaNum",
            "randAlpha",
            "randNumeric",
            "randAscii",
        ],
    ),
    (Hint::Number, &["float64", "addf", "subf", "mulf", "divf", "maxf", "minf", "ceil", "floor", "round", "add1f"]),
    (
        Hint::None,
        &[
            "print",
            "println",
            "toString",
            "cat",
            "indent",
            "nindent",
            "repeat",
            "eq",
            "ne",
            "lt",
            "le",
            "gt",
            "ge",
            "fail",
            "toBool",
            "env",
            "expandenv",
            "lookup",
            "now",
            "uuidv4",
            "genCA",
            "genCAWithKey",
            "genSelfSignedCert",
            "genSignedCert",
            "getHostByName",
            "bcrypt",
            "encryptAES",
            "decryptAES",
            "urlJoin",
            "randBytes",
            "randInt",
            "trace",
            "unixEpoch",
            "buildCustomCert",
            "dateInZone",
            "date_in_zone",
            "dateModify",
            "htmlDateInZone",
        ],
    ),
];

/// Functions that only ask whether something is there, or of which kind it is.
const TESTS: &[&str] =
    &["not", "empty", "kindIs", "kindOf", "typeIs", "typeOf", "typeIsLike", "len", "all", "any", "deepEqual"];

/// Functions that hand on everything in a value as text.
const WHOLE: &[&str] = &[
    "toYaml",
    "toYamlPretty",
    "mustToYaml",
    "toJson",
    "mustToJson",
    "toPrettyJson",
    "mustToPrettyJson",
    "toRawJson",
    "mustToRawJson",
    "toToml",
    "mustToToml",
];

/// Functions that make data of text.
const FROM_TEXT: &[&str] =
    &["fromYaml", "fromYamlArray", "fromJson", "mustFromJson", "fromJsonArray", "fromToml", "mustFromYaml"];

/// Functions that return one of their arguments, or a map made of all.
const PASSES: &[&str] = &[
    "deepCopy",
    "mustDeepCopy",
    "merge",
    "mustMerge",
    "mergeOverwrite",
    "mustMergeOverwrite",
    "unset",
    "default",
    "coalesce",
    "and",
    "or",
    "required",
    "ternary",
    "omit",
    "sortAlpha",
    "toStrings",
];

/// Functions that return a part of the list that is their last argument, or their first.
const PARTS_OF_LAST: &[&str] = &[
    "reverse",
    "mustReverse",
    "uniq",
    "mustUniq",
    "compact",
    "mustCompact",
    "rest",
    "mustRest",
    "initial",
    "mustInitial",
];
const PARTS_OF_FIRST: &[&str] = &["slice", "mustSlice", "without", "mustWithout"];

impl Walker<'_, '_> {
    /// What a function returns.
    pub(super) fn call(&mut self, name: &str, arguments: Vec<Value>, at: Span) -> Value {
        if let Some((hint, _)) = SCALAR.iter().find(|(_, names)| names.contains(&name)) {
            return self.scalar(name, *hint, &arguments, at);
        }
        if TESTS.contains(&name) {
            arguments.iter().for_each(|argument| self.consume(argument, Use::Test, at));
            return Value::new();
        }
        if WHOLE.contains(&name) {
            arguments.iter().for_each(|argument| self.consume(argument, Use::Whole, at));
            return arguments.iter().flatten().filter_map(rendered).collect();
        }
        if FROM_TEXT.contains(&name) {
            arguments.iter().for_each(|argument| self.consume(argument, Use::Scalar, at));
            return Value::new();
        }
        if PASSES.contains(&name) {
            return self.passes(name, arguments, at);
        }
        if PARTS_OF_LAST.contains(&name) || PARTS_OF_FIRST.contains(&name) {
            let list = if PARTS_OF_FIRST.contains(&name) { arguments.first() } else { arguments.last() };
            let list = list.cloned().unwrap_or_default();
            return self.part_of_list(&list, at);
        }
        self.special(name, arguments, at)
    }

    fn special(&mut self, name: &str, arguments: Vec<Value>, at: Span) -> Value {
        let argument = |index: usize| arguments.get(index).cloned().unwrap_or_default();
        let last = || arguments.last().cloned().unwrap_or_default();
        match name {
            "include" => self.include_any(&argument(0), argument(1), at),
            "tpl" => self.tpl(&argument(0), &argument(1), at),
            "printf" => self.printf(&arguments, at),
            "dict" => self.dict(&arguments),
            "list" | "tuple" => self.new_list(arguments, true),
            "set" => self.set(&argument(0), &argument(1), &argument(2), at),
            "get" | "index" => self.index(&argument(0), arguments.get(1..).unwrap_or_default(), at),
            "hasKey" => {
                let found = self.index(&argument(0), arguments.get(1..).unwrap_or_default(), at);
                self.consume(&found, Use::Test, at);
                Value::new()
            }
            "dig" => {
                let Some((map, rest)) = arguments.split_last() else { return Value::new() };
                let (fallback, keys) =
                    rest.split_last().map_or((Value::new(), rest), |(last, keys)| (last.clone(), keys));
                let mut found = self.index(map, keys, at);
                self.consume(&found, Use::Test, at);
                self.join(&mut found, fallback);
                found
            }
            "pluck" => {
                let mut all = Value::new();
                for map in arguments.iter().skip(1) {
                    let found = self.index(map, &arguments[..1], at);
                    self.join(&mut all, found);
                }
                self.new_list(vec![all], false)
            }
            "pick" => self.pick(&argument(0), arguments.get(1..).unwrap_or_default(), at),
            "keys" => {
                let mut all = Value::new();
                for map in &arguments {
                    self.consume(map, Use::Keys, at);
                    let keys = self.keys_of(map);
                    self.join(&mut all, keys);
                }
                self.new_list(vec![all], false)
            }
            "values" => {
                let mut all = Value::new();
                for map in &arguments {
                    self.consume(map, Use::Keys, at);
                    let items = self.items(map, at);
                    self.join(&mut all, items);
                }
                self.new_list(vec![all], false)
            }
            "first" | "mustFirst" => self.index(&argument(0), &[one(Atom::Number(0))], at),
            "last" | "mustLast" => self.items(&argument(0), at),
            "append" | "mustAppend" | "push" | "mustPush" => self.pushed(&argument(0), &argument(1), at),
            "prepend" | "mustPrepend" => {
                let mut all = self.items(&argument(0), at);
                self.join(&mut all, argument(1));
                self.new_list(vec![all], false)
            }
            "concat" => {
                let mut all = Value::new();
                for list in &arguments {
                    let items = self.items(list, at);
                    self.join(&mut all, items);
                }
                self.new_list(vec![all], false)
            }
            "chunk" | "mustChunk" => {
                let items = self.items(&last(), at);
                {
                    let inner = self.new_list(vec![items], false);
                    self.new_list(vec![inner], false)
                }
            }
            "has" | "mustHas" => {
                self.consume(&argument(0), Use::Scalar, at);
                let items = self.items(&argument(1), at);
                self.text(&items, at);
                Value::new()
            }
            "join" => {
                let items = self.items(&argument(1), at);
                self.text(&items, at)
            }
            "split" | "splitn" | "splitList" | "regexSplit" | "mustRegexSplit" | "regexFindAll" => {
                let text = self.text(&last(), at);
                self.hint(&last(), Hint::Text);
                self.new_list(vec![text], false)
            }
            _ => {
                arguments.iter().for_each(|argument| self.escape(argument, at));
                arguments.iter().flatten().filter_map(rendered).collect()
            }
        }
    }

    fn scalar(&mut self, name: &str, hint: Hint, arguments: &[Value], at: Span) -> Value {
        let mut all = Value::new();
        for argument in arguments {
            let text = self.text(argument, at);
            self.join(&mut all, text);
            self.hint(argument, hint);
        }
        let compares = matches!(name, "eq" | "ne" | "lt" | "le" | "gt" | "ge");
        if compares {
            let known = arguments.iter().flatten().find_map(|atom| match atom {
                Atom::Text(_) => Some(Hint::Text),
                Atom::Number(_) => Some(Hint::Int),
                _ => None,
            });
            arguments.iter().for_each(|argument| self.hint(argument, known.unwrap_or_default()));
            return Value::new();
        }
        // Only `print` of one text is that text; of what others make of it nothing is known but where it is from.
        if matches!(name, "print" | "toString") && arguments.len() == 1 {
            return all;
        }
        all.into_iter().filter(|atom| matches!(atom, Atom::Rendered(_))).collect()
    }

    fn passes(&mut self, name: &str, arguments: Vec<Value>, at: Span) -> Value {
        let skip = match name {
            "required" => 1,
            _ => 0,
        };
        if matches!(name, "default" | "coalesce" | "and" | "or" | "required") {
            arguments.iter().for_each(|argument| self.consume(argument, Use::Test, at));
        }
        let kept = match name {
            "ternary" => {
                if let Some(condition) = arguments.get(2) {
                    self.consume(condition, Use::Test, at);
                }
                arguments.get(..2).unwrap_or_default()
            }
            "unset" | "omit" => arguments.get(..1).unwrap_or_default(),
            _ => arguments.get(skip..).unwrap_or_default(),
        };
        let mut all = Value::new();
        kept.iter().for_each(|argument| self.join(&mut all, argument.clone()));
        all
    }

    fn part_of_list(&mut self, list: &Value, at: Span) -> Value {
        // A key that is a list stays that key: what is read of its items is the same.
        let (keys, lists): (Value, Value) = list.iter().cloned().partition(|atom| matches!(atom, Atom::Key(_)));
        let items = self.items(&lists, at);
        let mut all = keys;
        if !items.is_empty() {
            let list = self.new_list(vec![items], false);
            self.join(&mut all, list);
        }
        all
    }

    fn include_any(&mut self, names: &Value, context: Value, at: Span) -> Value {
        let known: Vec<Rc<str>> = names
            .iter()
            .filter_map(|atom| match atom {
                Atom::Text(name) => Some(name.clone()),
                _ => None,
            })
            .collect();
        if known.is_empty() {
            self.consume(names, Use::Scalar, at);
            self.escape(&context, at);
            return Value::new();
        }
        let mut all = Value::new();
        for name in known {
            let printed = self.include(&name, context.clone(), at);
            self.join(&mut all, printed);
        }
        all
    }

    /// `printf`: a known text where everything in it is known.
    fn printf(&mut self, arguments: &[Value], at: Span) -> Value {
        let words: Option<Vec<String>> = arguments
            .iter()
            .map(|argument| match (argument.len(), argument.first()) {
                (1, Some(Atom::Text(text))) => Some(text.to_string()),
                (1, Some(Atom::Number(number))) => Some(number.to_string()),
                _ => None,
            })
            .collect();
        if let Some((format, rest)) = words.as_deref().and_then(<[String]>::split_first) {
            let mut words = rest.iter();
            let mut pieces = format.split("%s").flat_map(|piece| piece.split("%v"));
            let mut text = pieces.next().unwrap_or_default().to_owned();
            for piece in pieces {
                text.push_str(words.next().map_or("", String::as_str));
                text.push_str(piece);
            }
            return one(Atom::Text(text.as_str().into()));
        }
        let mut all = Value::new();
        for (index, argument) in arguments.iter().enumerate() {
            let text = self.text(argument, at);
            if index > 0 {
                self.join(&mut all, text);
            }
        }
        all.into_iter().filter(|atom| matches!(atom, Atom::Rendered(_))).collect()
    }

    fn dict(&mut self, arguments: &[Value]) -> Value {
        let mut dict = Dict::default();
        for pair in arguments.chunks(2) {
            let value = pair.get(1).cloned().unwrap_or_default();
            match (pair[0].len(), pair[0].first()) {
                (1, Some(Atom::Text(key))) => {
                    dict.known.insert(key.clone(), value);
                }
                _ => self.join(&mut dict.rest, value),
            }
        }
        self.new_dict(dict)
    }

    fn set(&mut self, map: &Value, key: &Value, value: &Value, at: Span) -> Value {
        let keys: Vec<Rc<str>> = texts(key);
        for atom in map {
            self.put_into(atom, value, at);
            match atom {
                Atom::Dict(at) => {
                    let at = *at;
                    if keys.is_empty() {
                        let mut rest = std::mem::take(&mut self.dicts[at].rest);
                        self.join(&mut rest, value.clone());
                        self.dicts[at].rest = rest;
                    }
                    for key in &keys {
                        let mut held = self.dicts[at].known.remove(key).unwrap_or_default();
                        self.join(&mut held, value.clone());
                        self.dicts[at].known.insert(key.clone(), held);
                    }
                }
                Atom::Key(_) | Atom::Root(_) => {
                    for key in &keys {
                        let place = (atom.clone(), key.clone());
                        let mut held = self.put.remove(&place).unwrap_or_default();
                        self.join(&mut held, value.clone());
                        self.put.insert(place, held);
                    }
                }
                _ => {}
            }
        }
        map.clone()
    }

    /// What a value holds at keys or numbers, one after the other.
    fn index(&mut self, value: &Value, steps: &[Value], at: Span) -> Value {
        steps.iter().fold(value.clone(), |value, step| self.index_once(&value, step, at))
    }

    fn index_once(&mut self, value: &Value, step: &Value, at: Span) -> Value {
        self.consume(step, Use::Scalar, at);
        let keys = texts(step);
        let mut all = Value::new();
        for key in &keys {
            let found = self.field(value, key);
            self.join(&mut all, found);
        }
        let number = step.iter().find_map(|atom| match atom {
            Atom::Number(number) => usize::try_from(*number).ok(),
            _ => None,
        });
        // A number or a name that is not known: any item.
        if keys.is_empty() || number.is_some() {
            for atom in value {
                let found = match (atom, number) {
                    (Atom::List(list), Some(number)) if self.lists[*list].exact => {
                        self.lists[*list].items.get(number).cloned().unwrap_or_default()
                    }
                    (Atom::Key(node), _) => one(Atom::Key(self.reads.step(*node, Step::Each))),
                    _ => self.items(&one(atom.clone()), at),
                };
                self.join(&mut all, found);
            }
        }
        all
    }

    fn pick(&mut self, map: &Value, keys: &[Value], at: Span) -> Value {
        let names: Vec<Rc<str>> = keys.iter().flat_map(texts).collect();
        if names.is_empty() {
            self.escape(map, at);
            return map.clone();
        }
        let mut dict = Dict::default();
        for name in names {
            let held = self.field(map, &name);
            dict.known.insert(name, held);
        }
        self.new_dict(dict)
    }
}

/// The texts that a value may be.
fn texts(value: &Value) -> Vec<Rc<str>> {
    value
        .iter()
        .filter_map(|atom| match atom {
            Atom::Text(text) => Some(text.clone()),
            _ => None,
        })
        .collect()
}

/// The text that something was made into.
fn rendered(atom: &Atom) -> Option<Atom> {
    match atom {
        Atom::Key(node) | Atom::Rendered(node) => Some(Atom::Rendered(*node)),
        _ => None,
    }
}
