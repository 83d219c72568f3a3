/* Each promise of memalloc.h, one function each. */
#include <errno.h>
#include <limits.h>
#include <memalloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIB (1024UL * 1024UL)

#define CHECK(condition)                                                                  \
    do {                                                                                  \
        if (!(condition)) {                                                               \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);       \
            exit(1);                                                                      \
        }                                                                                 \
    } while (0)

/* The expression gives `value` and sets errno to `error`. */
#define GIVES(expression, value, error) \
    do {                                \
        errno = 0;                      \
        CHECK((expression) == (value)); \
        CHECK(errno == (error));        \
    } while (0)

static struct memalloc_stats stats_now(void)
{
    struct memalloc_stats stats;
    CHECK(memstats(&stats) == 0);
    CHECK(stats.held == stats.used + stats.free + stats.overhead);
    return stats;
}

static int is_aligned(const void *ptr, uintptr_t alignment)
{
    return (uintptr_t)ptr % alignment == 0;
}

static void a_block_can_be_used_and_freed_once(void)
{
    static const unsigned long sizes[] = {1, 15, 16, 17, 100, 4096, 100000, 5000000, 50000000};
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned long before = stats_now().blocks;
        char *block = memalloc(sizes[i]);
        CHECK(block && is_aligned(block, 2 * sizeof(void *)));
        memset(block, 0x5a, sizes[i]);
        CHECK(memusable(block) >= sizes[i] && memusable(block) < sizes[i] + 2 * sizeof(void *));
        CHECK(stats_now().blocks == before + 1);
        GIVES(memfree(block), 0, 0);
        GIVES(memfree(block), -1, EINVAL);
        CHECK(stats_now().blocks == before);
    }
}

static void no_other_pointer_is_freed(void)
{
    static char global[64];
    char local[64];
    char *ours = memalloc(100000);
    char *theirs = malloc(100);
    void *bad[] = {NULL, ours + 1, ours + 16, ours + 50000, ours + 99999, theirs, local, global,
                   (void *)&no_other_pointer_is_freed, (void *)1, (void *)16, (void *)UINTPTR_MAX,
                   (void *)((uintptr_t)ours & ~(4 * MIB - 1)), (void *)(UINTPTR_MAX / 2)};
    struct memalloc_stats before = stats_now(), after;
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        GIVES(memfree(bad[i]), -1, EINVAL);
        GIVES(memusable(bad[i]), 0, EINVAL);
        if (bad[i]) {
            GIVES(memrealloc(bad[i], 10), NULL, EINVAL);
            GIVES(memrealloc(bad[i], 0), NULL, EINVAL);
        }
    }
    after = stats_now();
    CHECK(memcmp(&before, &after, sizeof before) == 0);
    CHECK(memcheck() == 0);
    GIVES(memfree(ours), 0, 0);
    free(theirs);
}

static void nothing_is_given_for_nothing(void)
{
    GIVES(memalloc(0), NULL, 0);
    GIVES(memcalloc(0, 5), NULL, 0);
    GIVES(memcalloc(5, 0), NULL, 0);
    GIVES(memcalloc(0, ULONG_MAX), NULL, 0);
    GIVES(memaligned(64, 0), NULL, 0);
    GIVES(memrealloc(NULL, 0), NULL, 0);
}

static void what_cannot_be_had_is_enomem(void)
{
    static const unsigned long sizes[] = {ULONG_MAX, ULONG_MAX - 15, ULONG_MAX - 4096, ULONG_MAX / 2 + 1,
                                          ULONG_MAX / 2, ULONG_MAX / 4};
    char *block = memalloc(10);
    struct memalloc_stats before, after;
    strcpy(block, "stays");
    /* Before it is refused, what earlier blocks have left goes back to the system. */
    GIVES(memalloc(ULONG_MAX / 4), NULL, ENOMEM);
    before = stats_now();
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        GIVES(memalloc(sizes[i]), NULL, ENOMEM);
        GIVES(memcalloc(1, sizes[i]), NULL, ENOMEM);
        GIVES(memaligned(4096, sizes[i]), NULL, ENOMEM);
        GIVES(memrealloc(NULL, sizes[i]), NULL, ENOMEM);
        GIVES(memrealloc(block, sizes[i]), NULL, ENOMEM);
    }
    GIVES(memcalloc(ULONG_MAX / 2, 3), NULL, ENOMEM);
    GIVES(memcalloc(1UL << (sizeof(long) * 4), 1UL << (sizeof(long) * 4)), NULL, ENOMEM);
    GIVES(memaligned(ULONG_MAX / 2 + 1, 1), NULL, ENOMEM);
    CHECK(strcmp(block, "stays") == 0);
    after = stats_now();
    CHECK(memcmp(&before, &after, sizeof before) == 0);
    CHECK(memfree(block) == 0);
}

static void a_resized_block_keeps_its_bytes(void)
{
    unsigned char *block = memrealloc(NULL, 1000), *wall;
    CHECK(block);
    for (unsigned i = 0; i < 1000; i++)
        block[i] = (unsigned char)i;
    wall = memalloc(1);
    block = memrealloc(block, 6000000);
    CHECK(block);
    block = memrealloc(block, 500);
    CHECK(block && memusable(block) < 520);
    for (unsigned i = 0; i < 500; i++)
        CHECK(block[i] == (unsigned char)i);
    GIVES(memrealloc(block, 0), NULL, 0);
    GIVES(memfree(block), -1, EINVAL);
    CHECK(memfree(wall) == 0);
}

static void cleared_memory_is_zero_fresh_or_used(void)
{
    static const unsigned long sizes[] = {1, 40, 5000, 300000, 6000000};
    for (unsigned i = 0; i < 3 * sizeof sizes / sizeof *sizes; i++) {
        unsigned long size = sizes[i / 3];
        char *block = memcalloc(size, 2);
        CHECK(block && block[0] == 0 && memcmp(block, block + 1, 2 * size - 1) == 0);
        memset(block, 0xff, 2 * size);
        CHECK(memfree(block) == 0);
    }
}

static void alignment_is_any_power_of_two(void)
{
    for (unsigned long alignment = 1; alignment <= 16 * MIB; alignment *= 2) {
        void *block = memaligned(alignment, 100);
        CHECK(block && is_aligned(block, alignment) && is_aligned(block, 2 * sizeof(void *)));
        CHECK(memfree(block) == 0);
    }
    GIVES(memaligned(0, 1), NULL, EINVAL);
    GIVES(memaligned(3, 1), NULL, EINVAL);
    GIVES(memaligned(48, 0), NULL, EINVAL);
    GIVES(memaligned(ULONG_MAX, 1), NULL, EINVAL);
}

static void memory_is_held_in_multiples_of_4_mib(void)
{
    struct memalloc_stats before = stats_now();
    char *small = memalloc(100), *large = memalloc(5000000), *larger = memalloc(40 * MIB);
    struct memalloc_stats after = stats_now();
    CHECK(after.held % (4 * MIB) == 0);
    CHECK(after.held - before.held <= (8 + 44) * MIB);
    CHECK(memfree(small) == 0 && memfree(large) == 0 && memfree(larger) == 0);
    CHECK(stats_now().held <= 16 * MIB);
    GIVES(memstats(NULL), -1, EINVAL);
}

struct seen {
    const void *wanted, *last;
    unsigned chunks, found;
};

static int look(const struct memchunk *chunk, void *context)
{
    struct seen *seen = context;
    void *block = memalloc(24);
    CHECK(block && memfree(block) == 0);
    CHECK(chunk->size > 0 && (seen->chunks == 0 || seen->last < chunk->address));
    seen->last = chunk->address;
    seen->chunks++;
    if (chunk->in_use && chunk->address == seen->wanted)
        seen->found++;
    return 0;
}

static int count_to_three(const struct memchunk *chunk, void *context)
{
    (void)chunk;
    return ++*(int *)context == 3 ? 33 : 0;
}

static int free_it(const struct memchunk *chunk, void *context)
{
    (void)context;
    return chunk->in_use ? memfree(chunk->address) : 0;
}

static void a_walk_shows_every_chunk_and_may_allocate(void)
{
    void *blocks[10];
    struct seen seen = {0};
    int count = 0;
    for (int i = 0; i < 10; i++)
        CHECK((blocks[i] = memalloc(1000)));
    CHECK(memfree(blocks[4]) == 0);
    seen.wanted = blocks[7];
    GIVES(memwalk(look, &seen), 0, 0);
    CHECK(seen.found == 1 && seen.chunks >= 10);
    CHECK(memwalk(count_to_three, &count) == 33 && count == 3);
    GIVES(memwalk(NULL, NULL), -1, EINVAL);
    CHECK(memwalk(free_it, NULL) == 0);
    CHECK(stats_now().blocks == 0 && stats_now().used == 0);
    GIVES(memfree(blocks[7]), -1, EINVAL);
}

/* Last: the heap is spoilt after it. */
static void a_write_after_free_is_found(void)
{
    char *block = memalloc(1000), *wall = memalloc(16);
    CHECK(memfree(block) == 0 && wall);
    GIVES(memcheck(), 0, 0);
    memset(block, 0, 1000);
    GIVES(memcheck(), -1, EUCLEAN);
}

int main(void)
{
    CHECK(stats_now().held == 0);
    GIVES(memfree(NULL), -1, EINVAL);
    GIVES(memwalk(look, NULL), 0, 0);
    a_block_can_be_used_and_freed_once();
    no_other_pointer_is_freed();
    nothing_is_given_for_nothing();
    what_cannot_be_had_is_enomem();
    a_resized_block_keeps_its_bytes();
    cleared_memory_is_zero_fresh_or_used();
    alignment_is_any_power_of_two();
    memory_is_held_in_multiples_of_4_mib();
    a_walk_shows_every_chunk_and_may_allocate();
    a_write_after_free_is_found();
    puts("all as promised");
    return 0;
}
