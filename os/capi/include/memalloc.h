/*
 * memalloc: an allocator that answers every bad free.
 *
 * Each function may be called by any thread at any time, and in the child of a fork. None of them touches the
 * program's malloc, but that the C library may, where it first notes that a thread has a heap. Each thread has a heap of its own; any thread may free any block. Blocks are aligned to 16 bytes (8
 * on 32-bit machines) and lie in mappings whose sizes are multiples of 4 MiB. A mapping that is entirely free goes back
 * to the system, but for one that each heap keeps as a reserve, and up to 32 MiB for a second or two; small blocks that were freed are only then looked at
 * together, when memory is needed.
 *
 * A *live block* is one that memalloc, memcalloc, memaligned or memrealloc returned, and that has not been freed since.
 * A pointer that is not the start of a live block -- freed already, interior, foreign, on the stack, null -- is an error
 * and changes nothing, wherever one is passed. That is exact, with one limit: an address that was freed and then handed
 * out anew is a live block again.
 *
 * errno is left alone where nothing is said of it. C99, C++98.
 */
#ifndef MEMALLOC_H
#define MEMALLOC_H

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A block of at least `size` bytes, not initialised. NULL for size 0; NULL and errno ENOMEM when memory cannot be had.
 */
void *memalloc(unsigned long size);

/*
 * Frees a block. 0; or -1 and errno EINVAL, and nothing changed, for any pointer that is not the start of a live block,
 * NULL included.
 */
int memfree(void *ptr);

/*
 * Makes a block `size` bytes long, in place or by moving it, and returns where it is now. Of its bytes, as many stay as
 * both sizes have; of its alignment, 16 bytes. One that grows, or shrinks, by less than an eighth may be left up to an
 * eighth longer than that, so that it need not move again when it next grows.
 *
 *   memrealloc(NULL, size)   is memalloc(size)
 *   memrealloc(ptr, 0)       frees the block and returns NULL, errno left alone
 *   no memory to be had      NULL and errno ENOMEM; the block is as it was
 *   not a live block         NULL and errno EINVAL; nothing changed, whatever the size
 */
void *memrealloc(void *ptr, unsigned long size);

/*
 * A block of at least `count` times `size` bytes, all zero. NULL if either is 0; NULL and errno ENOMEM when memory
 * cannot be had, or the product is larger than any number.
 */
void *memcalloc(unsigned long count, unsigned long size);

/*
 * A block of at least `size` bytes at a multiple of `alignment`. NULL and errno EINVAL if the alignment is not a power
 * of two; else NULL for size 0; NULL and errno ENOMEM when memory cannot be had.
 */
void *memaligned(unsigned long alignment, unsigned long size);

/*
 * The bytes of a block that may be used: the size asked for, rounded up to 16 (8), or up to a seventh more. 0 and errno
 * EINVAL for any pointer that is not the start of a live block, NULL included.
 */
unsigned long memusable(const void *ptr);

/* What the allocator holds, in bytes unless it says otherwise. held = used + free + overhead. */
struct memalloc_stats {
    unsigned long held;     /* from the system */
    unsigned long used;     /* in live blocks, their sizes rounded up */
    unsigned long free;     /* to be handed out */
    unsigned long overhead; /* what the allocator keeps for itself */
    unsigned long blocks;   /* live blocks: their number */
    unsigned long regions;  /* mappings: their number */
};

/*
 * Fills in `stats`, in time in proportion to the number of heaps. Of heaps that other threads have at the moment it is
 * what they held a short while ago, where blocks count as live that were freed and are kept for a request of the same
 * size. 0; or -1 and errno EINVAL if `stats` is NULL.
 */
int memstats(struct memalloc_stats *stats);

/* A piece of memory in a mapping: a live block, or a piece to be handed out. */
struct memchunk {
    void *address;
    unsigned long size;
    int in_use;
};

/*
 * Calls `visit` with each chunk, but for those in heaps that other threads have at the moment, in the order of their
 * addresses, and with `context`, until a call returns another value than 0; returns that value, or 0 when all calls did.
 * -1 with no call made: errno EINVAL if `visit` is NULL, ENOMEM if there is no memory for the list.
 *
 * The chunks are those of one moment, before the first call: a list in memory of its own. So `visit` may call anything
 * of memalloc's, memwalk included; what it frees and allocates does not show. It must return: no exception and no
 * longjmp may leave it.
 */
int memwalk(int (*visit)(const struct memchunk *chunk, void *context), void *context);

/*
 * Checks all heaps, but for those that other threads have at the moment; takes time in proportion
 * to the number of chunks. 0; or -1 and errno EUCLEAN if something has written where it should not: to a block that was freed, or
 * beyond the end of one. Then the program is best ended.
 */
int memcheck(void);

#ifdef __cplusplus
}
#endif

#endif
