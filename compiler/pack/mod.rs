//! Data as compact bytes, and back: the form of what the build embeds.
//!
//! In: anything that is [`Pack`]. Out: an [`Image`], and readers of it.
//! Never: bytes that another build wrote; so nothing is checked twice, and what does not fit is a mistake of ours.
//! Invariant: what is read is equal to what was written. A text is written once, and is not copied when it is read.
//!
//! A format of our own, because reading the stack was a third of a short run: no result is passed up for errors that there
//! cannot be, every list has its size from the start, and texts stay where they lie in the program.

mod basics;
mod lazy;

use std::{cmp::Reverse, fmt};

use indexmap::IndexMap;
use smol_str::SmolStr;

pub use lazy::Lazy;

/// Why reading cannot fail.
const OURS: &str = "the build that wrote an image reads it";

/// What can be written into an image; `pack!` says it of a type.
pub trait Pack: Sized {
    /// Writes it.
    fn write(&self, to: &mut Writer);

    /// Reads it, where it was written.
    fn read(from: &mut Reader) -> Self;
}

/// Says of a type of ours how it is packed: field by field, and before those of an enum a byte for the variant.
macro_rules! pack {
    (struct $name:ident $(<$of:ident>)? ($item:ident)) => {
        impl $(<$of: $crate::pack::Pack>)? $crate::pack::Pack for $name $(<$of>)? {
            fn write(&self, to: &mut $crate::pack::Writer) {
                let Self($item) = self;
                $crate::pack::Pack::write($item, to);
            }

            fn read(from: &mut $crate::pack::Reader) -> Self {
                Self($crate::pack::Pack::read(from))
            }
        }
    };
    (struct $name:ident $(<$of:ident>)?: $($field:ident),+) => {
        impl $(<$of: $crate::pack::Pack>)? $crate::pack::Pack for $name $(<$of>)? {
            fn write(&self, to: &mut $crate::pack::Writer) {
                let Self { $($field),+ } = self;
                $($crate::pack::Pack::write($field, to);)+
            }

            fn read(from: &mut $crate::pack::Reader) -> Self {
                Self { $($field: $crate::pack::Pack::read(from)),+ }
            }
        }
    };
    (enum $name:ident: $($variant:ident $(($($item:ident),+))? $({ $($field:ident),+ })?),+) => {
        const _: () = {
            enum Tag { $($variant),+ }

            impl $crate::pack::Pack for $name {
                fn write(&self, to: &mut $crate::pack::Writer) {
                    match self {
                        $(Self::$variant $(($($item),+))? $({ $($field),+ })? => {
                            to.byte(Tag::$variant as u8);
                            $($($crate::pack::Pack::write($item, to);)+)?
                            $($($crate::pack::Pack::write($field, to);)+)?
                        })+
                    }
                }

                fn read(from: &mut $crate::pack::Reader) -> Self {
                    let tag = from.byte();
                    $(if tag == Tag::$variant as u8 {
                        $($(let $item = $crate::pack::Pack::read(from);)+)?
                        $($(let $field = $crate::pack::Pack::read(from);)+)?
                        return Self::$variant $(($($item),+))? $({ $($field),+ })?;
                    })+
                    from.wrong()
                }
            }
        };
    };
}

pub(crate) use pack;

/// Something packed: its texts, and bytes that say where in them each begins.
pub struct Image {
    texts: &'static str,
    bytes: &'static [u8],
}

impl Image {
    /// The image of what [`packed`] wrote, which lies in the program.
    #[must_use]
    pub const fn new(texts: &'static str, bytes: &'static [u8]) -> Image {
        Image { texts, bytes }
    }

    /// The thing.
    #[must_use]
    pub fn unpacked<T: Pack>(&'static self) -> T {
        T::read(&mut Reader::new(self, 0))
    }
}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Image({} bytes)", self.texts.len() + self.bytes.len())
    }
}

/// The texts and bytes of something, for an [`Image`]. The same thing gives the same ones.
#[must_use]
pub fn packed(thing: &impl Pack) -> (String, Vec<u8>) {
    let mut once = Writer::default();
    thing.write(&mut once);
    let mut texts: Vec<(SmolStr, Held)> = once.texts.into_iter().collect();
    // Those that come most often lie in front, where the shortest numbers lead.
    texts.sort_by_key(|(_, held)| Reverse(held.count));
    let mut whole = Writer::default();
    texts.iter().for_each(|(text, _)| _ = whole.place_of(text));
    thing.write(&mut whole);
    (whole.texts.keys().map(SmolStr::as_str).collect(), whole.bytes)
}

/// Something packed, as if it lay in the program.
#[cfg(test)]
pub(crate) fn image_of(thing: &impl Pack) -> &'static Image {
    let (texts, bytes) = packed(thing);
    Box::leak(Box::new(Image::new(texts.leak(), bytes.leak())))
}

/// Writes things.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
    texts: IndexMap<SmolStr, Held>,
    /// How many bytes the texts have.
    end: usize,
}

/// A text of an image.
#[derive(Clone, Copy, Debug)]
struct Held {
    /// Where it begins.
    start: usize,
    /// How often it was written.
    count: u32,
}

impl Writer {
    /// Writes one byte.
    pub fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// Writes bytes whose number is known where they are read.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
    }

    /// Writes a number, a small one in one byte.
    pub fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.byte(number as u8 | 0x80);
            number >>= 7;
        }
        self.byte(number as u8);
    }

    /// Writes a text: its length and, if it has one, where it begins.
    fn text(&mut self, text: &SmolStr) {
        self.number(text.len() as u64);
        if !text.is_empty() {
            let start = self.place_of(text);
            self.number(start as u64);
        }
    }

    /// Where a text begins, which is the end of all others if it is new.
    fn place_of(&mut self, text: &SmolStr) -> usize {
        let held = self.texts.entry(text.clone()).or_insert(Held { start: self.end, count: 0 });
        if held.count == 0 {
            self.end += text.len();
        }
        held.count += 1;
        held.start
    }

    /// Writes something behind its length, so that it can be passed over.
    fn skippable(&mut self, thing: &impl Pack) {
        let at = self.bytes.len();
        self.bytes(&[0; 4]);
        thing.write(self);
        let length = u32::try_from(self.bytes.len() - at - 4).expect("no image has 4 GiB");
        self.bytes[at..at + 4].copy_from_slice(&length.to_le_bytes());
    }
}

/// Reads what was written, in the same order.
#[derive(Clone, Copy, Debug)]
pub struct Reader {
    rest: &'static [u8],
    image: &'static Image,
}

impl Reader {
    /// Reads what stands at a byte of an image.
    fn new(image: &'static Image, at: usize) -> Reader {
        Reader { rest: &image.bytes[at..], image }
    }

    /// Reads one byte.
    #[inline]
    pub fn byte(&mut self) -> u8 {
        let [byte] = self.bytes();
        byte
    }

    /// Reads that many bytes.
    #[inline]
    pub fn bytes<const COUNT: usize>(&mut self) -> [u8; COUNT] {
        let (bytes, rest) = self.rest.split_first_chunk().expect(OURS);
        self.rest = rest;
        *bytes
    }

    /// Reads a number.
    #[inline]
    pub fn number(&mut self) -> u64 {
        let byte = self.byte();
        if byte < 0x80 { byte.into() } else { self.large(byte) }
    }

    /// The rest of a number of several bytes.
    fn large(&mut self, first: u8) -> u64 {
        let (mut number, mut shift) = (u64::from(first & 0x7f), 7);
        loop {
            let byte = self.byte();
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return number;
            }
            shift += 7;
        }
    }

    /// Reads how long something is.
    #[inline]
    fn length(&mut self) -> usize {
        self.number() as usize
    }

    /// Reads a text.
    fn text(&mut self) -> SmolStr {
        let length = self.length();
        if length == 0 {
            return SmolStr::default();
        }
        let start = self.number() as usize;
        SmolStr::new_static(&self.image.texts[start..start + length])
    }

    /// Passes over something, and gives a reader of it.
    fn skipped(&mut self) -> Reader {
        let length = u32::from_le_bytes(self.bytes()) as usize;
        let at = *self;
        self.rest = &self.rest[length..];
        at
    }

    /// Where the next byte stands in the image.
    fn at(&self) -> u32 {
        (self.image.bytes.len() - self.rest.len()) as u32
    }

    /// Ends the program: no variant has this byte.
    #[cold]
    pub fn wrong(&self) -> ! {
        panic!("{OURS}")
    }
}
