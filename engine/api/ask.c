#include "api/ask.h"

#include <stdatomic.h>
#include <stdio.h>

#define TURN_US 5000

static uint64_t until_of(const struct ask *a)
{
    return clock_ms(a->loop->clock) + (a->wait_ms ? a->wait_ms : ASK_WAIT_MS);
}

static bool is_over(const struct ask *a, uint64_t until)
{
    uint64_t now = clock_ms(a->loop->clock);
    uint64_t early = a->until_ms ? atomic_load(a->until_ms) : 0;

    return now > until || (early && now > early);
}

static void note_error(struct ask *a)
{
    snprintf(a->error, sizeof(a->error), "%.255s", a->queue ? queue_error(a->queue) : "");
}

bool ask_wait(struct ask *a, enum err asked)
{
    uint64_t until = until_of(a);

    a->e = asked;
    while (a->e == OK && !a->answered) {
        loop_turn(a->loop, TURN_US);
        if (!a->answered && is_over(a, until)) {
            note_error(a);
            queue_close(a->queue);
            a->queue = NULL;
            a->answered = false;
            a->e = ERR_TIMEOUT;
            return false;
        }
    }
    a->answered = false;
    if (a->e != OK)
        note_error(a);
    return a->e == OK;
}

bool ask_until_up(struct ask *a)
{
    uint64_t until = until_of(a);

    while (!queue_up(a->queue) && !is_over(a, until))
        loop_turn(a->loop, TURN_US);
    a->e = queue_up(a->queue) ? OK : ERR_CLOSED;
    if (a->e != OK)
        note_error(a);
    return a->e == OK;
}

void ask_on_done(void *arg, enum err e)
{
    struct ask *a = arg;

    a->e = e;
    a->answered = true;
}
