//! What an environment may say of Flux; the table of words is `schema::flux::WORDS`.
//!
//! Data only.

use std::collections::BTreeMap;

use smol_str::SmolStr;

pub use crate::schema::flux::{PROVIDERS, SOURCES, WORDS, Word, WordKind};
use crate::{
    plan::{Leaf, Origin},
    schema::flux::WordKind::Group,
    source::Span,
    value::Value,
};

/// What an environment says of Flux.
#[derive(Clone, Debug, Default)]
pub struct Flux {
    /// Where it begins to; the environment's name where it says nothing.
    pub span: Span,
    /// Whether it says anything, be it that everything is as usual.
    pub written: bool,
    /// What is written, by its path in [`WORDS`].
    pub said: BTreeMap<&'static str, (Value, Span)>,
}

impl Flux {
    /// What is written under a word, or its default.
    #[must_use]
    pub fn leaf(&self, path: &str) -> Option<Leaf> {
        let (value, span) = match self.said.get(path) {
            Some((value, span)) => (value.clone(), *span),
            None => (Word::named(path)?.default_value()?, self.span),
        };
        let origin = Origin { path: format!("flux.{path}").into(), span };
        Some(Leaf { value, origins: vec![origin], at: span })
    }

    /// Every word that means something for a deployment, in the order of [`WORDS`], with its value or none: what is
    /// written, else its default, else the name that it takes from the deployment or the environment.
    #[must_use]
    pub fn effective(&self, deployment: &str, environment: &str) -> Vec<(&'static Word, Option<Value>)> {
        let means = |word: &&Word| {
            let chosen = self.text(word.parent());
            word.of != Group && (word.with.is_empty() || word.with.contains(&chosen.as_ref()))
        };
        let named = |word: &Word| match word.path {
            "namespace" => Some(Value::string(deployment)),
            "kustomization.name" => Some(Value::string(environment)),
            "kustomization.path" => Some(Value::string(format!("./out/{environment}"))),
            "secrets.files" => Some(Value::string(format!("secrets/{environment}"))),
            _ => None,
        };
        let value = |word: &'static Word| self.leaf(word.path).map(|leaf| leaf.value).or_else(|| named(word));
        WORDS.iter().filter(means).map(|word| (word, value(word))).collect()
    }

    /// A word of a text, or its default; empty where there is neither.
    #[must_use]
    pub fn text(&self, path: &str) -> SmolStr {
        match self.leaf(path).map(|leaf| leaf.value) {
            Some(Value::String(text)) => text,
            _ => "".into(),
        }
    }

    /// Where a word is written; where it is not, the whole.
    #[must_use]
    pub fn span_of(&self, path: &str) -> Span {
        self.said.get(path).map_or(self.span, |(_, span)| *span)
    }

    /// The same, with what is written in `other` instead. A choice that is written there replaces all that stands
    /// below it.
    #[must_use]
    pub fn under(mut self, other: Flux) -> Flux {
        for path in other.said.keys() {
            let below = format!("{path}.");
            self.said.retain(|known, _| !known.starts_with(&below));
        }
        (self.span, self.written) = (other.span, true);
        self.said.extend(other.said);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::flux::WordKind::Choice;

    #[test]
    fn every_word_stands_behind_what_it_stands_below_and_has_a_default_of_its_type() {
        for (index, row) in WORDS.iter().enumerate() {
            let parent = WORDS[..index].iter().find(|other| other.path == row.parent());
            match parent.map(|parent| parent.of) {
                None => assert!(row.parent().is_empty() && row.with.is_empty(), "{}", row.path),
                Some(Group) => assert!(row.with.is_empty(), "{}", row.path),
                Some(Choice(words)) => {
                    assert!(!row.with.is_empty() && row.with.iter().all(|word| words.contains(word)), "{}", row.path);
                }
                Some(_) => panic!("{} stands below a value", row.path),
            }
            assert_eq!(row.default.is_empty(), row.default_value().is_none(), "{}", row.path);
            assert!(!row.about.is_empty() && !row.about.ends_with('.'), "{}", row.path);
            assert_eq!(WORDS.iter().filter(|other| other.path == row.path).count(), 1, "{}", row.path);
        }
    }

    #[test]
    fn words_of_a_choice_mean_something_only_with_it() {
        let mut flux = Flux { written: true, ..Flux::default() };
        let has = |flux: &Flux, path: &str| {
            let all = flux.effective("shop", "prod");
            all.into_iter().find(|(word, _)| word.path == path).map(|(_, value)| value)
        };
        assert_eq!(has(&flux, "secrets.key"), None);
        assert_eq!(has(&flux, "namespace"), Some(Some(Value::string("shop"))));
        assert_eq!(has(&flux, "kustomization.path"), Some(Some(Value::string("./out/prod"))));
        assert_eq!(has(&flux, "interval"), Some(Some(Value::Duration(600_000))));
        assert_eq!(has(&flux, "kustomization"), None);
        flux.said.insert("secrets", (Value::string("sops"), Span::default()));
        assert_eq!(has(&flux, "secrets.key"), Some(Some(Value::string("sops-age"))));
        assert_eq!(has(&flux, "secrets.store"), None);
    }

    #[test]
    fn a_choice_of_the_deployment_replaces_that_of_the_environment_whole() {
        let of = |words: &[(&'static str, &str)]| Flux {
            span: Span::default(),
            written: true,
            said: words.iter().map(|(path, text)| (*path, (Value::string(*text), Span::default()))).collect(),
        };
        let environment = of(&[("source", "git"), ("source.tag", "v1"), ("namespace", "apps")]);
        let both = environment.under(of(&[("source", "oci"), ("source.url", "oci://a.example/b")]));
        assert_eq!(both.said.keys().copied().collect::<Vec<_>>(), ["namespace", "source", "source.url"]);
        assert_eq!(both.text("secrets"), "existing");
    }
}
