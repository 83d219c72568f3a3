//! The lists by themselves.

use std::vec;

use super::due::*;
use super::policy::FROM;
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
                assert_eq!(quick.count(bytes), depth);
                for &block in blocks[..depth].iter().rev() {
                    assert_eq!(quick.pop(bytes), Some(block));
                }
                assert_eq!((quick.pop(bytes), quick.count(bytes)), (None, 0));
            }
        }
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

#[test]
fn of_a_long_size_the_last_block_waits_until_another_size_takes_its_place() {
    let mut memory = vec![0_usize; Policy::PER_THREAD.bytes() / size_of::<usize>()];
    let mut quick = Quick::<Local>::new();
    let (shortest, longest) = ((WORD_GRANULES + 1) * GRANULE, 2048 * GRANULE);
    let mut blocks = [[0_usize; 2]; 3];
    let [a, b, c] = blocks.each_mut().map(|block| NonNull::from(block).cast::<u8>());
    assert!(!quick.serves_long(shortest) && quick.take_any_long().is_none());
    // SAFETY: the vector has the lists' bytes; long blocks are not looked into.
    unsafe {
        quick.initialize(NonNull::new(memory.as_mut_ptr().cast()).unwrap(), Policy::PER_THREAD);
        for (bytes, serves) in
            [(shortest - GRANULE, false), (shortest, true), (longest, true), (longest + GRANULE, false)]
        {
            assert_eq!(quick.serves_long(bytes), serves);
            assert_eq!(quick.take_long(bytes, 8), None);
        }
        assert_eq!(quick.exchange_long(a, shortest), None);
        assert_eq!(quick.exchange_long(b, shortest), Some((a, shortest)));
        assert_eq!(quick.long_blocks().collect::<vec::Vec<_>>(), [(b, shortest)]);
        let displaced = (shortest + GRANULE..=longest)
            .step_by(GRANULE)
            .find(|&bytes| quick.exchange_long(c, bytes) == Some((b, shortest)));
        assert!(displaced.is_some_and(|bytes| bytes < shortest + 64 * GRANULE));
        assert_eq!(quick.take_long(shortest, 8), None);
        assert!(quick.are_long_blocks_in_place());
        let mut left = 0;
        while quick.take_any_long().is_some() {
            left += 1;
        }
        assert!((2..=16).contains(&left) && quick.long_blocks().next().is_none());
    }
}

#[test]
fn a_long_block_that_waits_goes_to_whom_it_lies_well_for() {
    let mut memory = vec![0_usize; Policy::PER_THREAD.bytes() / size_of::<usize>()];
    let mut quick = Quick::<Local>::new();
    let bytes = (WORD_GRANULES + 1) * GRANULE;
    let block = NonNull::without_provenance(core::num::NonZero::new(3 * 256).unwrap());
    // SAFETY: the vector has the lists' bytes; long blocks are not looked into.
    unsafe {
        quick.initialize(NonNull::new(memory.as_mut_ptr().cast()).unwrap(), Policy::PER_THREAD);
        for (align, lies_well) in [(1, true), (GRANULE, true), (256, true), (512, false), (4096, false)] {
            assert_eq!(quick.exchange_long(block, bytes), None);
            assert_eq!(quick.take_long(bytes, align).is_some(), lies_well);
            assert_eq!(quick.take_any_long().is_some(), !lies_well);
        }
    }
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
