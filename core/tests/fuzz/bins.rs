//! The bins alone, against plain lists of chunks.

use core::ptr::NonNull;

use memalloc_core::bins::{Bins, class};
use memalloc_core::{ArenaSource, GRANULE, Granule, OneWord, Position, TwoWords, Within};

use super::model::operations::Choices;
use super::{Input, parts};

/// Chunks lie so far apart, in granules, with a granule to either side that is nobody's.
const PITCH: usize = 32;
const LARGEST: usize = PITCH - 2;
const PLACES: usize = 32;

/// Of the chunks that a last resort comes to, so many are looked at, at least.
const LOOKS: usize = 8;

/// What memory holds that is no chunk's.
const UNUSED: u8 = 0xa5;

/// The heads of the bins, with the chunks in one allocation above, and below them the base, with room for the end.
#[repr(C, align(16))]
struct Memory {
    base: [u8; 2 * GRANULE],
    heads: [u8; 1024],
    chunks: [u8; PLACES * PITCH * GRANULE],
}

/// Bins, and what should be in them: in each, the first chunk last.
struct Shadow<G: Granule> {
    bins: Bins<G>,
    memory: Box<Memory>,
    /// The granules of the chunk at each place, if there is one.
    sizes: [Option<usize>; PLACES],
    lists: Vec<Vec<usize>>,
}

/// Runs an input.
pub fn run(input: &[u8]) -> usize {
    let Some((&granule, rest)) = input.split_first() else { return 0 };
    match granule % 4 {
        0 => run_granules::<TwoWords>(rest),
        2 => run_granules::<Within<ArenaSource, TwoWords>>(rest),
        _ => run_granules::<OneWord>(rest),
    }
}

fn run_granules<G: Granule>(input: &[u8]) -> usize {
    let (mut shadow, mut input, mut count) = (Shadow::<G>::new(), Input(input), 0);
    while let Some(choice) = input.next() {
        shadow.step(parts(choice));
        shadow.check();
        count += 1;
    }
    shadow.empty();
    count
}

impl<G: Granule> Shadow<G> {
    const PLACE: usize = PITCH * G::BYTES;

    fn new() -> Self {
        let chunks = [UNUSED; PLACES * PITCH * GRANULE];
        let mut memory = Box::new(Memory { base: [UNUSED; 2 * GRANULE], heads: [UNUSED; 1024], chunks });
        assert!(Bins::<G>::bytes(LARGEST) <= memory.heads.len());
        let mut bins = Bins::new();
        // SAFETY: there is room, and the memory lives as long as the bins.
        unsafe {
            let base = NonNull::from(&mut *memory).cast::<u8>();
            bins.initialize(base, base.add(core::mem::offset_of!(Memory, heads)), LARGEST);
        }
        let lists = vec![vec![]; class::count::<G>(LARGEST)];
        Self { bins, memory, sizes: [None; PLACES], lists }
    }

    fn base(&mut self) -> NonNull<u8> {
        NonNull::from(&mut *self.memory).cast()
    }

    /// Granule `g` of a place, where chunks start at the first.
    fn granule(&mut self, place: usize, g: usize) -> Position<G> {
        let offset = core::mem::offset_of!(Memory, chunks) + place * Self::PLACE + (1 + g) * G::BYTES;
        // SAFETY: the place lies in the memory.
        unsafe { Position::new(self.base(), self.base().add(offset)) }
    }

    fn step(&mut self, [kind, how, a, b]: [usize; 4]) {
        let place = b % PLACES;
        let size = 1 + if how < 128 { a % 8 } else { a % LARGEST };
        match (kind % 4, self.sizes[place]) {
            (0, None) => self.insert(place, size),
            (1, None) => self.insert_freed(place, size),
            (0 | 1, Some(there)) => self.remove(place, there, how % 2 == 0, how % 4 < 2),
            (2, _) => self.pop(size),
            _ => self.last_resort(size),
        }
    }

    fn insert(&mut self, place: usize, size: usize) {
        let (base, at) = (self.base(), self.granule(place, 0));
        // SAFETY: the granules are at the place alone, which is empty.
        unsafe { self.bins.insert(base, at, size) };
        self.sizes[place] = Some(size);
        self.lists[class::holding::<G>(size)].push(place);
    }

    fn insert_freed(&mut self, place: usize, size: usize) {
        let (base, at) = (self.base(), self.granule(place, 0));
        // SAFETY: the granules are at the place alone, which is empty.
        unsafe { self.bins.insert_freed(base, at, size) };
        self.sizes[place] = Some(size);
        let list = &mut self.lists[class::holding::<G>(size)];
        let is_behind = list.last().is_some_and(|&first| first < place);
        list.insert(list.len() - usize::from(is_behind), place);
    }

    /// Takes the chunk at a place out, found from below or from above, without a branch or with one. Before, it is not taken out.
    fn remove(&mut self, place: usize, size: usize, from_above: bool, by_branch: bool) {
        let (base, at, end) = (self.base(), self.granule(place, 0), self.granule(place, size));
        // SAFETY: the chunk is in a bin.
        let (not_removed, removed) = unsafe {
            if from_above {
                let not_removed = self.bins.remove_below_if(base, end, false);
                let removed = if by_branch {
                    self.bins.remove_below(base, end)
                } else {
                    self.bins.remove_below_if(base, end, true)
                };
                (not_removed, removed)
            } else {
                let not_removed = self.bins.remove_if(base, at, false);
                let removed =
                    if by_branch { self.bins.remove(base, at) } else { self.bins.remove_if(base, at, true) };
                (not_removed, removed)
            }
        };
        assert_eq!((not_removed, removed), (0, size));
        self.forget(place);
    }

    fn pop(&mut self, size: usize) {
        let beneath = class::beneath::<G>(size);
        let expected = (beneath + 1..self.lists.len()).find(|&bin| !self.lists[bin].is_empty());
        // All bins are near; where none will do, the one beneath them is looked at.
        let near = self.bins.first_near(beneath);
        assert_eq!(near, expected, "{size} granules");
        let first = self.lists[beneath].last().and_then(|&place| self.sizes[place]);
        let base = self.base();
        let fitting = near.or_else(|| {
            // SAFETY: the bins and their chunks lie above the base.
            let fitting = unsafe { self.bins.first_fitting(base, beneath, size) };
            assert_eq!(fitting, (first >= Some(size)).then_some(beneath), "{size} granules");
            fitting
        });
        let Some(bin) = fitting else { return };
        // SAFETY: the bin has a chunk.
        let (chunk, got) = unsafe { self.bins.pop(base, bin) };
        let place = *self.lists[bin].last().expect("the bin has a chunk");
        assert_eq!((chunk, Some(got)), (self.granule(place, 0), self.sizes[place]));
        assert!(got >= size);
        self.forget(place);
    }

    fn last_resort(&mut self, size: usize) {
        let first = class::holding::<G>(size);
        let mut met = self.lists[first..].iter().flat_map(|list| list.iter().rev()).copied();
        let found = met.by_ref().enumerate().find(|&(_, place)| self.sizes[place] >= Some(size));
        let base = self.base();
        // SAFETY: the bins and their chunks lie above the base.
        let taken = unsafe { self.bins.take_last_resort(base, size, |_, there| there >= size) };
        let Some((looks, place)) = found else { return assert_eq!(taken, None, "{size} granules") };
        if taken.is_none() {
            return assert!(looks >= LOOKS, "{size} granules, found at look {looks}");
        }
        let expected = self.sizes[place].map(|there| (self.granule(place, 0), there));
        assert_eq!(taken, expected, "{size} granules");
        self.forget(place);
    }

    fn forget(&mut self, place: usize) {
        let size = self.sizes[place].take().expect("a chunk is there");
        self.lists[class::holding::<G>(size)].retain(|&there| there != place);
        let start = place * Self::PLACE + G::BYTES;
        self.memory.chunks[start..start + size * G::BYTES].fill(UNUSED);
    }

    /// Nothing is written outside the chunks.
    fn check(&self) {
        for (place, size) in self.memory.chunks.chunks(Self::PLACE).zip(self.sizes) {
            let (below, above) = (&place[..G::BYTES], &place[(1 + size.unwrap_or(0)) * G::BYTES..]);
            assert!(below.iter().chain(above).all(|&byte| byte == UNUSED));
        }
    }

    /// All that is in a bin comes out of it, once.
    fn empty(&mut self) {
        while self.bins.first_near(0).is_some() {
            self.pop(1);
        }
        assert!(self.sizes.iter().all(Option::is_none));
    }
}
