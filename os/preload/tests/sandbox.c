/* A few threads that allocate for the first time in a sandbox that ends the process if it asks for its limits. */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define IS(number, what) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1), BPF_STMT(BPF_RET | BPF_K, what)

static int enter_sandbox(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        IS(SYS_prlimit64, SECCOMP_RET_KILL_PROCESS),
#ifdef SYS_getrlimit
        IS(SYS_getrlimit, SECCOMP_RET_KILL_PROCESS),
#endif
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { sizeof filter / sizeof *filter, filter };
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static void *run(void *nothing)
{
    char *block = malloc(5000);
    memset(block, 1, 5000);
    return block;
}

int main(void)
{
    enum { THREADS = 6 };
    pthread_t threads[THREADS];
    void *block;
    if (!enter_sandbox()) {
        puts("no sandbox");
        return 0;
    }
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, run, NULL) != 0)
            return 1;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], &block);
        free(block);
    }
    free(malloc(20 << 20));
    puts("done");
    return 0;
}
