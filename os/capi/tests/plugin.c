/* The library is opened while threads run, used by them, closed, and the threads end after that. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { THREADS = 8 };

static void *(*allocate)(unsigned long);
static int (*release)(void *);
static pthread_barrier_t ready, used, closed;
static void *blocks[THREADS];

static void *run(void *number)
{
    int mine = *(int *)number;
    pthread_barrier_wait(&ready);
    blocks[mine] = allocate(1000);
    if (!blocks[mine])
        return NULL;
    memset(blocks[mine], mine, 1000);
    pthread_barrier_wait(&used);
    int freed = release(blocks[(mine + 1) % THREADS]);
    pthread_barrier_wait(&closed);
    return freed == 0 ? number : NULL;
}

int main(int count, char **arguments)
{
    pthread_t threads[THREADS];
    int numbers[THREADS], good = 0;
    pthread_barrier_init(&ready, NULL, THREADS + 1);
    pthread_barrier_init(&used, NULL, THREADS);
    pthread_barrier_init(&closed, NULL, THREADS + 1);
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        pthread_create(&threads[i], NULL, run, &numbers[i]);
    }
    void *library = dlopen(arguments[count - 1], RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        puts(dlerror());
        return 1;
    }
    *(void **)&allocate = dlsym(library, "memalloc");
    *(void **)&release = dlsym(library, "memfree");
    pthread_barrier_wait(&ready);
    pthread_barrier_wait(&closed);
    dlclose(library);
    for (int i = 0; i < THREADS; i++) {
        void *result = NULL;
        pthread_join(threads[i], &result);
        good += result != NULL;
    }
    printf("%d threads\n", good);
    return 0;
}
