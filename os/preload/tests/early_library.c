/* Made ready before the program, it has threads end before each fork, and frees what is large, as libraries with threads do. */
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_t thread;
static void *large;
static int gate[2];

static void *work(void *none)
{
    char byte;
    free(malloc(100));
    read(gate[0], &byte, 1);
    return none;
}

static void end_thread(void)
{
    write(gate[1], "", 1);
    pthread_join(thread, NULL);
    free(large);
}

static void start_thread(void)
{
    large = malloc(20000000);
    pthread_create(&thread, NULL, work, NULL);
}

__attribute__((constructor)) static void prepare(void)
{
    pthread_atfork(end_thread, start_thread, start_thread);
}

int forks(int count)
{
    pipe(gate);
    start_thread();
    for (int i = 0; i < count; i++) {
        pid_t child = fork();
        int status;
        if (child == 0)
            _exit(0);
        if (waitpid(child, &status, 0) != child || status != 0)
            return i;
    }
    return count;
}
