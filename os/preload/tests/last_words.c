/* Threads whose destructors of keys allocate, and set their keys anew as often as they may, some of which have allocated nothing
   before, or not when those are called for the first time: what they leave, in address space. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "status.h"

enum { THREADS = 400 };

static pthread_key_t key;

static void again(void *block)
{
    char *other = malloc(100);
    free(block);
    memset(other, 1, 100);
    pthread_setspecific(key, other);
}

static pthread_key_t first_key;
/* Whether the destructor of this key is called once more before it allocates. */
static char later, last;

static void first(void *calls)
{
    if (calls == &later)
        pthread_setspecific(first_key, &last);
    else
        free(malloc(100));
}

static void *run(void *calls)
{
    if (calls)
        pthread_setspecific(first_key, calls);
    else
        pthread_setspecific(key, malloc(100));
    return NULL;
}

int main(void)
{
    pthread_key_create(&key, again);
    pthread_key_create(&first_key, first);
    void *calls[] = { NULL, &last, &later };
    long before = 0;
    for (int i = 0; i < THREADS; i++) {
        pthread_t thread;
        if (i == 10)
            before = kilobytes("VmSize");
        if (pthread_create(&thread, NULL, run, calls[i % 3]) != 0)
            return 1;
        pthread_join(thread, NULL);
    }
    printf("%s\n", kilobytes("VmSize") - before < THREADS * 100 ? "little" : "much");
    return 0;
}
