//! What was fresh, and what of a block is then to be zeroed.

use std::vec;

use super::*;

/// A block of `size` bytes in a chunk of 20 granules, covered up to granule `covered`: dirty as heaps leave it.
fn cleared(covered: usize, at: usize, size: usize) -> vec::Vec<u8> {
    let mut memory = vec![0_u128; 20 * GRANULE / 16];
    let base = NonNull::new(memory.as_mut_ptr().cast::<u8>()).unwrap();
    let mut fresh = Fresh::whole(base, 20 * GRANULE);
    // SAFETY: all lies in the vector.
    unsafe {
        fresh.cover(base.add(covered * GRANULE));
        base.write_bytes(0xa5, covered * GRANULE + HEAD - GRANULE / 2);
        base.add(20 * GRANULE - FOOTER / 2).write_bytes(0xa5, FOOTER / 2);
        let block = base.add(at * GRANULE);
        let mut now = fresh;
        now.cover(block.add(size.next_multiple_of(GRANULE)));
        fresh.clear(now, block, size);
        core::slice::from_raw_parts(base.as_ptr(), 20 * GRANULE).to_vec()
    }
}

#[test]
fn a_block_is_zero_wherever_it_lies_and_what_lies_beyond_is_left_alone() {
    for covered in 0..18 {
        for at in 0..=covered {
            for size in 0..=(20 - at) * GRANULE {
                let memory = cleared(covered, at, size);
                let (block, above) = memory[at * GRANULE..].split_at(size);
                assert!(block.iter().all(|&byte| byte == 0), "{covered} {at} {size}");
                let dirty = covered * GRANULE + HEAD - GRANULE / 2;
                let end = at * GRANULE + size;
                assert!(end >= dirty || above[..dirty - end].iter().all(|&byte| byte == 0xa5));
                assert!(memory[..at * GRANULE].iter().all(|&byte| byte == 0xa5));
            }
        }
    }
}

#[test]
fn what_is_fresh_shrinks_to_above_the_highest_block() {
    let memory = [0_u8; 64];
    let at = |offset| NonNull::from(&memory[offset]);
    let mut fresh = Fresh::whole(at(16), 32);
    for (end, from) in [(16, 16), (32, 32), (24, 32), (63, 32), (8, 32), (48, 48), (40, 48)] {
        fresh.cover(at(end));
        assert_eq!(fresh.from, at(from).addr().get());
    }
    let mut none = Fresh::NONE;
    none.cover(at(1));
    assert_eq!(none, Fresh::NONE);
}

#[test]
fn in_a_new_span_what_the_first_block_covers_was_fresh() {
    let memory = [0_u8; 64];
    let at = |offset| NonNull::from(&memory[offset]);
    let mut now = Fresh::whole(at(0), 64);
    now.cover(at(32));
    let [start, end] = [0, 32].map(|offset| at(offset).addr().get());
    assert_eq!(Fresh::NONE.before(now, start, end), Fresh::whole(at(0), 64));
    assert_eq!(Fresh::NONE.before(now, start, end - 16), Fresh::NONE);
    assert_eq!(now.before(now, start, end), now);
}
