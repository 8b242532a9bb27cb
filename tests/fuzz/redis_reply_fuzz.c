/* Bytes as Redis might send them, through hiredis' reader and then through everything of ours that
 * reads replies; and the same bytes as a command and as a URL. */
#include <hiredis/hiredis.h>
#include <stdlib.h>

#include "base/log.h"
#include "queue/internal.h"
#include "queue/redis_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_range(void *arg, uint32_t first, uint32_t last, const struct redis_host *master)
{
    if (first > last || last >= REDIS_SLOTS || !master->port || !master->host[0])
        abort();
    ++*(uint32_t *)arg;
}

static void read_as_queue(const redisReply *reply)
{
    static struct queue q; /* without room for requests: nothing is sent */
    struct queue_counts counts = {0};
    uint32_t n = 0;

    if (!q.tasks)
        q.tasks = calloc(QUEUE_CLAIM_MAX, sizeof(*q.tasks));
    if (answer_tasks(&q, reply, &n) == OK && n > QUEUE_CLAIM_MAX)
        abort();
    if (answer_counts(&q, reply, &counts) == OK && counts.statuses > QUEUE_STATUSES)
        abort();
}

static void read_as_node(const redisReply *reply)
{
    const struct redis_host self = {"127.0.0.1", 7000};
    struct redis_host h;
    uint32_t slot = 0, ranges = 0;

    if (reply_read_host(reply, &h) && !h.port)
        abort();
    if (reply_read_redirect(reply, &self, &slot, &h) != REDIRECT_NONE &&
        (slot >= REDIS_SLOTS || !h.port))
        abort();
    reply_read_slots(reply, &self, on_range, &ranges);
    reply_is_master(reply);
    reply_is_error(reply, "MOVED");
    reply_is_nil(reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    redisReader *reader = redisReaderCreate();
    struct slice text = slice_of((const char *)data, size);
    struct redis_target target;
    char error[REDIS_ERROR_MAX];
    uint32_t slot;
    void *reply = NULL;

    log_set_level(LOG_OFF);
    if (redis_slot_of(text, &slot) == OK && slot >= REDIS_SLOTS)
        abort();
    redis_parse_url(text, &target, error);
    redisReaderFeed(reader, (const char *)data, size);
    for (int i = 0; i < 16 && redisReaderGetReply(reader, &reply) == REDIS_OK && reply; i++) {
        read_as_node(reply);
        read_as_queue(reply);
        freeReplyObject(reply);
        reply = NULL;
    }
    redisReaderFree(reader);
    return 0;
}
