//! A part of a stack that many compiles do not need, kept as bytes until somebody asks for it.
//!
//! In: bytes of an image, or the part itself. Out: the part, as if it had been there all the time.
//! Never: bytes of another build.
//! Invariant: what is read is read once, and equal to what was written.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    sync::OnceLock,
};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeOwned, Error, Visitor},
    ser::Error as _,
};

/// A part of a stack, read from its bytes when it is first asked for.
#[derive(Clone)]
pub struct Lazy<T> {
    /// Empty where the part did not come from an image.
    bytes: Box<[u8]>,
    read: OnceLock<T>,
}

impl<T> From<T> for Lazy<T> {
    fn from(part: T) -> Lazy<T> {
        Lazy { bytes: Box::default(), read: OnceLock::from(part) }
    }
}

impl<T: DeserializeOwned> Deref for Lazy<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.read.get_or_init(|| postcard::from_bytes(&self.bytes).expect("the build that wrote an image reads it"))
    }
}

impl<T: DeserializeOwned> DerefMut for Lazy<T> {
    fn deref_mut(&mut self) -> &mut T {
        _ = &**self;
        self.read.get_mut().expect("it was just read")
    }
}

impl<T: DeserializeOwned + PartialEq> PartialEq for Lazy<T> {
    fn eq(&self, other: &Lazy<T>) -> bool {
        **self == **other
    }
}

impl<T: DeserializeOwned + fmt::Debug> fmt::Debug for Lazy<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: DeserializeOwned + Serialize> Serialize for Lazy<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&postcard::to_allocvec(&**self).map_err(S::Error::custom)?)
    }
}

impl<'de, T> Deserialize<'de> for Lazy<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Lazy<T>, D::Error> {
        struct Whole;
        impl Visitor<'_> for Whole {
            type Value = Box<[u8]>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Box<[u8]>, E> {
                Ok(bytes.into())
            }
        }
        Ok(Lazy { bytes: deserializer.deserialize_bytes(Whole)?, read: OnceLock::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_when_it_is_asked_for() {
        let words = Lazy::from(vec!["a".to_owned(), "b".to_owned()]);
        let bytes = postcard::to_allocvec(&words).expect("it has bytes");
        let mut again: Lazy<Vec<String>> = postcard::from_bytes(&bytes).expect("they are read");
        assert!(again.read.get().is_none());
        assert_eq!(again, words);
        assert!(again.read.get().is_some());
        again.push("c".to_owned());
        let changed = postcard::to_allocvec(&again).expect("it has bytes");
        assert_eq!(postcard::from_bytes::<Lazy<Vec<String>>>(&changed).expect("they are read").len(), 3);
    }
}
