//! A part that many runs do not need, left as bytes until somebody asks for it.
//!
//! In: a place in an image, or the part itself. Out: the part, as if it had been there all the time.
//! Invariant: what is read is read once, and equal to what was written.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    slice,
    sync::OnceLock,
};

use super::{Image, Pack, Reader, Writer};

/// A part, read from its image when it is first asked for.
pub struct Lazy<T> {
    /// None where the part did not come from an image.
    image: Option<&'static Image>,
    /// Where it stands there.
    at: u32,
    /// Behind a pointer, so that what is not asked for takes no room.
    read: OnceLock<Box<T>>,
}

impl<T> From<T> for Lazy<T> {
    fn from(part: T) -> Lazy<T> {
        Lazy { image: None, at: 0, read: OnceLock::from(Box::new(part)) }
    }
}

impl<T: Pack> Lazy<T> {
    fn part(&self) -> Box<T> {
        let image = self.image.expect("what comes from no image is there");
        Box::new(T::read(&mut Reader::new(image, self.at as usize)))
    }
}

impl<T: Pack> Deref for Lazy<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.read.get_or_init(|| self.part())
    }
}

impl<T: Pack> DerefMut for Lazy<T> {
    fn deref_mut(&mut self) -> &mut T {
        _ = &**self;
        self.read.get_mut().expect("it was just read")
    }
}

impl<'l, T: Pack> IntoIterator for &'l Lazy<Vec<T>> {
    type Item = &'l T;
    type IntoIter = slice::Iter<'l, T>;

    fn into_iter(self) -> slice::Iter<'l, T> {
        self.iter()
    }
}

impl<T: Clone> Clone for Lazy<T> {
    fn clone(&self) -> Lazy<T> {
        Lazy { image: self.image, at: self.at, read: self.read.clone() }
    }
}

impl<T: Pack + Default> Default for Lazy<T> {
    fn default() -> Lazy<T> {
        Lazy::from(T::default())
    }
}

impl<T: Pack + PartialEq> PartialEq for Lazy<T> {
    fn eq(&self, other: &Lazy<T>) -> bool {
        **self == **other
    }
}

impl<T: Pack + Eq> Eq for Lazy<T> {}

impl<T: Pack + fmt::Debug> fmt::Debug for Lazy<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: Pack> Pack for Lazy<T> {
    fn write(&self, to: &mut Writer) {
        to.skippable(&**self);
    }

    fn read(from: &mut Reader) -> Lazy<T> {
        let part = from.skipped();
        Lazy { image: Some(part.image), at: part.at(), read: OnceLock::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{image_of, packed},
        *,
    };

    #[test]
    fn what_was_written_is_read_when_it_is_asked_for() {
        let words = Lazy::from(vec![1_u32, 2]);
        let mut again: Lazy<Vec<u32>> = image_of(&words).unpacked();
        assert!(again.read.get().is_none());
        assert_eq!(again, words);
        assert!(again.read.get().is_some());
        again.push(3);
        assert_eq!(packed(&again), packed(&Lazy::from(vec![1_u32, 2, 3])));
    }
}
