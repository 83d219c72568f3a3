//! A heap of more regions than it has near at hand.

use core::alloc::Layout;
use core::ptr::NonNull;

use memalloc_core::FreeError;
use memalloc_os::process;

/// Two of a region's blocks fill it.
const LARGE: usize = 3 << 19;
/// Regions side by side that a heap has near at hand, as often as they are to be there: 1.5 GiB, of which little is touched.
const COUNT: usize = 3 * 256;

fn allocate(size: usize) -> NonNull<u8> {
    process::allocate(Layout::from_size_align(size, 16).unwrap()).expect("there is memory")
}

/// Frees a block after and before frees that are to be refused.
fn free(block: NonNull<u8>) {
    // SAFETY: the block is not used any more; the others are no starts of blocks.
    unsafe {
        assert_eq!(process::deallocate(block.add(8)), Err(FreeError::NotAStart));
        assert_eq!(process::deallocate(block.add(16)), Err(FreeError::NotAStart));
        assert_eq!(process::deallocate(block), Ok(()));
        assert!(process::deallocate(block).is_err());
    }
}

#[test]
fn blocks_anywhere_are_freed_and_what_is_none_is_refused() {
    let mut large: Vec<_> = (0..COUNT).map(|_| allocate(LARGE)).collect();
    let region = |block: &NonNull<u8>| block.addr().get() >> 22;
    let mut regions: Vec<_> = large.iter().map(region).collect();
    regions.sort_unstable();
    regions.dedup();
    assert!(regions.len() > COUNT / 3, "{} regions", regions.len());
    // Small blocks in regions far apart.
    let mut small = Vec::new();
    for block in large.extract_if(.., |block| region(block).is_multiple_of(64)) {
        free(block);
        small.extend((0..2000).map(|_| allocate(1000)));
    }
    let step = small.len() / 2 + 1;
    for index in 0..small.len() {
        let at = index * step % small.len();
        // SAFETY: the block is in use, and used no more where it was.
        let resized = unsafe { process::resize(small[at], 990 + index % 700) };
        small[at] = resized.expect("it is a block").expect("there is memory");
    }
    small.extend(large);
    for index in (0..7).flat_map(|from| (from..small.len()).step_by(7)) {
        free(small[index]);
    }
    assert_eq!(process::check(), Ok(()));
}
