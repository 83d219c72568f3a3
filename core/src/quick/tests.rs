//! The lists by themselves.

use std::vec;

use super::due::*;
use super::long::FEW;
use super::policy::{DEEPEST, FROM};
use super::sizes::PLACES;
use super::*;
use crate::map::WORD_GRANULES;
use crate::{General, Local, RealTime};

#[test]
fn blocks_come_back_last_in_first_out_and_no_more_than_there_is_room_for() {
    for largest in [FROM, 64 << 10, 1 << 20, 64 << 20] {
        let policy = Policy::scaled_to(largest);
        let mut memory = vec![0_usize; policy.bytes() / size_of::<usize>()];
        let mut blocks = vec![[0_usize; 2]; policy.depth_of(GRANULE) + 1];
        let mut quick = Quick::<General>::new();
        // SAFETY: the vector has the lists' bytes, and the blocks are the test's.
        unsafe {
            quick.initialize(NonNull::new(memory.as_mut_ptr().cast()).unwrap(), policy);
            for bytes in quick.sizes() {
                let blocks: vec::Vec<_> =
                    blocks.iter_mut().map(|block| NonNull::from(block).cast::<u8>()).collect();
                let depth = policy.depth_of(bytes);
                for (index, &block) in blocks.iter().enumerate() {
                    assert_eq!(quick.has_room(bytes), index < depth);
                    if index < depth {
                        quick.push(block, bytes);
                    }
                }
                assert!(depth >= BATCH);
                assert_eq!(quick.waiting(), Blocks { count: depth, bytes: depth * bytes });
                for &block in blocks[..depth].iter().rev() {
                    assert_eq!(quick.pop(bytes), Some(block));
                }
                assert_eq!((quick.pop(bytes), quick.waiting()), (None, Blocks::NONE));
            }
        }
    }
}

#[test]
fn a_list_that_is_full_begins_anew_if_it_is_little_of_the_memory() {
    // As many granules as 64 MiB have on 64 bits.
    let policy = Policy::scaled_to((64 << 20) / 16 * GRANULE);
    let mut memory = vec![0_usize; policy.bytes() / size_of::<usize>()];
    let mut blocks = vec![[0_usize; 2]; DEEPEST];
    let mut quick = Quick::<General>::new();
    let (short, long) = (2 * GRANULE, 256 * GRANULE);
    // SAFETY: the vector has the lists' bytes, the lists serve the sizes, and the blocks are the test's.
    unsafe {
        quick.initialize(NonNull::new(memory.as_mut_ptr().cast()).unwrap(), policy);
        let mut push = |quick: &mut Quick<General>, count: usize| {
            blocks[..count].iter_mut().for_each(|block| quick.push(NonNull::from(block).cast(), short));
        };
        push(&mut quick, DEEPEST);
        assert!(!quick.has_room(short) && !quick.has_unlisted());
        assert_eq!(quick.has_or_makes_room(short), !cfg!(for_size));
        if cfg!(for_size) {
            return;
        }
        assert!(quick.has_room(short) && quick.has_unlisted() && !quick.has_one(short));
        push(&mut quick, 3);
        let waiting = |count| Blocks { count, bytes: count * short };
        assert_eq!(quick.waiting(), waiting(DEEPEST + 3));
        // As many as are told by their room may be taken, and more that were gathered.
        quick.note_gathered();
        assert!(quick.pop(short).is_some() && quick.pop(short).is_some());
        assert_eq!(quick.waiting(), waiting(DEEPEST + 1));
        let [few, many] = [DEEPEST * ENTRIES_A_BLOCK, (DEEPEST + 1) * ENTRIES_A_BLOCK];
        assert!(quick.has_many_unlisted(few) && !quick.has_many_unlisted(many));
        (0..ENTRIES_A_BLOCK).for_each(|_| push(&mut quick, DEEPEST));
        assert!(!quick.has_many_unlisted(few));
        quick.forget();
        // As many are freed until it begins anew as if none had been gathered.
        push(&mut quick, DEEPEST);
        quick.note_gathered();
        assert!(quick.has_room(short));
        push(&mut quick, DEEPEST);
        assert!(!quick.has_room(short));
        assert_eq!(quick.waiting(), waiting(2 * DEEPEST));
        quick.forget();
        assert_eq!((quick.waiting(), quick.has_unlisted()), (Blocks::NONE, false));
        assert!(!quick.unlist(long));
    }
}

#[test]
fn blocks_wait_up_to_a_size_that_the_memory_deserves() {
    // As many granules as these bytes have on 64 bits.
    for (memory, largest) in [
        (FROM - 1, 0),
        (64 << 10, 8),
        (256 << 10, 16),
        ((1 << 20) - 1, 16),
        (1 << 20, 32),
        (4 << 20, 64),
        (16 << 20, 128),
        (64 << 20, 256),
        (1 << 30, 256),
    ] {
        wait_up_to::<General>(Policy::scaled_to(memory / 16 * GRANULE), largest);
    }
    wait_up_to::<Local>(Policy::PER_THREAD, WORD_GRANULES);
}

fn wait_up_to<M: Mode>(policy: Policy, largest: usize) {
    let mut memory = vec![0_usize; policy.bytes() / size_of::<usize>() + 1];
    let mut quick = Quick::<M>::new();
    // SAFETY: the vector has the lists' bytes.
    unsafe { quick.initialize(NonNull::new(memory.as_mut_ptr().cast()).unwrap(), policy) };
    let sizes: vec::Vec<_> = quick.sizes().collect();
    assert_eq!(sizes, (1..=largest).rev().map(|granules| granules * GRANULE).collect::<vec::Vec<_>>());
    assert!(quick.has_list(0) && quick.has_list(largest * GRANULE));
    assert!(!quick.serves(0) && !quick.serves((largest + 1) * GRANULE));
    assert_eq!(quick.serves(largest * GRANULE), largest > 0);
}

#[test]
fn nothing_waits_without_lists() {
    let mut quick = Quick::<General>::new();
    // SAFETY: there is a list of no bytes.
    assert_eq!(unsafe { quick.pop(0) }, None);
    assert!(!quick.are_there() && !quick.serves(GRANULE) && !Policy::scaled_to(16 << 10).is_on());
    assert_eq!(quick.sizes().count(), 0);
    assert!(!Quick::<RealTime>::new().serves(0) && !Quick::<RealTime>::new().has_list(0));
}

#[test]
fn batches_of_a_size_grow_as_it_is_asked_for() {
    let mut memory = vec![0_usize; Policy::PER_THREAD.bytes() / size_of::<usize>()];
    let mut quick = Quick::<Local>::new();
    // SAFETY: the vector has the lists' bytes, and the lists serve the sizes.
    unsafe {
        quick.initialize(NonNull::new(memory.as_mut_ptr().cast()).unwrap(), Policy::PER_THREAD);
        quick.note_request(GRANULE);
        let batches = [(); 6].map(|()| quick.next_batch(GRANULE, 15));
        assert_eq!(batches, [4, 6, 9, 13, 15, 15]);
        quick.note_request(2 * GRANULE);
        assert_eq!(quick.next_batch(2 * GRANULE, 15), 4);
        assert_eq!(Quick::<General>::new().next_batch(GRANULE, 15), 15);
    }
}

#[test]
fn where_any_number_may_wait_those_of_sizes_do_that_are_asked_for() {
    let mut quick = Quick::<Local>::new();
    let sizes = [1, 2, WORD_GRANULES, WORD_GRANULES + 1].map(|granules| granules * GRANULE);
    // SAFETY: lists in the heap need no memory, and have one more than they serve; they serve the sizes that are asked for.
    unsafe {
        let has_room = |quick: &Quick<Local>| sizes.map(|bytes| quick.has_room(bytes));
        assert_eq!(has_room(&quick), [false; 4]);
        quick.initialize(NonNull::dangling(), Policy::PER_THREAD);
        assert_eq!(has_room(&quick), [false; 4]);
        quick.note_request(sizes[0]);
        quick.note_request(sizes[2]);
        assert_eq!(has_room(&quick), [true, false, true, false]);
        assert!(!quick.close_unasked());
        assert_eq!(has_room(&quick), [true, false, true, false]);
        quick.note_request(sizes[2]);
        let mut block = [0_usize; 2];
        quick.push(NonNull::from(&mut block).cast(), sizes[0]);
        assert!(quick.close_unasked());
        assert_eq!(has_room(&quick), [false, false, true, false]);
        quick.close();
        assert_eq!(has_room(&quick), [false; 4]);
    }
}

/// The shortest block that is too long for a list.
const SHORTEST: usize = (WORD_GRANULES + 1) * GRANULE;

/// A heap's lists, in memory that is never freed, with no long block.
fn with_places() -> Quick<Local> {
    let memory = vec![0_usize; Policy::PER_THREAD.bytes() / size_of::<usize>()].leak();
    let mut quick = Quick::new();
    // SAFETY: the vector has the lists' bytes.
    unsafe { quick.initialize(NonNull::from(memory).cast(), Policy::PER_THREAD) };
    quick
}

/// A block that is not looked into, at so many granules from address 0.
fn block_at(granule: usize) -> NonNull<u8> {
    NonNull::without_provenance(core::num::NonZero::new(granule * GRANULE).unwrap())
}

#[test]
fn the_last_long_blocks_wait_whatever_their_sizes() {
    let (mut quick, longest) = (with_places(), 2048 * GRANULE);
    let lengths =
        [(SHORTEST - GRANULE, false), (SHORTEST, true), (longest, true), (longest + GRANULE, false)];
    for (bytes, serves) in lengths {
        assert_eq!((quick.serves_long(bytes), Quick::<Local>::new().serves_long(bytes)), (serves, false));
        assert_eq!(quick.take_long(bytes, 8, 3), None);
    }
    for (is_large, waiting) in [(false, FEW + 1), (true, PLACES + 1)] {
        last_wait(&mut quick, is_large, waiting);
    }
    // SAFETY: long blocks are not looked into.
    unsafe { quick.exchange_long(block_at(1), SHORTEST, false) };
    quick.forget();
    assert_eq!(quick.take_any_long(), None);
}

/// Of many that are freed, the last of so many wait.
fn last_wait(quick: &mut Quick<Local>, is_large: bool, waiting: usize) {
    let bytes = |number: usize| SHORTEST + number % 3 * GRANULE;
    for number in 1..200_usize {
        let displaced = number.checked_sub(waiting).filter(|&first| first > 0);
        // SAFETY: long blocks are not looked into.
        let gone = unsafe { quick.exchange_long(block_at(number), bytes(number), is_large) };
        assert_eq!(gone, displaced.map(|first| (block_at(first), bytes(first))));
    }
    let mut all: vec::Vec<_> = quick.long_blocks().collect();
    all.sort();
    assert_eq!(
        all,
        (200 - waiting..200).map(|number| (block_at(number), bytes(number))).collect::<vec::Vec<_>>()
    );
    // What comes takes the place of what goes.
    assert_eq!(
        quick.take_long(bytes(198), 8, 0).map(|block| block.addr().get() / GRANULE % 3),
        Some(198 % 3)
    );
    // SAFETY: as above.
    assert_eq!(unsafe { quick.exchange_long(block_at(300), SHORTEST, is_large) }, None);
    assert_eq!(core::iter::from_fn(|| quick.take_any_long()).count(), waiting);
    assert!(quick.long_blocks().next().is_none());
}

#[test]
fn what_was_freed_last_serves_the_next_request_of_its_size() {
    let mut quick = with_places();
    let sizes = [4 * SHORTEST, 5 * SHORTEST, 4 * SHORTEST];
    for (number, bytes) in (1..).zip(sizes) {
        // SAFETY: long blocks are not looked into.
        unsafe { quick.exchange_long(block_at(number), bytes, false) };
    }
    assert_eq!(quick.take_long(sizes[2], 8, 7), Some(block_at(3)));
}

#[test]
fn a_long_block_that_waits_serves_what_is_shorter_by_what_is_to_spare() {
    let (mut quick, size) = (with_places(), 160);
    for (spare, serves) in [(0, size..=size), (1, size - 1..=size), (17, 143..=size)] {
        for request in size / 2..2 * size {
            // SAFETY: long blocks are not looked into.
            unsafe { quick.exchange_long(block_at(7), size * GRANULE, false) };
            let taken = quick.take_long(request * GRANULE, 8, spare);
            assert_eq!(taken.is_some(), serves.contains(&request), "{request}, {spare}");
            assert_eq!(quick.take_any_long().is_some(), taken.is_none());
        }
    }
}

#[test]
fn a_long_block_that_waits_goes_to_whom_it_lies_well_for() {
    let mut quick = with_places();
    // At no multiple of as many granules, at one of 16, and at one of 32.
    for granule in [3, 5 * 16, 3 * 32] {
        // SAFETY: long blocks are not looked into.
        unsafe { quick.exchange_long(block_at(granule), SHORTEST, false) };
    }
    let mut take = |granules: usize| quick.take_long(SHORTEST, granules * GRANULE, 1);
    assert_eq!([64, 32, 32].map(&mut take), [None, Some(block_at(3 * 32)), None]);
    assert_eq!([16, 16, 1].map(&mut take), [Some(block_at(5 * 16)), None, Some(block_at(3))]);
    assert_eq!(quick.take_any_long(), None);
}

#[test]
fn all_are_coalesced_at_once_when_as_much_was_spent_on_single_ones() {
    let mut quick = Quick::<General>::new();
    for entries in [0, 1, ENTRIES_A_BLOCK, 100 * ENTRIES_A_BLOCK + 1] {
        assert!(!quick.is_time_to_sweep(entries), "none was yet");
        quick.count_coalesced((entries / ENTRIES_A_BLOCK).saturating_sub(1));
        assert!(!quick.is_time_to_sweep(entries));
        quick.count_coalesced(1);
        assert!(quick.is_time_to_sweep(entries));
        quick.forget();
    }
}

#[test]
fn it_is_time_to_look_once_many_more_wait_than_when_the_fewest_did() {
    let mut quick = Quick::<Local>::new();
    let free = |quick: &mut Quick<Local>, count, long| {
        for _ in 0..count {
            if quick.count_free(long) {
                quick.release_after(0);
            }
        }
    };
    // Whether it is time, after as many requests as it is seen after.
    let is_time = |quick: &mut Quick<Local>| {
        let is_seen = |_| quick.count_request();
        assert!((1..=UNTIL_SEEN).map(is_seen).eq((1..=UNTIL_SEEN).map(|number| number == UNTIL_SEEN)));
        assert!(quick.may_tidy());
        let is_time = quick.is_time_to_look(1000);
        assert!(!quick.may_tidy());
        is_time
    };
    for _ in 0..100 {
        free(&mut quick, UNTIL_SEEN, 1);
        assert!(!is_time(&mut quick), "as many come and go");
    }
    for _ in 0..100 {
        free(&mut quick, UNTIL_SEEN, 8);
        assert!(!is_time(&mut quick), "long ones do not wait in lists");
    }
    (0..100).for_each(|_| assert!(!is_time(&mut quick), "nothing comes"));
    free(&mut quick, UNTIL_SEEN + 999, 1);
    assert!(!is_time(&mut quick));
    free(&mut quick, UNTIL_SEEN + 1, 1);
    assert!(is_time(&mut quick));
    quick.look_again();
    free(&mut quick, UNTIL_SEEN + 999, 1);
    assert!(!is_time(&mut quick));
    free(&mut quick, UNTIL_SEEN + 1, 1);
    assert!(is_time(&mut quick));
    quick.forget();
    free(&mut quick, UNTIL_SEEN, 1);
    assert!(!is_time(&mut quick));
}

#[test]
fn what_is_spent_on_looks_has_been_earned_by_frees_and_growth() {
    let mut quick = Quick::<Local>::new();
    assert!(!quick.spend(0), "nothing was freed yet");
    quick.release_after(0);
    let earned = FREES.cast_unsigned() * EARNED_A_FREE;
    assert!(quick.spend(earned - 1) && !quick.spend(1) && !quick.spend(0));
    quick.release_after(10 * earned);
    assert!(quick.spend(20 * earned - 1) && !quick.spend(7));
    quick.earn_by_growth(100);
    assert!(quick.spend(100 * EARNED_AN_ENTRY - 1) && !quick.spend(1));
    (0..10).for_each(|_| quick.earn_by_growth(EARNED_AT_MOST));
    assert!(quick.spend(EARNED_AT_MOST - 1) && !quick.spend(1), "more would take too long at once");
}

#[test]
fn a_witness_is_forgotten_with_the_memory_that_it_lies_in() {
    let mut quick = Quick::<Local>::new();
    let mut memory = [[0_usize; 2]; 6];
    let [below, low, high, above] = [0, 2, 3, 4].map(|index| NonNull::from(&mut memory[index]).cast::<u8>());
    let block = NonNull::slice_from_raw_parts(low, 2 * GRANULE);
    for (witness, is_kept) in [(below, true), (low, false), (high, false), (above, true)] {
        quick.set_witness(Some(witness));
        assert!(quick.is_witness(witness) && !quick.is_witness(NonNull::dangling()));
        quick.forget_witness_in(block);
        assert_eq!(quick.is_witness(witness), is_kept);
    }
}
