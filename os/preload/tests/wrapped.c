/* A program with functions that count calls, and make those of the C library. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *block);

static int calls;

void *malloc(size_t size)
{
    calls++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    calls++;
    return __libc_calloc(count, size);
}

void *realloc(void *block, size_t size)
{
    calls++;
    return __libc_realloc(block, size);
}

void *memalign(size_t alignment, size_t size)
{
    calls++;
    return __libc_memalign(alignment, size);
}

void free(void *block)
{
    calls++;
    __libc_free(block);
}

int main(void)
{
    char *volatile block = malloc(10);
    strcpy(block, "it stays");
    block = realloc(block, 10 << 20);
    block = realloc(block, 20);
    int stays = strcmp(block, "it stays") == 0;
    free(block);
    free(calloc(3, 4));
    free(memalign(64, 5));
    block = realloc(NULL, 30);
    block = realloc(block, 0);
    free(block);
    int made = calls;
    printf("%s %d\n", stays ? "stays" : "is lost", made);
    return 0;
}
