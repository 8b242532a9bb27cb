/* Leads that another program feeds, a JSON object a line on standard input, for as long as it
 * likes. Each line is answered by one of ours, {"line":1,"id":"a","state":"new"}, when Redis has
 * the lead and not before: what is not answered is to be sent again. States: new, changed, known
 * (was there, also when Redis took it and was away before it could say so), rejected (with why),
 * failed (Redis refuses it, with why). A lead that cannot be dialled is there, finished, and has a
 * "why", too.
 *
 * One line is under way at a time. While Redis is away nothing further is read, so the pipe fills
 * and its writer waits. */
#include "base/buf.h"
#include "base/json.h"
#include "dialer/import_internal.h"

#define ANSWER_MAX 1024

static void on_taken(void *arg, enum err e)
{
    struct import *in = arg;

    (void)e; /* of all leads so far; the counts tell of this one */
    in->answered = true;
}

static enum err wait_taken(struct import *in)
{
    struct queue *q = in->config->queue;
    enum err e = queue_add_finish(q, on_taken, in);
    bool away = false;

    in->answered = false;
    while (e == OK && !in->answered) {
        loop_turn(in->config->loop, IMPORT_TURN_US);
        if (away == queue_up(q)) {
            away = !away;
            if (in->config->text.len)
                continue; /* whoever sent them is told */
            fprintf(stderr, "%s\n",
                    away ? "Redis is away: nothing further is read until it is back"
                         : "Redis is back");
        }
        if (!in->answered && import_stop_asked(in))
            e = ERR_CANCELLED;
    }
    in->answered = false; /* for the next who waits */
    return e;
}

static enum err answer(struct import *in, const struct lead *lead, const char *state,
                       const char *why)
{
    char line[ANSWER_MAX];
    struct buf b = buf_on(line, sizeof(line));
    struct json j;

    json_init(&j, &b);
    json_begin_object(&j, NULL);
    json_u64(&j, "line", leads_line(in->leads));
    if (lead->id[0])
        json_cstr(&j, "id", lead->id);
    json_cstr(&j, "state", state);
    if (why[0])
        json_cstr(&j, "why", why);
    json_end(&j);
    buf_putc(&b, '\n');
    bool whole = buf_end(&b) == OK;

    if (whole && fwrite(line, 1, b.len, in->config->answers) == b.len &&
        fflush(in->config->answers) == 0)
        return OK;
    snprintf(in->error, IMPORT_ERROR_MAX, "line %llu cannot be answered: its output is closed",
             (unsigned long long)leads_line(in->leads));
    return ERR_IO;
}

/* What became of the one lead that was added between two counts. */
static const char *state_of(const struct queue_add_stats *before, const struct queue_add_stats *now)
{
    if (now->failed > before->failed)
        return "failed";
    if (now->added > before->added)
        return "new";
    return now->updated > before->updated ? "changed" : "known";
}

static enum err take(struct import *in, const struct lead *lead)
{
    const struct queue_add_stats *stats = queue_add_stats_of(in->config->queue);
    const struct queue_add_stats before = *stats;
    enum err e = import_put_lead(in, lead);

    if (e == OK && in->left_out)
        return answer(in, lead, "rejected", in->refused);
    if (e == OK)
        e = wait_taken(in);
    if (e != OK)
        return e;
    const char *state = state_of(&before, stats);

    return answer(in, lead, state,
                  stats->failed > before.failed ? queue_error(in->config->queue) : in->refused);
}

enum err import_feed(struct import *in)
{
    struct lead lead;

    for (;;) {
        enum err e = leads_next(in->leads, &lead);

        if (e == ERR_CLOSED || (e == ERR_IO && import_stop_asked(in)))
            return OK; /* all that was read is answered */
        if (e == ERR_INVALID) {
            if (in->rejects.path)
                import_rejects_put(&in->rejects, in->leads, leads_line(in->leads),
                                   leads_reason(in->leads));
            e = answer(in, &lead, "rejected", leads_reason(in->leads));
        } else if (e == OK) {
            e = take(in, &lead);
        }
        if (e != OK)
            return e;
    }
}
