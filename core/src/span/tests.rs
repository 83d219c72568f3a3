use super::*;
use crate::granule::{GRANULE, OneWord, TwoWords, TwoWordsLive};
use crate::map::Field;
use crate::quick::Policy;

#[test]
fn a_block_for_n_granules_has_room_for_n_and_not_for_more_than_a_map_word_s_worth() {
    for bins_for in [0, 1, 256, 1 << 16, 1 << 30] {
        let overhead = Overhead { bins_for, ..Overhead::LEAST };
        for needed in (1..5000).chain([1 << 20, isize::MAX as usize / GRANULE / 2]) {
            let granules = overhead.block_for::<TwoWords>(needed).unwrap() / GRANULE;
            let room = overhead.capacity::<TwoWords>(granules);
            assert!(room >= needed && room <= needed + 1, "{needed}: {room}");
        }
    }
}

#[test]
fn a_block_that_is_larger_still_has_room() {
    has_room::<TwoWords>(false);
    has_room::<TwoWords>(true);
    has_room::<TwoWordsLive>(false);
    has_room::<OneWord>(false);
}

fn has_room<G: Granule>(marks: bool) {
    let overhead = Overhead { bins_for: 1 << 16, marks, ..Overhead::LEAST };
    let mut dips = 0;
    // Past the first word of noted bits, and about where a second section starts.
    let section = Section::ENTRIES * WORD_GRANULES;
    for needed in (1..5000).chain(section - 20_000..section + 200) {
        let exact = overhead.block_for::<G>(needed).unwrap() / G::BYTES;
        let sure = overhead.enlarged::<G>(exact * G::BYTES, needed).unwrap() / G::BYTES;
        assert!(exact <= sure && sure <= exact + 8 && overhead.capacity::<G>(exact) >= needed);
        assert!((sure..sure + 300).all(|granules| overhead.capacity::<G>(granules) >= needed), "{needed}");
        dips += usize::from(sure > exact);
    }
    assert_eq!(dips > 0, size_of::<G::Entry>() > G::BYTES);
}

#[test]
fn no_block_is_large_enough_for_the_address_space() {
    let overhead = Overhead { bins_for: 100, lists: Policy::scaled_to(100), marks: true };
    for needed in [usize::MAX, usize::MAX / 2, usize::MAX / GRANULE, isize::MAX as usize / GRANULE] {
        assert_eq!(overhead.block_for::<TwoWords>(needed), None);
    }
}

#[test]
fn a_fresh_span_is_one_free_chunk_with_a_lasting_end() {
    for granules in [16, 100, 1000] {
        let mut memory = std::vec![u128::MAX; granules * GRANULE / 16];
        let block = NonNull::slice_from_raw_parts(
            NonNull::new(memory.as_mut_ptr().cast::<u8>()).unwrap(),
            granules * GRANULE,
        );
        // SAFETY: the vector is the span's alone.
        unsafe {
            let span = Span::<TwoWords>::lay(block, Overhead::LEAST, false);
            assert_eq!((span.block(), span.granules()), (block, granules));
            let map = span.map();
            for g in 0..granules {
                let field = if g == span.first() { Field::Free } else { Field::Interior };
                assert_eq!(map.field(g), field);
            }
            assert_eq!(map.field(granules), Field::Used { lower_free: true });
            assert_eq!(span.granule_of(span.address(7)), 7);
            assert_eq!(span.first() + span.capacity(), granules);
        }
    }
}

#[test]
fn what_is_not_free_starts_where_the_span_does_or_above_its_first_free_chunk() {
    let mut memory = std::vec![0_u128; 200];
    let block =
        NonNull::slice_from_raw_parts(NonNull::from(memory.as_mut_slice()).cast::<u8>(), 200 * GRANULE);
    // SAFETY: the vector is the span's alone; what is taken is free, and what is left of the first chunk is as long as is written.
    unsafe {
        let span = Span::<TwoWords>::lay(block, Overhead::LEAST, true);
        let (first, end, map) = (span.first(), span.end(), span.map());
        span.free_at(first).write_size(span.start(), end - first);
        assert_eq!(span.first_not_free(), end);
        map.take(end - 5, end);
        span.free_at(first).write_size(span.start(), end - 5 - first);
        assert_eq!(span.first_not_free(), end - 5);
        map.take(first, first + 3);
        assert_eq!(span.first_not_free(), first);
    }
}

#[test]
fn spans_leave_their_list_from_anywhere() {
    let mut memory = std::vec![[0_u128; 64]; 3];
    let mut lay = |index: usize| {
        let block = NonNull::from(&mut memory[index]).cast::<u8>();
        // SAFETY: each array is one span's alone.
        unsafe { Span::<TwoWords>::lay(NonNull::slice_from_raw_parts(block, 1024), Overhead::LEAST, true) }
    };
    let spans = [lay(0), lay(1), lay(2)];
    for leaver in spans {
        let mut list = None;
        // SAFETY: the spans were laid above.
        unsafe {
            spans.iter().for_each(|span| span.push(&mut list));
            leaver.unlink(&mut list);
            let mut seen = std::vec![];
            let mut at = list;
            while let Some(span) = at {
                seen.push(span);
                at = span.next();
            }
            let expected: std::vec::Vec<_> =
                spans.iter().rev().copied().filter(|&span| span != leaver).collect();
            assert_eq!(seen, expected);
        }
    }
}
