//! Texts of the image embedded at build time, read without a detour.
//!
//! In: what `serde` reads. Out: the text, copied once; nothing is allocated for an empty one, nor for a short one that
//! was read not long ago.
//! `serde`'s own way makes a `String` first and copies that, which was a third of decoding an image.

use std::{cell::RefCell, fmt, str::Utf8Error, sync::Arc};

use serde::{
    Deserialize, Deserializer, Serializer,
    de::{Error, Visitor},
};

/// Writes a text.
///
/// # Errors
/// Those of the format.
pub fn serialize<S: Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(text.as_bytes())
}

/// Reads a text.
///
/// # Errors
/// Those of the format, and where there is no text.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<str>, D::Error> {
    deserializer.deserialize_bytes(Text)
}

struct Text;

impl Visitor<'_> for Text {
    type Value = Arc<str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Arc<str>, E> {
        shared(bytes).map_err(E::custom)
    }
}

/// How many texts are remembered.
const PLACES: usize = 1024;

/// The longest text that is remembered, in bytes: names are short, and what people write about them is written once.
const LONGEST: usize = 24;

thread_local! {
    /// Texts that were read lately, each at the place of its hash.
    static LATELY: RefCell<Vec<Arc<str>>> = RefCell::new(vec![Arc::default(); PLACES]);
}

/// A text, shared where it was read lately: names of workloads and settings come again and again. What is the same as a
/// text needs no proof that it is one.
fn shared(bytes: &[u8]) -> Result<Arc<str>, Utf8Error> {
    match bytes.len() {
        0 => Ok(Arc::default()),
        1..=LONGEST => LATELY.with_borrow_mut(|lately| {
            let hash = bytes.iter().fold(0_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
            let place = &mut lately[(hash >> 16) as usize % PLACES];
            if place.as_bytes() != bytes {
                *place = str::from_utf8(bytes)?.into();
            }
            Ok(place.clone())
        }),
        _ => Ok(str::from_utf8(bytes)?.into()),
    }
}

/// A text in a list, or the key of a map.
#[derive(Deserialize)]
struct Word(#[serde(with = "super::shared")] Arc<str>);

/// Lists of texts.
pub mod list {
    use serde::Serialize as _;

    use super::{Arc, Deserialize as _, Deserializer, Serializer, Word};

    /// Writes a list of texts.
    ///
    /// # Errors
    /// Those of the format.
    pub fn serialize<S: Serializer>(texts: &[Arc<str>], serializer: S) -> Result<S::Ok, S::Error> {
        texts.serialize(serializer)
    }

    /// Reads a list of texts.
    ///
    /// # Errors
    /// Those of the format, and where there is no list of texts.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Arc<str>>, D::Error> {
        Ok(Vec::<Word>::deserialize(deserializer)?.into_iter().map(|word| word.0).collect())
    }
}

/// Maps with texts as keys.
pub mod keys {
    use std::{fmt, marker::PhantomData};

    use indexmap::IndexMap;
    use serde::{
        Deserialize, Serialize,
        de::{MapAccess, Visitor},
    };

    use super::{Arc, Deserializer, Serializer, Word};

    /// Writes a map.
    ///
    /// # Errors
    /// Those of the format.
    pub fn serialize<V: Serialize, S: Serializer>(
        map: &IndexMap<Arc<str>, V>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        map.serialize(serializer)
    }

    /// Reads a map.
    ///
    /// # Errors
    /// Those of the format, and where there is no such map.
    pub fn deserialize<'de, V: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<IndexMap<Arc<str>, V>, D::Error> {
        deserializer.deserialize_map(Entries(PhantomData))
    }

    struct Entries<V>(PhantomData<V>);

    impl<'de, V: Deserialize<'de>> Visitor<'de> for Entries<V> {
        type Value = IndexMap<Arc<str>, V>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a map")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
            let mut map = IndexMap::with_capacity(access.size_hint().unwrap_or(0).min(super::PLACES));
            while let Some((Word(key), value)) = access.next_entry()? {
                map.insert(key, value);
            }
            Ok(map)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_again_is_shared_and_what_falls_on_its_place_is_not_mixed_up_with_it() {
        let read = |text: &str| shared(text.as_bytes()).expect("it is a text");
        assert!(Arc::ptr_eq(&read("app.image"), &read("app.image")));
        let long = "a text that people write about a setting";
        assert!(!Arc::ptr_eq(&read(long), &read(long)));
        assert_eq!((&*read(""), &*read(long)), ("", long));
        for number in 0..4 * PLACES {
            assert_eq!(&*read(&number.to_string()), number.to_string());
        }
        assert!(shared(b"\xff").is_err() && shared(&[0xff; 40]).is_err());
    }
}
