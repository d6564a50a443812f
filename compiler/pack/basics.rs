//! What things are made of: numbers, texts, lists and maps.

use std::sync::Arc;

use indexmap::IndexMap;
use smol_str::SmolStr;

use super::{Pack, Reader, Writer};

impl Pack for bool {
    fn write(&self, to: &mut Writer) {
        to.byte((*self).into());
    }

    fn read(from: &mut Reader) -> bool {
        from.byte() != 0
    }
}

impl Pack for u32 {
    fn write(&self, to: &mut Writer) {
        to.number((*self).into());
    }

    fn read(from: &mut Reader) -> u32 {
        from.number() as u32
    }
}

impl Pack for u64 {
    fn write(&self, to: &mut Writer) {
        to.number(*self);
    }

    fn read(from: &mut Reader) -> u64 {
        from.number()
    }
}

/// A small number in a few bytes, whatever its sign.
impl Pack for i64 {
    fn write(&self, to: &mut Writer) {
        to.number(((self << 1) ^ (self >> 63)).cast_unsigned());
    }

    fn read(from: &mut Reader) -> i64 {
        let number = from.number();
        (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
    }
}

impl Pack for f64 {
    fn write(&self, to: &mut Writer) {
        to.bytes(&self.to_le_bytes());
    }

    fn read(from: &mut Reader) -> f64 {
        f64::from_le_bytes(from.bytes())
    }
}

impl Pack for SmolStr {
    fn write(&self, to: &mut Writer) {
        to.text(self);
    }

    fn read(from: &mut Reader) -> SmolStr {
        from.text()
    }
}

impl<T: Pack> Pack for Box<T> {
    fn write(&self, to: &mut Writer) {
        (**self).write(to);
    }

    fn read(from: &mut Reader) -> Box<T> {
        Box::new(T::read(from))
    }
}

impl<T: Pack> Pack for Arc<T> {
    fn write(&self, to: &mut Writer) {
        (**self).write(to);
    }

    fn read(from: &mut Reader) -> Arc<T> {
        Arc::new(T::read(from))
    }
}

impl<T: Pack> Pack for Option<T> {
    fn write(&self, to: &mut Writer) {
        to.byte(self.is_some().into());
        if let Some(thing) = self {
            thing.write(to);
        }
    }

    fn read(from: &mut Reader) -> Option<T> {
        (from.byte() != 0).then(|| T::read(from))
    }
}

impl<A: Pack, B: Pack> Pack for (A, B) {
    fn write(&self, to: &mut Writer) {
        self.0.write(to);
        self.1.write(to);
    }

    fn read(from: &mut Reader) -> (A, B) {
        (A::read(from), B::read(from))
    }
}

fn write_all<T: Pack>(things: &[T], to: &mut Writer) {
    to.number(things.len() as u64);
    things.iter().for_each(|thing| thing.write(to));
}

impl<T: Pack> Pack for Vec<T> {
    fn write(&self, to: &mut Writer) {
        write_all(self, to);
    }

    #[inline]
    fn read(from: &mut Reader) -> Vec<T> {
        // Most lists are empty, and there is nothing to make of those.
        match from.length() {
            0 => Vec::new(),
            length => (0..length).map(|_| T::read(from)).collect(),
        }
    }
}

impl<T: Pack> Pack for Arc<[T]> {
    fn write(&self, to: &mut Writer) {
        write_all(self, to);
    }

    fn read(from: &mut Reader) -> Arc<[T]> {
        (0..from.length()).map(|_| T::read(from)).collect()
    }
}

impl<T: Pack> Pack for IndexMap<SmolStr, T> {
    fn write(&self, to: &mut Writer) {
        to.number(self.len() as u64);
        for (key, thing) in self {
            key.write(to);
            thing.write(to);
        }
    }

    fn read(from: &mut Reader) -> IndexMap<SmolStr, T> {
        (0..from.length()).map(|_| (from.text(), T::read(from))).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::{
        super::{image_of, packed},
        *,
    };

    fn again<T: Pack + PartialEq + Debug>(thing: &T) -> T {
        image_of(thing).unpacked()
    }

    fn same<T: Pack + PartialEq + Debug>(thing: T) {
        assert_eq!(again(&thing), thing);
    }

    #[test]
    fn what_was_written_is_read() {
        [0, 1, 0x7f, 0x80, 0x3fff, 0x4000, u64::from(u32::MAX), u64::MAX].into_iter().for_each(same);
        [0, 1, -1, 63, -64, 64, -65, i64::MAX, i64::MIN].into_iter().for_each(same);
        [0.0, -0.5, f64::MAX].into_iter().for_each(same);
        same((true, Some(Box::new(u32::MAX))));
        same((false, None::<u32>));
        same(Arc::<[u32]>::from([1, 2, 300]));
        same(IndexMap::from([(SmolStr::from("b"), 1_u32), ("a".into(), 2), (SmolStr::default(), 3)]));
    }

    #[test]
    fn a_text_that_comes_again_is_one() {
        let texts: Vec<SmolStr> = ["twice", "", "é", "twice", ""].map(SmolStr::from).into();
        let read = again(&texts);
        assert_eq!(read, texts);
        assert_eq!(packed(&texts).0, "twiceé");
        let many: Vec<SmolStr> = (0..1000).map(|number| (number % 400).to_string().into()).collect();
        same(many);
    }
}
