/* Many threads at once, each with blocks of its own, which another thread frees. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 300, BLOCKS = 20 };

static pthread_barrier_t all;
static char *blocks[THREADS][BLOCKS];

static void *run(void *place)
{
    char **mine = place;
    for (size_t i = 0; i < BLOCKS; i++) {
        mine[i] = malloc(100 * (i + 1));
        if (!mine[i])
            return NULL;
        memset(mine[i], (int)i, 100 * (i + 1));
    }
    pthread_barrier_wait(&all);
    return place;
}

int main(void)
{
    static pthread_t threads[THREADS];
    pthread_attr_t small;
    int bad = 0;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 64 << 10);
    pthread_barrier_init(&all, NULL, THREADS);
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], &small, run, blocks[i]) != 0)
            return 2;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++)
        for (size_t k = 0; k < BLOCKS; k++) {
            bad += blocks[i][k][0] != (char)k || blocks[i][k][100 * (k + 1) - 1] != (char)k;
            free(blocks[i][k]);
        }
    printf("%d bad\n", bad);
    return 0;
}
