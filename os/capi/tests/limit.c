/* Run under a limit on address space: takes all there is, gives it back, and takes as much again. */
#include <errno.h>
#include <memalloc.h>
#include <stdio.h>

static void *blocks[1000];

static unsigned take_all(void)
{
    unsigned count = 0;
    errno = 0;
    while (count < 1000 && (blocks[count] = memalloc(1000000)))
        count++;
    return errno == ENOMEM ? count : 0;
}

static int give_all(unsigned count)
{
    while (count > 0)
        if (memfree(blocks[--count]) != 0)
            return 0;
    return 1;
}

int main(void)
{
    unsigned first = take_all();
    /* Small blocks still fit into what is left over. */
    void *small = memalloc(64);
    if (memcheck() != 0 || !small || memfree(small) != 0 || !give_all(first))
        return 1;
    unsigned second = take_all();
    printf("%u\n", first);
    return second != first || !give_all(second) || memcheck() != 0;
}
