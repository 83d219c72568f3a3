/* Forks, with a library that was made ready before. */
#include <stdio.h>

int forks(int count);

int main(void)
{
    printf("%d forks\n", forks(100));
    return 0;
}
