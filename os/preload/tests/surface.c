/* What malloc.h and C23 have beside malloc and its nearest kin. */
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                  \
    do {                                                                                  \
        if (!(condition)) {                                                               \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);       \
            exit(1);                                                                      \
        }                                                                                 \
    } while (0)

/* Weak: older C libraries to link with have not all of these. */
#pragma weak free_sized
#pragma weak free_aligned_sized
#pragma weak cfree
void free_sized(void *, size_t);
void free_aligned_sized(void *, size_t, size_t);
void cfree(void *);
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);
void *__libc_valloc(size_t);
void *__libc_pvalloc(size_t);
void __libc_free(void *);
struct mallinfo __libc_mallinfo(void);
int __libc_mallopt(int, int);

static void free_as_said(char *block, unsigned alignment, size_t size)
{
    if (alignment)
        free_aligned_sized(block, alignment, size);
    else
        free_sized(block, size);
}

/* Blocks of many sizes in a heap that is large, and has free chunks of many sizes: each is freed by the size that it was asked
 * for, and some are longer. */
static void in_pieces(void)
{
    enum { BLOCKS = 2000, ALIGNMENT = 64 };
    static char *blocks[BLOCKS];
    static size_t sizes[BLOCKS];
    static unsigned alignments[BLOCKS];
    unsigned longer = 0;
    for (unsigned step = 0; step < 20 * BLOCKS; step++) {
        unsigned i = step * 7919u % BLOCKS, way = step % 3;
        free_as_said(blocks[i], alignments[i], sizes[i]);
        sizes[i] = 1000 + step * 40503u % 12000;
        alignments[i] = way == 2 ? ALIGNMENT : 0;
        blocks[i] = way == 0 ? calloc(1, sizes[i]) : way == 1 ? malloc(sizes[i]) : aligned_alloc(ALIGNMENT, sizes[i]);
        CHECK(blocks[i] && malloc_usable_size(blocks[i]) - sizes[i] <= sizes[i] / 7);
        if (malloc_usable_size(blocks[i]) - sizes[i] >= 16)
            longer |= 1 << way;
        CHECK(way != 0 || (!blocks[i][0] && !memcmp(blocks[i], blocks[i] + 1, sizes[i] - 1)));
        CHECK(way != 2 || (uintptr_t)blocks[i] % ALIGNMENT == 0);
        memset(blocks[i], step | 1, sizes[i]);
    }
    CHECK(longer == 7);
    for (unsigned i = 0; i < BLOCKS; i++)
        free_as_said(blocks[i], alignments[i], sizes[i]);
}

static void sized_frees(void)
{
    static const size_t sizes[] = {0, 1, 100, 5000, 300000, 3000000, 40000000};
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        free_sized(malloc(sizes[i]), sizes[i]);
        free_aligned_sized(aligned_alloc(64, sizes[i]), 64, sizes[i]);
        cfree(malloc(sizes[i]));
    }
    for (size_t size = 1; size < 3000; size += 7) {
        void *block = realloc(malloc(size), size + size / 20);
        block = realloc(block, size + size / 30);
        free_sized(block, size + size / 30);
    }
    free_sized(NULL, 7);
    free_aligned_sized(NULL, 8, 7);
    cfree(NULL);
}

static void aliases(void)
{
    char *blocks[] = {__libc_malloc(100), __libc_calloc(10, 10), __libc_realloc(NULL, 100),
                      __libc_memalign(4096, 100), __libc_valloc(100), __libc_pvalloc(100)};
    for (unsigned i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        CHECK(blocks[i] && malloc_usable_size(blocks[i]) >= 100);
        if (i % 2)
            __libc_free(blocks[i]);
        else
            free(blocks[i]);
    }
}

static void statistics(void)
{
    struct mallinfo2 before = mallinfo2(), after;
    char *block = malloc(50000000), *small = malloc(160);
    after = mallinfo2();
    CHECK(after.uordblks == before.uordblks + 50000000 + 160);
    CHECK(after.arena >= before.arena + 50000000 && after.arena >= after.uordblks + after.fordblks);
    CHECK(after.arena + after.hblkhd < before.arena + before.hblkhd + 70000000);
    CHECK((size_t)mallinfo().uordblks == after.uordblks);
    free(block);
    free(small);
    CHECK(mallinfo2().uordblks == before.uordblks);
    CHECK(mallopt(M_MMAP_THRESHOLD, 1 << 20) == 0);
    CHECK(__libc_mallinfo().uordblks == mallinfo().uordblks);
    CHECK(__libc_mallopt(M_MMAP_THRESHOLD, 1 << 20) == 0);
}

static void trimming(void)
{
    static void *blocks[200000];
    for (unsigned i = 0; i < 200000; i++)
        CHECK((blocks[i] = malloc(200)));
    size_t full = mallinfo2().arena;
    for (unsigned i = 0; i < 200000; i++)
        free(blocks[i]);
    CHECK(malloc_trim(0) == 1);
    CHECK(full > 40000000 && mallinfo2().arena < full / 4);
    CHECK(malloc_trim(0) == 0);
}

static void reports(void)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    CHECK(malloc_info(1, stream) == EINVAL && malloc_info(0, stream) == 0);
    fclose(stream);
    CHECK(strncmp(text, "<malloc version=\"memalloc-1\">", 29) == 0 && strstr(text, "</malloc>\n"));
    free(text);
    malloc_stats();
}

int main(void)
{
    sized_frees();
    aliases();
    statistics();
    trimming();
    reports();
    in_pieces();
    puts("all there");
    return 0;
}
