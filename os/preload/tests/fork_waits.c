/* A fork that waits for the C library's list of files, which a thread has that waits for a file: others allocate meanwhile. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void *flush(void *nothing)
{
    fflush(NULL);
    return nothing;
}

static int allocates(void)
{
    void *small = malloc(100), *huge = malloc(8000000);
    int does = small && huge;
    free(huge);
    free(small);
    return does;
}

static void *fork_one(void *status)
{
    pid_t child = fork();
    if (child == 0)
        _exit(!allocates());
    waitpid(child, status, 0);
    return status;
}

static void *allocate(void *nothing)
{
    return allocates() ? NULL : nothing;
}

int main(void)
{
    pthread_t flusher, forker, allocator;
    int status = -1, nothing;
    void *refused = NULL;
    FILE *file = fopen("/dev/null", "w");
    alarm(60);
    flockfile(file);
    pthread_create(&flusher, NULL, flush, NULL);
    usleep(200000);
    pthread_create(&forker, NULL, fork_one, &status);
    usleep(200000);
    /* A thread's first block, and huge ones: what all threads have together is not held. */
    pthread_create(&allocator, NULL, allocate, &nothing);
    pthread_join(allocator, &refused);
    if (refused || !allocates() || status != -1)
        return 1;
    funlockfile(file);
    pthread_join(forker, NULL);
    pthread_join(flusher, NULL);
    return status != 0;
}
