/* A thread's blocks that the destructor of a key frees: what is left of them, in memory. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "status.h"

enum { BLOCKS = 6000, SIZE = 20000 };

static pthread_key_t key;

static void free_all(void *list)
{
    while (list) {
        void *next = *(void **)list;
        free(list);
        list = next;
    }
}

static void *run(void *list)
{
    for (int i = 0; i < BLOCKS; i++) {
        void *block = malloc(SIZE);
        memset(block, 1, SIZE);
        *(void **)block = list;
        list = block;
    }
    pthread_setspecific(key, list);
    return NULL;
}

int main(void)
{
    pthread_t thread;
    pthread_key_create(&key, free_all);
    if (pthread_create(&thread, NULL, run, NULL) != 0)
        return 1;
    pthread_join(thread, NULL);
    printf("%s\n", kilobytes("VmRSS") < BLOCKS * (SIZE / 1000) / 2 ? "little" : "much");
    return 0;
}
