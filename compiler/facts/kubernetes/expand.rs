//! Kubernetes' expansion of `$(NAME)` by variables that stand before.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use crate::facts::text::{FIRST_MARK, Marked};

/// The variables of a container that are known so far; secrets in them are marks.
#[derive(Debug, Default)]
pub(super) struct Variables {
    known: BTreeMap<String, Marked<'static>>,
    /// Those that another text referred to.
    used: RefCell<BTreeSet<String>>,
}

impl Variables {
    /// Adds a variable, or replaces it.
    pub(super) fn set(&mut self, name: &str, value: Marked<'static>) {
        self.known.insert(name.to_owned(), value);
    }

    /// Whether a text referred to a variable.
    pub(super) fn is_used(&self, name: &str) -> bool {
        self.used.borrow().contains(name)
    }

    /// The text with its references put in. `$$` is a dollar, and a reference to nothing stays as it is.
    pub(super) fn expand(&self, text: &str) -> Marked<'static> {
        let mut found = Marked::default();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            found.text.to_mut().push_str(&rest[..at]);
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix('$') {
                found.text.to_mut().push('$');
                rest = after;
            } else if let Some((name, after)) = rest.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
                match self.known.get(name) {
                    Some(value) => {
                        self.used.borrow_mut().insert(name.to_owned());
                        put(value, &mut found);
                    }
                    None => {
                        let text = found.text.to_mut();
                        text.push_str("$(");
                        text.push_str(name);
                        text.push(')');
                    }
                }
                rest = after;
            } else {
                found.text.to_mut().push('$');
            }
        }
        found.text.to_mut().push_str(rest);
        found
    }
}

/// Adds a text, whose marks get new numbers.
fn put(value: &Marked<'_>, into: &mut Marked<'static>) {
    for c in value.text.chars() {
        let secret = u32::from(c).checked_sub(FIRST_MARK).and_then(|mark| value.secrets.get(mark as usize));
        match secret {
            Some(secret) => into.push_secret(secret.clone()),
            None => into.text.to_mut().push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::SecretRef;

    #[test]
    fn references_are_put_in_and_nothing_else() {
        let mut variables = Variables::default();
        variables.set("HOST", Marked { text: "db".into(), ..Marked::default() });
        let mut password = Marked::default();
        password.push_secret(SecretRef { name: "s".into(), key: "k".into() });
        variables.set("PASSWORD", password);
        for (text, expected) in
            [("a $(HOST)b", "a dbb"), ("$$(HOST)", "$(HOST)"), ("$(NONE)", "$(NONE)"), ("$x ${Y} $", "$x ${Y} $")]
        {
            assert_eq!(variables.expand(text).text, expected);
        }
        let url = variables.expand("postgres://u:$(PASSWORD)@$(HOST)");
        assert_eq!(url.secrets.len(), 1);
    }
}
