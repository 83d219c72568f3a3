/* Threads that pass blocks to one another, and children forked among them. */
#include <memalloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 4, ROUNDS = 20000, PLACES = 64, FORKS = 50 };

static _Atomic(unsigned char *) places[PLACES];
static atomic_int bad;
static atomic_int done;

/* A block's first byte is repeated in its last, and its size stands in the bytes between. */
static unsigned char *make(unsigned long size, unsigned char mark)
{
    unsigned char *block = memalloc(size);
    if (!block)
        exit(2);
    block[0] = mark;
    memcpy(block + 1, &size, sizeof size);
    block[size - 1] = mark;
    return block;
}

static void take_apart(unsigned char *block)
{
    unsigned long size;
    memcpy(&size, block + 1, sizeof size);
    if (block[0] != block[size - 1] || memusable(block) < size || memfree(block) != 0)
        bad++;
}

static void *pass_blocks(void *seed)
{
    unsigned state = *(unsigned *)seed;
    for (int round = 0; round < ROUNDS || !done; round++) {
        state = state * 1103515245 + 12345;
        unsigned long size = 16 + (state >> 8) % 3000;
        unsigned char *old = atomic_exchange(&places[(state >> 4) % PLACES], make(size, (unsigned char)round));
        if (old)
            take_apart(old);
    }
    return NULL;
}

static int child_can_allocate(void)
{
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        alarm(60);
        for (int i = 0; i < 100; i++)
            take_apart(make(5000 + i, 1));
        for (int i = 0; i < PLACES; i++)
            if (places[i])
                take_apart(places[i]);
        _exit(bad != 0 || memcheck() != 0);
    }
    return waitpid(child, &status, 0) == child && status == 0;
}

int main(void)
{
    pthread_t threads[THREADS];
    unsigned seeds[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        seeds[i] = i + 1;
        pthread_create(&threads[i], NULL, pass_blocks, &seeds[i]);
    }
    for (int i = 0; i < FORKS; i++)
        if (!child_can_allocate())
            bad++;
    done = 1;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < PLACES; i++)
        if (places[i])
            take_apart(places[i]);
    struct memalloc_stats stats;
    memstats(&stats);
    printf("%d bad, %lu blocks left, check %d\n", bad, stats.blocks, memcheck());
    return 0;
}
