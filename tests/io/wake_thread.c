/* Wakes from several threads while the loop sleeps and works: none that matters is lost. Each
 * thread raises its number, then wakes; the loop must come to see every final number. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "io/loop.h"

#define THREADS 4
#define RAISES  20000

static struct loop loop;
static _Atomic uint32_t numbers[THREADS];
static uint64_t wakes;

static void on_wake(void *arg)
{
    uint32_t sum = 0;

    (void)arg;
    wakes++;
    for (int i = 0; i < THREADS; i++)
        sum += atomic_load(&numbers[i]);
    if (sum == THREADS * RAISES)
        loop_stop(&loop);
}

static void *raiser(void *arg)
{
    _Atomic uint32_t *number = arg;

    for (int i = 0; i < RAISES; i++) {
        atomic_fetch_add(number, 1);
        loop_wake(&loop);
    }
    return NULL;
}

static void too_late(struct timer *t)
{
    (void)t;
    fprintf(stderr, "wakes were lost: the last numbers were never seen\n");
    exit(1);
}

int main(void)
{
    pthread_t threads[THREADS];
    struct timer limit;

    if (loop_init(&loop, NULL))
        return 1;
    timer_init(&limit);
    loop_timer(&loop, &limit, 60000, too_late);
    loop_set_wake(&loop, on_wake, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, raiser, (void *)&numbers[i]);
    loop_run(&loop);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    loop_timer_stop(&loop, &limit);
    loop_fini(&loop);
    if (wakes == 0 || wakes > (uint64_t)THREADS * RAISES) {
        fprintf(stderr, "%llu wakes for %u raises\n", (unsigned long long)wakes, THREADS * RAISES);
        return 1;
    }
    return 0;
}
