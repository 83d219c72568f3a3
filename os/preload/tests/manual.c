/* What the manual says of malloc and its kin, edge by edge. */
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(condition)                                                                  \
    do {                                                                                  \
        if (!(condition)) {                                                               \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);       \
            exit(1);                                                                      \
        }                                                                                 \
    } while (0)

#define GIVES(expression, value, error) \
    do {                                \
        errno = 0;                      \
        CHECK((expression) == (value)); \
        CHECK(errno == (error));        \
    } while (0)

/* Kept from the compiler, which knows malloc and would answer for it. */
static volatile size_t none = 0, huge = (size_t)PTRDIFF_MAX + 1, most = SIZE_MAX, three = 3;

static int is_aligned(void *ptr, size_t alignment)
{
    return ptr && (uintptr_t)ptr % alignment == 0;
}

static void sizes(void)
{
    for (size_t size = 0; size < 3000; size++) {
        void *block = malloc(size);
        CHECK(is_aligned(block, 16) && malloc_usable_size(block) >= size);
        CHECK(malloc_usable_size(block) < size + 32);
        memset(block, 1, malloc_usable_size(block));
        free(block);
    }
    void *one = malloc(none), *other = malloc(none);
    CHECK(one && other && one != other);
    free(one);
    free(other);
    CHECK(malloc_usable_size(NULL) == 0);
    GIVES(malloc(huge), NULL, ENOMEM);
    GIVES(malloc(most), NULL, ENOMEM);
    GIVES(calloc(1, huge), NULL, ENOMEM);
    GIVES(calloc(most / 2, three), NULL, ENOMEM);
}

static void resizing(void)
{
    char *block = realloc(NULL, 10);
    strcpy(block, "kept");
    GIVES(realloc(block, huge), NULL, ENOMEM);
    GIVES(reallocarray(block, most / 2, three), NULL, ENOMEM);
    block = reallocarray(block, 1000, three);
    CHECK(block && strcmp(block, "kept") == 0 && malloc_usable_size(block) >= 3000);
    GIVES(realloc(block, none), NULL, 0);
}

static void alignments(void)
{
    void *block = &none;
    for (size_t alignment = 16; alignment <= 1 << 20; alignment *= 2) {
        CHECK(posix_memalign(&block, alignment, 100) == 0 && is_aligned(block, alignment));
        free(block);
        block = aligned_alloc(alignment, 3 * alignment);
        CHECK(is_aligned(block, alignment));
        free(block);
        block = memalign(alignment, 1);
        CHECK(is_aligned(block, alignment));
        free(block);
    }
    block = (void *)&none;
    GIVES(posix_memalign(&block, 4 * three, 100), EINVAL, 0);
    GIVES(posix_memalign(&block, sizeof(void *) / 2, 100), EINVAL, 0);
    GIVES(posix_memalign(&block, none, 100), EINVAL, 0);
    GIVES(posix_memalign(&block, 64, huge), ENOMEM, 0);
    CHECK(block == (void *)&none);
    CHECK(posix_memalign(&block, sizeof(void *), none) == 0 && is_aligned(block, 16));
    free(block);
    GIVES(aligned_alloc(16 * three, 96), NULL, EINVAL);
    GIVES(memalign(none, 96), NULL, EINVAL);
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    CHECK(is_aligned(block = valloc(1), page));
    free(block);
    CHECK(is_aligned(block = pvalloc(page + 1), page) && malloc_usable_size(block) >= 2 * page);
    free(block);
    GIVES(pvalloc(most), NULL, ENOMEM);
}

static void free_keeps_errno(void)
{
    /* The second of two large blocks goes back to the system. */
    void *blocks[3] = {malloc(30000000), malloc(50000000), malloc(10)};
    errno = 77;
    for (int i = 0; i < 3; i++)
        free(blocks[i]);
    free(NULL);
    CHECK(errno == 77);
}

static atomic_int done;

static void *keep_busy(void *unused)
{
    while (!done)
        free(malloc(333));
    return unused;
}

static void forks(void)
{
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        CHECK(pthread_create(&threads[i], NULL, keep_busy, NULL) == 0);
    for (int i = 0; i < 50; i++) {
        int status = -1;
        pid_t child = fork();
        if (child == 0) {
            alarm(60);
            for (size_t size = 0; size < 100; size++)
                free(calloc(size, size));
            _exit(0);
        }
        CHECK(waitpid(child, &status, 0) == child && status == 0);
    }
    done = 1;
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
}

int main(void)
{
    sizes();
    resizing();
    alignments();
    free_keeps_errno();
    forks();
    /* 104 by the C library's own malloc: its blocks end 8 bytes short of a multiple of 16. */
    printf("%zu\n", malloc_usable_size(malloc(100)));
    return 0;
}
